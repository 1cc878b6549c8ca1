// Command import creates the users of a file in Clerk, as fast as the rate limit
// allows and no faster.
//
//	CLERK_SECRET_KEY=sk_test_… go run ./examples/import users.csv
//
// It reads CSV, JSON and JSON Lines, and can be stopped at any moment: run again,
// it goes on where it was. A journal beside the input knows which users were made.
// See the README for what it takes from where, and -help for the flags.
//
//	go run ./examples/import -demo
//
// imports 2,000 generated users into a stand-in for Clerk on loopback. It needs no
// account and takes three minutes.
//
// The packages below internal follow the data: rows reads a file, users makes
// users of its rows, journal records what became of them, sender makes them at
// Clerk, and report tells people. standin is for the tests.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/clerkthrottle/clerkthrottle-go/examples/import/internal/journal"
	"github.com/clerkthrottle/clerkthrottle-go/examples/import/internal/report"
	"github.com/clerkthrottle/clerkthrottle-go/examples/import/internal/sender"
	"github.com/clerkthrottle/clerkthrottle-go/examples/internal/flags"
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
	os.Exit((&program{env: os.Getenv, in: os.Stdin, out: os.Stdout, err: os.Stderr}).run(os.Args[1:]))
}

// A program is the whole of it but for its process.
type program struct {
	env      func(string) string
	in       io.Reader
	out, err io.Writer
	base     http.RoundTripper // nil: the network
}

// How an import ends, if not well and not by an error.
var (
	errRejects     = errors.New("some rows were rejected")
	errInterrupted = errors.New("interrupted")
)

func (p *program) run(args []string) (status int) {
	o, err := parseOptions(args, p.env, p.out)
	switch {
	case err != nil:
	case o.demo:
		err = p.demo(o)
	default:
		err = p.importFile(o)
	}
	usage := (*flags.UsageError)(nil)
	switch {
	case err == nil, errors.Is(err, flags.ErrDone):
		return exitDone
	case errors.Is(err, errRejects):
		return exitRejects
	case errors.Is(err, errInterrupted) && !errors.Is(err, journal.ErrBroken):
		fmt.Fprintln(p.err, "import: interrupted; nothing is lost: run it again to go on")
		return exitInterrupted
	case errors.As(err, &usage):
		fmt.Fprintf(p.err, "import: %v\nimport: nothing was sent\n", err)
		return exitUsage
	default:
		fmt.Fprintf(p.err, "import: stopped: %v\nimport: nothing is lost: run it again to go on\n", err)
		return exitStopped
	}
}

func (p *program) importFile(o *options) error {
	rejects, err := report.Begin(o.rejects)
	if err != nil {
		return &flags.UsageError{Err: err}
	}
	in, plan, err := o.read(p.in, rejects)
	if err != nil {
		return &flags.UsageError{Err: err}
	}
	plan.print(p.err, in, rejects.Count())
	if o.dryRun {
		fmt.Fprintf(p.out, "dry run: %d users would be made, %d rows rejected; nothing was sent\n", plan.users, rejects.Count())
		if plan.users > 0 {
			fmt.Fprintf(p.out, "The first of them:\n%s", plan.preview)
		}
	} else if err = p.send(o, in, plan, rejects); errors.As(err, new(*flags.UsageError)) {
		return err
	}
	if err := errors.Join(err, rejects.Finish(p.out)); err != nil {
		return err
	}
	if rejects.Count() > 0 {
		return errRejects
	}
	return nil
}

func (p *program) send(o *options, in *input, plan *plan, rejects *report.Rejects) (err error) {
	j, err := journal.Open(o.journal, o.instanceName())
	if err != nil {
		return &flags.UsageError{Err: err}
	}
	defer func() { err = errors.Join(err, j.Close()) }()
	base := p.base
	if base == nil {
		t := http.DefaultTransport.(*http.Transport).Clone()
		t.MaxIdleConnsPerHost = o.send.Workers()
		base = t
	}
	progress := &report.Progress{Users: plan.users, Requests: plan.requests, Limit: o.send.Allowance(), Terminal: isTerminal(p.err)}
	if !o.quiet {
		progress.Out = p.err
	}
	send, err := sender.New(o.send, base, j, struct {
		*report.Progress
		*report.Rejects
	}{progress, rejects})
	if err != nil {
		return &flags.UsageError{Err: err}
	}
	defer func() { _ = send.Close() }()
	progress.Waiting = send.Waiting
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop) // a second Ctrl-C ends the program at once
	start, finish := time.Now(), progress.Show()
	if err = send.Run(ctx, in.again()); err != nil && ctx.Err() != nil {
		err = fmt.Errorf("%w: %w", errInterrupted, err)
	}
	finish()
	took := time.Since(start)
	made, before, longest := progress.Made()
	fmt.Fprintf(p.out, "%d users made in %.1f s", made, took.Seconds())
	if before > 0 {
		fmt.Fprintf(p.out, ", %d settled before", before)
	}
	fmt.Fprintf(p.out, ", %d rows rejected; the longest wait for the limit was %.1f s\n", rejects.Count(), longest.Seconds())
	return err
}

func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	if !ok {
		return false
	}
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}
