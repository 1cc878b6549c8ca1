package main

import (
	"bytes"
	"context"
	"encoding/csv"
	"fmt"
	"io"
	"net/http"
	"os"
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

// run is the whole program, with the answer of a stand-in in memory.
func run(t *testing.T, base http.RoundTripper, args ...string) (status int, output string) {
	t.Helper()
	return runContext(context.Background(), t, base, args...)
}

func runContext(ctx context.Context, t *testing.T, base http.RoundTripper, args ...string) (status int, output string) {
	t.Helper()
	var out bytes.Buffer
	env := func(name string) string { return map[string]string{"CLERK_SECRET_KEY": testKey}[name] }
	status = commandOver(ctx, base, args, env, &out, &out)
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

// usersCSV lists n users.
func usersCSV(n int) string {
	var b strings.Builder
	b.WriteString("external_id,email_address,first_name\n")
	for i := range n {
		fmt.Fprintf(&b, "u%d,user%d@example.com,Test\n", i, i)
	}
	return b.String()
}

// rejectsOf reads the rejects file of an input: line → reason.
func rejectsOf(t *testing.T, input string) map[string]string {
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
	found := map[string]string{}
	for _, r := range rows[1:] {
		found[r[0]] = r[2]
	}
	return found
}

// created is how many users the stand-in was asked to make, and made.
func created(s *clerktest.Server) (made int) {
	for _, r := range s.Requests() {
		if r.Endpoint == "POST /v1/users" && r.Status == http.StatusOK {
			made++
		}
	}
	return made
}
