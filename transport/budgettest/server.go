package budgettest

import (
	"cmp"
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

// server is a server in memory: it records what arrives and when, and answers as the
// test says.
type server struct {
	start time.Time

	mu     sync.Mutex
	visits []visit
	script map[string][]answer      // next answers, by path
	held   map[string]chan struct{} // by path; answers wait until it is closed
}

// visit is one request that arrived.
type visit struct {
	path, query string
	at          time.Duration
	answered    time.Duration // 0: not yet
}

// answer is the fate of a request. The zero value is a 200, at once.
type answer struct {
	way, back  time.Duration
	status     int
	retryAfter time.Duration
	body       string
	err        error // instead of a response; a *net.OpError means that the request was not sent
}

// tooMany is a 429 that blocks for d.
func tooMany(d time.Duration) answer {
	return answer{status: http.StatusTooManyRequests, retryAfter: d}
}

func (s *server) RoundTrip(req *http.Request) (*http.Response, error) {
	path := req.URL.Path
	s.mu.Lock()
	var a answer
	if next := s.script[path]; len(next) > 0 {
		a, s.script[path] = next[0], next[1:]
	}
	s.mu.Unlock()
	if errors.As(a.err, new(*net.OpError)) {
		return nil, a.err
	}
	time.Sleep(a.way)
	s.mu.Lock()
	nth := len(s.visits)
	s.visits = append(s.visits, visit{path: path, query: req.URL.RawQuery, at: time.Since(s.start)})
	held := s.held[path]
	s.mu.Unlock()
	if time.Sleep(a.back); held != nil {
		<-held
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.visits[nth].answered = time.Since(s.start)
	if a.err != nil {
		return nil, a.err
	}
	resp := &http.Response{StatusCode: cmp.Or(a.status, http.StatusOK), Header: http.Header{}, Body: io.NopCloser(strings.NewReader(a.body))}
	if a.retryAfter > 0 {
		resp.Header.Set("Retry-After", fmt.Sprintf("%.6f", a.retryAfter.Seconds()))
	}
	return resp, nil
}

// answers sets the answers to the next requests to a path.
func (s *server) answers(path string, next ...answer) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.script[path] = append(s.script[path], next...)
}

// hold delays all answers at a path until release is called.
func (s *server) hold(path string) (release func()) {
	held := make(chan struct{})
	s.mu.Lock()
	defer s.mu.Unlock()
	s.held[path] = held
	return sync.OnceFunc(func() { close(held) })
}

// log returns the requests that have arrived at a path, or with "" at any, in order.
func (s *server) log(path string) []visit {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(s.visits), func(v visit) bool { return path != "" && v.path != path })
}

// order returns the queries of the requests that have arrived at a path.
func (s *server) order(path string) (order string) {
	for _, v := range s.log(path) {
		order += v.query
	}
	return order
}
