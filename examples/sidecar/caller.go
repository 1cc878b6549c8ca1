package main

import (
	"net"
	"net/http"
	"strings"

	lru "github.com/hashicorp/golang-lru/v2"
	"golang.org/x/time/rate"

	"github.com/clerkthrottle/clerkthrottle-go/clerkthrottle"
	"github.com/clerkthrottle/clerkthrottle-go/examples/internal/edge"
	"github.com/clerkthrottle/clerkthrottle-go/examples/internal/flags"
)

// callers tells the clients of the Backend API apart, and those that ask for
// much of it from those that ask for little.
type callers struct {
	*options
	meters *lru.Cache[meterOf, *rate.Limiter]
}

// A client is metered on each limit that it draws on: instances may have several.
type meterOf struct {
	client string
	limit  flags.Limit
}

// maxMeters is how many clients are metered, those that were heard of last. A
// stranger can make names up; who is forgotten for that counts as modest again
// until it has used up its share.
const maxMeters = 4096

func newCallers(o *options) *callers {
	meters, err := lru.New[meterOf, *rate.Limiter](maxMeters)
	if err != nil {
		panic(err) // maxMeters is not positive
	}
	return &callers{o, meters}
}

// backend names the client of a Backend request, and gives it a class: the one
// that it asks for, where that is allowed, and otherwise Normal as long as it
// asks for less than the reserve. The reserve is kept from the class below, so
// that a client that asks for little finds a token while another floods.
func (c *callers) backend(r *http.Request, key string) edge.Caller {
	caller := edge.Caller{Name: c.nameOf(r), Priority: clerkthrottle.Normal}
	greedy := c.greedy(meterOf{caller.Name, c.limit.Of(key)})
	if p, ok := c.asked(r); ok {
		caller.Priority = p
	} else if greedy {
		caller.Priority = clerkthrottle.Batch
	}
	return caller
}

// greedy counts a request, and reports whether its client has sent more than the
// reserve of late.
func (c *callers) greedy(of meterOf) bool {
	modest := c.reserve * (1 - c.headroom) * float64(of.limit.N)
	if modest == 0 {
		return false // nothing is kept
	}
	meter, ok := c.meters.Get(of)
	if !ok {
		meter = rate.NewLimiter(rate.Limit(modest/of.limit.Window.Seconds()), int(modest))
		if another, ok, _ := c.meters.PeekOrAdd(of, meter); ok {
			meter = another
		}
	}
	return !meter.Allow()
}

// longestName is how much of a header is taken for a name.
const longestName = 100

// nameOf returns the name that the client gives itself, where that is allowed,
// or else its address. All programs on this machine have the same: they are told
// apart by their libraries' names.
func (c *callers) nameOf(r *http.Request) string {
	if c.clientHeader != "" {
		if name := r.Header.Get(c.clientHeader); name != "" {
			return "name " + name[:min(len(name), longestName)]
		}
	}
	if host, _, err := net.SplitHostPort(r.RemoteAddr); err == nil && flags.IsLoopback(host) {
		agent := r.UserAgent()
		return host + " " + agent[:min(len(agent), longestName)]
	}
	return edge.Neighbourhood(edge.ClientAddress(r, 0))
}

// asked returns the class that a request asks for, where that is allowed.
func (c *callers) asked(r *http.Request) (p clerkthrottle.Priority, ok bool) {
	if c.priorityHeader == "" {
		return clerkthrottle.Normal, false
	}
	asked := r.Header.Get(c.priorityHeader)
	for _, p := range []clerkthrottle.Priority{clerkthrottle.Interactive, clerkthrottle.Normal, clerkthrottle.Batch} {
		if strings.EqualFold(asked, p.String()) {
			return p, true
		}
	}
	return clerkthrottle.Normal, false
}
