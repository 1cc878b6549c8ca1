package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/clerkthrottle/clerkthrottle-go/clerkthrottle/clerktest"
)

// A request whose answer was lost may have been carried out or not: the import
// asks, and makes every user once.
func TestLostAnswersMakeNobodyTwice(t *testing.T) {
	for name, fault := range map[string]clerktest.Fault{
		"answer lost":     {Loss: clerktest.AnswerLost},
		"request lost":    {Loss: clerktest.RequestLost},
		"answer cut off":  {Header: http.Header{"Content-Length": {"2"}}, Stall: time.Hour},
		"bad gateway":     {Status: http.StatusBadGateway},
		"internal error":  {Status: http.StatusInternalServerError},
		"not Clerk's 503": {Status: http.StatusServiceUnavailable, Header: http.Header{"Retry-After": {"2"}}},
	} {
		t.Run(name, func(t *testing.T) {
			input := write(t, "u.csv", usersCSV(40))
			synctest.Test(t, func(t *testing.T) {
				server := clerktest.New(clerktest.WithLatency(clerktest.Constant(20*time.Millisecond)), clerktest.WithFault(func(r *http.Request, n int) clerktest.Fault {
					if n%7 == 0 && r.Method == http.MethodPost {
						return fault
					}
					return clerktest.Fault{}
				}))
				status, out := run(t, server.RoundTripper(), "-quiet", input)
				if total := count(t, server); status != exitDone || total != 40 {
					t.Errorf("exit status %d, %d users at Clerk:\n%s", status, total, out)
				}
				if s := server.Stats(); s.Faults < 5 || fault.Loss != clerktest.RequestLost && s.Endpoints["GET /v1/users"].Accepted < s.Faults {
					t.Errorf("%d faults, %d questions", s.Faults, s.Endpoints["GET /v1/users"].Accepted)
				}
			})
		})
	}
}

// Users that this import did not make are conflicts; they are told apart.
func TestConflictsNameTheOtherUser(t *testing.T) {
	server := clerktest.New(limits(100, 100*time.Millisecond))
	before := write(t, "before.csv", csvHeader+"u1,same@example.com,A\nother,taken@example.com,B\n")
	if status, out := run(t, server.RoundTripper(), "-limit", "100/100ms", before); status != exitDone {
		t.Fatalf("exit status %d:\n%s", status, out)
	}
	input := write(t, "u.csv", csvHeader+"u1,same@example.com,A\nu2,taken@example.com,B\nu3,free@example.com,C\n")
	for range 2 { // the second run finds everything in its journal
		sentBefore := server.Stats().Sent
		status, out := run(t, server.RoundTripper(), "-limit", "100/100ms", input)
		rejects := rejectsOf(t, input)
		if status != exitRejects || len(rejects) != 2 ||
			!strings.Contains(rejects["2"], "the user exists already") ||
			!strings.Contains(rejects["3"], "belongs to another user") || !strings.Contains(rejects["3"], "external_id other") {
			t.Errorf("exit status %d, rejects %v:\n%s", status, rejects, out)
		}
		if asked := server.Stats().Sent - sentBefore; asked > 6 {
			t.Errorf("%d requests", asked)
		}
	}
	if total := count(t, server); total != 3 {
		t.Errorf("%d users at Clerk, want 3", total)
	}
}

// A user of whom the journal knows only that the request left is looked for.
func TestDoubtIsResolvedByAsking(t *testing.T) {
	server := clerktest.New()
	input := write(t, "u.csv", usersCSV(2))
	if status, out := run(t, server.RoundTripper(), input); status != exitDone {
		t.Fatalf("exit status %d:\n%s", status, out)
	}
	journal, err := os.ReadFile(input + ".journal")
	if err != nil {
		t.Fatal(err)
	}
	var kept []string
	for line := range strings.Lines(string(journal)) {
		if !strings.Contains(line, `"op":"done"`) {
			kept = append(kept, line)
		}
	}
	// The crash left half a line behind, too.
	torn := strings.Join(kept, "") + `{"op":"done","key":"external_id:u`
	if err := os.WriteFile(input+".journal", []byte(torn), 0o600); err != nil {
		t.Fatal(err)
	}
	status, out := run(t, server.RoundTripper(), "-limit", "100/10ms", input)
	if total := count(t, server); status != exitDone || total != 2 || !strings.Contains(out, "2 users made") {
		t.Errorf("exit status %d, %d users at Clerk:\n%s", status, total, out)
	}
}

