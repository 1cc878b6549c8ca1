package clerktest_test

import (
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/clerkthrottle/clerkthrottle-go/clerkthrottle"
	"github.com/clerkthrottle/clerkthrottle-go/clerkthrottle/clerktest"
)

func overSocket(t *testing.T, opts ...clerktest.Option) (caller, *clerktest.Server) {
	server := clerktest.New(opts...)
	transport := &http.Transport{}
	c := caller{rt: transport, base: server.Start(), key: devKey}
	t.Cleanup(func() {
		transport.CloseIdleConnections()
		server.Close()
	})
	return c, server
}

func TestSocketAnswersAsMemoryDoes(t *testing.T) {
	c, server := overSocket(t, instanceLimit(3, time.Hour), clerktest.WithFault(func(r *http.Request, _ int) clerktest.Fault {
		switch r.Header.Get("Fault") {
		case "request lost":
			return clerktest.Fault{Loss: clerktest.RequestLost}
		case "answer lost":
			return clerktest.Fault{Loss: clerktest.AnswerLost}
		case "stall":
			return clerktest.Fault{Stall: 1}
		default:
			return clerktest.Fault{}
		}
	}))
	if server.Start() != c.base {
		t.Error("a second Start gave another URL")
	}
	for _, fault := range []string{"request lost", "answer lost"} {
		// A POST: http.Transport would send a GET again on its own.
		if r, err := c.try("POST /v1/users", newUser, "Fault", fault); err == nil {
			t.Errorf("%s: answered %+v", fault, r)
		}
	}
	if r := c.do(t, "GET /v1/users/count", "", "Fault", "stall"); r.body != `{"data":[],"total_count":0}` {
		t.Errorf("stalled: %d %s", r.status, r.body)
	}
	if r := c.do(t, "HEAD /v1/users", ""); r.status != 200 || r.body != "" {
		t.Errorf("HEAD: %d %q", r.status, r.body)
	}
	r := c.do(t, "GET /v1/users", "")
	if r.status != 429 || r.code(t) != "too_many_requests" || r.retryAfter() != "3600" || r.header.Get("Content-Type") != "application/json" {
		t.Errorf("over the limit: %d %v %s", r.status, r.header, r.body)
	}
	if st := server.Stats(); st.Accepted != 3 || st.Rejected != 1 || st.Faults != 3 || st.Violations != 0 {
		t.Errorf("%+v", st)
	}
	if got := server.MaxInWindow(clerkthrottle.InstanceLimit); got != 3 {
		t.Errorf("MaxInWindow = %d", got)
	}
	if a := server.Requests()[0].Address; a != "127.0.0.1" {
		t.Errorf("address %q", a)
	}
}

// Close does not wait for stalled answers.
func TestCloseEndsRequestsInProgress(t *testing.T) {
	arrived := make(chan struct{})
	arrive := sync.OnceFunc(func() { close(arrived) })
	c, server := overSocket(t, clerktest.WithLatency(func(*rand.Rand) time.Duration {
		arrive()
		return time.Hour
	}))
	done := make(chan error)
	go func() {
		_, err := c.try("POST /v1/users", newUser)
		done <- err
	}()
	<-arrived
	server.Close()
	server.Close()
	if err := <-done; err == nil {
		t.Error("an answer came")
	}
}

func TestServerIsAHandler(t *testing.T) {
	server := clerktest.New()
	w := httptest.NewRecorder()
	r := httptest.NewRequest("GET", "/v1/users", nil)
	r.Header.Set("Authorization", "Bearer "+devKey)
	server.ServeHTTP(w, r)
	if w.Code != 200 || w.Body.String() != "[]" {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}
