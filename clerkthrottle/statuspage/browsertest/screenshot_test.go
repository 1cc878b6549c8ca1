package browsertest

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/page"

	"github.com/clerkthrottle/clerkthrottle-go/transport/snapshot"
)

var update = flag.Bool("update", false, "write the README's screenshots to statuspage/testdata")

const maxScreenshot = 200 << 10

// TestScreenshots takes the README's screenshots, and keeps them small.
func TestScreenshots(t *testing.T) {
	morning := time.Date(2026, 11, 24, 9, 41, 7, 0, time.UTC)
	url := serve(t, source(func() snapshot.Snapshot { return load(morning) }))
	for _, scheme := range []string{"light", "dark"} {
		for _, width := range []int64{390, 1280} {
			t.Run(fmt.Sprint(width, " ", scheme), func(t *testing.T) {
				tb := open(t, url, width, scheme)
				tb.awaitState("live")
				call(tb, emulation.SetScrollbarsHidden, emulation.SetScrollbarsHiddenParams{Hidden: true})
				tb.await("no scroll bar is left", fmt.Sprintf("document.documentElement.clientWidth === %d", width))
				beyond := true
				shot := call(tb, page.CaptureScreenshot, page.CaptureScreenshotParams{CaptureBeyondViewport: &beyond, Clip: clip(tb, width)}).Data
				if len(shot) > maxScreenshot {
					t.Errorf("%d bytes are too many for a README", len(shot))
				}
				if *update && scheme == "light" {
					tb.check(os.WriteFile(filepath.Join("..", "testdata", fmt.Sprintf("page-%d.png", width)), shot, 0o644))
				}
			})
		}
	}
}

// clip returns the whole page, or on a phone the part down to the busiest endpoint.
func clip(tb *tab, width int64) *page.Viewport {
	height := "document.documentElement.scrollHeight"
	if width < 600 {
		height = "document.querySelector('.endpoints tbody tr').getBoundingClientRect().bottom + scrollY"
	}
	return &page.Viewport{Width: float64(width), Height: eval[float64](tb, height), Scale: 1}
}
