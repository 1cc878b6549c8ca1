package transport_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/clerkthrottle/clerkthrottle-go/transport"
)

// A throttle over a throttle doubled every wait in silence.

// unwrapping, and based, are the two ways in which wrappers show what they wrap.
type unwrapping struct{ next http.RoundTripper }

func (u unwrapping) RoundTrip(req *http.Request) (*http.Response, error) {
	return u.next.RoundTrip(req)
}
func (u unwrapping) Unwrap() http.RoundTripper { return u.next }

type based struct {
	Header http.Header // of another type
	Base   http.RoundTripper
}

func (b *based) RoundTrip(req *http.Request) (*http.Response, error) { return b.Base.RoundTrip(req) }

func TestThrottleOverAThrottleIsAnError(t *testing.T) {
	inner := newTransport(t, newServer(nil), limit(1, sec))
	ring := &based{}
	ring.Base = ring
	for name, tt := range map[string]struct {
		base http.RoundTripper
		want bool // an error
	}{
		"itself":       {inner, true},
		"unwrapped":    {unwrapping{inner}, true},
		"a field":      {&based{Base: inner}, true},
		"both":         {&based{Base: unwrapping{&based{Base: inner}}}, true},
		"default":      {nil, false},
		"net/http":     {&http.Transport{}, false},
		"a field of":   {&based{Base: http.DefaultTransport}, false},
		"an empty one": {&based{}, false},
		"a nil one":    {(*based)(nil), false},
		"a ring":       {ring, false},
		"a function":   {roundTripFunc(nil), false},
	} {
		_, err := transport.New(transport.Config{Base: tt.base, Classify: limit(1, sec).classify})
		if got := err != nil && strings.Contains(err.Error(), "Config.Base"); got != tt.want {
			t.Errorf("%s: error %v", name, err)
		}
	}
}
