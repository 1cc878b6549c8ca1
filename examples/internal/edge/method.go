package edge

import (
	"net/http"
	"net/http/httputil"
)

// Method refuses a request with a method that Clerk's APIs do not have, and
// reports whether there was none of that. TRACE is one of them: its answer would
// repeat what the proxy added to the request, the secret key.
func Method(w http.ResponseWriter, r *http.Request) bool {
	switch r.Method {
	case http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete, http.MethodOptions:
		return true
	}
	w.Header().Set("Allow", "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS")
	Refuse(w, http.StatusMethodNotAllowed, "method_not_allowed", "Clerk has no such method.")
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
