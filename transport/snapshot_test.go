package transport_test

import (
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/clerkthrottle/clerkthrottle-go/transport"
	"github.com/clerkthrottle/clerkthrottle-go/transport/snapshot"
)

func TestSnapshotAddsUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := newServer(nil)
		srv.latency = 2 * sec
		rt := newTransport(t, srv, limit(5, 10*sec))
		var all sync.WaitGroup
		all.Go(func() { clients(t, rt, 2, "/a") }) // back at 12s
		time.Sleep(3 * sec)
		all.Go(func() { clients(t, rt, 7, "/a") }) // three go, four wait
		time.Sleep(sec)
		want := []snapshot.Limit{
			{Free: 0, InFlight: 3, Returning: 2, Waiting: 4}, // at 4s
			{Free: 0, InFlight: 2, Returning: 3, Waiting: 2}, // at 13s
			{Free: 1, InFlight: 2, Returning: 2},             // at 16s
			{Free: 5},                                        // at 60s
		}
		for i, at := range []time.Duration{4 * sec, 13 * sec, 16 * sec, 60 * sec} {
			time.Sleep(time.Until(srv.start.Add(at)))
			s := rt.Snapshot()
			got, w := bucketOf(t, s, "shared"), want[i]
			w.Name, w.Key, w.N, w.Window, w.Owned = "shared", "shared", 5, 10*sec, 5
			got.ByClass = w.ByClass // who waits in which class is priority's business
			if wantNext := []time.Duration{12 * sec, 15 * sec, 0, 0}[i]; wantNext == 0 {
				if got.Next != nil {
					t.Errorf("at %s: the next goes at %s, though nobody waits", at, got.Next)
				}
			} else if got.Next == nil || got.Next.Sub(srv.start) != wantNext {
				t.Errorf("at %s: the next goes at %v, want %s", at, got.Next, wantNext)
			}
			got.Next = nil
			if got != w {
				t.Errorf("at %s: %+v, want %+v", at, got, w)
			}
			if got.Free+got.InFlight+got.Returning != got.N {
				t.Errorf("at %s: %+v does not add up", at, got)
			}
			if !s.Time.Equal(time.Now()) {
				t.Errorf("the time is %s, want %s", s.Time, time.Now())
			}
		}
		all.Wait()
	})
}

func TestSnapshotTellsOfBlocksAndWhoWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := newServer(func(v visit) (*http.Response, error) {
			if v.path == "/a" && v.at == 0 {
				return tooMany("30")()
			}
			return status(200, "ok"), nil
		})
		rt := newTransport(t, srv, limit(5, 10*sec))
		var all sync.WaitGroup
		all.Go(func() { clients(t, rt, 3, "/a") })
		synctest.Wait()
		mustGet(t, rt, "/b")
		s := rt.Snapshot()
		if len(s.Endpoints) != 2 || s.Endpoints[0].Key != "GET /a" || s.Endpoints[1].Key != "GET /b" {
			t.Fatalf("endpoints %+v, want /a and /b in order", s.Endpoints)
		}
		if a := s.Endpoints[0]; a.Waiting != 3 || a.BlockedUntil == nil || !a.BlockedUntil.Equal(srv.start.Add(30*sec)) {
			t.Errorf("/a: %+v", a)
		}
		if b := s.Endpoints[1]; b.Waiting != 0 || b.BlockedUntil != nil || b.Learned || b.Rate != 0 {
			t.Errorf("/b: %+v", b)
		}
		all.Wait()
		if a := rt.Snapshot().Endpoints[0]; a.Waiting != 0 || a.BlockedUntil != nil {
			t.Errorf("/a after its block: %+v", a)
		}
	})
}

// Nothing of a request but what the claim calls it shows anywhere.
func TestNoSecretInSnapshotsOrErrors(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const secret = "sk_test_abcdef"
		table := limit(1, 10*sec)
		rt := newTransport(t, newServer(script(code(200), fail(errReset))), table, maxWait(0))
		send := func() error {
			req := request(t.Context(), http.MethodPost, "/a?token="+secret, strings.NewReader(secret))
			req.Header.Set("Authorization", "Bearer "+secret)
			_, err := rt.RoundTrip(req)
			return err
		}
		errs := []error{send(), send()}
		time.Sleep(20 * sec)
		errs = append(errs, send())
		_ = rt.Close()
		errs = append(errs, send())
		b, err := json.Marshal(rt.Snapshot())
		if err != nil {
			t.Fatal(err)
		}
		for _, text := range []string{string(b), errors.Join(errs...).Error()} {
			if strings.Contains(text, secret) || text == "" {
				t.Errorf("the secret shows in %s", text)
			}
		}
	})
}

func TestRefusalSaysWhoseLimitHowLongAndWhatToDo(t *testing.T) {
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	for _, tt := range []struct {
		err  transport.ThrottledError
		want []string
	}{
		{transport.ThrottledError{Reason: transport.ReasonDeadline, Hold: transport.HoldLimit, Limit: "instance", N: 100, Window: 10 * sec,
			Wait: 4200 * time.Millisecond, Bound: 2 * sec, RetryAt: at},
			[]string{`"instance"`, "100 requests per 10s", "another 4.2s", "in 2s", "2026-01-02T03:04:05Z", "http.Client.Timeout"}},
		{transport.ThrottledError{Reason: transport.ReasonMaxWait, Hold: transport.HoldBlock, Wait: 90*time.Minute + 1, Bound: time.Minute, RetryAt: at},
			[]string{"after a 429", "another 1h30m1s", "longer than the 1m0s", "2026-01-02T03:04:05Z", "raise MaxWait"}},
		{transport.ThrottledError{Reason: transport.ReasonMaxWait, Hold: transport.HoldRate, Limit: "instance", Wait: 1, RetryAt: at},
			[]string{"other programs", `"instance"`, "another 1ms", "longer than the 0s"}},
		{transport.ThrottledError{Reason: transport.ReasonClosed}, []string{"closed"}},
	} {
		tt.err.Endpoint = "GET /v1/users"
		text := tt.err.Error()
		for _, part := range append(tt.want, "GET /v1/users") {
			if !strings.Contains(text, part) {
				t.Errorf("%q does not say %q", text, part)
			}
		}
	}
}
