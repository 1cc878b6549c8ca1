package clerktest_test

import (
	"fmt"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/clerkthrottle/clerkthrottle-go/clerkthrottle"
	"github.com/clerkthrottle/clerkthrottle-go/clerkthrottle/clerktest"
)

func TestBlockLastsUntilRetryAfter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := clerktest.New(instanceLimit(2, 10*s))
		c := in(server)
		c.accepted(t, 2, "GET /v1/users")
		time.Sleep(2500 * ms)

		r := c.do(t, "GET /v1/users", "") // room again at 10 s, so blocked until 2.5 s + 8 s
		if r.status != 429 || r.retryAfter() != "8" || r.code(t) != "too_many_requests" {
			t.Fatalf("got %d, Retry-After %q, %s", r.status, r.retryAfter(), r.body)
		}
		time.Sleep(7600 * ms) // 10.1 s: the window has room, the block is on
		if r := c.do(t, "GET /v1/users", ""); r.status != 429 || r.retryAfter() != "1" {
			t.Errorf("during the block: %d, Retry-After %q", r.status, r.retryAfter())
		}
		if r := c.do(t, "GET /v1/users/user_x", ""); r.status != 200 {
			t.Errorf("another endpoint: %d, want it open", r.status)
		}
		if r := c.as("sk_test_other").do(t, "GET /v1/users", ""); r.status != 200 {
			t.Errorf("another instance: %d, want it open", r.status)
		}
		time.Sleep(400*ms - 1)
		if r := c.do(t, "GET /v1/users", ""); r.status != 429 {
			t.Errorf("a nanosecond before the end: %d", r.status)
		}
		time.Sleep(time.Nanosecond)
		if r := c.do(t, "GET /v1/users", ""); r.status != 200 {
			t.Errorf("at the end: %d", r.status)
		}
		st := server.Stats()
		if st.Accepted != 5 || st.Rejected != 3 || st.Blocked != 2 || st.Sent != 8 {
			t.Errorf("stats %+v", st)
		}
		if e := st.Endpoints["GET /v1/users"]; e != (clerktest.EndpointStats{Accepted: 4, Rejected: 3}) {
			t.Errorf("endpoint stats %+v", e)
		}
	})
}

func TestRetryAfterIsNeverLessThanTheBlock(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		refused := func(opts ...clerktest.Option) (caller, reply) {
			c := in(clerktest.New(append(opts, instanceLimit(1, 10*s))...))
			c.accepted(t, 1, "GET /v1/users")
			return c, c.do(t, "GET /v1/users", "")
		}
		time.Sleep(300 * ms)

		if _, r := refused(clerktest.WithBlockTime(2500 * ms)); r.retryAfter() != "3" {
			t.Errorf("fixed block: Retry-After %q", r.retryAfter())
		}
		if _, r := refused(clerktest.WithRetryAfter(clerktest.RetryAfterOmitted)); r.status != 429 || r.header["Retry-After"] != nil {
			t.Errorf("omitted: %d, %v", r.status, r.header)
		}
		c, r := refused(clerktest.WithRetryAfter(clerktest.RetryAfterDate))
		until, err := http.ParseTime(r.retryAfter())
		if err != nil || until.Before(time.Now().Add(10*s)) || until.After(time.Now().Add(11*s)) {
			t.Errorf("date: Retry-After %q, %v", r.retryAfter(), err)
		}
		time.Sleep(time.Until(until) - 1)
		if r2 := c.do(t, "GET /v1/users", ""); r2.status != 429 || r2.retryAfter() != r.retryAfter() {
			t.Errorf("before the date: %d, Retry-After %q", r2.status, r2.retryAfter())
		}
		time.Sleep(time.Nanosecond)
		if r := c.do(t, "GET /v1/users", ""); r.status != 200 {
			t.Errorf("at the date: %d", r.status)
		}
	})
}

// A request that one row rejects is not counted on any other.
func TestRequestNeedsRoomOnEveryRow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := clerktest.New(clerktest.WithBlocking(false))
		c := in(server)
		const invite = "POST /v1/invitations/bulk" // 25 per hour
		if got := c.accepted(t, 60, invite); got != 25 {
			t.Errorf("%d invitations accepted, want 25", got)
		}
		if got := c.accepted(t, 100, "GET /v1/users"); got != 75 {
			t.Errorf("%d more accepted in the instance's 10 s, want 75", got)
		}
		if r := c.do(t, invite, ""); r.retryAfter() != "3600" {
			t.Errorf("Retry-After %q: the longest wait of the rows counts", r.retryAfter())
		}
		if got := c.accepted(t, 3, "GET /v1/jwks"); got != 3 {
			t.Errorf("%d of 3 jwks accepted, which have no limit", got)
		}
		for row, want := range map[string]int{invite: 25, clerkthrottle.InstanceLimit: 100} {
			if got := server.MaxInWindow(row); got != want {
				t.Errorf("MaxInWindow(%q) = %d, want %d", row, got, want)
			}
		}
	})
}

