package chromium

import (
	"testing"

	leftout "tests-that-need"
)

// Those of clerkthrottle/statuspage/browsertest, all of which look at a page.
func TestThatNeedChromium(t *testing.T) {
	leftout.Without(t, "CHROMIUM_BIN", "chromium", "chromium-browser", "google-chrome")
}
