package main

import (
	"encoding/json"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/clerkthrottle/clerkthrottle-go/clerkthrottle"
	"github.com/clerkthrottle/clerkthrottle-go/clerkthrottle/clerktest"
)

// What does not fit waits; what would wait too long is answered as Clerk would.
func TestOverTheLimitIsAnswered429(t *testing.T) {
	clerk := clerktest.New()
	upstream := clerk.Start()
	defer clerk.Close()
	url := start(t, upstream, "-max-wait", "0", "-reserve", "0")
	users := func() (*http.Response, []byte) {
		return do(t, request(t, "GET", url+"/v1/users", "Authorization", "Bearer sk_test_x"))
	}
	for range 100 {
		if resp, body := users(); resp.StatusCode != http.StatusOK {
			t.Fatalf("%s %s", resp.Status, body)
		}
	}
	resp, body := users()
	var refusal struct {
		Errors []struct{ Code, Message string }
	}
	if err := json.Unmarshal(body, &refusal); err != nil || len(refusal.Errors) != 1 {
		t.Fatalf("%s: %v", body, err)
	}
	wait, _ := strconv.Atoi(resp.Header.Get("Retry-After"))
	if resp.StatusCode != http.StatusTooManyRequests || wait < 1 || wait > 10 || refusal.Errors[0].Code != "too_many_requests" {
		t.Errorf("%s, Retry-After %q: %s", resp.Status, resp.Header.Get("Retry-After"), body)
	}
	if s := clerk.Stats(); s.Rejected != 0 || s.Sent != 100 {
		t.Errorf("Clerk saw %d requests and answered %d with 429", s.Sent, s.Rejected)
	}
}

// A visitor who signs in too often is held back, and no other visitor with him.
func TestVisitorsHaveLimitsOfTheirOwn(t *testing.T) {
	clerk := clerktest.New()
	upstream := clerk.Start()
	defer clerk.Close()
	url := start(t, upstream, "-max-wait", "0")
	signIn := func(visitor string) int {
		resp, _ := do(t, request(t, "POST", url+"/__clerk/v1/client/sign_ins", "X-Forwarded-For", visitor))
		return resp.StatusCode
	}
	for i := range 8 {
		want := http.StatusOK
		if i >= 5 {
			want = http.StatusTooManyRequests
		}
		if got := signIn("203.0.113.5"); got != want {
			t.Errorf("sign-in %d: %d, want %d", i+1, got, want)
		}
	}
	if got := signIn("203.0.113.6"); got != http.StatusOK {
		t.Errorf("another visitor: %d", got)
	}
	if s := clerk.Stats(); s.Rejected != 0 {
		t.Errorf("Clerk answered %d requests with 429", s.Rejected)
	}
}

func TestUpstreamAwayIsBadGateway(t *testing.T) {
	url := start(t, "http://127.0.0.1:1", "-max-wait", "0") // no time to try again
	resp, body := do(t, request(t, "GET", url+"/v1/users", "Authorization", "Bearer sk_test_x"))
	if resp.StatusCode != http.StatusBadGateway || !strings.Contains(string(body), `"code":"bad_gateway"`) || strings.Contains(string(body), "127.0.0.1") {
		t.Errorf("%s %s", resp.Status, body)
	}
}

func TestHealthAndStatusAreServed(t *testing.T) {
	url := start(t, echo(t))
	do(t, request(t, "GET", url+"/v1/users", "Authorization", "Bearer sk_test_x"))
	if resp, body := do(t, request(t, "GET", url+"/-/health")); resp.StatusCode != http.StatusOK || string(body) != "ok\n" {
		t.Errorf("health: %s %s", resp.Status, body)
	}
	if resp, body := do(t, request(t, "GET", url+"/-/status/")); resp.StatusCode != http.StatusOK || !strings.Contains(string(body), "Clerk sidecar") {
		t.Errorf("status: %s %.200s", resp.Status, body)
	}
	if resp, body := do(t, request(t, "GET", url+"/-/status/snapshot.json")); !strings.Contains(string(body), "GET /v1/users") || strings.Contains(string(body), "sk_test_x") {
		t.Errorf("snapshot: %s %.500s", resp.Status, body)
	}
	if resp, _ := do(t, request(t, "GET", url+"/-/else")); resp.StatusCode != http.StatusNotFound {
		t.Errorf("/-/else: %s", resp.Status)
	}
}

// Stopping refuses nobody who is being answered, says so on the health endpoint,
// and does not wait for those who stand in line beyond the grace period.
func TestStoppingFinishesWhatIsUnderWay(t *testing.T) {
	arrived, release := make(chan struct{}), make(chan struct{})
	upstream := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		close(arrived)
		<-release
		_, _ = io.WriteString(w, "late")
	})
	url, stop, stopped := startStoppable(t, upstream, "-limit", "1/10s", "-grace", "300ms")
	answers := make(chan string, 2)
	get := func() {
		_, body := do(t, request(t, "GET", url+"/v1/users", "Authorization", "Bearer sk_test_x"))
		answers <- string(body)
	}
	go get()
	<-arrived
	go get() // waits for the limit
	health := client(t)
	keep, err := health.Do(request(t, "GET", url+"/-/health"))
	if err != nil {
		t.Fatal(err)
	}
	_ = keep.Body.Close()
	time.Sleep(50 * time.Millisecond)
	stop()
	time.Sleep(100 * time.Millisecond)
	close(release)
	if got := <-answers; got != "late" {
		t.Errorf("the request under way was answered %s", got)
	}
	if got := <-answers; !strings.Contains(got, "shutting down") {
		t.Errorf("the request in line was answered %s", got)
	}
	if err := <-stopped; err != nil {
		t.Errorf("serve: %v", err)
	}
	if _, err := health.Do(request(t, "GET", url+"/-/health")); err == nil { //nolint:bodyclose // there is none
		t.Error("it still listens")
	}
}

// A thousand clients at once, on a limit that holds most of them back.
func TestAThousandClientsShareTheLimit(t *testing.T) {
	const clients, n = 1000, 250
	window := 500 * time.Millisecond
	clerk := clerktest.New(clerktest.WithLimits(clerkthrottle.Limit{Name: "instance", N: n, Window: window}))
	upstream := clerk.Start()
	defer clerk.Close()
	url := start(t, upstream, "-limit", "250/500ms")
	c := client(t)
	var ok atomic.Int64
	var wg sync.WaitGroup
	begin := time.Now()
	for range clients {
		wg.Go(func() {
			resp, err := c.Do(request(t, "GET", url+"/v1/users", "Authorization", "Bearer sk_test_x"))
			if err != nil {
				t.Error(err)
				return
			}
			_, _ = io.Copy(io.Discard, resp.Body)
			_ = resp.Body.Close()
			if resp.StatusCode == http.StatusOK {
				ok.Add(1)
			}
		})
	}
	wg.Wait()
	s := clerk.Stats()
	t.Logf("%d clients answered in %s; the shortest possible time is %s; %d answered 429", ok.Load(), time.Since(begin).Round(time.Millisecond), 3*window, s.Rejected)
	if ok.Load() != clients || s.Rejected != 0 {
		t.Errorf("%d of %d answered 200, %d 429s", ok.Load(), clients, s.Rejected)
	}
}
