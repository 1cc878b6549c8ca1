package otelthrottle

import (
	"strconv"
	"strings"
	"sync"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
)

// Attributes that only traces have.
const (
	reasonKey = attribute.Key("clerkthrottle.reason")
	waitedKey = attribute.Key("clerkthrottle.wait") // seconds
	queueKey  = attribute.Key("clerkthrottle.queue")
	pauseKey  = attribute.Key("clerkthrottle.retry.pause") // seconds
)

// labels are the attributes of a measurement; empty ones are left out. All values are
// constants of package transport, or names of endpoints and limits.
type labels struct {
	endpoint, priority, outcome string
	errorType                   string
	hold, limit                 string
	tokenState, bucketState     string
	dryRun                      bool
}

func (l labels) attributes() []attribute.KeyValue {
	var all []attribute.KeyValue
	if l.endpoint != "" {
		all = endpointAttributes(l.endpoint)
	}
	add := func(key attribute.Key, value string) {
		if value != "" {
			all = append(all, key.String(value))
		}
	}
	add("clerkthrottle.priority", l.priority)
	add("clerkthrottle.outcome", l.outcome)
	add(semconv.ErrorTypeKey, l.errorType)
	add("clerkthrottle.hold", l.hold)
	add("clerkthrottle.limit.name", l.limit)
	add("clerkthrottle.token.state", l.tokenState)
	add("clerkthrottle.bucket.state", l.bucketState)
	if l.dryRun {
		all = append(all, attribute.Bool("clerkthrottle.dry_run", true))
	}
	return all
}

// endpointAttributes splits "PATCH /v1/users/{user_id}". A method that the semantic
// conventions do not list becomes _OTHER.
func endpointAttributes(name string) []attribute.KeyValue {
	method, template, ok := strings.Cut(name, " ")
	if !ok {
		method, template = "", name
	}
	known := semconv.HTTPRequestMethodOther
	switch method {
	case "GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "CONNECT", "TRACE", "QUERY":
		known = semconv.HTTPRequestMethodKey.String(method)
	}
	return []attribute.KeyValue{known, semconv.URLTemplate(template)}
}

// errorTypes are the statuses from 400 on as strings, made once: labels must not
// allocate.
var errorTypes = func() (all [200]string) {
	for i := range all {
		all[i] = strconv.Itoa(400 + i)
	}
	return all
}()

// errorType returns the error.type for an attempt's status, by the HTTP conventions.
// Without an answer the status is 0.
func errorType(status int) string {
	switch {
	case 0 < status && status < 400:
		return ""
	case 400 <= status && status < 600:
		return errorTypes[status-400]
	default:
		return semconv.ErrorTypeOther.Value.AsString()
	}
}

// set is an attribute set as options of both kinds of instrument.
type set struct {
	add    []metric.AddOption
	record []metric.RecordOption
}

// maxSets bounds the cached attribute sets; others are made each time. Clerk's
// operations need a few each, but a transport.Config may name any number.
const maxSets = 8192

// sets caches attribute sets, so that measuring neither sorts attributes nor
// allocates. It is safe for concurrent use.
type sets struct {
	mu   sync.RWMutex
	kept map[labels]set
}

func (s *sets) of(l labels) set {
	s.mu.RLock()
	kept, ok := s.kept[l]
	s.mu.RUnlock()
	if ok {
		return kept
	}
	attributes := metric.WithAttributeSet(attribute.NewSet(l.attributes()...))
	made := set{[]metric.AddOption{attributes}, []metric.RecordOption{attributes}}
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.kept) < maxSets {
		s.kept[l] = made
	}
	return made
}
