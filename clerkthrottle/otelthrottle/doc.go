// Package otelthrottle reports a throttle to OpenTelemetry: metrics of what it does
// and of its state, and waits as spans in the callers' traces.
//
//	in, err := otelthrottle.New()
//	throttle, err := clerkthrottle.NewTransport(
//		clerkthrottle.WithObserver(in.Observer()),
//		clerkthrottle.WithBase(otelhttp.NewTransport(http.DefaultTransport)),
//	)
//	defer in.Watch(throttle)()
//
// With otelhttp below the throttle, as here, every attempt has an HTTP span of its
// own, and waits are spans beside them. With otelhttp above it, waits are within the
// one HTTP span, and part of its duration.
//
// # Metrics
//
// The first four come from [Instrumentation.Observer], the rest from
// [Instrumentation.Watch].
//
//	instrument                          type                     unit         attributes
//	clerkthrottle.requests              Counter                  {request}    method, template, outcome, priority, error.type; refused: hold, limit
//	clerkthrottle.request.wait.duration Histogram                s            method, template, priority, hold, limit, dry_run
//	clerkthrottle.retries               Counter                  {retry}      method, template, error.type
//	clerkthrottle.blocks                Counter                  {block}      method, template
//	clerkthrottle.token.usage           ObservableUpDownCounter  {token}      limit, token.state
//	clerkthrottle.token.limit           ObservableUpDownCounter  {token}      limit
//	clerkthrottle.bucket.count          ObservableUpDownCounter  {bucket}     limit, bucket.state
//	clerkthrottle.waiting_requests      ObservableUpDownCounter  {request}    priority; and either limit, or method, template
//	clerkthrottle.blocked_endpoints     ObservableUpDownCounter  {endpoint}   method, template
//	clerkthrottle.block.remaining       ObservableGauge          s            method, template
//	clerkthrottle.rate.learned          ObservableGauge          {request}/s  method, template
//	clerkthrottle.rate.documented       ObservableGauge          {request}/s  method, template
//	clerkthrottle.unreachable_budgets   ObservableUpDownCounter  {budget}     none
//
// clerkthrottle.requests counts every attempt: without those refused, it is what
// Clerk was sent. The histogram has only requests that waited; those of a dry run,
// which did not, are marked dry_run. Tokens that are free, in flight and returning
// add up to the limit. A request that waits for a limit is counted at the limit, one
// that waits for the end of a block or for a learned rate at its endpoint.
// unreachable_budgets exists only with a shared budget: 1 if this program cannot
// reach it, 0 if it can.
//
// # Prometheus
//
// OpenTelemetry's exporter writes _ for every dot, in attributes too, and appends
// _total to counters, _seconds to durations and _per_second to rates, as in
// clerkthrottle_requests_total; everything but counters and histograms becomes a
// gauge. The folder monitoring holds a Grafana dashboard and Prometheus alert rules.
//
// # Attributes
//
//	method        http.request.method          GET, POST …; _OTHER
//	template      url.template                 /v1/users/{user_id}: the path template, never the path
//	error.type    error.type                   the status from 400 on; deadline, max_wait, queue_full, closed or unavailable of a refusal; else _OTHER
//	outcome       clerkthrottle.outcome        answered; throttled, a 429; ruled, a 429 that waiting does not cure; failed, no answer;
//	                                           unsent, no connection; refused, by the throttle
//	priority      clerkthrottle.priority       interactive, normal, batch
//	hold          clerkthrottle.hold           what the request waited for: block, limit, rate
//	limit         clerkthrottle.limit.name     row of the limit table: instance, PATCH /v1/users/{user_id} …
//	token.state   clerkthrottle.token.state    free, in_flight, returning
//	bucket.state  clerkthrottle.bucket.state   available, exhausted
//	dry_run       clerkthrottle.dry_run        true, or left out
//
// The number of attribute sets is bounded by the templates and the rows of the limit
// table. Buckets of single users, organizations and addresses are summed by row,
// those of several instances by endpoint and row: no id, address or key, hashed or
// not, becomes an attribute of metrics or spans.
//
// # Traces
//
// If the span in a request's context is recording, it gets
//
//	clerkthrottle.wait     child span   from when the request began to wait until it was sent
//	clerkthrottle.refused  event        with clerkthrottle.reason, and the wait that there would have been
//	clerkthrottle.retry    event        with http.request.resend_count, error.type and clerkthrottle.retry.pause, in seconds
//
// Only what takes time is a span. A wait in a dry run takes none: it is an event of
// the same name. A retry after a 429 waits for the block to end, which shows as the
// next clerkthrottle.wait.
//
// # Cost
//
// Attribute sets are made once and kept: an event takes about half a microsecond and
// allocates nothing. Nothing is measured for a provider that discards it.
//
//	go test ./clerkthrottle/otelthrottle/sdktest -run - -bench Observer
package otelthrottle
