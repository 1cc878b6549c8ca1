package otelthrottle

import (
	"errors"

	"go.opentelemetry.io/otel/metric"
)

// waitBounds are the advised boundaries of the histogram of waits, in seconds.
// Clerk's windows are 10 s long, and a request waits for a minute at most unless
// told otherwise (transport.DefaultMaxWait).
var waitBounds = []float64{0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 30, 60}

// instruments are all that is measured. They are named by the guidelines of the
// semantic conventions: what adds up is a counter, "limit" is a known total and
// "usage" its parts by state, units of countable things stand in braces, and no
// name says its unit. The package comment lists them; a test compares.
type instruments struct {
	// Of the observer.
	requestCount metric.Int64Counter
	waitDuration metric.Float64Histogram
	retryCount   metric.Int64Counter
	blockCount   metric.Int64Counter

	// Of the snapshots.
	tokenUsage     metric.Int64ObservableUpDownCounter
	tokenLimit     metric.Int64ObservableUpDownCounter
	bucketCount    metric.Int64ObservableUpDownCounter
	waitingCount   metric.Int64ObservableUpDownCounter
	blockedCount   metric.Int64ObservableUpDownCounter
	blockRemaining metric.Float64ObservableGauge
	rateLearned    metric.Float64ObservableGauge
	rateDocumented metric.Float64ObservableGauge
	unreachable    metric.Int64ObservableUpDownCounter
}

func (i *instruments) create(meter metric.Meter) error {
	m := maker{meter: meter}
	i.requestCount = m.counter("clerkthrottle.requests", "{request}",
		"Requests that were sent, every attempt counting, and requests that were refused.")
	i.waitDuration = m.histogram("clerkthrottle.request.wait.duration", "s", waitBounds,
		"How long requests were held back, of those that were.")
	i.retryCount = m.counter("clerkthrottle.retries", "{retry}",
		"Attempts that were to be repeated.")
	i.blockCount = m.counter("clerkthrottle.blocks", "{block}",
		"Times that a 429 closed an endpoint, or kept it closed for longer.")

	i.tokenUsage = m.upDownCounter("clerkthrottle.token.usage", "{token}",
		"Tokens of the limits, by state.")
	i.tokenLimit = m.upDownCounter("clerkthrottle.token.limit", "{token}",
		"Tokens that the limits have.")
	i.bucketCount = m.upDownCounter("clerkthrottle.bucket.count", "{bucket}",
		"Buckets in use, by whether they have a token free.")
	i.waitingCount = m.upDownCounter("clerkthrottle.waiting_requests", "{request}",
		"Requests that are being held back.")
	i.blockedCount = m.upDownCounter("clerkthrottle.blocked_endpoints", "{endpoint}",
		"Endpoints that are blocked after a 429.")
	i.blockRemaining = m.gauge("clerkthrottle.block.remaining", "s",
		"Time until the endpoint's block ends; 0 if it is open.")
	i.rateLearned = m.gauge("clerkthrottle.rate.learned", "{request}/s",
		"Requests per second that the endpoint is let have, as learned from 429s.")
	i.rateDocumented = m.gauge("clerkthrottle.rate.documented", "{request}/s",
		"Requests per second that the documented limit allows the endpoint.")
	i.unreachable = m.upDownCounter("clerkthrottle.unreachable_budgets", "{budget}",
		"Budgets shared with other programs that cannot be reached.")
	return errors.Join(m.errs...)
}

// observables returns the instruments that are asked for at every collection.
func (i *instruments) observables() []metric.Observable {
	return []metric.Observable{
		i.tokenUsage, i.tokenLimit, i.bucketCount, i.waitingCount,
		i.blockedCount, i.blockRemaining, i.rateLearned, i.rateDocumented, i.unreachable,
	}
}

// maker makes instruments and collects what goes wrong.
type maker struct {
	meter metric.Meter
	errs  []error
}

func (m *maker) counter(name, unit, description string) metric.Int64Counter {
	c, err := m.meter.Int64Counter(name, metric.WithUnit(unit), metric.WithDescription(description))
	m.note(err)
	return c
}

func (m *maker) histogram(name, unit string, bounds []float64, description string) metric.Float64Histogram {
	h, err := m.meter.Float64Histogram(name, metric.WithUnit(unit), metric.WithDescription(description),
		metric.WithExplicitBucketBoundaries(bounds...))
	m.note(err)
	return h
}

func (m *maker) upDownCounter(name, unit, description string) metric.Int64ObservableUpDownCounter {
	c, err := m.meter.Int64ObservableUpDownCounter(name, metric.WithUnit(unit), metric.WithDescription(description))
	m.note(err)
	return c
}

func (m *maker) gauge(name, unit, description string) metric.Float64ObservableGauge {
	g, err := m.meter.Float64ObservableGauge(name, metric.WithUnit(unit), metric.WithDescription(description))
	m.note(err)
	return g
}

func (m *maker) note(err error) {
	if err != nil {
		m.errs = append(m.errs, err)
	}
}
