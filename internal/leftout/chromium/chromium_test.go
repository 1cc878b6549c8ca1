package chromium

import (
	"testing"

	leftout "tests-that-need"
)

// For all tests of clerkthrottle/statuspage/browsertest.
func TestThatNeedChromium(t *testing.T) {
	leftout.Without(t, "CHROMIUM_BIN", "chromium", "chromium-browser", "google-chrome")
}
