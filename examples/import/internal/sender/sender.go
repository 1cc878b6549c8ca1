// Package sender makes users in Clerk, through the throttle, as fast as the
// limit allows, and each of them once, whatever earlier runs left half done.
package sender

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/clerk/clerk-sdk-go/v2"
	"github.com/clerk/clerk-sdk-go/v2/emailaddress"
	"github.com/clerk/clerk-sdk-go/v2/phonenumber"
	"github.com/clerk/clerk-sdk-go/v2/user"

	"github.com/clerkthrottle/clerkthrottle-go/clerkthrottle"
	"github.com/clerkthrottle/clerkthrottle-go/examples/import/internal/journal"
	"github.com/clerkthrottle/clerkthrottle-go/examples/import/internal/users"
	"github.com/clerkthrottle/clerkthrottle-go/transport"
)

const (
	// maxWait is how long a user may stand in line. Nobody waits for an import,
	// and Ctrl-C ends every wait, so a block of hours is better sat out.
	maxWait = 24 * time.Hour
	// answerTimeout is how long Clerk may take for an answer.
	answerTimeout = time.Minute
)

// Config says where to send, and how much.
type Config struct {
	Key, URL string
	Instance string        // a name for the instance, if its key changes
	N        int           // the instance's limit; 0: the documented one
	Window   time.Duration //
	Headroom float64       // share of the limit that is left to others
}

// Allowance is what the import may use of the instance's limit.
func (c *Config) Allowance() (n int, window time.Duration) {
	kind := clerkthrottle.Development
	if strings.HasPrefix(c.Key, "sk_live_") || strings.HasPrefix(c.Key, "live_") {
		kind = clerkthrottle.Production
	}
	limit := clerkthrottle.Limits(kind)[0]
	n, window = limit.N, limit.Window
	if c.N > 0 {
		n, window = c.N, c.Window
	}
	return max(1, int(float64(n)*(1-c.Headroom))), window
}

// Workers is how many requests are under way at once. By Little's law a rate of
// r requests a second whose answers take t seconds keeps r·t of them under way;
// two seconds is more than Clerk takes. More would only stand in line, and be in
// doubt after a crash.
func (c *Config) Workers() int {
	n, window := c.Allowance()
	return min(max(8, int(2*float64(n)/window.Seconds())), 200)
}

// A Journal is what a [journal.Journal] is.
type Journal interface {
	Word(key string) journal.Word
	Sends() []time.Time
	Sent(key string, line int) error
	Asked() error
	Settle(key string, line int, w journal.Word) error
}

// A Report is told what happens, by many goroutines at once.
type Report interface {
	Sent(waited time.Duration)                  // a request left, and how long it was held back
	Settled(made bool)                          // a user is done, or rejected
	Say(text string)                            // worth a line
	Reject(line int, user, reason string) error // a user who was not made, or not all of it
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
		clerkthrottle.WithBase(&recorder{base: base, journal: j, report: r, timeout: answerTimeout}),
		clerkthrottle.WithHosts(api.Hostname()),
		clerkthrottle.WithHeadroom(c.Headroom),
		clerkthrottle.WithMaxWait(maxWait),
		clerkthrottle.WithLogger(slog.New(slog.DiscardHandler)), // the report has the word
		clerkthrottle.WithObserver(&transport.Observer{Blocked: func(e transport.BlockEvent) {
			r.Say(fmt.Sprintf("Clerk answered 429: no %s for %s", e.Endpoint, e.For.Round(time.Second)))
		}}),
	}
	if c.N > 0 {
		settings = append(settings, clerkthrottle.WithLimit(clerkthrottle.InstanceLimit, c.N, c.Window))
	}
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

// Run makes all users that feed hands out and that the journal does not know as
// done or rejected. It returns when all are settled, or the first error that must
// stop everything, once the requests under way have been answered.
func (s *Sender) Run(ctx context.Context, feed func(each func(*users.User) error) error) error {
	ctx = clerkthrottle.WithPriority(ctx, clerkthrottle.Batch)
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	s.rememberSends(ctx)
	queue := make(chan *users.User)
	var workers sync.WaitGroup
	for range s.config.Workers() {
		workers.Go(func() {
			for u := range queue {
				if ctx.Err() != nil {
					return
				}
				if err := s.settle(ctx, u); err != nil {
					stop(err)
					return
				}
			}
		})
	}
	err := feed(func(u *users.User) error {
		switch w := s.journal.Word(u.Key); {
		case w.Op != journal.Done && w.Op != journal.Rejected:
		case w.Reason != "":
			return s.report.Reject(u.Line, u.Key, w.Reason)
		default:
			return nil
		}
		select {
		case queue <- u:
			return nil
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	})
	close(queue)
	workers.Wait()
	if cause := context.Cause(ctx); cause != nil {
		return cause
	}
	return err
}

// settle makes a user and records what became of it.
func (s *Sender) settle(ctx context.Context, u *users.User) error {
	w, err := s.bring(ctx, u)
	if err != nil {
		return err
	}
	if err := s.journal.Settle(u.Key, u.Line, w); err != nil {
		return err
	}
	if w.Reason != "" {
		err = s.report.Reject(u.Line, u.Key, w.Reason)
	}
	s.report.Settled(w.Op == journal.Done)
	return err
}

// bring takes a user from where earlier runs left it to where nothing is left to
// be done. An error is no fault of the row: the import has to stop.
func (s *Sender) bring(ctx context.Context, u *users.User) (journal.Word, error) {
	var found *clerk.User
	var err error
	switch w := s.journal.Word(u.Key); w.Op {
	case journal.Made:
		if found, err = s.get(ctx, u, w.User); err == nil && found == nil {
			return journal.Word{Op: journal.Rejected, User: w.User, Reason: "made as " + w.User + " by an earlier run, and not at Clerk any more"}, nil
		}
	default:
		var reason string
		if found, reason, err = s.create(ctx, u, w.Op == journal.Sent); err == nil && found == nil {
			return journal.Word{Op: journal.Rejected, Reason: reason}, nil
		}
		if err == nil && u.Requests() > 1 {
			err = s.journal.Settle(u.Key, u.Line, journal.Word{Op: journal.Made, User: found.ID})
		}
	}
	if err != nil {
		return journal.Word{}, err
	}
	lacks, err := s.complete(ctx, u, found)
	return journal.Word{Op: journal.Done, User: found.ID, Reason: lacks}, err
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
		switch {
		case e.BlockedUntil != nil:
			if e.BlockedUntil.After(until) {
				what, until = "blocked by Clerk", *e.BlockedUntil
			}
		case e.Learned && e.Waiting > 0 && until.IsZero():
			what = "others use the limit"
		}
	}
	if s.silent.Load() > 0 {
		what = "no clear answer, trying again"
	}
	return what, until
}
