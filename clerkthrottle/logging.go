package clerkthrottle

import (
	"context"
	"log/slog"
	"sync"
	"time"
)

// quietFor is how long a log line is not repeated for the same endpoint: a block that
// affects a thousand requests is one line.
const quietFor = 10 * time.Second

// logObserver returns the observer that writes the log of [WithLogger].
func logObserver(l *slog.Logger) *Observer {
	var mu sync.Mutex
	last := make(map[string]time.Time) // by message and endpoint, which are bounded
	quiet := func(line string) bool {
		mu.Lock()
		defer mu.Unlock()
		now := time.Now()
		if before, ok := last[line]; ok && now.Sub(before) < quietFor {
			return true
		}
		last[line] = now
		return false
	}
	log := func(level slog.Level, endpoint, message string, args ...any) {
		if l.Enabled(context.Background(), level) && !quiet(message+" "+endpoint) {
			l.Log(context.Background(), level, message, append([]any{"endpoint", endpoint}, args...)...)
		}
	}
	return &Observer{
		Blocked: func(e BlockEvent) {
			log(slog.LevelWarn, e.Endpoint, "clerkthrottle: blocked after a 429", "for", e.For.Round(time.Millisecond), "until", e.Until)
		},
		RateChanged: func(e RateEvent) {
			if !e.Learned {
				log(slog.LevelInfo, e.Endpoint, "clerkthrottle: no 429 for a long time; the documented rate applies again", "requests_per_second", e.Rate)
				return
			}
			log(slog.LevelInfo, e.Endpoint, "clerkthrottle: other programs share the limit; slowing down",
				"requests_per_second", e.Rate, "documented", e.Documented)
		},
		Refused: func(_ context.Context, e *ThrottledError) {
			log(slog.LevelDebug, e.Endpoint, "clerkthrottle: refused", "error", e)
		},
		Retrying: func(_ context.Context, e RetryEvent) {
			log(slog.LevelDebug, e.Endpoint, "clerkthrottle: retrying", "attempt", e.Attempt, "status", e.Status, "pause", e.Pause)
		},
		RetryDenied: func(_ context.Context, e RetryEvent) {
			log(slog.LevelWarn, e.Endpoint, "clerkthrottle: too many failures; not retrying", "status", e.Status)
		},
		Waited: func(_ context.Context, e WaitEvent) {
			args := []any{"for", e.Wait, "hold", string(e.Hold)}
			if e.Limit != "" { // a block belongs to no limit
				args = append(args, "limit", e.Limit)
			}
			if e.DryRun {
				log(slog.LevelInfo, e.Endpoint, "clerkthrottle: dry run: would have waited", args...)
				return
			}
			log(slog.LevelDebug, e.Endpoint, "clerkthrottle: waited", args...)
		},
	}
}
