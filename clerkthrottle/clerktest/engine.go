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

// A client is someone who can be told to wait: a RoundTripper, or an address.
type client struct {
	id   int
	host string
}

// A trip is one request's way to the server and back. Its times, like all of
// the server's, are since the epoch.
type trip struct {
	client
	call
	body     []byte
	copy     *http.Request // for the handler, if there is one
	n        int
	fault    Fault
	sent     time.Duration
	up, down time.Duration
	service  time.Duration // the server's work, if it comes to that
	until    time.Duration // the end of the Retry-After in the answer; 0: none
}

// maxBody is how much of a request's body is kept; the rest is read and dropped.
const maxBody = 1 << 20

// serve takes a request through its whole way, waiting on the caller's
// goroutine. An error means that there is no answer: the context ended, the
// body could not be read, or a fault lost it. The request's body is read to its
// end, and not closed.
func (s *Server) serve(req *http.Request, from client) (*trip, answer, error) {
	ctx := req.Context()
	t := &trip{client: from}
	if ctx.Err() != nil {
		return t, answer{}, context.Cause(ctx)
	}
	t.call = s.router.classify(req, cmp.Or(from.host, memoryAddress))
	if s.cfg.handler != nil {
		t.copy = req.Clone(context.Background()) // it may arrive when the original is in other use
	}
	s.depart(t, req)
	if err := t.readBody(req); err != nil {
		return t, answer{}, err
	}
	if err := wait(ctx, t.up); err != nil {
		s.strand(t)
		return t, answer{}, err
	}
	if t.fault.Loss == RequestLost {
		return t, answer{}, t.fault.lossError()
	}
	a := s.arrive(t)
	if err := wait(ctx, t.down); err != nil {
		return t, answer{}, err
	}
	if t.fault.Loss == AnswerLost {
		return t, answer{}, t.fault.lossError()
	}
	return t, a, nil
}

// depart numbers the request and draws what will happen to it.
func (s *Server) depart(t *trip, req *http.Request) {
	s.mu.Lock()
	s.sent++
	s.report.stats.Sent++
	t.n = s.sent
	t.sent = s.nowLocked()
	rtt := max(0, s.cfg.latency(s.rand))
	t.up = rtt / 2
	t.down = rtt - t.up
	t.service = max(0, s.cfg.serviceTime(s.rand))
	s.mu.Unlock()
	if s.cfg.fault == nil {
		return
	}
	if t.fault = s.cfg.fault(req, t.n); !t.fault.zero() {
		s.mu.Lock()
		s.report.stats.Faults++
		s.mu.Unlock()
	}
}

// readBody reads the body as http.Transport would send it.
func (t *trip) readBody(req *http.Request) error {
	body := req.Body
	if body == nil || body == http.NoBody {
		return nil
	}
	kept, err := io.ReadAll(io.LimitReader(body, maxBody))
	if err != nil {
		return err
	}
	dropped, err := io.Copy(io.Discard, body)
	if err != nil {
		return err
	}
	if want, got := req.ContentLength, int64(len(kept))+dropped; want > 0 && want != got {
		return fmt.Errorf("http: ContentLength=%d with Body length %d", want, got)
	}
	t.body = kept
	return nil
}

// arrive is the moment that counts.
func (s *Server) arrive(t *trip) answer {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.nowLocked()
	s.settleLocked(now)
	return s.arriveLocked(t, now, t.fault.Loss == AnswerLost)
}

func (s *Server) arriveLocked(t *trip, now time.Duration, lost bool) answer {
	entry := Request{
		Time:      s.epoch.Add(now),
		Method:    t.method,
		Endpoint:  t.endpoint,
		Instance:  t.instance,
		Address:   t.address,
		Violation: s.violationLocked(t, now),
		Lost:      lost,
	}
	var a answer
	switch {
	case !t.frontend && t.instance == "" && t.endpoint != jwks:
		a = unauthenticated()
		a.finish(t.n, entry.Time, nil)
	default:
		v := s.limiter.admit(now, &t.call)
		entry.Accepted, entry.Blocked = v.accepted, v.blocked
		if v.accepted {
			a = s.performLocked(t, now)
		} else {
			a = s.rejectLocked(t, now, v)
		}
	}
	entry.Status = a.status
	s.report.add(entry)
	return a
}

// performLocked answers a request that the limits let through.
func (s *Server) performLocked(t *trip, now time.Duration) answer {
	wall := s.epoch.Add(now)
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
		a = generic(t)
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

// rejectLocked answers 429. What the header says is never less than what is
// left of the block.
func (s *Server) rejectLocked(t *trip, now time.Duration, v verdict) answer {
	wall := s.epoch.Add(now)
	a := rateLimited()
	a.header = http.Header{}
	t.until = now + time.Duration(wholeSeconds(v.end-now))*time.Second
	switch s.cfg.retryAfter {
	case RetryAfterDate:
		end := s.epoch.Add(v.end + time.Second - 1).UTC().Truncate(time.Second)
		t.until = end.Sub(s.epoch)
		a.header.Set("Retry-After", end.Format(http.TimeFormat))
	case RetryAfterSeconds:
		a.header.Set("Retry-After", strconv.FormatInt(wholeSeconds(v.end-now), 10))
	}
	if s.cfg.blocking && !v.blocked {
		s.limiter.block(now, t.until, &t.call)
	}
	if s.cfg.retryAfter == RetryAfterOmitted {
		t.until = 0
	}
	a.finish(t.n, wall, nil)
	return a
}

// A lateArrival is a request that nobody waits for any more, and whose
// http.Request may be in other use.
type lateArrival struct {
	at time.Duration
	*trip
}

// strand is called when a request's context ends on the way up.
func (s *Server) strand(t *trip) {
	if !s.cfg.lateArrivals || t.fault.Loss == RequestLost {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.late = append(s.late, lateArrival{t.sent + t.up, t})
	slices.SortStableFunc(s.late, func(a, b lateArrival) int { return cmp.Compare(a.at, b.at) })
}

// settleLocked lets the late arrivals arrive whose time has come. There is no
// goroutine to do it at that time: whoever looks next finds it done.
func (s *Server) settleLocked(now time.Duration) {
	done := 0
	for ; done < len(s.late) && s.late[done].at <= now; done++ {
		s.arriveLocked(s.late[done].trip, s.late[done].at, true)
	}
	s.late = s.late[done:]
}
