package clerkthrottle

import (
	"net/http"
	"net/netip"
	"net/url"
	"strings"
)

// proxyPrefix is where Clerk's documentation puts a Frontend API proxy.
const proxyPrefix = "/__clerk/"

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
	if u.Opaque != "" || u.RawPath != "" {
		path, _, _ = strings.Cut(u.RequestURI(), "?")
		path = unescape(strings.TrimPrefix(path, u.Scheme+"://"+u.Host))
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
	if i := strings.Index(path, "/v1/"); i >= 0 {
		return path[i:]
	}
	if rest, ok := strings.CutPrefix(path, proxyPrefix); ok {
		return "/" + rest
	}
	return path
}

// versioned returns a path of the Backend API with the /v1 that some callers
// leave out.
func versioned(path string) string {
	if under("/v1", path) {
		return path
	}
	return "/v1/" + strings.TrimPrefix(path, "/")
}

// methodOf returns the method of a request as a name of one of few.
func methodOf(r *http.Request) string {
	if knownMethod(r.Method) { // nearly always
		return r.Method
	}
	if r.Method == "" {
		return http.MethodGet
	}
	if method := strings.ToUpper(r.Method); knownMethod(method) {
		return method
	}
	return "OTHER"
}

// frontendMethodOf returns the method as the Frontend API takes it. Clerk's browser
// library sends everything but GET as a POST that names its method in the query.
func frontendMethodOf(r *http.Request) string {
	method := methodOf(r)
	if method == http.MethodPost && strings.Contains(r.URL.RawQuery, "_method=") {
		if m := strings.ToUpper(r.URL.Query().Get("_method")); knownMethod(m) {
			return m
		}
	}
	return method
}

func knownMethod(m string) bool {
	switch m {
	case http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch,
		http.MethodDelete, http.MethodOptions, http.MethodConnect, http.MethodTrace:
		return true
	}
	return false
}

// bearer returns the token of an Authorization header, or "".
func bearer(h http.Header) string {
	values := h["Authorization"] // Get would look for what is canonical already
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
	a, err := netip.ParseAddr(strings.Trim(first, "[]"))
	if err != nil {
		withPort, _ := netip.ParseAddrPort(first)
		a = withPort.Addr()
	}
	if !a.IsValid() {
		return thisProcess
	}
	return a.Unmap().WithZone("").String()
}
