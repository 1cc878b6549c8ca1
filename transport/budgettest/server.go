package budgettest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"
)

// server is the far side, in memory: it notes what arrived and when, takes its
// time, and answers as the test says.
type server struct {
	start time.Time
	takes func(nth int) (way, back time.Duration) // nil: no time

	mu     sync.Mutex
	sent   int
	visits []visit
	script map[string][]answer      // by path, for the next ones; then 200
	held   map[string]chan struct{} // by path, until when nothing is answered
}

// visit is one request that arrived.
type visit struct {
	path, query string
	at          time.Duration
	answered    time.Duration // 0: not yet
}

// answer is what the server does with a request.
type answer func() (*http.Response, error)

func (s *server) RoundTrip(req *http.Request) (*http.Response, error) {
	s.mu.Lock()
	nth := s.sent
	s.sent++
	s.mu.Unlock()
	var way, back time.Duration
	if s.takes != nil {
		way, back = s.takes(nth)
	}
	time.Sleep(way)
	s.mu.Lock()
	what := status(http.StatusOK)
	if next := s.script[req.URL.Path]; len(next) > 0 {
		what, s.script[req.URL.Path] = next[0], next[1:]
	}
	resp, err := what()
	if errors.As(err, new(*net.OpError)) { // it never left
		s.mu.Unlock()
		return nil, err
	}
	nth = len(s.visits)
	s.visits = append(s.visits, visit{path: req.URL.Path, query: req.URL.RawQuery, at: time.Since(s.start)})
	held := s.held[req.URL.Path]
	s.mu.Unlock()
	if time.Sleep(back); held != nil {
		<-held
	}
	s.mu.Lock()
	s.visits[nth].answered = time.Since(s.start)
	s.mu.Unlock()
	return resp, err
}

// answers has the next requests to a path answered so, one each.
func (s *server) answers(path string, next ...answer) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.script[path] = append(s.script[path], next...)
}

// hold has nothing answered at a path until the function is called that it returns.
func (s *server) hold(path string) (release func()) {
	held := make(chan struct{})
	s.mu.Lock()
	defer s.mu.Unlock()
	s.held[path] = held
	return sync.OnceFunc(func() { close(held) })
}

// log returns what arrived so far at a path, or at all, in order.
func (s *server) log(path string) []visit {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(s.visits), func(v visit) bool { return path != "" && v.path != path })
}

// order returns the queries of what arrived at a path.
func (s *server) order(path string) string {
	var order strings.Builder
	for _, v := range s.log(path) {
		order.WriteString(v.query)
	}
	return order.String()
}

func status(code int) answer {
	return func() (*http.Response, error) {
		return &http.Response{StatusCode: code, Header: http.Header{}, Body: http.NoBody}, nil
	}
}

// tooMany is a 429 that blocks for some time.
func tooMany(d time.Duration) answer {
	return func() (*http.Response, error) {
		resp, err := status(http.StatusTooManyRequests)()
		resp.Header.Set("Retry-After", fmt.Sprintf("%.6f", d.Seconds()))
		return resp, err
	}
}

const quota = "over the quota" // of a rule that no waiting cures

func overQuota() (*http.Response, error) {
	resp, err := status(http.StatusTooManyRequests)()
	resp.Body = io.NopCloser(strings.NewReader(quota))
	return resp, err
}

func broken() (*http.Response, error) { return nil, errors.New("connection reset by peer") }

func neverSent() (*http.Response, error) {
	return nil, &net.OpError{Op: "dial", Err: context.DeadlineExceeded}
}
