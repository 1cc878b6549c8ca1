package clerkthrottle_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/clerkthrottle/clerkthrottle-go/clerkthrottle"
	"github.com/clerkthrottle/clerkthrottle-go/clerkthrottle/clerktest"
	"github.com/clerkthrottle/clerkthrottle-go/transport"
	"github.com/clerkthrottle/clerkthrottle-go/transport/budgettest"
)

const (
	usersURL = "https://api.clerk.com/v1/users"
	aUserURL = usersURL + "/user_2NNEqL2nrIRdJ194ndJqAHwEfxC"
)

func TestWithInstanceTypeSizesTheBudget(t *testing.T) {
	for _, tt := range []struct {
		kind   clerkthrottle.InstanceType
		key    string
		atOnce int
	}{
		{clerkthrottle.Auto, "sk_live_x", 1000},
		{clerkthrottle.Auto, "sk_test_x", 100},
		{clerkthrottle.Auto, "", 100},
		{clerkthrottle.Production, "", 1000},
		{clerkthrottle.Development, "sk_live_x", 100},
		{clerkthrottle.Production, "sk_test_x", 100},
	} {
		synctest.Test(t, func(t *testing.T) {
			base := newRecorder()
			rt := newThrottle(t, clerkthrottle.WithBase(base), clerkthrottle.WithInstanceType(tt.kind),
				clerkthrottle.WithLogger(slog.New(slog.DiscardHandler)))
			flood(t, rt, tt.atOnce+1, "GET", usersURL, tt.key)
			wantBy(t, base, 9*time.Second, tt.atOnce)
			wantBy(t, base, 10*time.Second, tt.atOnce+1)
		})
	}
}

func TestWithInstanceIDBringsKeysTogether(t *testing.T) {
	for _, tt := range []struct {
		opts []clerkthrottle.Option
		want int
	}{
		{[]clerkthrottle.Option{clerkthrottle.WithInstanceID("shop")}, 100},
		{nil, 200},
	} {
		synctest.Test(t, func(t *testing.T) {
			base := newRecorder()
			rt := newThrottle(t, append(tt.opts, clerkthrottle.WithBase(base))...)
			var wg sync.WaitGroup
			for _, key := range []string{"sk_test_one", "sk_test_two"} {
				wg.Go(func() { flood(t, rt, 100, "GET", usersURL, key) })
			}
			wg.Wait()
			wantBy(t, base, 9*time.Second, tt.want)
		})
	}
}

func TestWithMaxWaitBoundsTheWait(t *testing.T) {
	for _, tt := range []struct {
		opts []clerkthrottle.Option
		want int // of 900 requests, how many are sent: 100 every 10 s
	}{
		{nil, 700}, // one minute
		{[]clerkthrottle.Option{clerkthrottle.WithMaxWait(0)}, 100},
		{[]clerkthrottle.Option{clerkthrottle.WithMaxWait(9 * time.Second)}, 100},
		{[]clerkthrottle.Option{clerkthrottle.WithMaxWait(10 * time.Second)}, 200},
		{[]clerkthrottle.Option{clerkthrottle.WithMaxWait(time.Hour)}, 900},
	} {
		synctest.Test(t, func(t *testing.T) {
			base := newRecorder()
			rt := newThrottle(t, append(tt.opts, clerkthrottle.WithBase(base))...)
			var wg sync.WaitGroup
			for range 900 {
				wg.Go(func() {
					_, err := send(rt, "GET", usersURL, "sk_test_x")
					var refused *transport.ThrottledError
					if err != nil && (!errors.As(err, &refused) || refused.Reason != transport.ReasonMaxWait) {
						t.Error(err)
					}
				})
			}
			wg.Wait()
			if got := base.count(); got != tt.want {
				t.Errorf("%d sent, want %d", got, tt.want)
			}
		})
	}
}

func TestWithHeadroomShrinksEveryLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		base := newRecorder()
		rt := newThrottle(t, clerkthrottle.WithBase(base), clerkthrottle.WithHeadroom(0.2))
		flood(t, rt, 200, "GET", usersURL, "sk_test_x")
		wantBy(t, base, 9*time.Second, 80)
		wantBy(t, base, 19*time.Second, 160)
	})
	synctest.Test(t, func(t *testing.T) {
		base := newRecorder()
		rt := newThrottle(t, clerkthrottle.WithBase(base), clerkthrottle.WithHeadroom(0.2))
		flood(t, rt, 20, "PATCH", aUserURL, "sk_test_x")
		wantBy(t, base, 9*time.Second, 8)
	})
}

