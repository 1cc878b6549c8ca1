package clerkthrottle

import (
	"crypto/sha256"
	"encoding/hex"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/clerkthrottle/clerkthrottle-go/internal/route"
	"github.com/clerkthrottle/clerkthrottle-go/transport"
)

// maxKept bounds what is remembered of requests seen before: their keys, and
// the claims worked out for them. Past it the memory starts anew, which costs
// time and nothing else.
const maxKept = 4096

// maxLearned is the longest window whose rate is learned from 429s. Learning takes
// dozens of windows: for an hourly row, its window and Clerk's Retry-After have
// to do.
const maxLearned = time.Minute

// classifier says what each request draws on. It is safe for concurrent use.
type classifier struct {
	*table
	configured  InstanceType
	id          string
	perEndpoint bool
	logger      *slog.Logger

	mu        sync.RWMutex
	instances map[string]*instance // by secret key
	claims    map[claimKey]*transport.Claim
	warned    map[string]bool // by instance name, of those that contradict the configured type
}

// instance is a Clerk application instance, as told by a secret key.
type instance struct {
	name  string // WithInstanceID's, or a hash of the key; never the key
	scope string // names it in keys of buckets
	kind  InstanceType
}

// claimKey names a claim that many requests share: all but those that draw on a
// row of one resource.
type claimKey struct {
	instance *instance
	route    int
}

func newClassifier(cfg *config) (*classifier, error) {
	t, err := newTable(cfg)
	if err != nil {
		return nil, err
	}
	return &classifier{
		table:       t,
		configured:  cfg.instanceType,
		id:          cfg.instanceID,
		perEndpoint: cfg.perEndpoint,
		logger:      cfg.logger,
		instances:   make(map[string]*instance),
		claims:      make(map[claimKey]*transport.Claim),
		warned:      make(map[string]bool),
	}, nil
}

// classify is the transport's [transport.Config.Classify].
func (c *classifier) classify(r *http.Request) *transport.Claim {
	if r == nil || r.URL == nil {
		return nil
	}
	path, key := pathOf(r.URL), bearer(r.Header)
	to := targetOf(r.URL, path, key)
	if to == notClerk {
		return nil
	}
	method, path := methodOf(r, to), trimPrefix(path)
	if to == toFrontend {
		return c.frontendClaim(r, method, path)
	}
	if !strings.HasPrefix(path, "/v1/") {
		path = "/v1/" + strings.TrimPrefix(path, "/") // some callers leave it out
	}
	return c.backendClaim(key, method, path)
}

// backendClaim draws on the rows of the operation and on the instance's.
func (c *classifier) backendClaim(key, method, path string) *transport.Claim {
	m, known := c.backend.router.Match(method, path)
	if !known {
		name := c.backend.others.name(method, route.Fold(path))
		return c.newBackendClaim(c.instance(key), name, nil, m, false)
	}
	c.mu.RLock() // the usual way: a key and an operation seen before
	claim, ok := c.claims[claimKey{c.instances[key], m.ID}]
	c.mu.RUnlock()
	if ok {
		return claim
	}
	in := c.instance(key)
	shared, rows := claimKey{in, m.ID}, c.backend.rows[m.ID]
	claim = c.newBackendClaim(in, c.backend.router.Name(m.ID), rows, m, c.backend.unlimited[m.ID])
	if len(rows) == 0 || rows[0].Scope == PerInstance {
		c.mu.Lock()
		defer c.mu.Unlock()
		if len(c.claims) >= maxKept {
			clear(c.claims)
		}
		c.claims[shared] = claim
	}
	return claim
}

