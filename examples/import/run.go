package main

import (
	"context"
	"errors"
	"io"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/clerk/clerk-sdk-go/v2"
	"github.com/clerk/clerk-sdk-go/v2/user"

	"github.com/clerkthrottle/clerkthrottle-go/clerkthrottle"
	"github.com/clerkthrottle/clerkthrottle-go/transport"
)

const (
	// maxWait is how long a user may stand in line. Nobody waits for an import,
	// and Ctrl-C ends every wait, so a block of hours is better sat out.
	maxWait = 24 * time.Hour
	// answerTimeout is how long Clerk may take for an answer.
	answerTimeout = time.Minute
)

// An importer makes the users of one input file.
type importer struct {
	opts     *options
	users    *user.Client
	throttle *transport.Transport
	journal  *journal
	rejects  *rejects
	progress *progress
	made     atomic.Int64
}

// newImporter puts the SDK on top of the throttle and the throttle on top of
// base.
func newImporter(o *options, base http.RoundTripper, j *journal, r *rejects, p *progress) (*importer, error) {
	im := &importer{opts: o, journal: j, rejects: r, progress: p}
	settings := []clerkthrottle.Option{
		clerkthrottle.WithBase(&sender{base: base, journal: j, timeout: answerTimeout, waited: p.waited}),
		clerkthrottle.WithHeadroom(o.headroom),
		clerkthrottle.WithMaxWait(maxWait),
	}
	if o.limit.N > 0 {
		settings = append(settings, clerkthrottle.WithLimit(clerkthrottle.InstanceLimit, o.limit.N, o.limit.Window))
	}
	if o.instance != "" {
		settings = append(settings, clerkthrottle.WithInstanceID(o.instance))
	}
	var err error
	if im.throttle, err = clerkthrottle.NewTransport(settings...); err != nil {
		return nil, err
	}
	config := &clerk.ClientConfig{}
	config.HTTPClient = &http.Client{Transport: im.throttle}
	config.Key, config.URL = &o.key, clerk.String(o.url.String())
	im.users = user.NewClient(config)
	return im, nil
}

// run makes all users that the journal does not know as made or rejected. It
// returns when all are settled, or the first error that must stop everything,
// once the requests under way have been answered.
func (im *importer) run(ctx context.Context) error {
	ctx = clerkthrottle.WithPriority(ctx, clerkthrottle.Batch)
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	im.rememberSends(ctx)
	rows := make(chan row)
	var workers sync.WaitGroup
	for range im.opts.workers() {
		workers.Go(func() {
			for u := range rows {
				if ctx.Err() != nil {
					return
				}
				if err := im.settle(ctx, &u); err != nil {
					stop(err)
					return
				}
			}
		})
	}
	err := im.feed(ctx, rows)
	close(rows)
	workers.Wait()
	if cause := context.Cause(ctx); cause != nil {
		return cause
	}
	return err
}

// feed hands the rows out that are still to be done.
func (im *importer) feed(ctx context.Context, rows chan<- row) error {
	return readRows(im.opts, func(u row) error {
		if w := im.journal.users[u.key]; w.op == done {
			return nil
		} else if w.op == rejected {
			return im.rejects.add(u.line, u.key, w.reason)
		}
		select {
		case rows <- u:
			return nil
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}, func(e *rowError) error { return im.rejects.add(e.line, "", e.reason) }, nil)
}

// settle makes a user and records what became of it.
func (im *importer) settle(ctx context.Context, u *row) error {
	im.progress.begin()
	defer im.progress.end()
	result, err := im.make(ctx, u, im.journal.users[u.key].op == sent)
	switch {
	case err != nil:
		return err
	case result.reason != "":
		if err := im.journal.rejected(u, result.reason); err != nil {
			return err
		}
		err = im.rejects.add(u.line, u.key, result.reason)
	default:
		im.made.Add(1)
		err = im.journal.done(u, result.id)
	}
	im.progress.settled()
	return err
}

// readRows reads the input from the beginning. It calls each for every row, bad
// for every one that is no user, and look, if there is one, with the checker at
// the end.
func readRows(o *options, each func(row) error, bad func(*rowError) error, look func(*checker)) error {
	check, err := newChecker(o)
	if err != nil {
		return err
	}
	r, file, err := openInput(o.input, o.format, o.from)
	if err != nil {
		return err
	}
	defer file.Close()
	for {
		var u row
		record, err := r.next()
		if err == nil {
			u, err = check.check(record)
		}
		wrong := (*rowError)(nil)
		switch {
		case errors.Is(err, io.EOF):
			if look != nil {
				look(check)
			}
			return nil
		case errors.As(err, &wrong):
			err = bad(wrong)
		case err != nil:
			return &fileError{o.input, r.line(), err}
		default:
			err = each(u)
		}
		if err != nil {
			return err
		}
	}
}
