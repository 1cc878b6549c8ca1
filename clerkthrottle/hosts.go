package clerkthrottle

import (
	"net/http"
	"net/netip"
	"net/url"
	"strings"

	"github.com/clerkthrottle/clerkthrottle-go/internal/request"
)

// host is the kind of a host: it decides whether a request to it is Clerk's.
type host int

const (
	foreignHost  host = iota
	backendHost       // Clerk's own
	frontendHost      // Clerk's own
	domainHost        // clerk.<domain>, as the Frontend API of a production instance is named
	namedHost         // by WithHosts: it may serve either API
	loopbackHost      // in tests: it may serve either API, or neither
)

// hostOf returns the kind of a URL's host, by its name alone.
func (c *classifier) hostOf(u *url.URL) host {
	if u.Host == "api.clerk.com" { // the usual case
		return backendHost
	}
	name := hostName(u)
	switch {
	case name == "api.clerk.com", name == "api.clerk.dev": // .dev is the older name
		return backendHost
	case strings.HasSuffix(name, ".clerk.accounts.dev"), name == "frontend-api.clerk.dev":
		return frontendHost
	case c.named[name]:
		return namedHost
	case isLoopback(name):
		return loopbackHost
	case isCustomDomain(name):
		return domainHost
	}
	return foreignHost
}

// hostName returns the host of a URL in lower case, without port and final dot.
func hostName(u *url.URL) string { return strings.ToLower(strings.TrimSuffix(u.Hostname(), ".")) }

func isLoopback(name string) bool {
	if strings.HasPrefix(name, "127.") {
		_, err := netip.ParseAddr(name)
		return err == nil
	}
	return name == "localhost" || strings.HasSuffix(name, ".localhost") || name == "::1"
}

// isCustomDomain reports whether a host is named clerk.<domain>, as Clerk names the
// hosts of production instances. clerk.com and clerk.io are not.
func isCustomDomain(name string) bool {
	domain, ok := strings.CutPrefix(name, "clerk.")
	return ok && strings.Contains(domain, ".")
}

// apiAt returns which API a request is for, at a host that may serve either:
// backendHost or frontendHost. A secret key means the Backend API, and a path that
// browsers or a Frontend API proxy use means the Frontend API. Any other request to a
// loopback host is not Clerk's. One to a host named by the user is for the API that has
// the operation, and for the Backend API if both or neither do: a gateway may add the
// key.
func (c *classifier) apiAt(at host, r *http.Request, path, key string) host {
	api := request.TrimPrefix(path)
	secret := strings.HasPrefix(key, "sk_live_") || strings.HasPrefix(key, "sk_test_")
	switch {
	case secret && !request.Under("/v1/client", api):
		return backendHost
	case strings.HasPrefix(path, request.ProxyPrefix), isFrontendPath(api):
		return frontendHost
	case at == loopbackHost:
		return foreignHost
	}
	_, backend := c.backend.Match(request.Method(r), request.Versioned(api))
	if _, frontend := c.frontend.Find(request.FrontendMethod(r), api); frontend && !backend {
		return frontendHost
	}
	return backendHost
}

// isFrontendPath reports whether browsers use a path, which starts at its /v1, in the
// real or the documented spelling.
func isFrontendPath(path string) bool {
	// GET and PATCH /v1/sign_ups/{id} are Backend operations, but requests for them
	// carry a secret key, which is checked first.
	return request.Under("/v1/client", path) || request.Under("/v1/sign_ins", path) || request.Under("/v1/sign_ups", path)
}
