package otelthrottle

import (
	"errors"

	"go.opentelemetry.io/otel/metric"
)

// waitBounds are the advised boundaries of the histogram of waits, in seconds.
// Clerk's windows are 10 s long, and a request waits for a minute at most unless
// told otherwise.
var waitBounds = []float64{0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 30, 60}

// instruments are all that is measured. They are named by the guidelines of the
// semantic conventions: what adds up is a counter, "limit" is a known total and
// "usage" its parts by state, units of countable things stand in braces, and no
// name says its unit. The package comment lists them; a test compares.
type instruments struct {
	// Of the observer.
	requestCount, retryCount, blockCount metric.Int64Counter
	waitDuration                         metric.Float64Histogram

	// Of the snapshots.
	tokenUsage, tokenLimit, bucketCount         metric.Int64ObservableUpDownCounter
	waitingCount, blockedCount, unreachable     metric.Int64ObservableUpDownCounter
	blockRemaining, rateLearned, rateDocumented metric.Float64ObservableGauge
}

// create makes all of them, and returns what the meter objected to.
func (i *instruments) create(meter metric.Meter) error {
	var errs []error
	counter := func(name, unit, description string) metric.Int64Counter {
		c, err := meter.Int64Counter(name, metric.WithUnit(unit), metric.WithDescription(description))
		errs = append(errs, err)
		return c
	}
	upDown := func(name, unit, description string) metric.Int64ObservableUpDownCounter {
		c, err := meter.Int64ObservableUpDownCounter(name, metric.WithUnit(unit), metric.WithDescription(description))
		errs = append(errs, err)
		return c
	}
	gauge := func(name, unit, description string) metric.Float64ObservableGauge {
		g, err := meter.Float64ObservableGauge(name, metric.WithUnit(unit), metric.WithDescription(description))
		errs = append(errs, err)
		return g
	}
	var err error
	i.waitDuration, err = meter.Float64Histogram("clerkthrottle.request.wait.duration", metric.WithUnit("s"),
		metric.WithDescription("How long requests were held back, of those that were."), metric.WithExplicitBucketBoundaries(waitBounds...))
	errs = append(errs, err)
	i.requestCount = counter("clerkthrottle.requests", "{request}", "Requests that were sent, every attempt counting, and requests that were refused.")
	i.retryCount = counter("clerkthrottle.retries", "{retry}", "Attempts that were to be repeated.")
	i.blockCount = counter("clerkthrottle.blocks", "{block}", "Times that a 429 closed an endpoint, or kept it closed for longer.")
	i.tokenUsage = upDown("clerkthrottle.token.usage", "{token}", "Tokens of the limits, by state.")
	i.tokenLimit = upDown("clerkthrottle.token.limit", "{token}", "Tokens that the limits have.")
	i.bucketCount = upDown("clerkthrottle.bucket.count", "{bucket}", "Buckets in use, by whether they have a token free.")
	i.waitingCount = upDown("clerkthrottle.waiting_requests", "{request}", "Requests that are being held back.")
	i.blockedCount = upDown("clerkthrottle.blocked_endpoints", "{endpoint}", "Endpoints that are blocked after a 429.")
	i.unreachable = upDown("clerkthrottle.unreachable_budgets", "{budget}", "Budgets shared with other programs that cannot be reached.")
	i.blockRemaining = gauge("clerkthrottle.block.remaining", "s", "Time until the endpoint's block ends; 0 if it is open.")
	i.rateLearned = gauge("clerkthrottle.rate.learned", "{request}/s", "Requests per second that the endpoint may send, as learned from 429s.")
	i.rateDocumented = gauge("clerkthrottle.rate.documented", "{request}/s", "Requests per second that the documented limit allows the endpoint.")
	return errors.Join(errs...)
}

// observables returns the instruments that are asked for at every collection.
func (i *instruments) observables() []metric.Observable {
	return []metric.Observable{
		i.tokenUsage, i.tokenLimit, i.bucketCount, i.waitingCount, i.blockedCount, i.unreachable,
		i.blockRemaining, i.rateLearned, i.rateDocumented,
	}
}
