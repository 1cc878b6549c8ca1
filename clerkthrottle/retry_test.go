package clerkthrottle_test

import (
	"fmt"
	"io"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/clerkthrottle/clerkthrottle-go/clerkthrottle"
)

func errorBody(code string) string {
	return `{"errors":[{"message":"m","long_message":"l","code":"` + code + `"}],"clerk_trace_id":"t"}`
}

func TestProductRuleIsNotTriedAgain(t *testing.T) {
	for _, tt := range []struct {
		body string
		sent int
	}{
		{errorBody("signup_rate_limit_exceeded"), 1},
		{errorBody("verification_code_too_many_requests"), 1},
		{errorBody("too_many_requests"), 2},
		{"<html>Too many requests</html>", 2},
		{"", 2},
	} {
		synctest.Test(t, func(t *testing.T) {
			base := newRecorder()
			base.answer = func(n int) *http.Response {
				if n == 1 {
					return reply(http.StatusTooManyRequests, "7", tt.body)
				}
				return nil
			}
			rt := newThrottle(t, clerkthrottle.WithBase(base))
			resp, err := send(rt, "POST", usersURL, "sk_test_x")
			if err != nil {
				t.Fatal(err)
			}
			body, err := io.ReadAll(resp.Body)
			if err != nil {
				t.Fatal(err)
			}
			if base.count() != tt.sent {
				t.Errorf("%s: sent %d times, want %d", tt.body, base.count(), tt.sent)
			}
			if tt.sent == 1 && (resp.StatusCode != 429 || string(body) != tt.body || resp.Header.Get("Retry-After") != "7") {
				t.Errorf("the 429 is handed back as %d %q", resp.StatusCode, body)
			}
			if tt.sent == 2 && (resp.StatusCode != 200 || base.sent[1] < 7*time.Second) {
				t.Errorf("%s: %d, sent at %s, want a second attempt after 7 s", tt.body, resp.StatusCode, base.sent)
			}
			// Either way, the block holds for everybody.
			begun := time.Now()
			if _, err := send(rt, "POST", usersURL, "sk_test_x"); err != nil {
				t.Error(err)
			}
			if wait := time.Since(begun); tt.sent == 1 && wait != 7*time.Second {
				t.Errorf("the next request waited %s, want 7 s", wait)
			}
		})
	}
}

// JWKS has no limit, but a 429 for it holds like any other, and holds it alone.
func TestBlockOfJWKSHolds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const jwks = "https://api.clerk.com/v1/jwks"
		base := newRecorder()
		rt := newThrottle(t, clerkthrottle.WithBase(base))
		flood(t, rt, 1000, "GET", jwks, "sk_test_x")
		wantBy(t, base, 0, 1000)
		base.answer = func(n int) *http.Response {
			if n == 1001 {
				return reply(http.StatusTooManyRequests, "3", "")
			}
			return nil
		}
		for i, url := range []string{jwks, usersURL} {
			if _, err := send(rt, "GET", url, "sk_test_x"); err != nil {
				t.Error(err)
			}
			if got, want := fmt.Sprint(time.Since(base.begun)), "3s"; got != want {
				t.Errorf("request %d was answered after %s, want %s", i+1, got, want)
			}
		}
	})
}
