package sdktest

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	otelprometheus "go.opentelemetry.io/otel/exporters/prometheus"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"

	"github.com/clerkthrottle/clerkthrottle-go/clerkthrottle"
	"github.com/clerkthrottle/clerkthrottle-go/clerkthrottle/clerktest"
	"github.com/clerkthrottle/clerkthrottle-go/clerkthrottle/otelthrottle"
)

// The metrics of a throttle, for Prometheus to scrape.
func Example_prometheus() {
	registry := prometheus.NewRegistry()
	exporter, err := otelprometheus.New(otelprometheus.WithRegisterer(registry), otelprometheus.WithoutScopeInfo())
	if err != nil {
		panic(err)
	}
	in, err := otelthrottle.New(otelthrottle.WithMeterProvider(sdkmetric.NewMeterProvider(sdkmetric.WithReader(exporter))))
	if err != nil {
		panic(err)
	}
	throttle, err := clerkthrottle.NewTransport(
		clerkthrottle.WithObserver(in.Observer()),
		clerkthrottle.WithBase(clerktest.New().RoundTripper()), // leave this line out
	)
	if err != nil {
		panic(err)
	}
	defer in.Watch(throttle)()
	metrics := httptest.NewServer(promhttp.HandlerFor(registry, promhttp.HandlerOpts{})) // or http.Handle("/metrics", …)
	defer metrics.Close()

	client := &http.Client{Transport: throttle}
	for range 3 {
		req, _ := http.NewRequest("GET", "https://api.clerk.com/v1/users", nil)
		req.Header.Set("Authorization", "Bearer sk_test_anything")
		resp, err := client.Do(req)
		if err != nil {
			panic(err)
		}
		resp.Body.Close()
	}
	for _, line := range scrape(metrics.URL) {
		if strings.HasPrefix(line, "clerkthrottle_requests") || strings.HasPrefix(line, "clerkthrottle_token") {
			fmt.Println(line)
		}
	}
	// Output:
	// clerkthrottle_requests_total{clerkthrottle_outcome="answered",clerkthrottle_priority="normal",http_request_method="GET",url_template="/v1/users"} 3
	// clerkthrottle_token_limit{clerkthrottle_limit_name="instance"} 100
	// clerkthrottle_token_usage{clerkthrottle_limit_name="instance",clerkthrottle_token_state="free"} 97
	// clerkthrottle_token_usage{clerkthrottle_limit_name="instance",clerkthrottle_token_state="in_flight"} 0
	// clerkthrottle_token_usage{clerkthrottle_limit_name="instance",clerkthrottle_token_state="returning"} 3
}

// scrape returns the lines of a metrics page.
func scrape(url string) []string {
	resp, err := http.Get(url)
	if err != nil {
		panic(err)
	}
	defer resp.Body.Close()
	return linesOf(resp.Body)
}

func linesOf(r io.Reader) (all []string) {
	for lines := bufio.NewScanner(r); lines.Scan(); {
		all = append(all, lines.Text())
	}
	return all
}

// shown is a throttle with a metrics page for Prometheus.
type shown struct {
	client http.Client
	page   string // its URL
}

// show makes one over a stand-in with two tokens that are free again within 150 ms,
// so that requests wait.
func show(t *testing.T, clerk *clerktest.Server) *shown {
	t.Helper()
	registry := prometheus.NewRegistry()
	exporter, err := otelprometheus.New(otelprometheus.WithRegisterer(registry))
	if err != nil {
		t.Fatal(err)
	}
	in, err := otelthrottle.New(otelthrottle.WithMeterProvider(sdkmetric.NewMeterProvider(sdkmetric.WithReader(exporter))))
	if err != nil {
		t.Fatal(err)
	}
	throttle, err := clerkthrottle.NewTransport(
		clerkthrottle.WithObserver(in.Observer()),
		clerkthrottle.WithBase(clerk.RoundTripper()),
		clerkthrottle.WithBudget(&sole{}),
		clerkthrottle.WithLimit("instance", 2, 150*time.Millisecond),
		clerkthrottle.WithLogger(slog.New(slog.DiscardHandler)),
	)
	if err != nil {
		t.Fatal(err)
	}
	in.Watch(throttle)
	metrics := httptest.NewServer(promhttp.HandlerFor(registry, promhttp.HandlerOpts{}))
	t.Cleanup(func() {
		_ = throttle.Close()
		metrics.Close()
	})
	return &shown{http.Client{Transport: throttle}, metrics.URL}
}

func (s *shown) get(ctx context.Context, path string) {
	req, _ := http.NewRequestWithContext(ctx, "GET", "https://api.clerk.com"+path, nil)
	req.Header.Set("Authorization", "Bearer "+aKey)
	if resp, err := s.client.Do(req); err == nil {
		resp.Body.Close()
	}
}

