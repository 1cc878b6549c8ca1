package sdktest

import (
	"fmt"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"go.opentelemetry.io/otel/sdk/metric/metricdata"

	"github.com/clerkthrottle/clerkthrottle-go/clerkthrottle"
	"github.com/clerkthrottle/clerkthrottle-go/clerkthrottle/clerktest"
	"github.com/clerkthrottle/clerkthrottle-go/transport"
)

// A thousand more users, organizations, keys and addresses add no series, and neither
// they nor hashes of keys show.
func TestSeriesAreBoundedAndHoldNoSecret(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		clerk := clerktest.New(clerktest.WithLimits())
		l := newLab(t, clerkthrottle.WithBase(clerk.RoundTripper()))
		ctx, caller := l.tracers.Tracer("caller").Start(t.Context(), "caller")
		visit := func(i int) {
			req, _ := http.NewRequestWithContext(ctx, "POST", "https://example.clerk.accounts.dev/v1/client/sign_ins", nil)
			req.Header.Set("X-Forwarded-For", fmt.Sprintf("10.9.%d.%d", i/256, i%256))
			if resp, err := l.throttle.RoundTrip(req); err == nil {
				resp.Body.Close()
			}
			req, _ = http.NewRequestWithContext(ctx, "PATCH", fmt.Sprintf("https://api.clerk.com/v1/users/%s%d?q=%s", aUser, i, aUser), nil)
			req.Header.Set("Authorization", fmt.Sprintf("Bearer %s%d", aKey, i))
			if resp, err := l.throttle.RoundTrip(req); err == nil {
				resp.Body.Close()
			}
			l.send(ctx, "DELETE", fmt.Sprintf("/v1/organizations/org_2cPPXrUTLJXxG5SKTwyZ9Vn7WcF%d", i))
			l.send(ctx, "GET", fmt.Sprintf("/v1/unheard_of/%s%d", aUser, i))
			time.Sleep(100 * time.Millisecond)
		}
		for i := range 200 {
			visit(i)
		}
		before := series(l)
		for i := range 1000 {
			visit(200 + i)
		}
		after := series(l)
		caller.End()
		for _, one := range after { // idle gates are evicted: there may be fewer
			if !slices.Contains(before, one) {
				t.Errorf("a thousand more visits make one more series: %s", one)
			}
		}
		if len(after) < 30 {
			t.Errorf("only %d series: %q", len(after), after)
		}
		everything := strings.Join(after, "\n") + fmt.Sprintf("%+v", l.spans.GetSpans())
		for _, secret := range []string{"sk_test", "RECOGNISABLE", "user_2", "org_2", "10.9.", "192.0.2."} {
			if strings.Contains(everything, secret) {
				t.Errorf("%q is told", secret)
			}
		}
		for _, limit := range l.throttle.Snapshot().Limits { // "development 0a1b2c3d4e5f instance"
			if hash := strings.Fields(limit.Key)[1]; len(hash) == 12 && strings.Contains(everything, hash) {
				t.Fatalf("the hash of a key is told: %s", hash)
			}
		}
	})
}

// series lists all series of all instruments.
func series(l *lab) []string {
	var all []string
	for name := range l.collect() {
		for attributes := range l.values(name) {
			all = append(all, name+" "+attributes)
		}
	}
	return all
}

// Unknown values from a classification or a custom context become one of the known
// ones.
func TestMadeUpWordsBecomeKnownOnes(t *testing.T) {
	l := newLab(t)
	for _, endpoint := range []string{"FROB /users", "nameless"} {
		l.in.Observer().Answered(t.Context(), transport.AnswerEvent{Endpoint: endpoint, Outcome: "answered", Priority: 7, Status: 200})
	}
	l.want("clerkthrottle.requests", map[string]float64{
		"outcome=answered,priority=interactive,method=_OTHER,template=/users":   1,
		"outcome=answered,priority=interactive,method=_OTHER,template=nameless": 1,
	})
}

// The table in the package comment lists all instruments.
func TestPackageCommentListsEveryInstrument(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sent := 0
		l := newLab(t, clerkthrottle.WithBudget(&sole{}), clerkthrottle.WithBase(roundTripper(func(*http.Request) (*http.Response, error) {
			if sent++; sent == 1 {
				return answer(429, "Retry-After", "1"), nil
			}
			return answer(200), nil
		})))
		l.send(t.Context(), "GET", "/v1/users")
		comment, err := os.ReadFile("../doc.go")
		if err != nil {
			t.Fatal(err)
		}
		listed := map[string]string{}
		for line := range strings.Lines(string(comment)) {
			if f := strings.Fields(line); len(f) > 4 && f[0] == "//" && strings.HasPrefix(f[1], "clerkthrottle.") && !strings.HasPrefix(f[2], "child") && f[2] != "event" && f[2] != "counts" {
				listed[f[1]] = f[2] + " " + f[3]
			}
		}
		all := l.collect()
		for name, m := range all {
			if got := kindOf(m) + " " + m.Unit; !strings.HasSuffix(listed[name], got) {
				t.Errorf("%s is a %s, and listed as %q", name, got, listed[name])
			}
			if m.Description == "" {
				t.Errorf("%s has no description", name)
			}
		}
		for name := range listed {
			if _, ok := all[name]; !ok {
				t.Errorf("%s is listed, and there is none", name)
			}
		}
	})
}

func kindOf(m metricdata.Metrics) string {
	switch data := m.Data.(type) {
	case metricdata.Sum[int64]:
		if data.IsMonotonic {
			return "Counter"
		}
		return "UpDownCounter"
	case metricdata.Histogram[float64]:
		return "Histogram"
	default:
		return "Gauge"
	}
}
