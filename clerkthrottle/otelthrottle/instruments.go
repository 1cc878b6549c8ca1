package otelthrottle

import (
	"errors"

	"go.opentelemetry.io/otel/metric"
)

// waitBounds are the advised bucket boundaries of the wait histogram, in seconds.
// Clerk's windows are 10 s long, and by default a request waits for at most a minute.
var waitBounds = []float64{0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 30, 60}

// instruments are all instruments, named by the guidelines of the semantic
// conventions: what adds up is a counter, "limit" is a known total and "usage" its
// parts by state, units of countable things are in braces, and no name includes its
// unit. A test checks that the package comment lists them.
type instruments struct {
	// Recorded by the observer.
	requestCount, retryCount, blockCount metric.Int64Counter
	waitDuration                         metric.Float64Histogram

	// Observed in snapshots.
	tokenUsage, tokenLimit, bucketCount         metric.Int64ObservableUpDownCounter
	waitingCount, blockedCount, unreachable     metric.Int64ObservableUpDownCounter
	blockRemaining, rateLearned, rateDocumented metric.Float64ObservableGauge
}

// maker creates instruments, and collects the observable ones and errors.
type maker struct {
	observables []metric.Observable
	errs        []error
}

// instrument creates an instrument with the meter's method for its kind. Units and
// descriptions are options of every kind.
func instrument[I, O any](m *maker, kind func(string, ...O) (I, error), name, unit, description string, more ...O) I {
	all := []O{any(metric.WithUnit(unit)).(O), any(metric.WithDescription(description)).(O)}
	i, err := kind(name, append(all, more...)...)
	m.errs = append(m.errs, err)
	if observable, ok := any(i).(metric.Observable); ok {
		m.observables = append(m.observables, observable)
	}
	return i
}

// create creates all instruments. It returns the observable ones and the meter's
// errors.
func (i *instruments) create(meter metric.Meter) ([]metric.Observable, error) {
	m := new(maker)
	counter, upDown, gauge := meter.Int64Counter, meter.Int64ObservableUpDownCounter, meter.Float64ObservableGauge
	i.waitDuration = instrument(m, meter.Float64Histogram, "clerkthrottle.request.wait.duration", "s",
		"How long requests waited, of those that did.", metric.Float64HistogramOption(metric.WithExplicitBucketBoundaries(waitBounds...)))
	i.requestCount = instrument(m, counter, "clerkthrottle.requests", "{request}", "Attempts that were sent, and requests that were refused.")
	i.retryCount = instrument(m, counter, "clerkthrottle.retries", "{retry}", "Attempts that were retried.")
	i.blockCount = instrument(m, counter, "clerkthrottle.blocks", "{block}", "Times that a 429 blocked an endpoint, or extended its block.")
	i.tokenUsage = instrument(m, upDown, "clerkthrottle.token.usage", "{token}", "Tokens of the limits, by state.")
	i.tokenLimit = instrument(m, upDown, "clerkthrottle.token.limit", "{token}", "Tokens of the limits, in all states.")
	i.bucketCount = instrument(m, upDown, "clerkthrottle.bucket.count", "{bucket}", "Buckets in use, by whether they have a token free.")
	i.waitingCount = instrument(m, upDown, "clerkthrottle.waiting_requests", "{request}", "Requests that are waiting.")
	i.blockedCount = instrument(m, upDown, "clerkthrottle.blocked_endpoints", "{endpoint}", "Endpoints that are blocked after a 429.")
	i.unreachable = instrument(m, upDown, "clerkthrottle.unreachable_budgets", "{budget}", "Shared budgets that cannot be reached.")
	i.blockRemaining = instrument(m, gauge, "clerkthrottle.block.remaining", "s", "Time until the endpoint's block ends; 0 if it is open.")
	i.rateLearned = instrument(m, gauge, "clerkthrottle.rate.learned", "{request}/s", "Requests per second that the endpoint may send, as learned from 429s.")
	i.rateDocumented = instrument(m, gauge, "clerkthrottle.rate.documented", "{request}/s", "Requests per second that the documented limit allows the endpoint.")
	return m.observables, errors.Join(m.errs...)
}
