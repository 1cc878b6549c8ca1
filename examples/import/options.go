package main

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/clerk/clerk-sdk-go/v2"

	"github.com/clerkthrottle/clerkthrottle-go/examples/import/internal/sender"
	"github.com/clerkthrottle/clerkthrottle-go/examples/import/internal/users"
	"github.com/clerkthrottle/clerkthrottle-go/examples/internal/flags"
)

// options is what the command line and the environment say.
type options struct {
	input            string
	rows             users.Options
	journal, rejects string
	dryRun, quiet    bool
	url              flags.URL
	send             sender.Config
	demo             bool
	demoUsers        int
}

const usage = `Import creates the users of a file in Clerk, as fast as the rate limit allows.

Usage: import [flags] FILE     CSV, JSON or JSON Lines; - is standard input

Run it again after a stop, a crash or a kill: it goes on where it was.
The secret key comes from CLERK_SECRET_KEY.

  import -dry-run users.csv          check the file, show a user, send nothing
  import -headroom 0.2 users.csv     leave a fifth of the limit to others
  import -demo                       2,000 users, without an account

Exit status: 0 all imported, 1 stopped by an error (run it again to go on), 2
wrong usage or unreadable input (nothing was sent), 3 finished, but some rows were
rejected (see the rejects file), 130 interrupted (run it again to go on).

Flags:
`

// parseOptions prints the usage if it is asked for.
func parseOptions(args []string, getenv func(string) string, out io.Writer) (*options, error) {
	o := &options{}
	o.send.Key, o.rows.Firebase.Key = getenv("CLERK_SECRET_KEY"), getenv("FIREBASE_SIGNER_KEY")
	if err := o.url.Set(clerk.APIURL); err != nil {
		return nil, err
	}
	f := flag.NewFlagSet("import", flag.ContinueOnError)
	f.StringVar(&o.rows.From, "from", users.Auto, "where the users come from: auto, to go by the columns, or clerk, auth0, authjs, betterauth, firebase, supabase, other")
	f.StringVar(&o.rows.Map, "map", "", "what columns of other names mean: `\"Mail=email_address,Notes=-\"`")
	f.StringVar(&o.rows.Unverified, "unverified", users.AddUnverified, "what to do with addresses that are not verified: add them as such, drop them, reject the row")
	f.BoolVar(&o.rows.AssumeVerified, "assume-verified", false, "treat addresses as verified where the row does not say")
	f.BoolVar(&o.rows.NoPasswords, "no-passwords", false, "leave passwords out")
	f.StringVar(&o.journal, "journal", "", "`file` that records what was done, for the next run (default: the input's name with .journal)")
	f.StringVar(&o.rejects, "rejects", "", "`file` for rows that were not imported, with reasons (default: the input's name with .rejects.csv)")
	f.BoolVar(&o.dryRun, "dry-run", false, "check everything, show what would be sent for the first user, and send nothing")
	f.BoolVar(&o.quiet, "quiet", false, "show no progress")
	f.Float64Var(&o.send.Headroom, "headroom", 0, "`share` of the limit to leave to other programs, such as 0.2")
	f.Var(&o.send.Limit, "limit", "the instance's limit, where Clerk granted another: `N/window`, such as 2000/10s")
	f.StringVar(&o.send.Instance, "instance", "", "a `name` for the Clerk instance, where its secret key changes between runs")
	f.Var(&o.url, "url", "`URL` of the Backend API, with its /v1; plain http only to loopback")
	f.BoolVar(&o.demo, "demo", false, "import generated users into a stand-in for Clerk on loopback")
	f.IntVar(&o.demoUsers, "demo-users", 2000, "how many, for -demo")
	f.StringVar(&o.rows.Firebase.Separator, "firebase-salt-separator", "Bw==", "of the project's password hashes; the signer key comes from FIREBASE_SIGNER_KEY")
	f.IntVar(&o.rows.Firebase.Rounds, "firebase-rounds", 8, "of the project's password hashes")
	f.IntVar(&o.rows.Firebase.MemCost, "firebase-mem-cost", 14, "of the project's password hashes")
	if err := flags.ParseWith(f, usage, args, out); err != nil {
		return nil, err
	}
	if err := o.check(f.Args()); err != nil {
		return nil, &flags.UsageError{Err: err}
	}
	o.send.URL = o.url.String()
	return o, nil
}

func (o *options) check(args []string) error {
	switch {
	case o.demo && len(args) > 0:
		return errors.New("-demo makes its own input file")
	case o.demo && o.demoUsers < 1:
		return fmt.Errorf("-demo-users %d: must be positive", o.demoUsers)
	case !o.demo && len(args) == 0:
		return errors.New("an input file is missing; see -help")
	case len(args) > 1:
		return fmt.Errorf("%q: there is one input file, and flags go before it", args[1])
	case !(o.send.Headroom >= 0 && o.send.Headroom < 1):
		return fmt.Errorf("-headroom %v: want 0 ≤ share < 1", o.send.Headroom)
	}
	if _, err := users.NewChecker(o.rows); err != nil {
		return err
	}
	if o.demo {
		return nil
	}
	o.input = args[0]
	return o.checkFiles()
}

// checkFiles fills in the names of files. They stand beside the input, if it is a
// file that can be read again.
func (o *options) checkFiles() error {
	base := ""
	if o.input != "-" {
		info, err := os.Stat(o.input)
		if err != nil {
			return err
		}
		if info.Mode().IsRegular() {
			base = o.input
		}
	}
	if o.journal == "" && base != "" {
		o.journal = base + ".journal"
	}
	if o.rejects == "" && cmp.Or(base, o.journal) != "" {
		o.rejects = cmp.Or(base, o.journal) + ".rejects.csv"
	}
	switch {
	case o.journal == "" && !o.dryRun:
		return fmt.Errorf("%s cannot be read a second time: say with -journal where to keep what was done", o.input)
	case o.journal != "" && filepath.Clean(o.journal) == filepath.Clean(o.rejects):
		return fmt.Errorf("-rejects %s: this is the journal", o.rejects)
	case o.send.Key == "" && !o.dryRun:
		return errors.New("CLERK_SECRET_KEY is not set: it is in Clerk's dashboard, under API keys (-dry-run needs none)")
	}
	return nil
}

// name is what messages call the input.
func (o *options) name() string {
	if o.input == "-" {
		return "standard input"
	}
	return o.input
}

// instanceName says which instance a journal belongs to, without a secret.
func (o *options) instanceName() string {
	if o.send.Instance != "" {
		return o.send.Instance
	}
	sum := sha256.Sum256([]byte(o.send.Key))
	return hex.EncodeToString(sum[:6])
}
