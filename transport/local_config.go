package transport

import (
	"fmt"
	"math"
	"time"

	"github.com/clerkthrottle/clerkthrottle-go/internal/queue"
	"github.com/clerkthrottle/clerkthrottle-go/internal/registry"
)

// DefaultMaxKeys is how many keys of single resources and addresses a budget in
// this process keeps count of. A live one takes about 350 bytes.
const DefaultMaxKeys = 100_000

// LocalConfig describes a budget in this process. The zero value is right for
// almost everyone.
type LocalConfig struct {
	// ReserveInteractive and ReserveNormal are fractions of every shared limit
	// that lower classes leave alone: the first for [Interactive], the second
	// for [Normal] and above. A request of the class finds a token at once as
	// long as the class keeps to its fraction of the limit; and of the fraction
	// only as much is kept idle as the class can need before enough spent
	// tokens have come back. 0 ≤ each, and together < 1; default 0.
	ReserveInteractive, ReserveNormal float64
	// MaxQueue bounds how many requests may wait. Past it the latest request of
	// the lowest class is refused, with [ReasonQueueFull]. 0: no bound.
	MaxQueue int
	// MaxKeys bounds how many private limits (see [Limit]) are kept count of,
	// and as many endpoints of theirs. What is idle is forgotten first; where
	// all are in use, the requests of further keys are let through uncounted, and
	// their 429s handed back. 0: DefaultMaxKeys.
	MaxKeys int
	// DryRun computes everything and holds nobody back: requests are sent at
	// once, 429s are handed back, and what would have been waited is reported:
	// by each request alone, since there is no line. In a lasting overload the
	// true waits would be longer.
	DryRun bool
}

// NewLocalBudget returns a [Budget] that is kept in this process.
func NewLocalBudget() Budget { return newLocalBudget(LocalConfig{}) }

// NewBudget returns a [Budget] that is kept in this process, or an error that
// names the field that is wrong.
func (cfg LocalConfig) NewBudget() (Budget, error) {
	for _, f := range []struct {
		name  string
		value float64
	}{{"ReserveInteractive", cfg.ReserveInteractive}, {"ReserveNormal", cfg.ReserveNormal}} {
		if !(f.value >= 0 && f.value < 1) { // NaN fails, too
			return nil, fmt.Errorf("transport: LocalConfig.%s is %v: want 0 ≤ fraction < 1", f.name, f.value)
		}
	}
	switch {
	case cfg.ReserveInteractive+cfg.ReserveNormal >= 1:
		return nil, fmt.Errorf("transport: LocalConfig reserves %v and %v: together they must be below 1", cfg.ReserveInteractive, cfg.ReserveNormal)
	case cfg.MaxQueue < 0:
		return nil, fmt.Errorf("transport: LocalConfig.MaxQueue is %d: must not be negative", cfg.MaxQueue)
	case cfg.MaxKeys < 0:
		return nil, fmt.Errorf("transport: LocalConfig.MaxKeys is %d: must not be negative", cfg.MaxKeys)
	}
	return newLocalBudget(cfg), nil
}

func newLocalBudget(cfg LocalConfig) *localBudget {
	if cfg.MaxKeys == 0 {
		cfg.MaxKeys = DefaultMaxKeys
	}
	b := &localBudget{cfg: cfg, epoch: time.Now(), windows: registry.New((*station).idle)}
	b.endpoints = registry.New(func(ep *endpoint, now time.Duration) bool {
		b.forgottenLocked(ep, now)
		return ep.idle(now)
	})
	return b
}

// heldOf returns what each class must leave of a shared limit.
func (cfg LocalConfig) heldOf(l *Limit) *held {
	if cfg.ReserveInteractive == 0 && cfg.ReserveNormal == 0 {
		return nil
	}
	// Rounded up, but not for the last bit of a sum of fractions.
	of := func(fraction float64) int { return int(math.Ceil(fraction*float64(l.N) - 1e-9)) }
	var h held
	h[Normal.class()] = of(cfg.ReserveInteractive)
	h[Batch.class()] = of(cfg.ReserveInteractive + cfg.ReserveNormal)
	for class := range queue.Classes { // one token is always for everybody
		h[class] = min(h[class], l.N-1)
	}
	return &h
}
