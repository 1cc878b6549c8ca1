package edge

import (
	"net/http"
	"net/http/httputil"
	"strings"
)

// Admit refuses a request that no server of Clerk's would be sent, and reports
// whether it is none of those. TRACE is one of them: its answer would repeat what
// the proxy added to the request, the secret key.
func Admit(w http.ResponseWriter, r *http.Request) bool {
	path := r.URL.Path + "/"
	switch r.Method {
	case http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete, http.MethodOptions:
	default:
		w.Header().Set("Allow", "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS")
		Refuse(w, http.StatusMethodNotAllowed, "method_not_allowed", "Clerk has no such method.")
		return false
	}
	switch {
	case r.URL.IsAbs():
		Refuse(w, http.StatusBadRequest, "request_invalid", "This is no proxy to elsewhere: send the path only, as to Clerk itself.")
	case strings.Contains(path, "/../"), strings.Contains(path, "/./"):
		Refuse(w, http.StatusBadRequest, "request_invalid", "The path has . or .. in it.")
	default:
		return true
	}
	return false
}

// EndToEnd takes out of a request what concerns the connection that it came on.
// ReverseProxy passes an Upgrade on, which fails where Clerk is spoken to by
// HTTP/2; Java's HttpClient asks for one, to h2c, on every connection. A server
// may ignore it (RFC 9110, 7.8). What Expect asks for was done when the body was
// taken in.
func EndToEnd(pr *httputil.ProxyRequest) {
	for _, name := range []string{"Connection", "Upgrade", "Expect"} {
		pr.Out.Header.Del(name)
	}
}
