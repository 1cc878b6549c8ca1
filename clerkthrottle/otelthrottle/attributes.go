package otelthrottle

import (
	"strconv"
	"strings"
	"sync"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"

	"github.com/clerkthrottle/clerkthrottle-go/transport"
)

// The attributes of traces that are not labels.
const (
	reasonKey = attribute.Key("clerkthrottle.reason")
	waitedKey = attribute.Key("clerkthrottle.wait") // seconds
	queueKey  = attribute.Key("clerkthrottle.queue")
	pauseKey  = attribute.Key("clerkthrottle.retry.pause") // seconds
)

// labels are the attributes of a measurement; what is empty is left out. There
// are few different ones, for they are remembered: names are bounded, see [names],
// and everything else is one of a handful.
type labels struct {
	endpoint, priority, outcome string
	errorType                   string
	status                      int // an error.type, too
	hold, limit                 string
	tokenState, bucketState     string
	dryRun                      bool
}

// other stands for what has no name of its own, as error.type has it.
const other = "_OTHER"

// otherEndpoint is the name of all endpoints beyond the bound, as package
// clerkthrottle names those of unknown paths.
const otherEndpoint = other + " /{other}"

// noAnswer is the status where no answer came.
const noAnswer = -1

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
	if l.status != 0 {
		all = append(all, errorOf(l.status))
	}
	add("clerkthrottle.hold", l.hold)
	add("clerkthrottle.limit.name", l.limit)
	add("clerkthrottle.token.state", l.tokenState)
	add("clerkthrottle.bucket.state", l.bucketState)
	if l.dryRun {
		all = append(all, attribute.Bool("clerkthrottle.dry_run", true))
	}
	return all
}

// endpointAttributes takes "PATCH /v1/users/{user_id}" apart. It keeps to the
// methods that the semantic conventions know.
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

// errorOf is the error.type of a status, as the conventions for HTTP have it.
func errorOf(status int) attribute.KeyValue {
	if status < 400 || status > 599 {
		return semconv.ErrorTypeOther
	}
	return semconv.ErrorTypeKey.String(strconv.Itoa(status))
}

// classOf keeps to the three classes: a context may hold any number.
func classOf(p transport.Priority) string {
	return min(max(p, transport.Batch), transport.Interactive).String()
}

// maxNames bounds how many names of endpoints, and of limits, become attributes.
// Package clerkthrottle has fewer: Clerk's operations, and 256 names made up for
// unknown paths of each API. A [transport.Config] of somebody else's might name an
// endpoint for every user.
const maxNames = 1024

// names keeps to as many names as that. It is safe for concurrent use.
type names struct {
	mu    sync.RWMutex
	known map[string]bool
}

// bound returns the name, or instead where there is no more room for it.
func (n *names) bound(name, instead string) string {
	n.mu.RLock()
	known := n.known[name]
	n.mu.RUnlock()
	if known || name == "" {
		return name
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if !n.known[name] && len(n.known) >= maxNames {
		return instead
	}
	if n.known == nil {
		n.known = make(map[string]bool)
	}
	n.known[name] = true
	return name
}

// option is an attribute set as the two kinds of instrument want it.
type option struct {
	add    []metric.AddOption
	record []metric.RecordOption
}

// options remembers the attribute set of all labels that were measured, so that
// measuring neither sorts attributes nor allocates. It is safe for concurrent use.
type options struct {
	mu    sync.RWMutex
	known map[labels]option
}

func (o *options) of(l labels) option {
	o.mu.RLock()
	known, ok := o.known[l]
	o.mu.RUnlock()
	if ok {
		return known
	}
	set := metric.WithAttributeSet(attribute.NewSet(l.attributes()...))
	made := option{[]metric.AddOption{set}, []metric.RecordOption{set}}
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.known == nil {
		o.known = make(map[labels]option)
	}
	o.known[l] = made
	return made
}
