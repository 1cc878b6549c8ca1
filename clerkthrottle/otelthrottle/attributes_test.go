package otelthrottle

import (
	"fmt"
	"testing"

	"go.opentelemetry.io/otel/metric"
)

// However many endpoints are called, the number of cached attribute sets is bounded;
// the others are just as correct.
func TestKeptSetsAreBounded(t *testing.T) {
	s := sets{kept: make(map[labels]set)}
	for i := range 2 * maxSets {
		l := labels{endpoint: fmt.Sprintf("GET /users/%d", i)}
		attributes := metric.NewAddConfig(s.of(l).add).Attributes()
		if template, _ := attributes.Value("url.template"); template.AsString() != fmt.Sprintf("/users/%d", i) {
			t.Fatalf("%s has the attributes of %s", l.endpoint, template.AsString())
		}
	}
	if len(s.kept) != maxSets {
		t.Errorf("%d sets are kept, want %d", len(s.kept), maxSets)
	}
}
