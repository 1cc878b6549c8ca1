package prometheus

import (
	"testing"

	leftout "tests-that-need"
)

// Those of clerkthrottle/otelthrottle/sdktest on alerts and the dashboard.
func TestThatNeedPrometheus(t *testing.T) { leftout.Without(t, "", "prometheus") }
