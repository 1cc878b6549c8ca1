package main

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/clerk/clerk-sdk-go/v2"

	"github.com/clerkthrottle/clerkthrottle-go/clerkthrottle"
	"github.com/clerkthrottle/clerkthrottle-go/examples/internal/flags"
)

// options is what the command line and the environment say.
type options struct {
	input, format, from, mapping string
	unverified                   string
	noPasswords                  bool
	journal, rejects             string
	dryRun, quiet                bool
	headroom                     float64
	limit                        flags.Limit
	concurrency                  int
	instance                     string
	url                          flags.URL
	key                          string
	demo                         bool
	demoUsers                    int
	firebaseKey                  string
	firebaseSeparator            string
	firebaseRounds               int
	firebaseMemCost              int
}

const usage = `Usage: import [flags] users.csv|users.json|users.jsonl

Creates the users of a file in Clerk, as fast as the rate limit allows. Run it
again after a stop, a crash or a kill: it goes on where it was.
The secret key comes from CLERK_SECRET_KEY.

  import -dry-run users.csv          check the file, send nothing
  import -headroom 0.2 users.csv     leave a fifth of the limit to others
  import -demo                       2,000 users, without an account

Exit status: 0 all imported, 1 stopped by an error (run it again to go on), 2
wrong usage or unreadable input (nothing was sent), 3 finished, but some rows were
rejected (see the rejects file), 130 interrupted (run it again to go on).

Flags:
`

// errUsage marks what has to be corrected before anything is sent.
var errUsage = errors.New("usage")

func parseOptions(args []string, getenv func(string) string, out io.Writer) (*options, error) {
	o := &options{key: getenv("CLERK_SECRET_KEY"), firebaseKey: getenv("FIREBASE_SIGNER_KEY")}
	if err := o.url.Set(clerk.APIURL); err != nil {
		return nil, err
	}
	f := flag.NewFlagSet("import", flag.ContinueOnError)
	f.SetOutput(out)
	f.Usage = func() { fmt.Fprint(out, usage); f.PrintDefaults() }
	f.StringVar(&o.format, "format", auto, "of the input: csv, json, jsonl")
	f.StringVar(&o.from, "from", auto, "where the users come from: clerk, auth0, firebase, supabase")
	f.StringVar(&o.mapping, "map", "", "columns of other names: `\"Mail=email_address,Notes=-\"`")
	f.StringVar(&o.unverified, "unverified", "reject", "what to do with unverified addresses: reject the row, drop the address, trust it as verified")
	f.BoolVar(&o.noPasswords, "no-passwords", false, "leave passwords out")
	f.StringVar(&o.journal, "journal", "", "what was done, for the next run (default: the input's name with .journal)")
	f.StringVar(&o.rejects, "rejects", "", "rows that were not imported, with reasons (default: the input's name with .rejects.csv)")
	f.BoolVar(&o.dryRun, "dry-run", false, "check everything, send nothing")
	f.BoolVar(&o.quiet, "quiet", false, "no progress")
	f.Float64Var(&o.headroom, "headroom", 0, "share of the limit to leave to other programs, such as 0.2")
	f.Var(&o.limit, "limit", "the instance's limit, where Clerk granted another: `N/window`, such as 2000/10s")
	f.IntVar(&o.concurrency, "concurrency", 0, "requests under way at once (default: two seconds' worth of the limit)")
	f.StringVar(&o.instance, "instance", "", "a `name` for the Clerk instance, where its secret key changes between runs")
	f.Var(&o.url, "url", "of the Backend API, with its /v1; plain http only to loopback")
	f.BoolVar(&o.demo, "demo", false, "import generated users into a stand-in for Clerk on loopback")
	f.IntVar(&o.demoUsers, "demo-users", 2000, "how many, for -demo")
	f.StringVar(&o.firebaseSeparator, "firebase-salt-separator", "Bw==", "of the project's password hashes; the signer key comes from FIREBASE_SIGNER_KEY")
	f.IntVar(&o.firebaseRounds, "firebase-rounds", 8, "of the project's password hashes")
	f.IntVar(&o.firebaseMemCost, "firebase-mem-cost", 14, "of the project's password hashes")
	if err := f.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			return nil, err
		}
		return nil, fmt.Errorf("%w: %w", errUsage, err)
	}
	if err := o.check(f.Args()); err != nil {
		return nil, fmt.Errorf("%w: %w", errUsage, err)
	}
	return o, nil
}

func (o *options) check(args []string) error {
	switch {
	case o.demo && len(args) > 0:
		return errors.New("-demo makes its own input file")
	case o.demo && o.demoUsers < 1:
		return fmt.Errorf("-demo-users %d: must be positive", o.demoUsers)
	case !o.demo && len(args) != 1:
		return errors.New("want one input file; see -help")
	case o.unverified != "reject" && o.unverified != "drop" && o.unverified != "trust":
		return fmt.Errorf("-unverified %q: want reject, drop or trust", o.unverified)
	case !(o.headroom >= 0 && o.headroom < 1):
		return fmt.Errorf("-headroom %v: want 0 ≤ share < 1", o.headroom)
	case o.concurrency < 0:
		return fmt.Errorf("-concurrency %d: must not be negative", o.concurrency)
	}
	if !slices.Contains([]string{auto, "csv", "json", "jsonl"}, o.format) {
		return fmt.Errorf("-format %q: want csv, json, jsonl or auto", o.format)
	}
	if _, err := newChecker(o); err != nil {
		return err
	}
	if o.demo {
		return nil
	}
	o.input = args[0]
	if o.journal == "" {
		o.journal = o.input + ".journal"
	}
	if o.rejects == "" {
		o.rejects = o.input + ".rejects.csv"
	}
	if _, err := os.Stat(o.input); err != nil {
		return err
	}
	if o.key == "" && !o.dryRun {
		return errors.New("CLERK_SECRET_KEY is not set: it is in Clerk's dashboard, under API keys (-dry-run needs none)")
	}
	return nil
}

// instanceLimit is what the importer may use of the instance's limit.
func (o *options) instanceLimit() (n int, window time.Duration) {
	kind := clerkthrottle.Development
	if strings.HasPrefix(o.key, "sk_live_") || strings.HasPrefix(o.key, "live_") {
		kind = clerkthrottle.Production
	}
	limit := clerkthrottle.Limits(kind)[0]
	n, window = limit.N, limit.Window
	if o.limit.N > 0 {
		n, window = o.limit.N, o.limit.Window
	}
	return max(1, int(float64(n)*(1-o.headroom))), window
}

// workers is how many requests are under way at once. By Little's law a rate of
// r requests a second whose answers take t seconds keeps r·t of them under way;
// two seconds is more than Clerk takes. More would only stand in line, and be in
// doubt after a crash.
func (o *options) workers() int {
	if o.concurrency > 0 {
		return o.concurrency
	}
	n, window := o.instanceLimit()
	return min(max(8, int(2*float64(n)/window.Seconds())), 200)
}

// instanceName says which instance a journal belongs to, without a secret.
func (o *options) instanceName() string {
	if o.instance != "" {
		return o.instance
	}
	sum := sha256.Sum256([]byte(o.key))
	return hex.EncodeToString(sum[:6])
}
