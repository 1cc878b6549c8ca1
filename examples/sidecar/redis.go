package main

import (
	"context"
	"log/slog"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/clerkthrottle/clerkthrottle-go/clerkthrottle/redisbudget"
)

// pingTimeout bounds the question whether Redis is there.
const pingTimeout = time.Second

// store is the Redis on which several sidecars share one budget; nil: there is
// none. While it is away, every sidecar goes on with its part of the budget.
type store struct {
	rdb    *redis.Client
	budget *redisbudget.Budget
}

func newStore(settings *redis.Options, logger *slog.Logger) (*store, error) {
	settings.MaxRetries = -1 // the budget tries again by itself
	s := &store{rdb: redis.NewClient(settings)}
	var err error
	if s.budget, err = redisbudget.New(s.rdb, redisbudget.WithLogger(logger)); err != nil {
		_ = s.rdb.Close()
		return nil, err
	}
	return s, nil
}

// wrong says what is wrong with the Redis; "" if nothing is.
func (s *store) wrong(ctx context.Context) string {
	if s == nil {
		return ""
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), pingTimeout)
	defer cancel()
	if err := s.rdb.Ping(ctx).Err(); err != nil {
		return "Redis does not answer (" + err.Error() + "): this sidecar keeps to its part of the budget until it does"
	}
	return ""
}

func (s *store) close() {
	if s != nil {
		_ = s.rdb.Close()
	}
}
