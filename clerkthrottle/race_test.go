//go:build race

package clerkthrottle_test

import "time"

// long shortens virtual time: the race detector makes it ten times as slow, and
// what it looks for shows in a minute as well.
func long(d time.Duration) time.Duration { return min(d, time.Minute) }
