package transport_test

import (
	"math"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/clerkthrottle/clerkthrottle-go/transport"
)

// In an outage every call cost up to four requests, and as many tokens.

func retryBudget(fraction float64, free int) func(*transport.Config) {
	return func(c *transport.Config) {
		c.RetryBudget = &transport.RetryBudget{Fraction: fraction, Free: free}
	}
}

func TestOutageCostsAFifthMoreRequests(t *testing.T) {
	for _, tt := range []struct {
		name        string
		change      func(*transport.Config)
		least, most float64 // requests for each call
	}{
		{"default", func(*transport.Config) {}, 1.15, 1.25},
		{"none", retryBudget(0, 0), 1, 1},
		{"as before", retryBudget(3, 1000), 3.9, 4},
	} {
		synctest.Test(t, func(t *testing.T) {
			const calls = 3000
			var d diary
			var sent, failed atomic.Int64
			rt := newTransport(t, roundTripFunc(func(*http.Request) (*http.Response, error) {
				if sent.Add(1)%2 == 0 {
					return nil, errReset
				}
				return code(503)()
			}), limit(1000, 10*sec), tt.change, d.observe)
			for range calls {
				go func() {
					resp, err := get(rt, "/a")
					if err != nil || resp.StatusCode == 503 {
						failed.Add(1)
					}
				}()
				time.Sleep(sec / 20)
			}
			time.Sleep(time.Minute)
			factor := float64(sent.Load()) / calls
			s := rt.Snapshot().Retries
			t.Logf("%s: %.2f requests a call in an outage, %d retries denied", tt.name, factor, s.Denied)
			if factor < tt.least || factor > tt.most || failed.Load() != calls {
				t.Errorf("%s: %.2f requests a call, %d failed", tt.name, factor, failed.Load())
			}
			if told := int64(d.count("denied")); told != s.Denied || (s.Denied > 0) != (tt.most < 4) {
				t.Errorf("%s: %d denied, %d told", tt.name, s.Denied, told)
			}
		})
	}
}

func TestDeniedFailureGoesBackAtOnceAndWhole(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := newServer(func(visit) (*http.Response, error) { return code(503)() })
		resp, err := get(newTransport(t, srv, limit(10, sec), retryBudget(0, 0)), "/a")
		if err != nil || resp.StatusCode != 503 || readAll(t, resp) != "code" || time.Since(srv.start) != 0 {
			t.Errorf("got (%v, %v) after %s", resp, err, time.Since(srv.start))
		}
	})
}

// A 429 is waited out at the gate, whatever failures have cost.
func TestRetriesOf429sNeedNoRetryBudget(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := newServer(script(tooMany("1"), tooMany("1"), tooMany("1")))
		mustGet(t, newTransport(t, srv, limit(10, sec), retryBudget(0, 0)), "/a")
	})
}

func TestRetryBudgetIsChecked(t *testing.T) {
	for _, b := range []transport.RetryBudget{{Fraction: -0.1}, {Fraction: 4}, {Fraction: math.NaN()}, {Free: -1}} {
		_, err := transport.New(transport.Config{
			Classify:    func(*http.Request) *transport.Claim { return nil },
			RetryBudget: &b,
		})
		if err == nil || !strings.Contains(err.Error(), "RetryBudget") {
			t.Errorf("%+v: error %v", b, err)
		}
	}
}
