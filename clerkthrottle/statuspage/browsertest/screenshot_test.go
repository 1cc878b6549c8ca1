package browsertest

import (
	"flag"
	"fmt"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/page"

	"github.com/clerkthrottle/clerkthrottle-go/clerkthrottle/statuspage"
	"github.com/clerkthrottle/clerkthrottle-go/transport"
)

var (
	update = flag.Bool("update", false, "write the README's screenshots to statuspage/testdata")
	shots  = flag.String("shots", "", "write screenshots of every width and scheme to this folder")
)

const maxScreenshot = 150 << 10

// TestScreenshots takes the README's pictures, and keeps them small enough for
// a README.
func TestScreenshots(t *testing.T) {
	morning := time.Date(2026, 11, 24, 9, 41, 7, 0, time.UTC)
	server := httptest.NewServer(statuspage.New(source(func() transport.Snapshot { return load(morning) })))
	defer server.Close()
	for name, p := range map[string]struct {
		width  int64
		scheme string
	}{
		"page-1280.png":      {1280, "light"},
		"page-390.png":       {390, "light"},
		"page-1280-dark.png": {1280, "dark"},
		"page-390-dark.png":  {390, "dark"},
	} {
		if p.scheme == "dark" && *shots == "" {
			continue // only to be looked at
		}
		t.Run(name, func(t *testing.T) {
			tb := open(t, server.URL, p.width, p.scheme)
			tb.awaitState("live")
			call(tb, emulation.SetScrollbarsHidden, emulation.SetScrollbarsHiddenParams{Hidden: true})
			tb.await("no scroll bar is left", fmt.Sprintf("document.documentElement.clientWidth === %d", p.width))
			beyond := true
			shot := shrink(t, call(tb, page.CaptureScreenshot, page.CaptureScreenshotParams{CaptureBeyondViewport: &beyond, Clip: clip(tb, p.width)}).Data)
			if len(shot) > maxScreenshot {
				t.Errorf("%d bytes are too many for a README", len(shot))
			}
			dir := *shots
			if *update && p.scheme == "light" {
				dir = filepath.Join("..", "testdata")
			}
			if dir == "" {
				return
			}
			if err := os.MkdirAll(dir, 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(dir, name), shot, 0o644); err != nil {
				t.Fatal(err)
			}
		})
	}
}

// clip is the whole page, or on a phone down to the busiest endpoint.
func clip(tb *tab, width int64) *page.Viewport {
	height := "document.documentElement.scrollHeight"
	if width < 600 {
		height = "document.querySelector('.endpoints tbody tr').getBoundingClientRect().bottom + scrollY"
	}
	return &page.Viewport{Width: float64(width), Height: eval[float64](tb, height), Scale: 1}
}
