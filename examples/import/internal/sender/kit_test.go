package sender

import (
	"context"
	"errors"
	"fmt"
	"io"
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
	sends   []time.Time
	sent    map[string]int
	rejects map[string]string // user → reason
	said    []string
	made    int
	err     error // what every record fails with: the program is dead, or the disk full
}

func newMemory() *memory {
	return &memory{words: map[string]journal.Word{}, sent: map[string]int{}, rejects: map[string]string{}}
}

func (m *memory) record(f func()) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.err == nil {
		f()
	}
	return m.err
}

func (m *memory) Word(key string) (w journal.Word) {
	_ = m.record(func() { w = m.words[key] })
	return w
}
func (m *memory) Sends() []time.Time { return m.sends }
func (m *memory) Asked() error {
	return m.record(func() { m.sends = append(m.sends, time.Now()) })
}
func (m *memory) Sent(key string, _ int) error {
	return m.record(func() {
		m.sends = append(m.sends, time.Now())
		m.sent[key]++
		m.words[key] = journal.Word{Op: journal.Sent}
	})
}
func (m *memory) Settle(key string, _ int, w journal.Word) error {
	return m.record(func() { m.words[key] = w })
}

// The report.

func (m *memory) talk() *talk { return &talk{m} }

type talk struct{ m *memory }

func (t *talk) Sent(time.Duration) {}
func (t *talk) Say(text string)    { _ = t.m.record(func() { t.m.said = append(t.m.said, text) }) }
func (t *talk) Settled(made bool) {
	_ = t.m.record(func() {
		if made {
			t.m.made++
		}
	})
}
func (t *talk) Reject(_ int, user, reason string) error {
	return t.m.record(func() { t.m.rejects[user] = reason })
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
	return s.Run(ctx, func(each func(*users.User) error) error {
		for _, u := range list {
			if err := each(u); err != nil {
				return err
			}
		}
		return nil
	})
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
	u.Emails = []string{fmt.Sprintf("old%d@example.com", u.Line), fmt.Sprintf("older%d@example.com", u.Line)}
	u.Phones = []string{fmt.Sprintf("+1555000%04d", u.Line)}
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
		verified, unverified := fmt.Sprint(at.Addresses(true)), fmt.Sprint(at.Addresses(false))
		if verified != fmt.Sprint(*u.Create.EmailAddresses) || unverified != fmt.Sprint(append(u.Emails, u.Phones...)) || at.Banned != u.Ban {
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
