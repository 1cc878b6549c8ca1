package clerkthrottle

import (
	"net/http"
	"net/netip"
	"net/url"
	"strings"
)

// target says which of Clerk's APIs a request goes to.
type target int

const (
	notClerk target = iota
	toBackend
	toFrontend
)

// proxyPrefix is where Clerk's documentation puts a Frontend API proxy.
const proxyPrefix = "/__clerk/"

// targetOf tells it by the host; failing that by the key, which a stand-in or a
// proxy for the Backend API is sent, too; failing that by a path that only
// Clerk's Frontend API has. Stripe's secret keys look the same, so its host
// counts as somebody else's whatever the key.
func targetOf(u *url.URL, path, key string) target {
	host := u.Hostname()
	switch {
	case strings.EqualFold(host, "api.clerk.com"):
		return toBackend
	case strings.EqualFold(host, "api.stripe.com"):
		return notClerk
	case strings.HasPrefix(key, "sk_live_"), strings.HasPrefix(key, "sk_test_"):
		return toBackend
	case isFrontendHost(host), strings.HasPrefix(path, proxyPrefix), isFrontendPath(trimPrefix(path)):
		return toFrontend
	}
	return notClerk
}

func isFrontendHost(host string) bool {
	host = strings.ToLower(host)
	return strings.HasSuffix(host, ".clerk.accounts.dev") ||
		host == "frontend-api.clerk.dev" ||
		strings.HasPrefix(host, "clerk.") && host != "clerk.com"
}

// isFrontendPath reports whether a path, from its /v1 on, is one that only the
// Frontend API has, in the real or in the documented spelling.
func isFrontendPath(path string) bool {
	for _, root := range []string{"/v1/client", "/v1/sign_ins", "/v1/sign_ups"} {
		if rest, ok := strings.CutPrefix(path, root); ok && (rest == "" || rest[0] == '/') {
			// GET and PATCH /v1/sign_ups/{id} are Backend operations, but those
			// carry a secret key and are told by it.
			return true
		}
	}
	return false
}

// pathOf returns the path of a request as it is sent, ids unescaped only where
// that changes no segment.
func pathOf(u *url.URL) string {
	if u.RawPath != "" {
		return u.RawPath
	}
	return u.Path
}

// trimPrefix takes off what a proxy puts before the path of an API.
func trimPrefix(path string) string {
	if i := strings.Index(path, "/v1/"); i > 0 {
		return path[i:]
	}
	if rest, ok := strings.CutPrefix(path, proxyPrefix); ok {
		return "/" + rest
	}
	return path
}

// methodOf returns the method of a request as Clerk takes it. Clerk's browser
// library sends everything but GET as a POST that names its method in the query.
func methodOf(r *http.Request, to target) string {
	method := r.Method
	if method == "" {
		method = http.MethodGet
	}
	method = strings.ToUpper(method)
	if to == toFrontend && method == http.MethodPost && strings.Contains(r.URL.RawQuery, "_method=") {
		if m := strings.ToUpper(r.URL.Query().Get("_method")); knownMethod(m) {
			return m
		}
	}
	if !knownMethod(method) {
		return "OTHER"
	}
	return method
}

// bearer returns the token of an Authorization header, or "".
func bearer(h http.Header) string {
	const scheme = "Bearer "
	v := h.Get("Authorization")
	if len(v) < len(scheme) || !strings.EqualFold(v[:len(scheme)], scheme) {
		return ""
	}
	return strings.TrimSpace(v[len(scheme):])
}

// thisProcess is the client address of requests that are sent for nobody else.
const thisProcess = "self"

// clientAddress returns the address that Clerk's Frontend API counts a request
// for: the leftmost entry of X-Forwarded-For, or this process. An entry that is
// no address, which anybody can send, counts as this process, too.
func clientAddress(h http.Header) string {
	first, _, _ := strings.Cut(h.Get("X-Forwarded-For"), ",")
	first = strings.TrimSpace(first)
	if first == "" {
		return thisProcess
	}
	if a, err := netip.ParseAddr(strings.Trim(first, "[]")); err == nil {
		return a.Unmap().WithZone("").String()
	}
	if ap, err := netip.ParseAddrPort(first); err == nil {
		return ap.Addr().Unmap().WithZone("").String()
	}
	return thisProcess
}
