// Package request extracts what limits depend on from a request to Clerk: its path, its
// method, its key and the client that it is sent for. The client (package
// clerkthrottle) and the stand-in for tests (package clerktest) share it; the tests
// compare how they read paths with net/http.
package request

import (
	"net/http"
	"net/netip"
	"net/url"
	"strings"
)

// ProxyPrefix is where Clerk's documentation puts a Frontend API proxy.
const ProxyPrefix = "/__clerk/"

// Under reports whether a path is root or below it.
func Under(root, path string) bool {
	rest, ok := strings.CutPrefix(path, root)
	return ok && (rest == "" || rest[0] == '/')
}

// Path returns the path of a request as it is sent, but unescaped, except for a slash in
// an id, and without empty segments, as left by joining "https://api.clerk.com/v1/" and
// "/users".
func Path(u *url.URL) string {
	path := u.Path
	if u.Opaque != "" || u.RawPath != "" {
		path, _, _ = strings.Cut(u.RequestURI(), "?")
		path = unescape(strings.TrimPrefix(path, u.Scheme+"://"+u.Host))
	}
	for strings.Contains(path, "//") {
		path = strings.ReplaceAll(path, "//", "/")
	}
	return path
}

// unescape unescapes each segment, unless that would make it two.
func unescape(path string) string {
	segments := strings.Split(path, "/")
	for i, s := range segments {
		if plain, err := url.PathUnescape(s); err == nil && !strings.Contains(plain, "/") {
			segments[i] = plain
		}
	}
	return strings.Join(segments, "/")
}

// TrimPrefix removes what a proxy puts before an API's path.
func TrimPrefix(path string) string {
	if strings.HasPrefix(path, "/v1/") { // the usual case
		return path
	}
	if i := strings.Index(path, "/v1/"); i >= 0 {
		return path[i:]
	}
	if rest, ok := strings.CutPrefix(path, ProxyPrefix); ok {
		return "/" + rest
	}
	return path
}

// Versioned returns a Backend API path with its /v1, which some callers leave out.
func Versioned(path string) string {
	if Under("/v1", path) {
		return path
	}
	return "/v1/" + strings.TrimPrefix(path, "/")
}

// Method returns the method of a request in upper case, or "OTHER" if it is unknown.
func Method(r *http.Request) string {
	if KnownMethod(r.Method) { // the usual case
		return r.Method
	}
	if r.Method == "" {
		return http.MethodGet
	}
	if method := strings.ToUpper(r.Method); KnownMethod(method) {
		return method
	}
	return "OTHER"
}

// FrontendMethod returns the method as the Frontend API reads it. Clerk's browser
// library sends all methods but GET as a POST with the method in the query.
func FrontendMethod(r *http.Request) string {
	method := Method(r)
	if method == http.MethodPost && strings.Contains(r.URL.RawQuery, "_method=") {
		if m := strings.ToUpper(r.URL.Query().Get("_method")); KnownMethod(m) {
			return m
		}
	}
	return method
}

// KnownMethod reports whether a method is one that package net/http defines.
func KnownMethod(m string) bool {
	switch m {
	case http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch,
		http.MethodDelete, http.MethodOptions, http.MethodConnect, http.MethodTrace:
		return true
	}
	return false
}

// Bearer returns the token of an Authorization header, or "".
func Bearer(h http.Header) string {
	values := h["Authorization"] // Get would canonicalize the key
	if len(values) == 0 {
		return ""
	}
	token, ok := strings.CutPrefix(values[0], "Bearer ")
	if !ok {
		var scheme string
		if scheme, token, _ = strings.Cut(values[0], " "); !strings.EqualFold(scheme, "Bearer") {
			return ""
		}
	}
	return strings.TrimSpace(token)
}

// ClientAddress returns the address that Clerk's Frontend API counts a request for: the
// leftmost entry of X-Forwarded-For. If that is missing or not an address, it returns
// instead.
func ClientAddress(h http.Header, instead string) string {
	first, _, _ := strings.Cut(h.Get("X-Forwarded-For"), ",")
	first = strings.TrimSpace(first)
	a, err := netip.ParseAddr(strings.Trim(first, "[]"))
	if err != nil {
		withPort, _ := netip.ParseAddrPort(first)
		a = withPort.Addr()
	}
	if !a.IsValid() {
		return instead
	}
	return a.Unmap().WithZone("").String()
}
