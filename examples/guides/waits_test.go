package guides_test

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/clerk/clerk-sdk-go/v2/user"

	"github.com/clerkthrottle/clerkthrottle-go/clerkthrottle"
	"github.com/clerkthrottle/clerkthrottle-go/clerkthrottle/clerktest"
)

func handler(users *user.Client) http.HandlerFunc {
	// guide: waits-web
	show := func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithTimeout(r.Context(), 3*time.Second)
		defer cancel()
		ctx = clerkthrottle.WithPriority(ctx, clerkthrottle.Interactive)
		u, err := users.Get(ctx, r.PathValue("id"))
		var throttled *clerkthrottle.ThrottledError
		switch {
		case errors.As(err, &throttled): // at once, not after 3 s: the wait is known beforehand
			w.Header().Set("Retry-After", strconv.Itoa(int(throttled.Wait.Seconds())+1))
			http.Error(w, "busy, please try again", http.StatusServiceUnavailable)
		case err != nil:
			http.Error(w, "no answer", http.StatusBadGateway)
		default:
			_, _ = w.Write([]byte(u.ID))
		}
	}
	// guide end
	return show
}

func job(call func() error, again func(at time.Time)) error {
	// guide: waits-queue
	err := call()
	var throttled *clerkthrottle.ThrottledError
	if errors.As(err, &throttled) {
		again(throttled.RetryAt) // give the worker to another job meanwhile
		return nil
	}
	// guide end
	return err
}

func slowAnswers() (*http.Client, error) {
	// guide: waits-timeout
	client, err := clerkthrottle.NewClient(clerkthrottle.WithAnswerTimeout(10 * time.Second))
	// guide end
	return client, err
}

// What the guide says of a timeout of 5 s against a window of 10 s.
func TestFiveSecondsAgainstTen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := clerktest.New()
		client, err := clerkthrottle.NewClient(clerkthrottle.WithBase(server.RoundTripper()))
		if err != nil {
			t.Fatal(err)
		}
		client.Timeout = 5 * time.Second
		users := setUpClient(client, "sk_test_x")
		list := func() error {
			_, err := users.Get(t.Context(), "user_1")
			return err
		}
		for range 100 {
			_ = list()
		}
		start := time.Now()
		err = list()
		var throttled *clerkthrottle.ThrottledError
		if !errors.As(err, &throttled) || !errors.Is(err, context.DeadlineExceeded) || time.Since(start) != 0 || throttled.Wait > 10*time.Second {
			t.Errorf("after %s: %v", time.Since(start), err)
		}
		if said := `GET /v1/users/{user_id} was not sent: the limit "instance" of 100 requests per 10s is used up for another 10s, and the request's deadline comes first (in 5s)`; !strings.Contains(err.Error(), said) {
			t.Errorf("the guide quotes another message than %v", err)
		}
		var at time.Time
		if err := job(list, func(a time.Time) { at = a }); err != nil || at.Before(time.Now()) {
			t.Errorf("the job comes again at %s: %v", at, err)
		}
		client.Timeout = 0
		if err := list(); errors.As(err, &throttled) || time.Since(start) < 9*time.Second {
			t.Errorf("without a timeout, after %s: %v", time.Since(start), err)
		}
		if client, err := slowAnswers(); err != nil || client.Timeout != 0 || handler(users) == nil {
			t.Error(err)
		}
	})
}
