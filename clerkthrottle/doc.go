// Package clerkthrottle is a client-side throttle for the Clerk API: an
// [net/http.RoundTripper] to put under a Go program's Clerk client, so that it
// never meets a 429 it could have avoided.
//
//	client, err := clerkthrottle.NewClient()
//
// returns an [net/http.Client] that knows Clerk's documented limits, reads the
// instance type off the secret key of each request, sends what there is room
// for at once and lets the rest wait its turn. A 429 that comes all the same,
// because other programs use the same instance, blocks its endpoint until its
// Retry-After ends, is tried again, and slows this program down to its share.
//
// To put it under the official SDK, hand the client to its backend:
//
//	clerk.SetBackend(clerk.NewBackend(&clerk.BackendConfig{
//		Key:        clerk.String(secretKey),
//		HTTPClient: client,
//	}))
//
// A request that would have to wait longer than its context's deadline or
// [WithMaxWait] allows is not sent: it fails at once with a
// [*ThrottledError].
//
// Whether a request is Clerk's, its host decides: Clerk's own hosts, those that
// [WithHosts] names, and loopback for tests. All others pass through untouched,
// whatever their path or key.
//
// One client, or one [Transport] shared by several clients, has one
// budget. Programs that do not share a budget find their share by themselves,
// at the cost of a few 429s.
package clerkthrottle
