package edge

import (
	"context"
	"log/slog"
	"net/http"
	"time"

	"github.com/clerkthrottle/clerkthrottle-go/clerkthrottle"
)

// Throttle is what an [Entrance] needs of a transport.Transport.
type Throttle interface {
	http.RoundTripper
	Estimate(*http.Request) time.Duration
}

// A Caller is the client that a request comes from.
type Caller struct {
	Name     string // clients of different names do not stand in each other's way
	Priority clerkthrottle.Priority
}

// An Entrance stands before a reverse proxy and before its throttle. Before the
// proxy it takes in the body of a request, and before the throttle it gives the
// request a place; who finds no room is refused at once. So those who wait are
// bounded, in number and in bytes, and one client leaves room for others, who
// take turns with it in the throttle's lines.
type Entrance struct {
	Places   *Pool // for requests that wait, or are under way to their answer
	Bodies   *Spool
	Throttle Throttle
	Logger   *slog.Logger
}

// visit is what the first half of an entrance tells the second.
type visit struct {
	client string
	full   bool // there is no place for it: its body was left where it is
}

type visitKey struct{}

// refusalPatience is how long a client that is refused has to send the rest of a
// short body, so that its connection may be used again.
const refusalPatience = 250 * time.Millisecond

// Serve has a request answered by the proxy, whose Transport must be e.
func (e *Entrance) Serve(w http.ResponseWriter, r *http.Request, c Caller, proxy http.Handler) {
	v := visit{client: c.Name, full: !e.Places.Fits(c.Name, 1)}
	ctx := clerkthrottle.WithFlow(clerkthrottle.WithPriority(r.Context(), c.Priority), c.Name)
	r = r.WithContext(context.WithValue(ctx, visitKey{}, v))
	p := &patient{ResponseWriter: w, limit: http.NewResponseController(w)}
	defer p.done()
	w = p
	if v.full {
		if r.Body != nil && r.Body != http.NoBody { // else it would end the watch over the connection
			_ = p.limit.SetReadDeadline(time.Now().Add(refusalPatience))
		}
		proxy.ServeHTTP(w, r)
		return
	}
	whole, free, err := e.Bodies.Take(w, r, c.Name)
	if err != nil {
		w.Header().Set("Connection", "close") // the rest of the body is not read
		ErrorHandler(e.Logger)(w, r, err)
		return
	}
	defer free()
	proxy.ServeHTTP(w, whole)
}

// RoundTrip implements [http.RoundTripper]. The request holds a place until the
// header of its answer is in.
func (e *Entrance) RoundTrip(r *http.Request) (*http.Response, error) {
	v, _ := r.Context().Value(visitKey{}).(visit)
	if v.full || !e.Places.Take(v.client, 1) {
		if r.Body != nil {
			_ = r.Body.Close()
		}
		return nil, &refusal{http.StatusTooManyRequests, "too_many_requests", "Too many of your requests wait here already: send fewer at a time.", e.Throttle.Estimate(r)}
	}
	defer e.Places.Give(v.client, 1)
	return e.Throttle.RoundTrip(r)
}

// answerPatience is how long a client may take to receive what is written to it
// at a time.
const answerPatience = time.Minute

// patient bounds each write of an answer, so that a client that stops reading
// does not keep its connection, and Clerk's, for ever.
type patient struct {
	http.ResponseWriter
	limit *http.ResponseController
}

func (p *patient) Write(b []byte) (int, error) {
	_ = p.limit.SetWriteDeadline(time.Now().Add(answerPatience))
	return p.ResponseWriter.Write(b)
}

// done lifts the bound, which the server would not do for the next answer.
func (p *patient) done() { _ = p.limit.SetWriteDeadline(time.Time{}) }

// Unwrap lets an [http.ResponseController] reach the connection.
func (p *patient) Unwrap() http.ResponseWriter { return p.ResponseWriter }