// newBackendClaim makes a claim on the given rows and, unless the operation is
// exempt, on the instance's.
func (c *classifier) newBackendClaim(in *instance, name string, rows []*Limit, m route.Match, exempt bool) *transport.Claim {
	claim := &transport.Claim{Endpoint: name, Key: in.scope + " " + name, Limits: make([]transport.Limit, 0, len(rows)+1)}
	for _, row := range rows {
		key := in.scope + " " + row.Name
		if row.Scope == PerResource {
			key += " " + paramsOf(m)
		}
		claim.Limits = append(claim.Limits, limitOf(row, key))
	}
	if !exempt {
		whole := limitOf(c.table.instance[in.kind], in.scope+" "+InstanceLimit)
		if c.perEndpoint {
			whole.Key += " " + name
		}
		claim.Limits = append(claim.Limits, whole)
		claim.Rate = whole
	}
	for i, row := range rows { // the tightest limit that all of the endpoint shares
		if l := claim.Limits[i]; row.Scope == PerInstance && row.Window <= maxLearned && (claim.Rate.N == 0 || perSecond(l) < perSecond(claim.Rate)) {
			claim.Rate = l
		}
	}
	return claim
}

// frontendClaim draws on the rows of the operation, for the client's address.
// Nothing is learned: an address seldom has two programs.
func (c *classifier) frontendClaim(r *http.Request, method, path string) *transport.Claim {
	scope := strings.ToLower(r.URL.Hostname()) + " " + clientAddress(r.Header)
	m, known := c.frontend.router.Match(method, path)
	if !known && !under("/v1", path) {
		m, known = c.frontend.router.Match(method, "/v1"+path) // some callers leave it out
	}
	if !known {
		name := c.frontend.others.name(method, route.Fold(path))
		return &transport.Claim{Endpoint: name, Key: scope + " " + name}
	}
	name := c.frontend.router.Name(m.ID)
	claim := &transport.Claim{Endpoint: name, Key: scope + " " + name}
	for _, row := range c.frontend.rows[m.ID] {
		claim.Limits = append(claim.Limits, limitOf(row, scope+" "+row.Name))
	}
	return claim
}

// instance returns the instance that a secret key belongs to.
func (c *classifier) instance(key string) *instance {
	c.mu.RLock()
	in, ok := c.instances[key]
	c.mu.RUnlock()
	if ok {
		return in
	}
	in, contradiction := c.addInstance(key)
	if contradiction { // told outside the lock: a handler may send requests of its own
		c.logger.Warn("clerkthrottle: the configured instance type contradicts the secret key; the stricter limit holds",
			"configured", c.configured.String(), "key_prefix_says", typeOfKey(key).String(), "instance", in.name)
	}
	return in
}

// addInstance remembers the instance of a key, and reports whether it is the
// first to contradict the configured type.
func (c *classifier) addInstance(key string) (in *instance, contradiction bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if in, ok := c.instances[key]; ok {
		return in, false
	}
	if len(c.instances) >= maxKept {
		clear(c.instances)
		clear(c.claims) // they are found by the instances just forgotten
	}
	in = c.newInstance(key)
	c.instances[key] = in
	told := typeOfKey(key)
	if c.configured == Auto || told == Auto || told == c.configured || c.warned[in.name] || len(c.warned) >= maxKept {
		return in, false
	}
	c.warned[in.name] = true
	return in, true
}

func (c *classifier) newInstance(key string) *instance {
	told := typeOfKey(key)
	in := &instance{kind: told}
	switch {
	case c.configured == Auto && told == Auto:
		in.kind = Development
	case told == Auto:
		in.kind = c.configured
	case c.configured != Auto && c.configured != told:
		in.kind = Development
	}
	switch {
	case c.id != "":
		in.name = c.id
	case key == "":
		in.name = "anonymous"
	default:
		in.name = hashOf(key)
	}
	in.scope = in.kind.String() + " " + in.name
	return in
}

// hashOf names a secret key without telling it.
func hashOf(key string) string {
	sum := sha256.Sum256([]byte(key))
	return hex.EncodeToString(sum[:6])
}

func paramsOf(m route.Match) string {
	if m.Len() == 1 {
		return m.Param(0)
	}
	params := make([]string, m.Len())
	for i := range params {
		params[i] = m.Param(i)
	}
	return strings.Join(params, "/")
}

func limitOf(row *Limit, key string) transport.Limit {
	return transport.Limit{Name: row.Name, Key: key, N: row.N, Window: row.Window, Private: row.Scope != PerInstance}
}

func perSecond(l transport.Limit) float64 { return float64(l.N) / l.Window.Seconds() }
