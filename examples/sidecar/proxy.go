package main

import (
	"net/http"
	"net/http/httputil"

	"github.com/clerkthrottle/clerkthrottle-go/examples/internal/edge"
)

// frontendPrefix is where Clerk's documentation puts a Frontend API proxy.
const frontendPrefix = "/__clerk"

// placeholder is the key of clients that cannot go without one and leave it to
// the sidecar to fill in.
const placeholder = "sidecar"

// newBackendProxy forwards to the Backend API as the program itself would have
// called it: Clerk limits an instance there, not addresses, so who is behind the
// sidecar stays behind it. Clients' forwarding headers are left out by
// [httputil.ReverseProxy], and none are added.
func (s *sidecar) newBackendProxy(o *options) http.Handler {
	return s.Entrance.Proxy("", &o.backend.URL, func(pr *httputil.ProxyRequest) {
		if key, ours := s.keyOf(pr.In); ours {
			pr.Out.Header.Set("Authorization", "Bearer "+key)
		}
		for _, name := range []string{o.clientHeader, o.priorityHeader} {
			pr.Out.Header.Del(name) // meant for the sidecar
		}
	})
}

// newFrontendProxy forwards to the Frontend API, which limits visitors by the
// leftmost address of X-Forwarded-For. There is only one, the visitor's.
func (s *sidecar) newFrontendProxy(o *options) http.Handler {
	return s.Entrance.Proxy(frontendPrefix, &o.frontend.URL, func(pr *httputil.ProxyRequest) {
		pr.SetXForwarded() // For: the caller, Host and Proto: as it called
		if visitor := edge.ClientAddress(pr.In, o.TrustedHops); visitor != "" {
			pr.Out.Header.Set("X-Forwarded-For", visitor)
		}
		if o.TrustedHops > 0 { // the calling program knows how the visitor came to it
			for _, name := range []string{"X-Forwarded-Host", "X-Forwarded-Proto"} {
				if v := pr.In.Header.Get(name); v != "" {
					pr.Out.Header.Set(name, v)
				}
			}
		}
	})
}

// newTransport is the transport below the throttle. It passes bodies on as they
// are, compressed or not, and keeps as many connections as there are clients.
func newTransport() *http.Transport {
	t := http.DefaultTransport.(*http.Transport).Clone()
	t.DisableCompression = true
	t.MaxIdleConns = 0
	t.MaxIdleConnsPerHost = 1024
	return t
}