// closed makes the stand-in block sessions for ten minutes.
func closed(r *http.Request, _ int) clerktest.Fault {
	if r.URL.Path == "/v1/sessions" {
		return clerktest.Fault{Status: 429, Header: http.Header{"Retry-After": {"600"}}}
	}
	return clerktest.Fault{}
}

// Every instrument is scraped under the name in the package comment, over a socket,
// while requests wait for a limit and for a block.
func TestEveryInstrumentIsScraped(t *testing.T) {
	s := show(t, clerktest.New(clerktest.WithFault(closed)))
	var all sync.WaitGroup
	for _, path := range []string{"/v1/users", "/v1/users", "/v1/users", "/v1/sessions"} {
		all.Go(func() { s.get(t.Context(), path) })
	}
	all.Wait()

	page := scrape(s.page)
	comment, err := os.ReadFile("../doc.go")
	if err != nil {
		t.Fatal(err)
	}
	var want, got []string
	for line := range strings.Lines(string(comment)) {
		f := strings.Fields(line)
		if len(f) < 5 || !strings.HasPrefix(f[1], "clerkthrottle.") || !slices.Contains([]string{"Counter", "Histogram", "ObservableUpDownCounter", "ObservableGauge"}, f[2]) {
			continue
		}
		kind := "gauge"
		ends := map[string]string{"s": "_seconds", "{request}/s": "_per_second"}[f[3]]
		switch f[2] {
		case "Counter":
			kind, ends = "counter", "_total"
		case "Histogram":
			kind = "histogram"
		}
		want = append(want, strings.ReplaceAll(f[1], ".", "_")+ends+" "+kind)
	}
	for _, line := range page {
		if name, ok := strings.CutPrefix(line, "# TYPE clerkthrottle_"); ok {
			got = append(got, "clerkthrottle_"+name)
		}
	}
	slices.Sort(want)
	slices.Sort(got)
	if !slices.Equal(got, want) || len(got) == 0 {
		t.Errorf("the page has\n%s\nand the package comment says\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	value := func(name string, labels ...string) string {
		for _, line := range page {
			series, value, _ := strings.Cut(line, "} ")
			matches := strings.HasPrefix(series, name+"{")
			for _, l := range labels {
				matches = matches && strings.Contains(series, l)
			}
			if matches {
				return value
			}
		}
		return "none"
	}
	const users, sessions = `url_template="/v1/users"`, `url_template="/v1/sessions"`
	for _, check := range []struct{ what, got, want string }{
		{"answered", value("clerkthrottle_requests_total", users, `clerkthrottle_outcome="answered"`), "3"},
		{"throttled", value("clerkthrottle_requests_total", sessions, `clerkthrottle_outcome="throttled"`, `error_type="429"`), "1"},
		{"refused", value("clerkthrottle_requests_total", sessions, `clerkthrottle_outcome="refused"`, `error_type="max_wait"`), "1"},
		{"blocks", value("clerkthrottle_blocks_total", sessions), "1"},
		{"blocked", value("clerkthrottle_blocked_endpoints", sessions), "1"},
		{"open", value("clerkthrottle_blocked_endpoints", users), "0"},
		{"limit", value("clerkthrottle_token_limit", `clerkthrottle_limit_name="instance"`), "2"},
	} {
		if check.got != check.want {
			t.Errorf("%s: %s, want %s\n%s", check.what, check.got, check.want, strings.Join(page, "\n"))
		}
	}
	if joined := strings.Join(page, "\n"); strings.Contains(joined, "RECOGNISABLE") {
		t.Error("the page tells the secret key")
	}
}

// newBusyThrottle returns the page of a throttle that keeps waiting, refusing and
// meeting 429s until the test ends.
func newBusyThrottle(t *testing.T) (page string) {
	s := show(t, clerktest.New(clerktest.WithFault(func(r *http.Request, n int) clerktest.Fault {
		if r.URL.Path == "/v1/organizations" && n%2 == 1 {
			return clerktest.Fault{Status: 429, Header: http.Header{"Retry-After": {"1"}}}
		}
		return closed(r, n)
	})))
	ctx, stop := context.WithCancel(t.Context())
	var all sync.WaitGroup
	for _, path := range []string{"/v1/users", "/v1/users", "/v1/users", "/v1/organizations", "/v1/sessions"} {
		all.Go(func() {
			for ctx.Err() == nil {
				s.get(ctx, path)
				time.Sleep(10 * time.Millisecond)
			}
		})
	}
	t.Cleanup(func() {
		stop()
		all.Wait()
	})
	return s.page
}
