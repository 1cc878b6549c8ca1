package main

import (
	"bytes"
	"context"
	"encoding/csv"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/clerkthrottle/clerkthrottle-go/clerkthrottle"
	"github.com/clerkthrottle/clerkthrottle-go/clerkthrottle/clerktest"
)

const testKey = "sk_test_importer"

// TestMain lets the test binary be the program itself, for the tests that kill it.
func TestMain(m *testing.M) {
	if os.Getenv("IMPORT_TEST_RUN_MAIN") != "" {
		main()
		return
	}
	_, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	stop() // this has started os/signal's goroutines outside of any synctest bubble
	os.Exit(m.Run())
}

// write makes a file in the test's directory and returns its path.
func write(t *testing.T, name, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// run is the whole program, with the answers of a stand-in in memory.
func run(t *testing.T, base http.RoundTripper, args ...string) (status int, output string) {
	t.Helper()
	return runWith(t, base, "", args...)
}

// runWith gives it standard input.
func runWith(t *testing.T, base http.RoundTripper, stdin string, args ...string) (status int, output string) {
	t.Helper()
	var out bytes.Buffer
	env := func(name string) string {
		return map[string]string{"CLERK_SECRET_KEY": testKey, "FIREBASE_SIGNER_KEY": "c2lnbmVy"}[name]
	}
	p := &program{env: env, in: strings.NewReader(stdin), out: &out, err: &out, base: base}
	status = p.run(args)
	return status, out.String()
}

// noClerk is for imports that must not send anything.
type noClerk struct{ t *testing.T }

func (n noClerk) RoundTrip(r *http.Request) (*http.Response, error) {
	n.t.Errorf("%s %s was sent", r.Method, r.URL)
	return nil, io.ErrUnexpectedEOF
}

// limits are those of a small instance.
func limits(n int, window time.Duration) clerktest.Option {
	return clerktest.WithLimits(clerkthrottle.Limit{Name: clerkthrottle.InstanceLimit, N: n, Window: window})
}

const csvHeader = "external_id,verified_email_address,first_name\n"

// usersCSV lists n users, one request each.
func usersCSV(n int) string {
	var b strings.Builder
	b.WriteString(csvHeader)
	for i := range n {
		fmt.Fprintf(&b, "u%d,user%d@example.com,Test\n", i, i)
	}
	return b.String()
}

// mixedCSV lists n users; every fifth has an address that is not verified, every
// tenth is banned.
func mixedCSV(n int) string {
	var b strings.Builder
	b.WriteString("external_id,verified_email_address,unverified_email_address,banned\n")
	for i := range n {
		old := ""
		if i%5 == 0 {
			old = fmt.Sprintf("old%d@example.com", i)
		}
		fmt.Fprintf(&b, "u%d,user%d@example.com,%s,%v\n", i, i, old, i%10 == 0)
	}
	return b.String()
}

type reject struct{ user, reason string }

// rejectsOf reads the rejects file of an input, by line.
func rejectsOf(t *testing.T, input string) map[string]reject {
	t.Helper()
	f, err := os.Open(input + ".rejects.csv")
	if os.IsNotExist(err) {
		return nil
	}
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	rows, err := csv.NewReader(f).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]reject{}
	for _, r := range rows[1:] {
		found[r[0]] = reject{r[1], r[2]}
	}
	return found
}
