package clerkthrottle

import (
	"context"
	"log/slog"
	"sync"
	"time"
)

// quietFor is how long an endpoint's lines of one kind stay away after one: a
// block that hits a thousand requests is one line.
const quietFor = 10 * time.Second

// logObserver reports to a logger what its user should know: blocks as
// warnings, the rates learned from them as information, single requests only
// where they ask for debugging. Lines of one kind come at most once in ten
// seconds for an endpoint.
func logObserver(l *slog.Logger) *Observer {
	quiet := &quieter{last: make(map[string]time.Time)}
	warn := func(level slog.Level, kind, endpoint, message string, args ...any) {
		if l.Enabled(context.Background(), level) && quiet.ask(kind+" "+endpoint) {
			l.Log(context.Background(), level, message, append([]any{"endpoint", endpoint}, args...)...)
		}
	}
	return &Observer{
		Blocked: func(e BlockEvent) {
			warn(slog.LevelWarn, "blocked", e.Endpoint, "clerkthrottle: blocked after a 429", "for", e.For.Round(time.Millisecond), "until", e.Until)
		},
		RateChanged: func(e RateEvent) {
			if !e.Learned {
				warn(slog.LevelInfo, "rate", e.Endpoint, "clerkthrottle: no 429 for long; the documented rate holds again", "requests_per_second", e.Rate)
				return
			}
			warn(slog.LevelInfo, "rate", e.Endpoint, "clerkthrottle: other programs share the limit; this one slows down",
				"requests_per_second", e.Rate, "documented", e.Documented)
		},
		Refused: func(_ context.Context, e *ThrottledError) {
			warn(slog.LevelDebug, "refused", e.Endpoint, "clerkthrottle: refused", "error", e)
		},
		Retrying: func(_ context.Context, e RetryEvent) {
			warn(slog.LevelDebug, "retrying", e.Endpoint, "clerkthrottle: trying again", "attempt", e.Attempt, "status", e.Status, "pause", e.Pause)
		},
		Waited: func(_ context.Context, e WaitEvent) {
			if e.DryRun {
				warn(slog.LevelInfo, "dry", e.Endpoint, "clerkthrottle: dry run: would have waited", "for", e.Wait, "limit", e.Limit)
				return
			}
			warn(slog.LevelDebug, "waited", e.Endpoint, "clerkthrottle: waited", "for", e.Wait, "limit", e.Limit, "hold", string(e.Hold))
		},
	}
}

// quieter lets a line through unless one like it was let through just before. It
// is safe for concurrent use. There are as many kinds as endpoints, which are
// bounded.
type quieter struct {
	mu   sync.Mutex
	last map[string]time.Time
}

func (q *quieter) ask(kind string) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	now := time.Now()
	if last, ok := q.last[kind]; ok && now.Sub(last) < quietFor {
		return false
	}
	q.last[kind] = now
	return true
}
