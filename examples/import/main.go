// Command import creates the users of a file in Clerk, as fast as the rate limit
// allows and no faster.
//
//	CLERK_SECRET_KEY=sk_test_… go run ./examples/import users.csv
//
// It reads CSV, JSON and JSON Lines: Clerk's own fields and the exports of
// Auth0, Firebase and Supabase. It can be stopped at any moment, by Ctrl-C, a
// crash or kill -9, and goes on where it was when it is run again: a journal
// beside the input knows which users were made. Rows that cannot be imported are
// written to a file with their line and the reason.
//
//	go run ./examples/import -demo
//
// imports 2,000 generated users into a stand-in for Clerk on loopback, with the
// limit of a development instance, and compares the time with the shortest
// possible one. It needs no account and takes three minutes.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"
)

// The exit statuses, see the usage text.
const (
	exitDone        = 0
	exitStopped     = 1
	exitUsage       = 2
	exitRejects     = 3
	exitInterrupted = 130
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second Ctrl-C ends the program at once
	os.Exit(command(ctx, os.Args[1:], os.Getenv, os.Stdout, os.Stderr))
}

// command is the whole program but for its process.
func command(ctx context.Context, args []string, getenv func(string) string, stdout, stderr io.Writer) int {
	return commandOver(ctx, nil, args, getenv, stdout, stderr)
}

// commandOver sends the requests through base; nil means the network.
func commandOver(ctx context.Context, base http.RoundTripper, args []string, getenv func(string) string, stdout, stderr io.Writer) int {
	o, err := parseOptions(args, getenv, stderr)
	if errors.Is(err, flag.ErrHelp) {
		return exitDone
	}
	var s summary
	switch {
	case err != nil:
	case o.demo:
		err = demo(ctx, o, stdout, stderr)
	default:
		if base == nil {
			base = newTransport(o.workers())
		}
		s, err = importFile(ctx, o, base, stdout, stderr)
	}
	switch unreadable := (*fileError)(nil); {
	case err == nil && s.rejected > 0:
		return exitRejects
	case err == nil:
		return exitDone
	case ctx.Err() != nil && !errors.Is(err, errJournal):
		fmt.Fprintln(stderr, "import: interrupted; nothing is lost: run it again to go on")
		return exitInterrupted
	case errors.Is(err, errUsage), errors.As(err, &unreadable):
		fmt.Fprintf(stderr, "import: %v\nimport: nothing was sent\n", err)
		return exitUsage
	default:
		fmt.Fprintf(stderr, "import: stopped: %v\nimport: nothing is lost: run it again to go on\n", err)
		return exitStopped
	}
}

// summary is what an import came to.
type summary struct {
	total    int // rows that are users
	before   int // of those, made by earlier runs
	made     int // by this one
	rejected int // rows, for whatever reason
	took     time.Duration
}

// importFile checks the whole input, so that a file that cannot be read is told
// before anything is sent, and then imports it.
func importFile(ctx context.Context, o *options, base http.RoundTripper, stdout, stderr io.Writer) (s summary, err error) {
	p, err := makePlan(o)
	if err != nil {
		return s, err
	}
	p.print(stderr)
	if o.dryRun {
		return p.dryRun(o, stdout)
	}
	j, err := openJournal(o.journal, o.instanceName())
	if err != nil {
		return s, err
	}
	defer func() { err = errors.Join(err, j.Close()) }()
	r, err := newRejects(o.rejects)
	if err != nil {
		return s, err
	}
	defer func() { err = errors.Join(err, r.Close()) }()

	if s, err = p.summary(o, j); err != nil {
		return s, err
	}
	bar := &progress{total: s.total, done: s.before}
	bar.n, bar.window = o.instanceLimit()
	if !o.quiet {
		bar.out, bar.terminal = stderr, isTerminal(stderr)
	}
	im, err := newImporter(o, base, j, r, bar)
	if err != nil {
		return s, fmt.Errorf("%w: %w", errUsage, err)
	}
	defer func() { _ = im.throttle.Close() }()
	if s.before > 0 {
		bar.say(fmt.Sprintf("%d of %d users were settled by earlier runs", s.before, s.total))
	}
	start := time.Now()
	bar.show()
	err = im.run(ctx)
	bar.finish()
	s.made, s.rejected, s.took = int(im.made.Load()), r.count, time.Since(start)
	s.print(stdout, r, bar)
	return s, err
}

func (s *summary) print(w io.Writer, r *rejects, p *progress) {
	fmt.Fprintf(w, "%d users made in %.1f s", s.made, s.took.Seconds())
	if s.before > 0 {
		fmt.Fprintf(w, ", %d settled before", s.before)
	}
	fmt.Fprintf(w, ", %d rows rejected; the longest wait for the limit was %.1f s\n", s.rejected, p.longest.Seconds())
	printRejects(w, r)
}

func printRejects(w io.Writer, r *rejects) {
	if r.count == 0 {
		return
	}
	for _, line := range r.first {
		fmt.Fprintln(w, "  "+line)
	}
	if more := r.count - len(r.first); more > 0 {
		fmt.Fprintf(w, "  and %d more\n", more)
	}
	fmt.Fprintf(w, "All of them, with their lines and reasons: %s\n", r.path)
}

// newTransport keeps a connection for every worker.
func newTransport(workers int) *http.Transport {
	t := http.DefaultTransport.(*http.Transport).Clone()
	t.MaxIdleConnsPerHost = workers
	return t
}

func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	if !ok {
		return false
	}
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}
