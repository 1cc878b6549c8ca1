package prometheus

import (
	"testing"

	leftout "tests-that-need"
)

// For the tests of clerkthrottle/otelthrottle/sdktest on alerts and the dashboard.
func TestThatNeedPrometheus(t *testing.T) { leftout.Without(t, "", "prometheus") }
