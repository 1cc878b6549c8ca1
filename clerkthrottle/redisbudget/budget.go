package redisbudget

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"log/slog"

	"github.com/redis/go-redis/v9"

	"github.com/clerkthrottle/clerkthrottle-go/transport"
)

// Budget is a [transport.Budget] shared by all programs that use the same name on the
// same Redis. It is safe for concurrent use. Use [New].
type Budget struct {
	rdb redis.Scripter
	config
}

// New returns a budget on Redis. The client is a *redis.Client, *redis.ClusterClient
// or *redis.Ring, which the caller closes. New sends nothing: the first request does.
// An error names the invalid option.
func New(rdb redis.Scripter, opts ...Option) (*Budget, error) {
	if rdb == nil {
		return nil, errors.New("redisbudget: the Redis client is nil")
	}
	b := &Budget{rdb, config{
		prefix: "clerkthrottle", name: "default", bound: DefaultInFlightBound, timeout: DefaultTimeout,
		fallback: true, logger: slog.Default(),
	}}
	for i, opt := range opts {
		if opt == nil {
			return nil, fmt.Errorf("redisbudget: option number %d is nil", i+1)
		}
		if err := opt(&b.config); err != nil {
			return nil, fmt.Errorf("redisbudget: %w", err)
		}
	}
	return b, nil
}

// Join implements [transport.Budget].
func (b *Budget) Join() transport.Member {
	return &member{budget: b, id: newID(), keys: [2]string{b.key("budget"), b.key("blocks")}}
}

// key returns a key in Redis. The budget's name is its hash tag, so that all of a
// budget lies on one node of a Redis Cluster.
func (b *Budget) key(what string) string {
	return b.prefix + ":{" + b.name + "}:" + what
}

// limitKey returns the key of a limit in Redis, without revealing the limit's own key.
func (b *Budget) limitKey(key string) string {
	sum := sha256.Sum256([]byte(key))
	return b.key("limit:" + base64.RawURLEncoding.EncodeToString(sum[:12]))
}

// newID returns a unique name. It begins with a letter, so that no script takes it
// for a number.
func newID() string { return "x" + rand.Text() }
