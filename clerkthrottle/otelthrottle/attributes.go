package otelthrottle

import (
	"strconv"
	"strings"

	"go.opentelemetry.io/otel/attribute"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"

	"github.com/clerkthrottle/clerkthrottle-go/transport"
)

// The attributes that the semantic conventions do not name.
const (
	outcomeKey     = attribute.Key("clerkthrottle.outcome")
	holdKey        = attribute.Key("clerkthrottle.hold")
	limitNameKey   = attribute.Key("clerkthrottle.limit.name")
	priorityKey    = attribute.Key("clerkthrottle.priority")
	tokenStateKey  = attribute.Key("clerkthrottle.token.state")
	bucketStateKey = attribute.Key("clerkthrottle.bucket.state")
	dryRunKey      = attribute.Key("clerkthrottle.dry_run")

	// In traces only.
	reasonKey = attribute.Key("clerkthrottle.reason")
	waitedKey = attribute.Key("clerkthrottle.wait") // seconds
	queueKey  = attribute.Key("clerkthrottle.queue")
	pauseKey  = attribute.Key("clerkthrottle.retry.pause") // seconds
)

// endpoint is what an endpoint's name says, as attributes. There is one for
// each name, so it can be compared by its address.
type endpoint struct{ method, template attribute.KeyValue }

// parseEndpoint takes "PATCH /v1/users/{user_id}" apart.
func parseEndpoint(name string) *endpoint {
	method, template, ok := strings.Cut(name, " ")
	if !ok {
		method, template = "", name
	}
	return &endpoint{method: methodOf(method), template: semconv.URLTemplate(template)}
}

// otherEndpoint stands for all that there is no more room for. Its name is the
// one that package clerkthrottle uses for that.
var otherEndpoint = parseEndpoint("_OTHER /{other}")

// methodOf keeps to the methods that the semantic conventions know.
func methodOf(method string) attribute.KeyValue {
	switch method {
	case "GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "CONNECT", "TRACE", "QUERY":
		return semconv.HTTPRequestMethodKey.String(method)
	}
	return semconv.HTTPRequestMethodOther
}

func (e *endpoint) attributes() []attribute.KeyValue {
	return []attribute.KeyValue{e.method, e.template}
}

// limit is a limit's name as an attribute. Its address stands for it.
type limit struct{ name attribute.KeyValue }

func parseLimit(name string) *limit { return &limit{limitNameKey.String(name)} }

var otherLimit = parseLimit(other)

// answerKey is what the count of answers is divided by. All that is in this and
// the keys below is bounded: they are remembered.
type answerKey struct {
	endpoint *endpoint
	priority transport.Priority
	outcome  string
	status   int // 0 where it says nothing: below 400
}

func (k answerKey) attributes() []attribute.KeyValue {
	all := append(k.endpoint.attributes(), priorityOf(k.priority), outcomeKey.String(k.outcome))
	switch k.outcome {
	case "failed", "unsent":
		all = append(all, semconv.ErrorTypeOther)
	default:
		if k.status != 0 {
			all = append(all, errorOf(k.status))
		}
	}
	return all
}

// refusalKey is what the count of refusals is divided by.
type refusalKey struct {
	endpoint *endpoint
	priority transport.Priority
	reason   transport.Reason
	hold     transport.Hold
	limit    *limit
}

func (k refusalKey) attributes() []attribute.KeyValue {
	all := append(k.endpoint.attributes(), priorityOf(k.priority), outcomeKey.String("refused"), semconv.ErrorTypeKey.String(string(k.reason)))
	return append(all, heldBy(k.hold, k.limit)...)
}

// waitKey is what the histogram of waits is divided by.
type waitKey struct {
	endpoint *endpoint
	priority transport.Priority
	hold     transport.Hold
	limit    *limit
	dryRun   bool
}

func (k waitKey) attributes() []attribute.KeyValue {
	all := append(k.endpoint.attributes(), priorityOf(k.priority))
	all = append(all, heldBy(k.hold, k.limit)...)
	if k.dryRun {
		all = append(all, dryRunKey.Bool(true))
	}
	return all
}

// retryKey is what the count of retries is divided by.
type retryKey struct {
	endpoint *endpoint
	status   int // 0 where no answer came
}

func (k retryKey) attributes() []attribute.KeyValue {
	return append(k.endpoint.attributes(), errorOf(k.status))
}

// heldBy says what a request waited for, as far as is known.
func heldBy(hold transport.Hold, l *limit) []attribute.KeyValue {
	if hold == "" {
		return nil
	}
	all := []attribute.KeyValue{holdKey.String(string(hold))}
	if l != nil {
		all = append(all, l.name)
	}
	return all
}

func priorityOf(p transport.Priority) attribute.KeyValue { return priorityKey.String(p.String()) }

// errorOf is the error.type of a status, as the conventions for HTTP have it.
func errorOf(status int) attribute.KeyValue {
	if status < 400 || status > 599 {
		return semconv.ErrorTypeOther
	}
	return semconv.ErrorTypeKey.String(strconv.Itoa(status))
}

// other stands for what somebody else's budget made up, as error.type has it.
const other = "_OTHER"

func knownReason(r transport.Reason) transport.Reason {
	switch r {
	case transport.ReasonDeadline, transport.ReasonMaxWait, transport.ReasonQueueFull, transport.ReasonClosed, transport.ReasonUnavailable:
		return r
	}
	return other
}

func knownHold(h transport.Hold) transport.Hold {
	switch h {
	case transport.HoldBlock, transport.HoldLimit, transport.HoldRate, "":
		return h
	}
	return other
}