func TestWithLimitHoldsRequestsToIt(t *testing.T) {
	for _, tt := range []struct{ operation, method, url string }{
		{"instance", "GET", usersURL},
		{"GET /v1/users", "GET", usersURL},
		{"PATCH /v1/users/{id}", "PATCH", aUserURL},
		{"GET /v1/jwks", "GET", "https://api.clerk.com/v1/jwks"},
		{"POST /v1/client/sign_ins", "POST", "https://clerk.example.com/v1/client/sign_ins"},
		{"GET /v1/client", "GET", "https://clerk.example.com/v1/client"},
	} {
		synctest.Test(t, func(t *testing.T) {
			base := newRecorder()
			rt := newThrottle(t, clerkthrottle.WithBase(base), clerkthrottle.WithLimit(tt.operation, 2, 5*time.Second))
			key := ""
			if strings.Contains(tt.url, "api.clerk.com") {
				key = "sk_test_x"
			}
			flood(t, rt, 5, tt.method, tt.url, key)
			for i, want := range []int{2, 4, 5} {
				wantBy(t, base, time.Duration(i)*5*time.Second+4*time.Second, want)
			}
		})
	}
}

func TestWithLimitsHoldsRequestsToItsRowsAlone(t *testing.T) {
	rows := []clerkthrottle.Limit{
		{Operations: []string{"GET /users"}, N: 2, Window: 5 * time.Second},
		{Operations: []string{"PATCH /v1/organizations/{id}"}, N: 3, Window: 5 * time.Second, Scope: clerkthrottle.PerResource},
		{Operations: []string{"GET /v1/client"}, N: 4, Window: 5 * time.Second, Scope: clerkthrottle.PerAddress},
	}
	option := clerkthrottle.WithLimits(rows)
	rows[0].N = 50 // too late
	for _, tt := range []struct {
		method, url string
		atOnce      int
	}{
		{"GET", usersURL, 2},
		{"PATCH", "https://api.clerk.com/v1/organizations/org_1", 3},
		{"GET", "https://clerk.example.com/v1/client", 4},
		{"PATCH", aUserURL, 20}, // no longer held to 10
		{"POST", "https://clerk.example.com/v1/client/sign_ins", 20},
		{"GET", "https://api.clerk.com/v1/sessions", 20},
	} {
		synctest.Test(t, func(t *testing.T) {
			base := newRecorder()
			rt := newThrottle(t, clerkthrottle.WithBase(base), option)
			flood(t, rt, 20, tt.method, tt.url, "sk_test_x")
			wantBy(t, base, 4*time.Second, tt.atOnce)
		})
	}
}

func TestWithHostsThrottlesThem(t *testing.T) {
	for _, tt := range []struct {
		opts   []clerkthrottle.Option
		atOnce int
	}{
		{[]clerkthrottle.Option{clerkthrottle.WithHosts("gateway.example.com")}, 100},
		{nil, 150},
	} {
		synctest.Test(t, func(t *testing.T) {
			base := newRecorder()
			rt := newThrottle(t, append(tt.opts, clerkthrottle.WithBase(base))...)
			flood(t, rt, 150, "GET", "https://gateway.example.com/v1/users", "sk_test_x")
			wantBy(t, base, 9*time.Second, tt.atOnce)
		})
	}
}

func TestWithLimitPerEndpointCountsEndpointsApart(t *testing.T) {
	for _, tt := range []struct {
		opts []clerkthrottle.Option
		want int
	}{
		{nil, 100},
		{[]clerkthrottle.Option{clerkthrottle.WithLimitPerEndpoint()}, 200},
	} {
		synctest.Test(t, func(t *testing.T) {
			base := newRecorder()
			rt := newThrottle(t, append(tt.opts, clerkthrottle.WithBase(base))...)
			var wg sync.WaitGroup
			for _, url := range []string{usersURL, aUserURL} {
				wg.Go(func() { flood(t, rt, 100, "GET", url, "sk_test_x") })
			}
			wg.Wait()
			wantBy(t, base, 9*time.Second, tt.want)
		})
	}
}

func TestWithBudgetSharesTheLimits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		base, budget := newRecorder(), new(budgettest.Memory)
		var wg sync.WaitGroup
		for range 2 {
			rt := newThrottle(t, clerkthrottle.WithBase(base), clerkthrottle.WithBudget(budget))
			wg.Go(func() { flood(t, rt, 100, "GET", usersURL, "sk_test_x") })
		}
		wg.Wait()
		wantBy(t, base, 9*time.Second, 100)
	})
}

