// Package edge holds what the proxies among the examples share: whose request it
// is, how the room for waiting requests and their bodies is divided among those
// who ask, how to refuse one in a form that Clerk's libraries know, and how to
// serve, be measured and stop.
package edge

import (
	"flag"
	"fmt"
	"log/slog"
	"net"
	"os"
	"runtime/debug"
	"time"

	"github.com/alecthomas/units"
)

// Options are the flags that the proxies have in common. What the exported ones
// hold when they are defined is their default.
type Options struct {
	Listen, Metrics string
	TrustedHops     int
	MaxWait, Grace  time.Duration

	maxQueue, maxConnections int
	bodies                   units.Base2Bytes
	timeout                  time.Duration
}

// Define defines the flags.
func (o *Options) Define(f *flag.FlagSet) {
	f.StringVar(&o.Listen, "listen", o.Listen, "`address` to listen on")
	f.StringVar(&o.Metrics, "metrics", "", "`address` to serve /metrics for Prometheus, and /-/health, on, such as 127.0.0.1:9464")
	f.IntVar(&o.TrustedHops, "trusted-hops", 1, "Frontend API: how many proxies before this one add to X-Forwarded-For, a calling program included; 0 if visitors connect to it directly")
	f.DurationVar(&o.MaxWait, "max-wait", o.MaxWait, "how long a request may wait for the limit before it is answered 429")
	f.DurationVar(&o.Grace, "grace", 30*time.Second, "how long requests have to finish after it is told to stop")
	f.IntVar(&o.maxQueue, "max-queue", 1500, "how many requests may wait or be under way at a time; one client never has more than four fifths")
	f.IntVar(&o.maxConnections, "max-connections", 4000, "how many connections there may be at a time; one address never has more than four fifths")
	f.TextVar(&o.bodies, "body-files", units.GiB, "`size` of the temporary files, in $TMPDIR, for bodies that are longer than 16KiB; 0: none, 32MiB of memory instead")
	f.DurationVar(&o.timeout, "body-timeout", 30*time.Second, "how long a client may take to send a body")
}

// Check names the flag that is wrong.
func (o *Options) Check() error {
	if _, _, err := net.SplitHostPort(o.Listen); err != nil {
		return fmt.Errorf("-listen %s: %w", o.Listen, err)
	}
	switch {
	case o.TrustedHops < 0:
		return fmt.Errorf("-trusted-hops %d: must not be negative", o.TrustedHops)
	case o.MaxWait < 0:
		return fmt.Errorf("-max-wait %s: must not be negative", o.MaxWait)
	case o.Grace < 0:
		return fmt.Errorf("-grace %s: must not be negative", o.Grace)
	case o.maxQueue < 1:
		return fmt.Errorf("-max-queue %d: must be positive", o.maxQueue)
	case o.maxConnections < 1:
		return fmt.Errorf("-max-connections %d: must be positive", o.maxConnections)
	case o.bodies < 0:
		return fmt.Errorf("-body-files %s: must not be negative", o.bodies)
	case o.timeout <= 0:
		return fmt.Errorf("-body-timeout %s: must be positive", o.timeout)
	}
	return nil
}

// withoutFiles is the memory for long bodies where no files are made for them.
const withoutFiles = 32 << 20

// entrance returns the entrance that the options describe. Where no temporary
// file can be made, bodies are kept in memory only, and the log says so.
func (o *Options) entrance(t Throttle, logger *slog.Logger) *Entrance {
	s := &Spool{Long: NewPool(int64(o.bodies)), Files: o.bodies > 0, Timeout: o.timeout}
	if s.Files {
		if f, err := createFile(); err != nil {
			logger.Warn("no temporary files can be made: bodies are kept in memory only", "at_most", withoutFiles, "error", err)
			s.Files = false
		} else {
			discard(f)
		}
	}
	if !s.Files {
		s.Long = NewPool(withoutFiles)
	}
	return &Entrance{Places: NewPool(int64(o.maxQueue)), Bodies: s, Throttle: t, Logger: logger}
}

// perConnection is about what a connection takes, with a request that waits on it
// and the body of that.
const perConnection = 32 << 10

// LimitMemory has the garbage collector keep to what the other bounds add up to,
// 189 MiB by default, instead of to twice what is in use; unless GOMEMLIMIT says
// what to keep to.
func (o *Options) LimitMemory() {
	if os.Getenv("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(32<<20 + withoutFiles + int64(o.maxConnections)*perConnection)
	}
}
