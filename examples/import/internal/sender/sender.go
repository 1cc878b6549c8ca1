// Package sender makes users in Clerk, through the throttle, as fast as the
// limit allows, and each of them once, whatever earlier runs left half done.
package sender

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"net/http"
	"net/url"
	"sync"
	"sync/atomic"
	"time"

	"github.com/clerk/clerk-sdk-go/v2"
	"github.com/clerk/clerk-sdk-go/v2/emailaddress"
	"github.com/clerk/clerk-sdk-go/v2/phonenumber"
	"github.com/clerk/clerk-sdk-go/v2/user"
	"golang.org/x/sync/errgroup"

	"github.com/clerkthrottle/clerkthrottle-go/clerkthrottle"
	"github.com/clerkthrottle/clerkthrottle-go/examples/import/internal/journal"
	"github.com/clerkthrottle/clerkthrottle-go/examples/import/internal/users"
	"github.com/clerkthrottle/clerkthrottle-go/examples/internal/flags"
	"github.com/clerkthrottle/clerkthrottle-go/transport"
)

// maxWait is how long a user may stand in line. Nobody waits for an import, and
// Ctrl-C ends every wait, so a block of hours is better sat out.
const maxWait = 24 * time.Hour

// Config says where to send, and how much.
type Config struct {
	Key, URL string
	Instance string      // a name for the instance, if its key changes
	Limit    flags.Limit // the instance's; the zero value: the documented one
	Headroom float64     // share of the limit that is left to others
}

// Allowance is what the import may use of the instance's limit.
func (c *Config) Allowance() flags.Limit {
	limit := c.Limit.Of(c.Key)
	limit.N = max(1, int(float64(limit.N)*(1-c.Headroom)))
	return limit
}

// Workers is how many requests are under way at once. By Little's law a rate of
// r requests a second whose answers take t seconds keeps r·t of them under way;
// two seconds is more than Clerk takes. More would only stand in line, and be in
// doubt after a crash.
func (c *Config) Workers() int {
	limit := c.Allowance()
	return min(max(8, int(2*float64(limit.N)/limit.Window.Seconds())), 200)
}

// A Journal is what a [journal.Journal] is.
type Journal interface {
	Word(key string) (journal.Word, error)
	Last() time.Time
	Sent(key string) error
	Asked() error
	Settle(key string, w journal.Word) error
}

// A Report is told what happens, by many goroutines at once.
type Report interface {
	Sent(waited time.Duration)         // a request left, and how long it was held back
	Settled(made bool)                 // a user is done, or rejected
	Before(requests int)               // a user was settled by an earlier run, who would have taken so many
	Say(text string)                   // worth a line
	Add(line int, user, reason string) // a user who was not made, or not all of it
}

// A Sender makes the users of one import.
type Sender struct {
	config   Config
	journal  Journal
	report   Report
	throttle *transport.Transport
	users    *user.Client
	emails   *emailaddress.Client
	phones   *phonenumber.Client
	silent   atomic.Int32 // how many requests in a row got no clear answer
}

// New puts the SDK on top of the throttle and the throttle on top of base.
func New(c Config, base http.RoundTripper, j Journal, r Report) (*Sender, error) {
	s := &Sender{config: c, journal: j, report: r}
	api, err := url.Parse(c.URL)
	if err != nil {
		return nil, err
	}
	settings := []clerkthrottle.Option{
		clerkthrottle.WithBase(&recorder{base, j, r}),
		clerkthrottle.WithHosts(api.Hostname()),
		clerkthrottle.WithHeadroom(c.Headroom),
		clerkthrottle.WithMaxWait(maxWait),
		clerkthrottle.WithLogger(slog.New(slog.DiscardHandler)), // the report has the word
		clerkthrottle.WithObserver(&transport.Observer{Blocked: func(e transport.BlockEvent) {
			r.Say(fmt.Sprintf("Clerk answered 429: no %s for %s", e.Endpoint, e.For.Round(time.Second)))
		}}),
	}
	settings = append(settings, c.Limit.Options()...)
	if c.Instance != "" {
		settings = append(settings, clerkthrottle.WithInstanceID(c.Instance))
	}
	if s.throttle, err = clerkthrottle.NewTransport(settings...); err != nil {
		return nil, err
	}
	config := &clerk.ClientConfig{}
	config.HTTPClient = &http.Client{Transport: s.throttle}
	config.Key, config.URL = &c.Key, &c.URL
	s.users, s.emails, s.phones = user.NewClient(config), emailaddress.NewClient(config), phonenumber.NewClient(config)
	return s, nil
}

