// Package clerkthrottle is a client-side throttle for the Clerk API: an
// [net/http.RoundTripper] that goes under a Go program's Clerk client, so that the
// program gets no 429 that it could have avoided.
//
// Most programs need one line,
//
//	client, err := clerkthrottle.NewClient()
//
// and pass the client to the official SDK:
//
//	clerk.SetBackend(clerk.NewBackend(&clerk.BackendConfig{
//		Key:        clerk.String(secretKey),
//		HTTPClient: client,
//	}))
//
// The client knows Clerk's documented limits, and takes the instance type from each
// request's secret key. It sends requests at once while there is room and queues the
// rest. A request that would have to wait longer than its context's deadline or
// [WithMaxWait] allows is not sent: it fails at once with a [*ThrottledError].
//
// If Clerk still answers 429, because other programs use the same instance, the
// endpoint is blocked until the Retry-After ends. Then the request is retried, and this
// program slows down to its share.
//
// Create one client, or one [Transport] for several clients, and share it: each
// Transport has its own budget. Programs on one instance find their shares by
// themselves, at the cost of a few 429s, or share a budget through [WithBudget].
//
// The host decides whether a request is Clerk's: Clerk's own hosts, those that
// [WithHosts] names, and loopback hosts, for tests. All others pass through untouched,
// whatever their path or key.
package clerkthrottle
