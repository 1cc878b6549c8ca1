package adapt

import (
	"math"
	"testing"
	"time"
)

const window = 10 * time.Second

func near(got, want float64) bool { return math.Abs(got-want) <= 1e-9*max(1, math.Abs(want)) }

func TestProbeTable(t *testing.T) {
	for _, c := range []struct {
		windows float64
		events  int
		want    float64
	}{
		// Grown up: hold 12, double every 2 for 4 doublings, then every half.
		{0, 3, 0},
		{12, 3, 0},
		{13, 3, 0.0012 * (math.Sqrt2 - 1)},
		{14, 3, 0.0012 * 1},
		{16, 3, 0.0012 * 3},
		{18, 3, 0.0012 * 7},
		{20, 3, 0.0012 * 15},
		{20.5, 3, 0.0012 * 31},
		{21, 3, 0.0012 * 63},
		{22, 3, 0.0012 * 255},
		{23, 3, 0.0012 * 1023}, // the whole limit: 230 s after the last event
		// A newcomer: no hold, double every window for 4, then every quarter.
		{-1, 1, 0},
		{0, 1, 0},
		{1, 1, 0.015 * 1},
		{2, 2, 0.015 * 3},
		{4, 2, 0.015 * 15},
		{4.25, 1, 0.015 * 31},
		{4.5, 2, 0.015 * 63},
	} {
		got := probe(time.Duration(c.windows*float64(window)), window, c.events)
		if !near(got, c.want) {
			t.Errorf("probe after %v windows and %d events = %v, want %v", c.windows, c.events, got, c.want)
		}
	}
}

func TestCutTable(t *testing.T) {
	for _, c := range []struct {
		perWindow float64
		events    int
		want      float64
	}{
		{1000, 3, 0.03025},
		{250, 3, 0.031},
		{15.625, 3, 0.046},
		{1, 3, 0.28},
		{0.1, 3, 0.28}, // not more than for one a window
		{1000, 1, 0.05},
		{10, 2, 0.055},
	} {
		if got := cut(c.perWindow, c.events); !near(got, c.want) {
			t.Errorf("cut(%v, %d) = %v, want %v", c.perWindow, c.events, got, c.want)
		}
	}
}

func TestSurplusCutTable(t *testing.T) {
	for _, c := range []struct{ shares, want float64 }{
		{0, 0}, // nothing tells
		{0.1, 0},
		{1, 0},
		{1.25, 0},
		{1.5, 0.0445572},
		{2, 0.1108610},
		{3, 0.1965716},
		{100, 0.2},
	} {
		if got := surplusCut(c.shares); math.Abs(got-c.want) > 1e-6 {
			t.Errorf("surplusCut(%v) = %.7f, want %.7f", c.shares, got, c.want)
		}
	}
}

// Every program must climb by the same amount, or the small never catch up.
func TestClimbDoesNotDependOnTheRate(t *testing.T) {
	small, big := learnedAt(t, 20), learnedAt(t, 100)
	for now := small.since; now < small.since+20*window; now += window {
		a, b := small.PerSecond(now)-small.base, big.PerSecond(now)-big.base
		if math.Abs(a-b) > 1e-9 {
			t.Fatalf("climbed %v and %v a second", a, b)
		}
	}
}

// Time must not make a rate wrap round or overflow, however long it is idle.
func TestProbeAfterAYear(t *testing.T) {
	got := probe(365*24*time.Hour, time.Millisecond, 3)
	if !(got > 1) {
		t.Fatalf("probe = %v", got)
	}
}
