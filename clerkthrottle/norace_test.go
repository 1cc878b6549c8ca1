//go:build !race

package clerkthrottle_test

import "time"

func long(d time.Duration) time.Duration { return d }