// What every row would meet stops the import, and rejects nobody.
func TestClerkRefusingEverythingStops(t *testing.T) {
	for name, c := range map[string]struct {
		status int
		code   string
		want   string
	}{
		"a wrong key":  {http.StatusUnauthorized, "clerk_key_invalid", "does not accept CLERK_SECRET_KEY"},
		"a full quota": {http.StatusForbidden, "user_quota_exceeded", "user_quota_exceeded"},
	} {
		t.Run(name, func(t *testing.T) {
			var asked atomic.Int64
			base := roundTripper(func(r *http.Request) (*http.Response, error) {
				asked.Add(1)
				r.Body.Close()
				body := fmt.Sprintf(`{"errors":[{"code":%q,"message":"no","long_message":"No."}]}`, c.code)
				return answer(r, c.status, body), nil
			})
			input := write(t, "u.csv", usersCSV(500))
			status, out := run(t, base, "-quiet", input)
			if status != exitStopped || !strings.Contains(out, c.want) || asked.Load() > 30 {
				t.Errorf("exit status %d after %d requests:\n%s", status, asked.Load(), out)
			}
			if r := rejectsOf(t, input); len(r) != 0 {
				t.Errorf("rejects: %v", r)
			}
			server := clerktest.New(limits(1000, 10*time.Millisecond))
			if status, out := run(t, server.RoundTripper(), "-quiet", "-limit", "1000/10ms", input); status != exitDone || count(t, server) != 500 {
				t.Errorf("the next run: exit status %d:\n%s", status, out)
			}
		})
	}
}

// What Clerk refuses about one row is that row's fault, and is not asked again.
func TestRefusedRowIsReported(t *testing.T) {
	server := clerktest.New(limits(100, 10*time.Millisecond))
	memory := server.RoundTripper()
	var refusals atomic.Int64
	base := roundTripper(func(r *http.Request) (*http.Response, error) {
		if c, ok := r.Context().Value(callKey{}).(*call); ok && c.row.line == 3 {
			refusals.Add(1)
			r.Body.Close()
			return answer(r, http.StatusUnprocessableEntity, `{"errors":[{"code":"form_password_pwned","message":"pwned","long_message":"Password has been found in an online data breach."}]}`), nil
		}
		return memory.RoundTrip(r)
	})
	input := write(t, "u.csv", usersCSV(3))
	for range 2 {
		status, out := run(t, base, "-quiet", "-limit", "100/10ms", input)
		if reason := rejectsOf(t, input)["3"]; status != exitRejects || reason != "Password has been found in an online data breach (form_password_pwned)" {
			t.Errorf("exit status %d, %q:\n%s", status, reason, out)
		}
	}
	if refusals.Load() != 1 || count(t, server) != 2 {
		t.Errorf("%d refusals, %d users", refusals.Load(), count(t, server))
	}
}

// When Clerk is down the import stops after a while and rejects nobody.
func TestClerkDownStops(t *testing.T) {
	input := write(t, "u.csv", usersCSV(50))
	synctest.Test(t, func(t *testing.T) {
		var down atomic.Bool
		down.Store(true)
		server := clerktest.New(clerktest.WithFault(func(*http.Request, int) clerktest.Fault {
			if down.Load() {
				return clerktest.Fault{Loss: clerktest.RequestLost}
			}
			return clerktest.Fault{}
		}))
		status, out := run(t, server.RoundTripper(), "-quiet", input)
		if status != exitStopped || !strings.Contains(out, "nothing is lost") || len(rejectsOf(t, input)) != 0 {
			t.Errorf("exit status %d:\n%s", status, out)
		}
		down.Store(false)
		if status, out := run(t, server.RoundTripper(), "-quiet", input); status != exitDone || count(t, server) != 50 {
			t.Errorf("when it is back: exit status %d:\n%s", status, out)
		}
	})
}