// Close ends the throttle.
func (s *Sender) Close() error { return s.throttle.Close() }

// Run makes the users whom earlier runs have not settled, and reports again what
// could not be done about the others. It returns when all are settled, or the
// first error that must stop everything, once the requests under way have been
// answered.
func (s *Sender) Run(ctx context.Context, list iter.Seq2[*users.User, error]) error {
	workers, working := errgroup.WithContext(clerkthrottle.WithPriority(ctx, clerkthrottle.Batch))
	workers.SetLimit(s.config.Workers())
	forgotten := sync.OnceValue(func() error { return s.letClerkForget(working) })
	for u, err := range list {
		var w journal.Word
		if err == nil {
			w, err = s.journal.Word(u.Key)
		}
		if err == nil && w.Settled() {
			if w.Reason != "" {
				s.report.Add(u.Line, u.Key, w.Reason)
			}
			s.report.Before(u.Requests())
			continue
		}
		if err = errors.Join(err, forgotten()); err != nil || working.Err() != nil {
			workers.Go(func() error { return err })
			break
		}
		workers.Go(func() error { return s.settle(working, u) })
	}
	if err := workers.Wait(); err != nil {
		return err
	}
	return context.Cause(ctx)
}

// letClerkForget waits until nothing that an earlier run has sent counts any more.
// That run's budget died with it, and the burst that a new one begins with would
// be answered 429. Those requests left in bursts, too, so next to nothing is lost by
// waiting for the last of them.
func (s *Sender) letClerkForget(ctx context.Context) error {
	// What was on its way when a run was killed arrived a little later. And a clock
	// that was set back must not make this wait for long.
	window := s.config.Allowance().Window + 250*time.Millisecond
	left := min(window, window-time.Since(s.journal.Last()))
	if left <= 0 {
		return nil
	}
	s.report.Say(fmt.Sprintf("requests of the last run still count at Clerk: going on in %s", left.Round(100*time.Millisecond)))
	return pause(ctx, left)
}

// settle makes a user and records what became of it. An error is no fault of the
// row: the import has to stop.
func (s *Sender) settle(ctx context.Context, u *users.User) error {
	var w journal.Word
	err := insist(ctx, func(attempt int) (err error) {
		w, err = s.bring(ctx, u, attempt)
		return err
	})
	if err == nil {
		err = s.journal.Settle(u.Key, w)
	}
	if err != nil {
		return fmt.Errorf("line %d: %w", u.Line, err)
	}
	if w.Reason != "" {
		s.report.Add(u.Line, u.Key, w.Reason)
	}
	s.report.Settled(w.Op == journal.Done)
	return nil
}

// Waiting says what the import waits for, if it does, and until when at least.
func (s *Sender) Waiting() (what string, until time.Time) {
	snapshot := s.throttle.Snapshot()
	for _, l := range snapshot.Limits {
		if l.Waiting > 0 {
			what = "waiting for the limit"
		}
	}
	for _, e := range snapshot.Endpoints {
		if e.BlockedUntil != nil && e.BlockedUntil.After(until) {
			what, until = "blocked by Clerk", *e.BlockedUntil
		}
	}
	if s.silent.Load() > 0 {
		what = "no clear answer, trying again"
	}
	return what, until
}
