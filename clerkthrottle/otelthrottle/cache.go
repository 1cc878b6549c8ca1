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

// bounded remembers what names mean, up to maxNames of them. It is safe for
// concurrent use.
type bounded[T any] struct {
	parse func(name string) *T
	other *T // of all further names

	mu    sync.RWMutex
	known map[string]*T
}

func (b *bounded[T]) get(name string) *T {
	b.mu.RLock()
	t, ok := b.known[name]
	full := len(b.known) >= maxNames
	b.mu.RUnlock()
	switch {
	case ok:
		return t
	case full:
		return b.other
	}
	return b.add(name)
}

func (b *bounded[T]) add(name string) *T {
	b.mu.Lock()
	defer b.mu.Unlock()
	if t, ok := b.known[name]; ok {
		return t
	}
	if len(b.known) >= maxNames {
		return b.other
	}
	if b.known == nil {
		b.known = make(map[string]*T)
	}
	t := b.parse(name)
	b.known[name] = t
	return t
}

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
