// Command import creates the users of a file in Clerk, as fast as the rate limit
// allows and no faster.
//
//	CLERK_SECRET_KEY=sk_test_… go run ./examples/import users.csv
//
// It reads CSV, JSON and JSON Lines: Clerk's own fields, the exports of Auth0,
// Auth.js, Better Auth, Firebase and Supabase, and the files of Clerk's migration
// scripts. It can be stopped at any moment, by Ctrl-C, a crash or kill -9, and
// goes on where it was when it is run again: a journal beside the input knows
// which users were made. Rows that cannot be imported are written to a file with
// their line, the user and the reason.
//
// It errs on the safe side: a password hash never goes out as a password, an
// address that is not clearly verified is not verified at Clerk, and a user who
// was banned is banned.
//
//	go run ./examples/import -demo
//
// imports 2,000 generated users into a stand-in for Clerk on loopback, with the
// limit of a development instance, and compares the time with the shortest
// possible one. It needs no account and takes three minutes.
//
// The packages below internal follow the way of the data: rows reads a file,
// users makes users of its rows, journal records what became of them, sender
// makes them at Clerk, and report tells people. standin is for the tests.
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
	"runtime/debug"
	"syscall"
	"time"

	"github.com/clerkthrottle/clerkthrottle-go/examples/import/internal/journal"
	"github.com/clerkthrottle/clerkthrottle-go/examples/import/internal/report"
	"github.com/clerkthrottle/clerkthrottle-go/examples/import/internal/rows"
	"github.com/clerkthrottle/clerkthrottle-go/examples/import/internal/sender"
	"github.com/clerkthrottle/clerkthrottle-go/examples/import/internal/users"
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
	os.Exit((&program{env: os.Getenv, in: os.Stdin, out: os.Stdout, err: os.Stderr}).run(ctx, os.Args[1:]))
}

// A program is the whole of it but for its process.
type program struct {
	env      func(string) string
	in       io.Reader
	out, err io.Writer
	base     http.RoundTripper // nil: the network
}

func (p *program) run(ctx context.Context, args []string) (status int) {
	o, err := parseOptions(args, p.env, p.out)
	if errors.Is(err, flag.ErrHelp) {
		return exitDone
	}
	var s summary
	switch {
	case err != nil:
	case o.version:
		p.printVersion()
	case o.demo:
		err = p.demo(ctx, o)
	default:
		s, err = p.importFile(ctx, o)
	}
	switch unreadable := (*rows.FileError)(nil); {
	case err == nil && s.rejected > 0:
		return exitRejects
	case err == nil:
		return exitDone
	case ctx.Err() != nil && !errors.Is(err, journal.ErrBroken):
		fmt.Fprintln(p.err, "import: interrupted; nothing is lost: run it again to go on")
		return exitInterrupted
	case o != nil && o.demo:
		fmt.Fprintf(p.err, "import: demo: %v\n", err)
		return exitStopped
	case errors.Is(err, errUsage), errors.As(err, &unreadable):
		fmt.Fprintf(p.err, "import: %v\nimport: nothing was sent\n", err)
		return exitUsage
	default:
		fmt.Fprintf(p.err, "import: stopped: %v\nimport: nothing is lost: run it again to go on\n", err)
		return exitStopped
	}
}

func (p *program) printVersion() {
	version, goVersion := "(unknown)", ""
	if info, ok := debug.ReadBuildInfo(); ok {
		version, goVersion = info.Main.Version, info.GoVersion
	}
	fmt.Fprintf(p.out, "import %s %s\n", version, goVersion)
}

// summary is what an import came to.
type summary struct {
	before   int // users settled by earlier runs
	made     int // by this one
	rejected int // rows, for whatever reason
	took     time.Duration
}

// teller is all that is told while users are sent.
type teller struct {
	*report.Progress
	*report.Rejects
}

func (t teller) Reject(line int, user, reason string) error { return t.Add(line, user, reason) }

func (p *program) importFile(ctx context.Context, o *options) (s summary, err error) {
	in, err := rows.Open(ctx, o.input, p.in)
	if err != nil {
		return s, usageError{err}
	}
	defer func() { _ = in.Close() }()
	rejects, err := report.Begin(o.rejects)
	if err != nil {
		return s, usageError{err}
	}
	defer func() { err = errors.Join(err, rejects.Close()) }()
	plan, err := o.makePlan(in, rejects.Add)
	if err != nil {
		return s, err
	}
	plan.print(p.err, o, in.Name)
	if o.dryRun {
		s.rejected = plan.bad
		fmt.Fprintf(p.out, "dry run: %d users would be made, %d rows rejected; nothing was sent\n", plan.users, plan.bad)
		if plan.users > 0 {
			fmt.Fprintf(p.out, "The first of them:\n%s", plan.preview)
		}
		rejects.Print(p.out)
		return s, nil
	}
	j, err := journal.Open(o.journal, o.instanceName())
	if err != nil {
		return s, usageError{err}
	}
	defer func() { err = errors.Join(err, j.Close()) }()
	progress := &report.Progress{Users: plan.users, Terminal: isTerminal(p.err)}
	progress.N, progress.Window = o.send.Allowance()
	if s.before, progress.Requests, err = o.settled(in, plan, j); err != nil {
		return s, err
	}
	progress.Before = s.before
	if !o.quiet {
		progress.Out = p.err
	}
	base := p.base
	if base == nil {
		base = newTransport(o.send.Workers())
	}
	send, err := sender.New(o.send, base, j, teller{progress, rejects})
	if err != nil {
		return s, usageError{err}
	}
	defer func() { _ = send.Close() }()
	progress.Waiting = send.Waiting
	if s.before > 0 {
		progress.Say(fmt.Sprintf("%d of %d users were settled by earlier runs", s.before, plan.users))
	}
	start, finish := time.Now(), progress.Show()
	err = send.Run(ctx, func(each func(*users.User) error) error {
		_, _, err := o.read(in, each, func(int, string, string) error { return nil }) // told by the plan
		return err
	})
	finish()
	made, longest := progress.Made()
	s.made, s.rejected, s.took = made, rejects.Count(), time.Since(start)
	fmt.Fprintf(p.out, "%d users made in %.1f s", s.made, s.took.Seconds())
	if s.before > 0 {
		fmt.Fprintf(p.out, ", %d settled before", s.before)
	}
	fmt.Fprintf(p.out, ", %d rows rejected; the longest wait for the limit was %.1f s\n", s.rejected, longest.Seconds())
	rejects.Print(p.out)
	return s, err
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
