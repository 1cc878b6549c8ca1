package budgettest

import (
	"cmp"
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
	visits []visit
	script map[string][]answer // by path, for the next ones; then 200
}

// visit is one request that arrived.
type visit struct {
	path     string // and query
	at       time.Duration
	answered time.Duration // 0: not yet
}

// answer is what the server does with a request.
type answer func() (*http.Response, error)

func (s *server) RoundTrip(req *http.Request) (*http.Response, error) {
	var way, back time.Duration
	if s.takes != nil {
		s.mu.Lock()
		nth := len(s.visits)
		s.mu.Unlock()
		way, back = s.takes(nth)
	}
	time.Sleep(way)
	s.mu.Lock()
	nth := len(s.visits)
	s.visits = append(s.visits, visit{path: req.URL.RequestURI(), at: time.Since(s.start)})
	what := status(http.StatusOK)
	if next := s.script[req.URL.Path]; len(next) > 0 {
		what, s.script[req.URL.Path] = next[0], next[1:]
	}
	s.mu.Unlock()
	time.Sleep(back)
	s.mu.Lock()
	s.visits[nth].answered = time.Since(s.start)
	s.mu.Unlock()
	return what()
}

// answers has the next requests to a path answered so, one each.
func (s *server) answers(path string, next ...answer) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.script == nil {
		s.script = make(map[string][]answer)
	}
	s.script[path] = append(s.script[path], next...)
}

// log returns what arrived so far at paths that begin so, in order.
func (s *server) log(path string) []visit {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(s.visits), func(v visit) bool { return !strings.HasPrefix(v.path, path) })
}

// order returns the queries of what arrived at paths that begin so.
func (s *server) order(path string) string {
	order := ""
	for _, v := range s.log(path) {
		_, query, _ := strings.Cut(v.path, "?")
		order += query
	}
	return order
}

// most returns the largest number of arrivals in one half-open window.
func (s *server) most(window time.Duration) int {
	at := s.log("")
	slices.SortFunc(at, func(a, b visit) int { return cmp.Compare(a.at, b.at) })
	most, from := 0, 0
	for i, v := range at {
		for at[from].at <= v.at-window {
			from++
		}
		most = max(most, i-from+1)
	}
	return most
}

func status(code int) answer {
	return func() (*http.Response, error) {
		return &http.Response{StatusCode: code, Header: http.Header{}, Body: http.NoBody}, nil
	}
}

// tooMany is a 429 that blocks for some time; zero: it names none.
func tooMany(d time.Duration) answer {
	return func() (*http.Response, error) {
		resp, err := status(http.StatusTooManyRequests)()
		if d > 0 {
			resp.Header.Set("Retry-After", fmt.Sprintf("%.6f", d.Seconds()))
		}
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
