package bench

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"strings"
	"time"

	"github.com/clerkthrottle/clerkthrottle-go/clerkthrottle/clerktest"
)

// quiet discards the log lines of thousands of blocks.
var quiet = slog.New(slog.DiscardHandler)

// soakRequest returns a random request: an endpoint, with or without an identifier,
// and a body that can be replayed or not.
func soakRequest(ctx context.Context, random *rand.Rand) *http.Request {
	operations := []string{
		"GET /v1/users", "GET /v1/organizations", "POST /v1/things", "GET /v1/users/user_%d", "PATCH /v1/users/user_%d",
		"DELETE /v1/organizations/org_%d", "PUT /v1/things/%d",
	}
	method, path, _ := strings.Cut(operations[random.IntN(len(operations))], " ")
	if strings.Contains(path, "%d") {
		path = fmt.Sprintf(path, random.IntN(200))
	}
	var body io.Reader
	if method != http.MethodGet && method != http.MethodDelete {
		if body = strings.NewReader(`{"name":"value"}`); random.IntN(2) == 0 {
			body = io.NopCloser(body) // without a GetBody
		}
	}
	req, err := http.NewRequestWithContext(ctx, method, "https://api.clerk.com"+path, body)
	if err != nil {
		panic(err)
	}
	req.Header.Set("Authorization", "Bearer sk_live_soak")
	return req
}

// fault returns the fault of the n-th request; about one in twenty has one.
func (s soaked) fault(_ *http.Request, n int) clerktest.Fault {
	random := rand.New(rand.NewPCG(s.Seed, uint64(n)))
	switch random.IntN(200) {
	case 0, 1:
		return clerktest.Fault{Loss: clerktest.RequestLost}
	case 2, 3:
		return clerktest.Fault{Loss: clerktest.AnswerLost}
	case 4:
		return clerktest.Fault{Loss: clerktest.AnswerLost, Err: errReset}
	case 5:
		return clerktest.Fault{Status: http.StatusServiceUnavailable, Header: http.Header{"Retry-After": {"2"}}}
	case 6:
		return clerktest.Fault{Status: http.StatusBadGateway, Body: "<html>bad gateway</html>", Header: http.Header{"Content-Type": {"text/html"}}}
	case 7:
		return clerktest.Fault{Stall: time.Duration(random.IntN(5000)) * time.Millisecond}
	case 8:
		return clerktest.ProductRule("signup_rate_limit_exceeded")
	case 9:
		if random.IntN(20) > 0 {
			return clerktest.Fault{}
		}
		return clerktest.Fault{Status: http.StatusTooManyRequests} // without Retry-After
	case 10:
		if random.IntN(20) > 0 {
			return clerktest.Fault{}
		}
		return clerktest.Fault{Status: http.StatusTooManyRequests, Header: http.Header{"Retry-After": {"3"}}}
	}
	return clerktest.Fault{}
}
