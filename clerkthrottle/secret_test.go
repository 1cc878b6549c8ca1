package clerkthrottle_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/clerkthrottle/clerkthrottle-go/clerkthrottle"
	"github.com/clerkthrottle/clerkthrottle-go/transport"
	"github.com/clerkthrottle/clerkthrottle-go/transport/budgettest"
)

// secrets are keys whose every piece of eight characters is theirs alone.
var secrets = []string{
	"sk_test_Qx7RzWv9KpLm3NsTbYc5HdJf",
	"sk_live_Vw2GkXj8PqMn4RtZyBd6LhSc",
	"test_Fz3TqHv7WkRm9PxNbLd5YcJs2Gw8Kt",
	"ak_Mn6BvXz4JqTr8LwHpKs2YdGc7Fh9Rw",
}

// told is everything that the throttle tells anybody but Clerk.
type told struct {
	mu sync.Mutex
	bytes.Buffer
}

func (o *told) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.Buffer.Write(p)
}

func (o *told) add(v any) {
	fmt.Fprintf(o, "%v\n%+v\n%#v\n", v, v, v)
	if b, err := json.Marshal(v); err == nil {
		_, _ = o.Write(b)
	}
}

// spy keeps what reaches a budget, which is also a member of it.
type spy struct {
	transport.Budget
	transport.Member
	told *told
}

func (s spy) Join() transport.Member {
	s.Member = s.Budget.Join()
	return s
}

func (s spy) Exchange(ctx context.Context, r *transport.Report) (*transport.Answer, error) {
	s.told.add(*r)
	for _, u := range r.Limits {
		s.told.add(*u.Limit)
	}
	return s.Member.Exchange(ctx, r)
}

func TestSecretKeyIsNeverTold(t *testing.T) {
	for _, kind := range []clerkthrottle.InstanceType{clerkthrottle.Auto, clerkthrottle.Development, clerkthrottle.Production} {
		for _, id := range []string{"", "shop"} {
			synctest.Test(t, func(t *testing.T) {
				out := &told{}
				opts := []clerkthrottle.Option{
					clerkthrottle.WithInstanceType(kind),
					clerkthrottle.WithLogger(slog.New(slog.NewJSONHandler(out, &slog.HandlerOptions{Level: slog.LevelDebug}))),
					clerkthrottle.WithLimit("GET /v1/sessions", 1, time.Minute),
					clerkthrottle.WithMaxWait(time.Second),
					clerkthrottle.WithBudget(spy{Budget: new(budgettest.Memory), told: out}),
				}
				if id != "" {
					opts = append(opts, clerkthrottle.WithInstanceID(id))
				}
				driveAllPaths(t, out, opts)
				for _, key := range secrets {
					_, secret, _ := strings.Cut(strings.TrimPrefix(key, "sk_"), "_")
					for i := range len(secret) - 7 {
						if piece := secret[i : i+8]; strings.Contains(out.String(), piece) {
							at := strings.Index(out.String(), piece)
							t.Fatalf("%q is told: …%.200s…", piece, out.String()[max(0, at-100):])
						}
					}
				}
			})
		}
	}
}

// driveAllPaths sends what passes, what is refused, what is blocked and what
// fails, and keeps every error and snapshot on the way.
func driveAllPaths(t *testing.T, out *told, opts []clerkthrottle.Option) {
	base := newRecorder()
	rt := newThrottle(t, append(opts, clerkthrottle.WithBase(base))...)
	client := &http.Client{Transport: rt}
	refusals := 0
	try := func(method, url, key string) {
		req, err := http.NewRequest(method, url, strings.NewReader("{}"))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Authorization", "Bearer "+key)
		resp, err := client.Do(req)
		var refused *transport.ThrottledError
		switch {
		case errors.As(err, &refused):
			refusals++
			out.add(refused)
			out.add(*refused)
			fallthrough
		case err != nil:
			out.add(err)
		default:
			resp.Body.Close()
		}
	}
	for _, key := range secrets {
		for _, url := range []string{
			usersURL, aUserURL, "https://api.clerk.com/v1/jwks", "https://api.clerk.com/v1/things/1",
			"http://user:pass@127.0.0.1/v1/users", "https://clerk.example.com/v1/client", "https://example.com/",
		} {
			try("GET", url, key)
			try("PATCH", url, key)
		}
		for range 3 {
			try("GET", "https://api.clerk.com/v1/sessions", key) // refused for its limit
		}
		base.answer = func(int) *http.Response { return reply(429, "30", `{"errors":[{"code":"too_many_requests"}]}`) }
		try("GET", usersURL, key)
		base.answer = nil
		try("GET", usersURL, key) // refused for the block
		out.add(rt.Snapshot())
		time.Sleep(time.Minute)
	}
	if refusals == 0 {
		t.Error("nothing was refused: the test tests nothing")
	}
	if err := rt.Close(); err != nil {
		t.Error(err)
	}
	out.add(rt.Snapshot())
}