// A full disk stops the import before it does what it could not record, and the
// next run loses nobody and doubles nobody.
func TestFullDisk(t *testing.T) {
	input := write(t, "u.csv", usersCSV(60))
	server := clerktest.New()
	o, err := parseOptions([]string{"-quiet", input}, func(string) string { return testKey }, os.Stderr)
	if err != nil {
		t.Fatal(err)
	}
	file, err := os.Create(o.journal)
	if err != nil {
		t.Fatal(err)
	}
	full := &fullDisk{File: file, room: 3000}
	j := newJournal(full)
	if err := j.append(entry{Version: journalVersion, Instance: o.instanceName()}, true); err != nil {
		t.Fatal(err)
	}
	r, err := newRejects(o.rejects)
	if err != nil {
		t.Fatal(err)
	}
	im, err := newImporter(o, server.RoundTripper(), j, r, &progress{})
	if err != nil {
		t.Fatal(err)
	}
	err = im.run(context.Background())
	if !errors.Is(err, errJournal) || !errors.Is(err, syscall.ENOSPC) {
		t.Errorf("the error is %v", err)
	}
	_ = j.Close()
	if made := created(server); made == 0 || made == 60 {
		t.Fatalf("%d users made: the disk was to be full half way", made)
	}
	status, out := run(t, server.RoundTripper(), "-quiet", "-limit", "100/10ms", input)
	if total := count(t, server); status != exitDone || total != 60 {
		t.Errorf("after making room: exit status %d, %d users at Clerk:\n%s", status, total, out)
	}
}

// fullDisk is a file on a disk with little room left.
type fullDisk struct {
	*os.File
	room int
}

func (d *fullDisk) Write(p []byte) (int, error) {
	n, err := d.File.Write(p[:min(len(p), d.room)])
	d.room -= n
	if err == nil && n < len(p) {
		err = &os.PathError{Op: "write", Path: d.Name(), Err: syscall.ENOSPC}
	}
	return n, err
}

// One journal is for one instance, and for one process at a time.
func TestJournalIsNotShared(t *testing.T) {
	path := filepath.Join(t.TempDir(), "journal")
	j, err := openJournal(path, "one")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := openJournal(path, "one"); err == nil || !strings.Contains(err.Error(), "another import is using it") {
		t.Errorf("a second process: %v", err)
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := openJournal(path, "two"); err == nil || !strings.Contains(err.Error(), "another secret key") {
		t.Errorf("another instance: %v", err)
	}
	if err := os.WriteFile(path, []byte("{\"version\":1,\"instance\":\"one\"}\nnonsense\n{}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := openJournal(path, "one"); err == nil || !strings.Contains(err.Error(), "line 2 is damaged") {
		t.Errorf("a damaged journal: %v", err)
	}
}

// The secret key is in no file that the import leaves behind, nor in its words.
func TestKeyIsNowhere(t *testing.T) {
	input := write(t, "u.csv", usersCSV(3)+"u1,twice@example.com,X\n")
	_, out := run(t, clerktest.New().RoundTripper(), input)
	journal, _ := os.ReadFile(input + ".journal")
	rejects, _ := os.ReadFile(input + ".rejects.csv")
	if all := out + string(journal) + string(rejects); strings.Contains(all, testKey) || len(journal) == 0 || len(rejects) == 0 {
		t.Errorf("the key shows, or nothing was written:\n%s", all)
	}
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func answer(r *http.Request, status int, body string) *http.Response {
	return &http.Response{StatusCode: status, Status: http.StatusText(status), Header: http.Header{}, Body: io.NopCloser(strings.NewReader(body)), Request: r}
}

// count is how many users the stand-in has.
func count(t *testing.T, s *clerktest.Server) int {
	t.Helper()
	n, err := countUsers(t.Context(), s, testKey)
	if err != nil {
		t.Fatal(err)
	}
	return n
}
