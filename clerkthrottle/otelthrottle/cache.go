package otelthrottle

import (
	"sync"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
)

// maxNames bounds how many names of endpoints, and of limits, become attributes.
// Package clerkthrottle has fewer: Clerk's operations, and 256 names made up for
// unknown paths of each API. A Config.Classify of somebody else's might hand out
// an endpoint for every user.
const maxNames = 1024

// options remembers the attribute set of each key, ready to be handed to an
// instrument, so that measuring neither sorts attributes nor allocates. Keys are
// as few as the sets: names are bounded, and the rest are enumerations. It is
// safe for concurrent use.
type options[K comparable] struct {
	of func(K) []attribute.KeyValue

	mu    sync.RWMutex
	known map[K]option
}

// option is one attribute set, as the two kinds of instrument want it.
type option struct {
	add    []metric.AddOption
	record []metric.RecordOption
}

func (o *options[K]) get(key K) option {
	o.mu.RLock()
	known, ok := o.known[key]
	o.mu.RUnlock()
	if ok {
		return known
	}
	set := metric.WithAttributeSet(attribute.NewSet(o.of(key)...))
	made := option{add: []metric.AddOption{set}, record: []metric.RecordOption{set}}
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.known == nil {
		o.known = make(map[K]option)
	}
	o.known[key] = made
	return made
}
