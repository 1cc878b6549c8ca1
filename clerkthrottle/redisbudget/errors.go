package redisbudget

import "fmt"

// UnavailableError tells that a request was not sent because Redis is away and
// [WithoutFallback] forbids to go on without it. Nothing was spent on it. Get at
// it with [errors.As].
type UnavailableError struct {
	Endpoint string // method and path template of the request
	Err      error  // what Redis, or its client, said
}

// Error says what was not sent, and why.
func (e *UnavailableError) Error() string {
	return fmt.Sprintf("throttled: %s was not sent: the shared budget on Redis is away, and WithoutFallback is set: %v", e.Endpoint, e.Err)
}

// Unwrap returns what Redis, or its client, said.
func (e *UnavailableError) Unwrap() error { return e.Err }
