package redisbudget_test

import (
	"fmt"
	"log"

	"github.com/redis/go-redis/v9"

	"github.com/clerkthrottle/clerkthrottle-go/clerkthrottle"
	"github.com/clerkthrottle/clerkthrottle-go/clerkthrottle/redisbudget"
)

// A replica that shares its limits with all others on the same Redis.
func ExampleNew() {
	rdb := redis.NewClient(&redis.Options{Addr: "localhost:6379"}) // yours
	defer func() { _ = rdb.Close() }()
	budget, err := redisbudget.New(rdb)
	if err != nil {
		log.Fatal(err)
	}

	client, err := clerkthrottle.NewClient(clerkthrottle.WithBudget(budget))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(client.Timeout) // hand it to the Clerk SDK
	// Output: 0s
}
