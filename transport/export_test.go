package transport

import (
	"context"
	"time"
)

// The scheduler without a transport around it, for tests that drive it directly.
type (
	Scheduler = scheduler
	Permit    = permit
	Outcome   = outcome
)

const (
	Failed    = failed
	Unsent    = unsent
	Answered  = answered
	Throttled = throttled

	DefaultAnswerTimeout = defaultAnswerTimeout
	SnapshotPrivate      = snapshotPrivate
)

func NewScheduler(cfg Config) *Scheduler {
	if cfg.MaxKeys == 0 {
		cfg.MaxKeys = defaultMaxKeys
	}
	return newScheduler(&cfg)
}

func (s *scheduler) Acquire(ctx context.Context, c *Claim, maxWait time.Duration) (*Permit, error) {
	return s.acquire(ctx, c, maxWait)
}

func (s *scheduler) Snapshot() Snapshot { return s.snapshot() }
func (s *scheduler) Close() error       { return s.close() }

// CommonWindows returns how many windows every exchange names.
func CommonWindows(t *Transport) int { return len(t.scheduler.fleet.common) }
