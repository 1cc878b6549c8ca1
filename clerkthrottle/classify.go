package clerkthrottle

import (
	"net/http"
	"strings"
	"time"

	"github.com/clerkthrottle/clerkthrottle-go/internal/bounded"
	"github.com/clerkthrottle/clerkthrottle-go/internal/request"
	"github.com/clerkthrottle/clerkthrottle-go/transport"
)

// thisProcess is the client address of requests that are sent for no other client.
const thisProcess = "self"

// maxHosts bounds how many Frontend API hosts have their own gates and limits, since
// URLs may come from untrusted input. The rest share one set.
const maxHosts = 1024

// maxLearned is the longest window for which a rate is learned from 429s. Learning
// takes dozens of windows, so an hourly row relies on its bucket and Retry-After.
const maxLearned = time.Minute

// classifier determines what each request draws on. It is safe for concurrent use.
type classifier struct {
	*table
	instances   *instances
	named       map[string]bool      // by WithHosts
	hosts       *bounded.Map[string] // Frontend API hosts, as written in bucket keys
	perEndpoint bool
}

func newClassifier(cfg *config) (*classifier, error) {
	t, err := newTable(cfg)
	if err != nil {
		return nil, err
	}
	return &classifier{
		table:       t,
		instances:   newInstances(cfg, len(t.backend.rows)),
		named:       cfg.hosts,
		hosts:       bounded.New(maxHosts, strings.Clone, "others"),
		perEndpoint: cfg.perEndpoint,
	}, nil
}

// classify is the [transport.Config.Classify]. The host alone decides whether a request
// is Clerk's; the rest can only decide which of the two APIs it is for.
func (c *classifier) classify(r *http.Request) *transport.Claim {
	if r == nil || r.URL == nil {
		return nil
	}
	at := c.hostOf(r.URL)
	if at == foreignHost {
		return nil
	}
	path, key := request.Path(r.URL), request.Bearer(r.Header)
	if at == namedHost || at == loopbackHost {
		at = c.apiAt(at, r, path, key)
	}
	path = request.TrimPrefix(path)
	switch at {
	case backendHost:
		return c.backendClaim(key, request.Method(r), request.Versioned(path))
	case frontendHost, domainHost:
		return c.frontendClaim(r, at, path)
	}
	return nil
}

// backendClaim returns a claim on the operation's row and on the instance's.
func (c *classifier) backendClaim(key, method, path string) *transport.Claim {
	in := c.instances.of(key)
	id, known := c.backend.Match(method, path)
	if !known {
		return c.newBackendClaim(in, key, c.backend.nameOf(method, path), nil, "", false)
	}
	kept := &in.claims[id]
	if claim := kept.Load(); claim != nil { // the usual case: a key and an operation seen before
		return claim
	}
	row, resource := c.backend.rows[id], ""
	if row != nil && row.Scope == PerResource {
		resource = resourceOf(c.backend.Params(id, path))
	}
	claim := c.newBackendClaim(in, key, c.backend.Name(id), row, resource, c.backend.unlimited[id])
	if row == nil || row.Scope == PerInstance {
		kept.Store(claim)
	}
	return claim
}

// newBackendClaim returns a new claim on the operation's row, if it has one, and on the
// instance's, unless it is exempt.
func (c *classifier) newBackendClaim(in *instance, key, name string, row *Limit, resource string, exempt bool) *transport.Claim {
	c.instances.warn(in, key)
	claim := &transport.Claim{Endpoint: name, Key: in.scope + " " + name, Limits: make([]transport.Limit, 0, 2)}
	if row != nil {
		bucket := in.scope + " " + row.Name
		if row.Scope == PerResource {
			bucket += " " + resource
		}
		claim.Limits = append(claim.Limits, limitOf(row, bucket))
	}
	if !exempt {
		whole := limitOf(c.instance[in.kind], in.scope+" "+InstanceLimit)
		if c.perEndpoint {
			whole.Key += " " + name
		}
		claim.Limits = append(claim.Limits, whole)
		claim.Rate = whole
	}
	if row != nil && row.Scope == PerInstance && row.Window <= maxLearned { // learn the tighter rate of the rows that the whole endpoint shares
		if own := claim.Limits[0]; claim.Rate.N == 0 || perSecond(own) < perSecond(claim.Rate) {
			claim.Rate = own
		}
	}
	return claim
}

// frontendClaim returns a claim on the operation's row, if it has one, for the client's
// address. Every address has its own gate even without a row: a proxy must not delay
// one visitor for another's 429. No rate is learned, since two programs rarely share an
// address.
func (c *classifier) frontendClaim(r *http.Request, at host, path string) *transport.Claim {
	method := request.FrontendMethod(r)
	id, known := c.frontend.Find(method, path)
	if !known && at == domainHost {
		return nil // any host may be named so
	}
	scope := c.hosts.Get(keyPart(hostName(r.URL))) + " " + request.ClientAddress(r.Header, thisProcess)
	if !known {
		name := c.frontend.nameOf(method, path)
		return &transport.Claim{Endpoint: name, Key: scope + " " + name, Rate: noRate}
	}
	name := c.frontend.Name(id)
	claim := &transport.Claim{Endpoint: name, Key: scope + " " + name, Rate: noRate}
	if row := c.frontend.rows[id]; row != nil {
		claim.Limits = []transport.Limit{limitOf(row, scope+" "+row.Name)}
	}
	return claim
}

// noRate is the Rate of endpoints of which there may be very many: none is learned.
var noRate = transport.Limit{Private: true}

// resourceOf returns a resource's part of a bucket key.
func resourceOf(params []string) string {
	for i, p := range params {
		params[i] = keyPart(p)
	}
	return strings.Join(params, "/")
}

// keyPart makes untrusted text part of a bucket key: short and printable.
func keyPart(s string) string {
	const longest = 128 // bytes; Clerk's ids have about 32
	odd := len(s) > longest
	for i := 0; i < len(s) && !odd; i++ {
		odd = s[i] <= ' ' || s[i] > '~'
	}
	if odd {
		return "#" + hashOf(s)
	}
	return s
}

func limitOf(row *Limit, key string) transport.Limit {
	return transport.Limit{Name: row.Name, Key: key, N: row.N, Window: row.Window, Private: row.Scope != PerInstance}
}

func perSecond(l transport.Limit) float64 { return float64(l.N) / l.Window.Seconds() }
