package guides_test

import (
	"net/http"
	"testing"

	"github.com/redis/go-redis/v9"

	"github.com/clerkthrottle/clerkthrottle-go/clerkthrottle"
	"github.com/clerkthrottle/clerkthrottle-go/clerkthrottle/redisbudget"
)

func replica(address string) (*http.Client, error) {
	// guide: replicas-redis
	rdb := redis.NewClient(&redis.Options{Addr: address})
	budget, err := redisbudget.New(rdb)
	if err != nil {
		return nil, err
	}
	client, err := clerkthrottle.NewClient(clerkthrottle.WithBudget(budget))
	// guide end
	return client, err
}

func twoKeys() (*http.Client, error) {
	// guide: replicas-keys
	client, err := clerkthrottle.NewClient(clerkthrottle.WithInstanceID("shop-production"))
	// guide end
	return client, err
}

func share() (*http.Client, error) {
	// guide: replicas-share
	client, err := clerkthrottle.NewClient(clerkthrottle.WithHeadroom(0.75)) // one of four
	// guide end
	return client, err
}

func TestReplicas(t *testing.T) {
	for name, f := range map[string]func() (*http.Client, error){
		"redis": func() (*http.Client, error) { return replica("127.0.0.1:1") }, "keys": twoKeys, "share": share,
	} {
		if client, err := f(); err != nil || client == nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}
