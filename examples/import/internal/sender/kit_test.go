package sender

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/clerk/clerk-sdk-go/v2"

	"github.com/clerkthrottle/clerkthrottle-go/examples/import/internal/journal"
	"github.com/clerkthrottle/clerkthrottle-go/examples/import/internal/standin"
	"github.com/clerkthrottle/clerkthrottle-go/examples/import/internal/users"
)

// memory is a journal and a report that survive the run that wrote them.
type memory struct {
	mu      sync.Mutex
	words   map[string]journal.Word
	last    time.Time
	rejects map[string]string // user → reason
	said    []string
	made    int
	err     error // what every record fails with: the program is dead, or the disk full
}

func newMemory() *memory {
	return &memory{words: map[string]journal.Word{}, rejects: map[string]string{}}
}

func (m *memory) record(f func()) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.err == nil {
		f()
	}
	return m.err
}

func (m *memory) Word(key string) (w journal.Word, err error) {
	err = m.record(func() { w = m.words[key] })
	return w, err
}
func (m *memory) Last() time.Time { return m.last }
func (m *memory) Asked() error    { return m.record(func() { m.last = time.Now() }) }
func (m *memory) Sent(key string) error {
	return m.Settle(key, journal.Word{Op: journal.Sent})
}
func (m *memory) Settle(key string, w journal.Word) error {
	return m.record(func() { m.last, m.words[key] = time.Now(), w })
}

// The report.

func (m *memory) talk() *talk { return &talk{m} }

type talk struct{ m *memory }

func (t *talk) Sent(time.Duration) {}
func (t *talk) Before(int)         {}
func (t *talk) Say(text string)    { _ = t.m.record(func() { t.m.said = append(t.m.said, text) }) }
func (t *talk) Settled(made bool) {
	_ = t.m.record(func() {
		if made {
			t.m.made++
		}
	})
}
func (t *talk) Add(_ int, user, reason string) {
	t.m.mu.Lock()
	defer t.m.mu.Unlock()
	t.m.rejects[user] = reason
}

// run is one run of an import over a stand-in for Clerk.
func run(ctx context.Context, t *testing.T, base http.RoundTripper, m *memory, list ...*users.User) error {
	t.Helper()
	m.rejects = map[string]string{}
	s, err := New(Config{Key: "sk_test_importer", URL: clerk.APIURL}, base, m, m.talk())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = s.Close() }()
	return s.Run(ctx, each(list))
}

// each hands out users as an input does.
func each(list []*users.User) iter.Seq2[*users.User, error] {
	return func(yield func(*users.User, error) bool) {
		for _, u := range list {
			if !yield(u, nil) {
				return
			}
		}
	}
}

// account is the user of line i.
func account(i int, change ...func(*users.User)) *users.User {
	u := &users.User{Line: i, Key: fmt.Sprint("external_id:u", i)}
	u.Create.ExternalID = clerk.String(fmt.Sprint("u", i))
	u.Create.EmailAddresses = &[]string{fmt.Sprintf("user%d@example.com", i)}
	for _, f := range change {
		f(u)
	}
	return u
}

func accounts(n int, change ...func(*users.User)) (list []*users.User) {
	for i := range n {
		list = append(list, account(i, change...))
	}
	return list
}

// full has all that create cannot do.
func full(u *users.User) {
	u.Unverified = []string{fmt.Sprintf("email_address:old%d@example.com", u.Line), fmt.Sprintf("email_address:older%d@example.com", u.Line), fmt.Sprintf("phone_number:+1555000%04d", u.Line)}
	u.Ban = true
}

// wantFull fails unless everybody is at Clerk once, whole.
func wantFull(t *testing.T, clerk *standin.Users, list []*users.User) {
	t.Helper()
	if len(clerk.All) != len(list) {
		t.Errorf("%d users at Clerk, want %d", len(clerk.All), len(list))
	}
	for _, u := range list {
		at := clerk.By(*u.Create.ExternalID)
		if at == nil {
			t.Errorf("%s is not at Clerk", u.Key)
			continue
		}
		verified, unverified := fmt.Sprint(at.Verified), fmt.Sprint(at.Unverified)
		want := strings.NewReplacer("email_address:", "", "phone_number:", "").Replace(fmt.Sprint(u.Unverified))
		if verified != fmt.Sprint(*u.Create.EmailAddresses) || unverified != want || at.Banned != u.Ban {
			t.Errorf("%s has %s verified, %s not, banned: %v", u.Key, verified, unverified, at.Banned)
		}
	}
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func answer(r *http.Request, status int, body string) *http.Response {
	if r.Body != nil {
		_, _ = io.Copy(io.Discard, r.Body)
		r.Body.Close()
	}
	return &http.Response{StatusCode: status, Status: http.StatusText(status), Header: http.Header{}, Body: io.NopCloser(strings.NewReader(body)), Request: r}
}

var errDead = errors.New("the program was killed")
