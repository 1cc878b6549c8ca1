package redisbudget_test

import (
	"fmt"
	"log"
	"net/http"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"

	"github.com/clerkthrottle/clerkthrottle-go/clerkthrottle"
	"github.com/clerkthrottle/clerkthrottle-go/clerkthrottle/clerktest"
	"github.com/clerkthrottle/clerkthrottle-go/clerkthrottle/redisbudget"
)

// Two replicas share the 100 requests in 10 seconds of a development instance.
func ExampleNew() {
	server, err := miniredis.Run() // stands for your Redis
	if err != nil {
		log.Fatal(err)
	}
	defer server.Close()
	clerk := clerktest.New() // stands for Clerk

	for _, replica := range []string{"a", "b"} {
		rdb := redis.NewClient(&redis.Options{Addr: server.Addr()})
		defer func() { _ = rdb.Close() }()
		budget, err := redisbudget.New(rdb)
		if err != nil {
			log.Fatal(err)
		}
		defer func() { _ = budget.Close() }()
		client, err := clerkthrottle.NewClient(
			clerkthrottle.WithBudget(budget),
			clerkthrottle.WithBase(clerk.RoundTripper()),
			clerkthrottle.WithMaxWait(0),
		)
		if err != nil {
			log.Fatal(err)
		}
		sent := 0
		for range 60 {
			req, err := http.NewRequest(http.MethodGet, "https://api.clerk.com/v1/users", nil)
			if err != nil {
				log.Fatal(err)
			}
			req.Header.Set("Authorization", "Bearer sk_test_example")
			resp, err := client.Do(req)
			if err != nil {
				break // the limit is used up
			}
			resp.Body.Close()
			sent++
		}
		fmt.Printf("replica %s sent %d\n", replica, sent)
	}
	fmt.Println("answered 429:", clerk.Stats().Rejected)
	// Output:
	// replica a sent 60
	// replica b sent 40
	// answered 429: 0
}
