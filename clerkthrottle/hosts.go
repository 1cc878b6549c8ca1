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

// targetOf tells it by a host of Clerk's own; failing that by the key, which a
// stand-in or a proxy for the Backend API is sent, too, unless the path is one of
// visitors' clients; failing that by a customer's host for the Frontend API, or
// by a path that only that API has.
func targetOf(u *url.URL, path, key string) target {
	host := strings.TrimSuffix(u.Hostname(), ".")
	if strings.EqualFold(host, "api.clerk.com") {
		return toBackend
	}
	host = strings.ToLower(host)
	secret := strings.HasPrefix(key, "sk_live_") || strings.HasPrefix(key, "sk_test_")
	switch {
	case isForeignHost(host):
		return notClerk
	case strings.HasSuffix(host, ".clerk.accounts.dev"), host == "frontend-api.clerk.dev":
		return toFrontend
	case secret && !under("/v1/client", trimPrefix(path)):
		return toBackend
	case isCustomHost(host), strings.HasPrefix(path, proxyPrefix), isFrontendPath(trimPrefix(path)):
		return toFrontend
	}
	return notClerk
}

// isForeignHost knows the companies whose secret keys look like Clerk's. Theirs
// is not Clerk's business, whatever the key.
func isForeignHost(host string) bool {
	return host == "stripe.com" || strings.HasSuffix(host, ".stripe.com") || host == "api.paystack.co"
}

// isCustomHost reports whether a host is clerk.<domain>, where the Frontend API
// of a production instance is. clerk.com and clerk.io are no such hosts.
func isCustomHost(host string) bool {
	domain, ok := strings.CutPrefix(host, "clerk.")
	return ok && strings.Contains(domain, ".")
}

// isFrontendPath reports whether a path, from its /v1 on, is one that only the
// Frontend API has, in the real or in the documented spelling.
func isFrontendPath(path string) bool {
	// GET and PATCH /v1/sign_ups/{id} are Backend operations, but those carry a
	// secret key and are told by it.
	return under("/v1/client", path) || under("/v1/sign_ins", path) || under("/v1/sign_ups", path)
}

// under reports whether a path is root or lies below it.
func under(root, path string) bool {
	rest, ok := strings.CutPrefix(path, root)
	return ok && (rest == "" || rest[0] == '/')
}

// pathOf returns the path of a request as it is sent: unescaped, but for a slash
// that is part of an id, and without empty segments, which are what is left of
// joining "https://api.clerk.com/v1/" and "/users".
func pathOf(u *url.URL) string {
	path := u.Path
	switch {
	case u.Opaque != "": // goes into the request line as it is, see url.URL.RequestURI
		path = u.Opaque
		if rest, ok := strings.CutPrefix(path, "//"); ok {
			_, path, _ = strings.Cut(rest, "/")
			path = "/" + path
		}
		path, _, _ = strings.Cut(path, "?")
		path = unescape(path)
	case u.RawPath != "":
		path = unescape(u.EscapedPath())
	}
	for strings.Contains(path, "//") {
		path = strings.ReplaceAll(path, "//", "/")
	}
	return path
}

// unescape takes the escapes out of all segments that stay one segment.
func unescape(path string) string {
	segments := strings.Split(path, "/")
	for i, s := range segments {
		if plain, err := url.PathUnescape(s); err == nil && !strings.Contains(plain, "/") {
			segments[i] = plain
		}
	}
	return strings.Join(segments, "/")
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
	values := h["Authorization"] // Get would look for what is canonical already
	if len(values) == 0 || len(values[0]) < len(scheme) || !strings.EqualFold(values[0][:len(scheme)], scheme) {
		return ""
	}
	return strings.TrimSpace(values[0][len(scheme):])
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
