package guides_test

import (
	"context"
	"fmt"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/clerk/clerk-sdk-go/v2"
	"github.com/clerk/clerk-sdk-go/v2/user"

	"github.com/clerkthrottle/clerkthrottle-go/clerkthrottle"
	"github.com/clerkthrottle/clerkthrottle-go/clerkthrottle/clerktest"
)

// invite stands for your own code: it makes users through the SDK.
func invite(ctx context.Context, users *user.Client, emails []string) error {
	for _, e := range emails {
		if _, err := users.Create(ctx, &user.CreateParams{EmailAddresses: &[]string{e}}); err != nil {
			return fmt.Errorf("inviting %s: %w", e, err)
		}
	}
	return nil
}

// guide: testing-memory
func TestInviteKeepsToTheLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) { // in here, waiting costs no time
		server := clerktest.New() // a development instance: 100 requests per 10 s
		client, err := clerkthrottle.NewClient(clerkthrottle.WithBase(server.RoundTripper()))
		if err != nil {
			t.Fatal(err)
		}
		config := &clerk.ClientConfig{}
		config.Key, config.HTTPClient = clerk.String("sk_test_x"), client

		start := time.Now()
		if err := invite(t.Context(), user.NewClient(config), addresses(250)); err != nil {
			t.Error(err)
		}
		if n := server.Stats().Rejected; n != 0 {
			t.Errorf("%d requests were answered 429", n)
		}
		if took := time.Since(start); took != 20*time.Second {
			t.Errorf("250 invitations took %s", took)
		}
	})
}

// guide end

// guide: testing-fault
func TestInviteTellsWhoseInvitationFailed(t *testing.T) {
	server := clerktest.New(clerktest.WithFault(func(_ *http.Request, n int) clerktest.Fault {
		if n == 2 {
			return clerktest.Fault{Status: http.StatusInternalServerError}
		}
		return clerktest.Fault{}
	}))
	config := &clerk.ClientConfig{}
	config.Key, config.HTTPClient = clerk.String("sk_test_x"), &http.Client{Transport: server.RoundTripper()}
	err := invite(t.Context(), user.NewClient(config), addresses(3))
	if err == nil {
		t.Error("nobody noticed")
	}
}

// guide end

// guide: testing-socket
func TestOverASocket(t *testing.T) {
	server := clerktest.New()
	url := server.Start()
	defer server.Close()
	config := &clerk.ClientConfig{}
	config.Key, config.URL = clerk.String("sk_test_x"), clerk.String(url+"/v1")
	if err := invite(t.Context(), user.NewClient(config), addresses(3)); err != nil {
		t.Error(err)
	}
}

// guide end

func addresses(n int) []string {
	var list []string
	for i := range n {
		list = append(list, fmt.Sprintf("guest%d@example.com", i))
	}
	return list
}
