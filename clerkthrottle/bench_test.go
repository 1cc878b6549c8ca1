package clerkthrottle

import (
	"net/http"
	"testing"
)

var sink any

// A key and an operation that were seen before: what nearly every request is.
func BenchmarkClassify(b *testing.B) {
	for _, bb := range []struct {
		name string
		req  *http.Request
	}{
		{"instance", newRequest("GET", "https://api.clerk.com/v1/users?limit=100", liveKey)},
		{"param", newRequest("GET", "https://api.clerk.com/v1/users/user_2NNEqL2nrIRdJ194ndJqAHwEfxC", liveKey)},
		{"loopback", newRequest("GET", "http://127.0.0.1:8080/v1/users", liveKey)},
		{"resource", newRequest("PATCH", "https://api.clerk.com/v1/users/user_2NNEqL2nrIRdJ194ndJqAHwEfxC", liveKey)},
		{"unknown", newRequest("GET", "https://api.clerk.com/v1/things/user_2NNEqL2nrIRdJ194ndJqAHwEfxC", liveKey)},
		{"frontend", newRequest("POST", "https://clerk.example.com/v1/client/sign_ins", "")},
		{"foreign", newRequest("GET", "https://www.example.com/some/page", "")},
	} {
		b.Run(bb.name, func(b *testing.B) {
			c := newTestClassifier(b)
			b.ReportAllocs()
			for b.Loop() {
				sink = c.classify(bb.req)
			}
		})
	}
}

func TestClassifyOfAnOperationSeenBeforeDoesNotAllocate(t *testing.T) {
	c := newTestClassifier(t)
	for _, req := range []*http.Request{
		newRequest("GET", "https://api.clerk.com/v1/users?limit=100", liveKey),
		newRequest("GET", "https://api.clerk.com:443/v1/users/user_2NNEqL2nrIRdJ194ndJqAHwEfxC", liveKey),
		newRequest("POST", "https://api.clerk.com/v1/organizations/org_2a/invitations/bulk", devKey),
		newRequest("GET", "http://127.0.0.1:8080/v1/sessions", devKey),
		newRequest("GET", "https://www.example.com/some/page", ""),
	} {
		c.classify(req) // seen before
		if n := testing.AllocsPerRun(100, func() { c.classify(req) }); n != 0 {
			t.Errorf("%s %s: %v allocations", req.Method, req.URL, n)
		}
	}
}