func TestScopesCountApart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := clerktest.New(clerktest.WithBlocking(false), clerktest.WithInstanceKeys("sk_live_a", "sk_live_b"))
		c := in(server).as(liveKey)

		// One user: three operations, one count. Another user has its own.
		n := c.accepted(t, 4, "PATCH /v1/users/user_a") + c.accepted(t, 4, "PUT /v1/users/user_a/metadata")
		if n != 8 {
			t.Fatalf("%d of 8 accepted", n)
		}
		n = 0
		for range 4 {
			if r := c.do(t, "PATCH /v1/users/user_a/metadata", ""); r.status == 429 {
				n++
			}
		}
		if n != 2 {
			t.Errorf("%d of 12 writes to one user rejected, want 2", n)
		}
		if r := c.do(t, "PATCH /v1/users/user_b", ""); r.status != 200 {
			t.Errorf("another user: %d", r.status)
		}
		if r := c.as("sk_live_other").do(t, "PATCH /v1/users/user_a", ""); r.status != 200 {
			t.Errorf("that user of another instance: %d", r.status)
		}
		// Instance rows are shared by all organizations.
		n = 0
		for i := range 60 {
			n += c.accepted(t, 1, fmt.Sprintf("POST /v1/organizations/org_%d/invitations/bulk", i))
		}
		if n != 50 {
			t.Errorf("%d bulk invitations of organizations accepted, want 50", n)
		}
		// Several keys, one instance.
		n = c.as("sk_live_a").accepted(t, 700, "GET /v1/users") + c.as("sk_live_b").accepted(t, 700, "GET /v1/users")
		if n != 1000 {
			t.Errorf("%d accepted for two keys of one instance, want 1000", n)
		}
		// Client addresses.
		const signIn = "POST https://clerk.example.com/v1/client/sign_ins"
		for _, test := range []struct {
			forwarded string
			want      int
		}{{"", 5}, {"203.0.113.1, 10.0.0.1", 5}, {" 203.0.113.1 ", 0}, {"203.0.113.2", 5}} {
			var headers []string
			if test.forwarded != "" {
				headers = []string{"X-Forwarded-For", test.forwarded}
			}
			if got := c.as("").accepted(t, 7, signIn, headers...); got != test.want {
				t.Errorf("from %q: %d sign-ins accepted, want %d", test.forwarded, got, test.want)
			}
		}
	})
}

func TestInstanceTypeIsTheKeysUnlessSaid(t *testing.T) {
	for _, test := range []struct {
		opts []clerktest.Option
		key  string
		want int
	}{
		{nil, "sk_test_x", 100}, {nil, "sk_live_x", 1000}, {nil, "live_x", 1000}, {nil, "something", 100},
		{[]clerktest.Option{clerktest.WithInstanceType(clerkthrottle.Production)}, "sk_test_x", 1000},
		{[]clerktest.Option{clerktest.WithInstanceType(clerkthrottle.Development)}, "sk_live_x", 100},
	} {
		synctest.Test(t, func(t *testing.T) {
			c := in(clerktest.New(test.opts...)).as(test.key)
			if got := c.accepted(t, 1001, "GET /v1/users"); got != test.want {
				t.Errorf("%s: %d accepted, want %d", test.key, got, test.want)
			}
		})
	}
}

// Counts, blocks and notices of idle addresses are evicted.
func TestIdleStateIsPruned(t *testing.T) {
	for _, a := range []clerktest.Algorithm{clerktest.SlidingLog, clerktest.FixedWindow, clerktest.TokenBucket} {
		synctest.Test(t, func(t *testing.T) {
			server := clerktest.New(clerktest.WithLogSize(0), clerktest.WithAlgorithm(a), clerktest.WithLimits(
				clerkthrottle.Limit{Name: "sign-in", Operations: []string{"POST /v1/client/sign_ins"}, N: 1, Window: 10 * s, Scope: clerkthrottle.PerAddress}))
			c := in(server).as("")
			for i := range 5000 {
				if got := c.accepted(t, 2, "POST /v1/client/sign_ins", "X-Forwarded-For", fmt.Sprint("10.0.", i/256, ".", i%256)); got != 1 {
					t.Fatalf("%d accepted of 2", got)
				}
				time.Sleep(100 * ms)
			}
			if buckets, blocks, notices := clerktest.Held(server); max(buckets, blocks, notices) > 2048 {
				t.Errorf("%d buckets, %d blocks, %d notices, although only 100 addresses sent anything in the last window", buckets, blocks, notices)
			}
			if len(server.Requests()) != 0 {
				t.Error("WithLogSize(0) kept a log")
			}
			if got := server.MaxInWindow("sign-in"); got != 1 {
				t.Errorf("MaxInWindow = %d", got)
			}
		})
	}
}
