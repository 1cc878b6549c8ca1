// Package clerkthrottle is a client-side throttle for the Clerk API: an
// [net/http.RoundTripper] to put under a Go program's Clerk client, so that it
// never meets a 429 it could have avoided.
//
// Most programs need one line,
//
//	client, err := clerkthrottle.NewClient()
//
// and hand the client to the official SDK's backend:
//
//	clerk.SetBackend(clerk.NewBackend(&clerk.BackendConfig{
//		Key:        clerk.String(secretKey),
//		HTTPClient: client,
//	}))
//
// The client knows Clerk's documented limits and reads the instance type off the
// secret key of each request. It sends at once what there is room for and lets the
// rest wait its turn. A request that would have to wait longer than its context's
// deadline or [WithMaxWait] allows is not sent: it fails at once with a
// [*ThrottledError].
//
// If Clerk answers 429 all the same, because other programs use the same instance,
// the endpoint is blocked until its Retry-After ends. Then the request is sent
// again, and this program slows down to its share.
//
// Make one client, or one [Transport] for several clients, and share it: each
// Transport has a budget of its own. Programs on one instance find their shares by
// themselves, at the cost of a few 429s, or share a budget through [WithBudget].
//
// The host decides whether a request is Clerk's: Clerk's own hosts, those that
// [WithHosts] names, and loopback for tests. All others pass through untouched,
// whatever their path or key.
package clerkthrottle