// One program keeps the limit used up when another comes, first with a single call and
// then with a hundred: half of the limit is its part, so that they all go in time.
func TestLatecomerToABudgetIsNotRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		base, budget := newRecorder(), new(budgettest.Memory)
		first := newThrottle(t, clerkthrottle.WithBase(base), clerkthrottle.WithBudget(budget))
		late := newThrottle(t, clerkthrottle.WithBase(base), clerkthrottle.WithBudget(budget))
		ctx, cancel := context.WithCancel(t.Context())
		var busy, wg sync.WaitGroup
		for range 150 {
			busy.Go(func() {
				for ctx.Err() == nil {
					_, _ = send(first, "GET", usersURL, "sk_test_x")
				}
			})
		}
		time.Sleep(25 * time.Second)
		wg.Go(func() { flood(t, late, 1, "GET", usersURL, "sk_test_x") })
		time.Sleep(time.Second)
		flood(t, late, 100, "GET", usersURL, "sk_test_x")
		wg.Wait()
		cancel()
		busy.Wait()
	})
}

func TestWithBudgetOfSharesLines(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		base := newRecorder()
		one := newThrottle(t, clerkthrottle.WithBase(base))
		two := newThrottle(t, clerkthrottle.WithBase(base), clerkthrottle.WithBudgetOf(one))
		var wg sync.WaitGroup
		for _, rt := range []*transport.Transport{one, two} {
			wg.Go(func() { flood(t, rt, 100, "GET", usersURL, "sk_test_x") })
		}
		wg.Wait()
		wantBy(t, base, 9*time.Second, 100)
		if n := len(two.Snapshot().Limits); n != 1 {
			t.Errorf("%d limits, want 1", n)
		}
	})
}

func TestWithLoggerGetsTheLines(t *testing.T) {
	var log, byDefault bytes.Buffer
	before := slog.Default()
	defer slog.SetDefault(before)
	slog.SetDefault(slog.New(slog.NewTextHandler(&byDefault, nil)))
	kind := clerkthrottle.WithInstanceType(clerkthrottle.Production)
	for _, opts := range [][]clerkthrottle.Option{{kind}, {kind, clerkthrottle.WithLogger(slog.New(slog.NewTextHandler(&log, nil)))}} {
		rt := newThrottle(t, append(opts, clerkthrottle.WithBase(newRecorder()))...)
		if _, err := send(rt, "GET", usersURL, "sk_test_x"); err != nil {
			t.Fatal(err)
		}
	}
	for name, text := range map[string]string{"default": byDefault.String(), "given": log.String()} {
		if strings.Count(text, "contradicts") != 1 {
			t.Errorf("the %s logger has %q, want one line", name, text)
		}
	}
}

func TestWithBaseSendsTheRequests(t *testing.T) {
	base := newRecorder()
	before := http.DefaultTransport
	defer func() { http.DefaultTransport = before }()
	http.DefaultTransport = base
	if _, err := send(newThrottle(t), "GET", usersURL, "sk_test_x"); err != nil || base.count() != 1 {
		t.Errorf("no base: %v, %d sent by http.DefaultTransport, want 1", err, base.count())
	}
	http.DefaultTransport = before
	if _, err := send(newThrottle(t, clerkthrottle.WithBase(base)), "GET", usersURL, "sk_test_x"); err != nil || base.count() != 2 {
		t.Errorf("WithBase: %v, %d sent by it, want 2", err, base.count())
	}
}

func TestClientHasNoTimeoutOfItsOwn(t *testing.T) {
	client, err := clerkthrottle.NewClient(clerkthrottle.WithBase(newRecorder()))
	if err != nil {
		t.Fatal(err)
	}
	if client.Timeout != 0 || client.CheckRedirect != nil || client.Jar != nil {
		t.Errorf("client %+v, want a transport and nothing else", client)
	}
	if _, ok := client.Transport.(*transport.Transport); !ok {
		t.Errorf("the client's transport is a %T", client.Transport)
	}
}

// A lone program in a dry run, over its limit and behind the block that this brings
// about: the log blames nobody else, and says what each would have waited for.
func TestDryRunHoldsNobodyBackAndLogsWhatIsSo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		server := clerktest.New()
		rt := newThrottle(t, clerkthrottle.WithDryRun(), clerkthrottle.WithBase(server.RoundTripper()),
			clerkthrottle.WithLogger(slog.New(slog.NewTextHandler(&log, nil))))
		begun := time.Now()
		flood(t, rt, 150, "GET", usersURL, "sk_test_x")
		time.Sleep(11 * time.Second)
		flood(t, rt, 150, "GET", usersURL, "sk_test_x")
		if took := time.Since(begun); took != 11*time.Second || server.Stats().Rejected != 100 {
			t.Errorf("after %s %d were answered 429, want every second window's 50 at once", took, server.Stats().Rejected)
		}
		for _, wrong := range []string{"other programs", "limit=\n", `limit=""`} {
			if strings.Contains(log.String(), wrong) {
				t.Errorf("the log says %q:\n%s", wrong, log.String())
			}
		}
		if !strings.Contains(log.String(), "would have waited") {
			t.Errorf("the log does not tell who would have waited:\n%s", log.String())
		}
	})
}
