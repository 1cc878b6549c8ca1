// Package sdktest tests package otelthrottle under OpenTelemetry's SDK, beside
// otelhttp and through the Prometheus exporter. It has a module of its own, so
// that nobody who imports otelthrottle is handed what only its tests need.
package sdktest
