package main

import (
	"log/slog"

	"github.com/redis/go-redis/v9"

	"github.com/clerkthrottle/clerkthrottle-go/clerkthrottle/redisbudget"
	"github.com/clerkthrottle/clerkthrottle-go/transport"
)

// sharedBudget is the budget on Redis that several sidecars share; nil without
// -redis. While Redis is away, every sidecar goes on under a budget of its own.
func sharedBudget(o *options, logger *slog.Logger) (budget transport.Budget, closeAll func(), err error) {
	if o.redis == "" {
		return nil, func() {}, nil
	}
	settings, err := redis.ParseURL(o.redis)
	if err != nil {
		return nil, nil, err
	}
	settings.MaxRetries = -1 // the budget tries again by itself
	rdb := redis.NewClient(settings)
	shared, err := redisbudget.New(rdb, redisbudget.WithLogger(logger))
	if err != nil {
		_ = rdb.Close()
		return nil, nil, err
	}
	return shared, func() { _ = shared.Close(); _ = rdb.Close() }, nil
}
