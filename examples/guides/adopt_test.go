package guides_test

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"time"

	"github.com/clerk/clerk-sdk-go/v2"
	"github.com/clerk/clerk-sdk-go/v2/user"

	"github.com/clerkthrottle/clerkthrottle-go/clerkthrottle"
	"github.com/clerkthrottle/clerkthrottle-go/clerkthrottle/clerktest"
)

func setUp() error {
	// guide: adopt
	client, err := clerkthrottle.NewClient()
	if err != nil {
		return err
	}
	clerk.SetBackend(clerk.NewBackend(&clerk.BackendConfig{
		Key:        clerk.String(os.Getenv("CLERK_SECRET_KEY")),
		HTTPClient: client,
	}))
	// guide end
	return nil
}

func setUpClient(client *http.Client, key string) *user.Client {
	// guide: adopt-client
	config := &clerk.ClientConfig{}
	config.Key = clerk.String(key)
	config.HTTPClient = client
	users := user.NewClient(config)
	// guide end
	return users
}

func setUpTransport(mine http.RoundTripper) (*http.Client, error) {
	// guide: adopt-transport
	throttle, err := clerkthrottle.NewTransport(clerkthrottle.WithBase(mine))
	if err != nil {
		return nil, err
	}
	client := &http.Client{Transport: throttle}
	// guide end
	return client, nil
}

func setUpDryRun() (*clerkthrottle.Transport, error) {
	// guide: adopt-dry-run
	throttle, err := clerkthrottle.NewTransport(
		clerkthrottle.WithDryRun(),
		clerkthrottle.WithObserver(&clerkthrottle.Observer{
			Waited: func(_ context.Context, e clerkthrottle.WaitEvent) {
				fmt.Println(e.Endpoint, "would have waited", e.Wait.Round(time.Second), "for", e.Limit)
			},
		}),
	)
	// guide end
	return throttle, err
}

// The pieces above, put together: calls beyond the burst wait, and none fails.
func Example_adopt() {
	server := clerktest.New(clerktest.WithLimits(clerkthrottle.Limit{Name: "instance", N: 2, Window: 50 * time.Millisecond}))
	throttle, err := clerkthrottle.NewTransport(
		clerkthrottle.WithBase(server.RoundTripper()),
		clerkthrottle.WithLimit(clerkthrottle.InstanceLimit, 2, 50*time.Millisecond),
	)
	if err != nil {
		fmt.Println(err)
		return
	}
	users := setUpClient(&http.Client{Transport: throttle}, "sk_test_anything")
	for i := range 5 {
		if _, err := users.Create(context.Background(), &user.CreateParams{Username: clerk.String(fmt.Sprint("user", i))}); err != nil {
			fmt.Println(err)
		}
	}
	fmt.Println(server.Stats().Accepted, "users made,", server.Stats().Rejected, "answers 429")
	// Output: 5 users made, 0 answers 429
}

var _ = []any{setUp, setUpTransport, setUpDryRun} // they would call Clerk
