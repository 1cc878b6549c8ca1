package clerkthrottle

import (
	"crypto/sha256"
	"encoding/hex"
	"log/slog"
	"sync/atomic"

	"github.com/clerkthrottle/clerkthrottle-go/internal/bounded"
	"github.com/clerkthrottle/clerkthrottle-go/transport"
)

// Bounds on keys, which callers of a proxy can make up.
const (
	maxInstances = 1024 // keys that have their own limits
	maxKeyLength = 512  // bytes of such a key; Clerk's have about 50
)

// instance is the Clerk application instance that a secret key belongs to.
type instance struct {
	key    string // the secret; "" if it stands for no key, or for several
	scope  string // its type and name, in bucket keys; never the secret
	kind   InstanceType
	claims []atomic.Pointer[transport.Claim] // cached, by route id, where all requests of the operation share one
	warned atomic.Bool
}

// instances finds the instance that a secret key belongs to. It is safe for concurrent
// use.
type instances struct {
	configured InstanceType
	logger     *slog.Logger
	routes     int

	byType   [Production + 1]*instance // with WithInstanceID, by the key's type
	byKey    *bounded.Map[*instance]   // otherwise
	last     atomic.Pointer[instance]  // from byKey: most programs have one key
	overflow *instance                 // for keys that byKey has no room for
	keyless  atomic.Bool               // whether a missing key was logged
}

func newInstances(cfg *config, routes int) *instances {
	s := &instances{configured: cfg.instanceType, logger: cfg.logger, routes: routes}
	if cfg.instanceID != "" {
		for fromKey := range s.byType {
			s.byType[fromKey] = s.newInstance("", cfg.instanceID, s.kindOf(InstanceType(fromKey)))
		}
		return s
	}
	s.last.Store(s.newInstance("", "anonymous", s.kindOf(Auto)))
	s.overflow = s.newInstance("", "others", Development)
	s.byKey = bounded.New(maxInstances, func(key string) *instance {
		if key == "" {
			return s.newInstance("", "anonymous", s.kindOf(Auto))
		}
		return s.newInstance(key, hashOf(key), s.kindOf(typeOfKey(key)))
	}, s.overflow)
	return s
}

func (s *instances) newInstance(key, name string, kind InstanceType) *instance {
	return &instance{key: key, scope: kind.String() + " " + name, kind: kind, claims: make([]atomic.Pointer[transport.Claim], s.routes)}
}

// kindOf returns the type of an instance, given the type that its key says: the
// stricter one, Development, if neither key nor option says it or the two contradict
// each other.
func (s *instances) kindOf(fromKey InstanceType) InstanceType {
	switch {
	case fromKey == Auto && s.configured != Auto:
		return s.configured
	case fromKey == Auto, s.configured != Auto && s.configured != fromKey:
		return Development
	}
	return fromKey
}

// of returns the instance that a key belongs to.
func (s *instances) of(key string) *instance {
	if s.byKey == nil {
		return s.byType[typeOfKey(key)]
	}
	in := s.last.Load()
	if in.key == key {
		return in
	}
	if len(key) > maxKeyLength {
		return s.overflow
	}
	if in = s.byKey.Get(key); in != s.overflow {
		s.last.Store(in)
	}
	return in
}

// warn logs, once, why an instance's limits may be smaller than its user expects. It is
// called without a lock: the log handler may itself send requests.
func (s *instances) warn(in *instance, key string) {
	fromKey := typeOfKey(key)
	switch {
	case in == s.overflow:
		if in.warned.CompareAndSwap(false, true) {
			s.logger.Warn("clerkthrottle: too many secret keys to track; the rest share the limits of one development instance", "kept", maxInstances)
		}
	case key == "" && s.configured == Auto:
		if s.keyless.CompareAndSwap(false, true) {
			s.logger.Warn("clerkthrottle: a request to the Backend API carries no secret key, so the limits of a development instance apply; " +
				"if an http.RoundTripper below the throttle adds the key, move it above, or use WithInstanceType")
		}
	case fromKey != Auto && s.configured != Auto && fromKey != s.configured:
		if in.warned.CompareAndSwap(false, true) {
			s.logger.Warn("clerkthrottle: the configured instance type contradicts the secret key; the stricter limit applies",
				"configured", s.configured.String(), "key_prefix_says", fromKey.String(), "instance", in.scope)
		}
	}
}

// hashOf returns a name for text that is secret, too long or not printable.
func hashOf(s string) string {
	sum := sha256.Sum256([]byte(s))
	return hex.EncodeToString(sum[:6])
}
