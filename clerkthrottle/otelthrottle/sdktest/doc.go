// Package sdktest tests package otelthrottle with OpenTelemetry's SDK, otelhttp and
// the Prometheus exporter. It is a module of its own, so that users of otelthrottle
// do not get its tests' dependencies.
package sdktest
