// Package clerktest is a stand-in for Clerk: a server that enforces Clerk's
// documented rate limits, answers in Clerk's JSON format and reports what it saw, so
// that code that calls Clerk can be tested without an account.
//
// A [Server] can be used in two ways, with shared state. [Server.RoundTripper]
// answers in memory, on the caller's goroutine: it leaves no socket and no goroutine
// behind and works inside a testing/synctest bubble, where a 10-second window costs
// nothing. [Server.Start] listens on loopback, and Server itself is an
// [http.Handler].
//
//	clerk := clerktest.New(clerktest.WithInstanceType(clerkthrottle.Development))
//	client := &http.Client{Transport: clerk.RoundTripper()}
//	// ... use client against https://api.clerk.com/v1 ...
//	if n := clerk.Stats().Rejected; n != 0 {
//		t.Errorf("%d requests were answered with 429", n)
//	}
//
// # What it enforces
//
// The limits are those of [clerkthrottle.Limits], or the rows given to [WithLimits].
// A request is counted when it arrives, on every row that matches it, and needs room
// on all of them; a rejected request is not counted. It is answered with a 429 and a
// Retry-After, and until that ends, so is every request to the same endpoint (method
// and path template, of that instance or, on the Frontend API, of that client
// address). Clerk does not document how it counts a window: [WithAlgorithm] chooses
// among three ways, and the default is the strictest.
//
// # What it answers
//
// Enough for the official Go SDK: a user that is created or changed has an id and the
// names and metadata that were sent, lists are empty, and everything else is a small
// object. Nothing is stored. If a test needs more, it can answer with [WithHandler].
//
// Everything here is safe for concurrent use. An invalid option panics: it is a
// mistake in the test.
package clerktest
