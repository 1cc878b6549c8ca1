package redis

import (
	"testing"

	leftout "tests-that-need"
)

// For the tests of clerkthrottle/redisbudget and examples/sidecar that start a Redis.
func TestThatNeedRedis(t *testing.T) { leftout.Without(t, "REDIS_SERVER_BIN", "redis-server") }
