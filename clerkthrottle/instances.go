package clerkthrottle

import (
	"crypto/sha256"
	"encoding/hex"
	"log/slog"
	"sync/atomic"

	"github.com/clerkthrottle/clerkthrottle-go/internal/bounded"
	"github.com/clerkthrottle/clerkthrottle-go/transport"
)

// Keys can be made up, by whoever calls a proxy.
const (
	maxInstances = 1024 // keys that have limits of their own
	maxKeyLength = 512  // bytes of such a key; Clerk's have some 50
)

// instance is the Clerk application instance that a secret key belongs to.
type instance struct {
	key    string // the secret; "" where it stands for no key, or for several
	scope  string // its type and its name, in keys of buckets; never the secret
	kind   InstanceType
	claims []atomic.Pointer[transport.Claim] // by route id: those that all requests of an operation share
	warned atomic.Bool
}

// instances finds the instance that a secret key belongs to. It is safe for
// concurrent use.
type instances struct {
	configured InstanceType
	logger     *slog.Logger
	routes     int

	byType   [Production + 1]*instance // with WithInstanceID: by what the key says
	byKey    *bounded.Map[*instance]   // without
	last     atomic.Pointer[instance]  // found in byKey: most programs have one key
	overflow *instance                 // of the keys that byKey has no place for
	keyless  atomic.Bool               // warned that requests carry no key
}

func newInstances(cfg *config, routes int) *instances {
	s := &instances{configured: cfg.instanceType, logger: cfg.logger, routes: routes}
	if cfg.instanceID != "" {
		for says := range s.byType {
			s.byType[says] = s.newInstance("", cfg.instanceID, s.kindOf(InstanceType(says)))
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

// kindOf returns the type of an instance whose key says what it says. Where
// nothing says it, or the key contradicts the option, the stricter limit holds.
func (s *instances) kindOf(says InstanceType) InstanceType {
	switch {
	case says == Auto && s.configured != Auto:
		return s.configured
	case says == Auto, s.configured != Auto && s.configured != says:
		return Development
	}
	return says
}

// of returns the instance of a key.
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

// warn logs, once, what makes the limits of an instance smaller than its user may
// think. It is called without a lock: a handler may send requests of its own.
func (s *instances) warn(in *instance, key string) {
	says := typeOfKey(key)
	switch {
	case in == s.overflow:
		if in.warned.CompareAndSwap(false, true) {
			s.logger.Warn("clerkthrottle: too many secret keys to keep apart; further ones share the limits of one development instance", "kept", maxInstances)
		}
	case key == "" && s.configured == Auto:
		if s.keyless.CompareAndSwap(false, true) {
			s.logger.Warn("clerkthrottle: a request to the Backend API carries no secret key, so the limits of a development instance hold; " +
				"if an http.RoundTripper below the throttle adds the key, put it above, or use WithInstanceType")
		}
	case says != Auto && s.configured != Auto && says != s.configured:
		if in.warned.CompareAndSwap(false, true) {
			s.logger.Warn("clerkthrottle: the configured instance type contradicts the secret key; the stricter limit holds",
				"configured", s.configured.String(), "key_prefix_says", says.String(), "instance", in.scope)
		}
	}
}

// hashOf names what is secret, too long or not printable.
func hashOf(s string) string {
	sum := sha256.Sum256([]byte(s))
	return hex.EncodeToString(sum[:6])
}
