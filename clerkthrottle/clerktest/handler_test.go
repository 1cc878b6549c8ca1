package clerktest_test

import (
	"fmt"
	"io"
	"net/http"
	"testing"
	"time"

	"github.com/clerkthrottle/clerkthrottle-go/clerkthrottle/clerktest"
)

// The handler gets accepted requests as sent, one at a time; its answers are delayed
// like all others.
func TestHandlerAnswersWhatTheLimitsLetThrough(t *testing.T) {
	asked := 0 // without a lock: the race detector checks that calls are sequential
	h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked++
		body, _ := io.ReadAll(r.Body)
		w.Header().Set("X-Echo", r.Header.Get("X-Say"))
		w.WriteHeader(http.StatusTeapot)
		fmt.Fprintf(w, "%s %s %s", r.Method, r.URL.RequestURI(), body)
	})
	for name, face := range map[string]func(...clerktest.Option) caller{
		"memory": func(o ...clerktest.Option) caller { return in(clerktest.New(o...)) },
		"socket": func(o ...clerktest.Option) caller { c, _ := overSocket(t, o...); return c },
	} {
		asked = 0
		c := face(clerktest.WithHandler(h), instanceLimit(20, time.Hour), clerktest.WithFault(func(_ *http.Request, n int) clerktest.Fault {
			return map[int]clerktest.Fault{2: {Status: 503}}[n]
		}))
		r := c.do(t, "POST /v1/users?a=b%2Fc", `{"x":1}`, "X-Say", "hello")
		if r.status != http.StatusTeapot || r.body != `POST /v1/users?a=b%2Fc {"x":1}` || r.header.Get("X-Echo") != "hello" || r.header.Get("Clerk-Trace-Id") == "" {
			t.Errorf("%s: %d %v %s", name, r.status, r.header, r.body)
		}
		if r := c.do(t, "GET /v1/users", ""); r.status != http.StatusServiceUnavailable {
			t.Errorf("%s: %d, want the fault", name, r.status)
		}
		done := make(chan int)
		for range 30 {
			go func() {
				r, _ := c.try("GET /v1/anything", "")
				done <- r.status
			}()
		}
		through := 0
		for range 30 {
			if <-done == http.StatusTeapot {
				through++
			}
		}
		if through != 18 || asked != 19 {
			t.Errorf("%s: %d accepted, the handler was called %d times", name, through, asked)
		}
	}
}
