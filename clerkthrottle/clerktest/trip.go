package clerktest

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"time"

	"github.com/clerkthrottle/clerkthrottle-go/internal/retryafter"
)

// A client receives notices: a RoundTripper, or an address.
type client struct {
	id    int
	host  string
	grace time.Duration // how long an answer may take to reach it
}

// A trip is one request's way to the server and back. As everywhere in the server,
// times are since the Unix epoch.
type trip struct {
	client
	call
	body     []byte
	copy     *http.Request // for cfg.handler
	n        int
	fault    Fault
	sent     time.Duration
	up, down time.Duration
	service  time.Duration // the server's work, if accepted
	until    time.Duration // when the answer's Retry-After ends; 0: none
}

// serve handles a request, waiting on the caller's goroutine. It returns an error if
// there is no answer: the context ended, the body could not be read, or a fault lost
// it. It reads the body to the end, and does not close it.
func (s *Server) serve(req *http.Request, from client) (answer, error) {
	ctx := req.Context()
	if ctx.Err() != nil {
		return answer{}, context.Cause(ctx)
	}
	t := &trip{client: from, call: s.router.classify(req, cmp.Or(from.host, memoryAddress))}
	if s.cfg.handler != nil {
		t.copy = req.Clone(context.Background()) // it may arrive when the caller uses the original again
	}
	s.depart(t, req)
	if err := t.readBody(req); err != nil {
		return answer{}, err
	}
	if err := wait(ctx, t.up); err != nil {
		s.abandoned(t)
		return answer{}, err
	}
	if t.fault.Loss == RequestLost {
		return answer{}, t.fault.lossError()
	}
	a := s.arrive(t)
	if err := wait(ctx, t.down); err != nil {
		return answer{}, err
	}
	if t.fault.Loss == AnswerLost {
		return answer{}, t.fault.lossError()
	}
	s.delivered(t)
	return a, nil
}

// depart numbers the request and draws its latencies and fault.
func (s *Server) depart(t *trip, req *http.Request) {
	s.mu.Lock()
	s.report.stats.Sent++
	t.n = s.report.stats.Sent
	t.sent = s.nowLocked()
	rtt := max(0, s.cfg.latency(s.rand))
	t.up = rtt / 2
	t.down = rtt - t.up
	t.service = max(0, s.cfg.serviceTime(s.rand))
	s.mu.Unlock()
	if s.cfg.fault != nil {
		t.fault = s.cfg.fault(req, t.n)
	}
	if !t.fault.zero() {
		s.mu.Lock()
		s.report.stats.Faults++
		s.mu.Unlock()
	}
}

// readBody reads the body and checks its length, as http.Transport would.
func (t *trip) readBody(req *http.Request) (err error) {
	if req.Body == nil {
		return nil
	}
	t.body, err = io.ReadAll(req.Body)
	if want, got := req.ContentLength, int64(len(t.body)); err == nil && want > 0 && want != got {
		err = fmt.Errorf("http: ContentLength=%d with Body length %d", want, got)
	}
	return err
}

// arrive counts the request at its arrival and answers it.
func (s *Server) arrive(t *trip) answer {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.nowLocked()
	s.settleLocked(now)
	return s.arriveLocked(t, now, t.fault.Loss == AnswerLost)
}

func (s *Server) arriveLocked(t *trip, now time.Duration, lost bool) answer {
	violation, wall := s.violationLocked(t, now), s.epoch.Add(now)
	var a answer
	var v verdict
	if !t.frontend && t.instance == "" && t.endpoint != jwks {
		a = unauthenticated
		a.finish(t.n, wall, nil)
	} else if v = s.limiter.admit(now, &t.call); v.accepted {
		a = s.performLocked(t, now, wall)
	} else {
		a = s.rejectLocked(t, now, wall, v)
	}
	s.report.add(Request{
		Time: wall, Method: t.method, Endpoint: t.endpoint, Instance: t.instance, Address: t.address,
		Status: a.status, Accepted: v.accepted, Blocked: v.blocked, Violation: violation, Lost: lost,
	})
	return a
}

// performLocked answers an accepted request.
func (s *Server) performLocked(t *trip, now time.Duration, wall time.Time) answer {
	t.down += t.service
	var a answer
	switch {
	case t.fault.Status != 0:
		a = t.fault.answer()
	case t.copy != nil:
		t.copy.Body = io.NopCloser(bytes.NewReader(t.body))
		w := httptest.NewRecorder()
		s.cfg.handler.ServeHTTP(w, t.copy)
		a = answer{status: w.Code, header: w.Header(), body: w.Body.Bytes()}
	default:
		a = defaultAnswer(t)
	}
	a.stall = t.fault.Stall
	a.finish(t.n, wall, t.fault.Header)
	if a.status == http.StatusTooManyRequests {
		if d, ok := retryafter.Parse(a.header, wall); ok && d > 0 {
			t.until = now + d
			if s.cfg.blocking {
				s.limiter.block(now, t.until, &t.call)
			}
		}
	}
	return a
}

// rejectLocked answers 429. The header never says less than what is left of the
// block.
func (s *Server) rejectLocked(t *trip, now time.Duration, wall time.Time, v verdict) answer {
	left := max(time.Second, roundUp(v.end-now))
	t.until = now + left
	header := http.Header{}
	switch s.cfg.retryAfter {
	case RetryAfterSeconds:
		header.Set("Retry-After", strconv.FormatInt(int64(left/time.Second), 10))
	case RetryAfterDate:
		t.until = roundUp(v.end)
		header.Set("Retry-After", s.epoch.Add(t.until).UTC().Format(http.TimeFormat))
	}
	if s.cfg.blocking && !v.blocked {
		s.limiter.block(now, t.until, &t.call)
	}
	if s.cfg.retryAfter == RetryAfterOmitted {
		t.until = 0
	}
	a := rateLimited
	a.finish(t.n, wall, header)
	return a
}

// roundUp rounds up to whole seconds.
func roundUp(d time.Duration) time.Duration {
	return (d + time.Second - 1).Truncate(time.Second)
}

// A lateArrival is a request that its caller has given up; the http.Request may be in
// use again.
type lateArrival struct {
	at time.Duration
	*trip
}

// abandoned is called when a request's context ends before it arrives.
func (s *Server) abandoned(t *trip) {
	if !s.cfg.lateArrivals || t.fault.Loss == RequestLost {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.late = append(s.late, lateArrival{t.sent + t.up, t})
	slices.SortStableFunc(s.late, func(a, b lateArrival) int { return cmp.Compare(a.at, b.at) })
}

// settleLocked makes the late arrivals that are due arrive. No goroutine does it on
// time: every access to the state calls it first.
func (s *Server) settleLocked(now time.Duration) {
	done := 0
	for ; done < len(s.late) && s.late[done].at <= now; done++ {
		s.arriveLocked(s.late[done].trip, s.late[done].at, true)
	}
	s.late = s.late[done:]
}
