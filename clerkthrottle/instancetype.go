package clerkthrottle

import (
	"fmt"
	"strings"
)

// InstanceType is the kind of Clerk application instance that a secret key
// belongs to. It decides the size of the instance's budget.
type InstanceType int

const (
	// Auto takes the type from each request's secret key: sk_live_ (or the legacy
	// live_) means Production, anything else Development. The zero value.
	Auto InstanceType = iota
	// Development: 100 Backend API requests per 10 s.
	Development
	// Production: 1000 Backend API requests per 10 s.
	Production
)

// String returns "auto", "development" or "production".
func (t InstanceType) String() string {
	if t < Auto || t > Production {
		return fmt.Sprintf("InstanceType(%d)", int(t))
	}
	return [...]string{"auto", "development", "production"}[t]
}

// typeOfKey returns the instance type that a secret key's prefix says, or Auto.
func typeOfKey(key string) InstanceType {
	switch {
	case strings.HasPrefix(key, "sk_live_"), strings.HasPrefix(key, "live_"):
		return Production
	case strings.HasPrefix(key, "sk_test_"), strings.HasPrefix(key, "test_"):
		return Development
	default:
		return Auto
	}
}

// isSecret reports whether a name looks like a Clerk key. The prefixes live_, test_ and
// ak_ may be plain words in a short name.
func isSecret(name string) bool {
	const shortest = 24
	legacy := strings.HasPrefix(name, "live_") || strings.HasPrefix(name, "test_") || strings.HasPrefix(name, "ak_")
	return strings.Contains(name, "sk_live_") || strings.Contains(name, "sk_test_") || legacy && len(name) >= shortest
}
