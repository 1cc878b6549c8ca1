package edge

import (
	"net/http"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync"
)

// Admit refuses a request that must not be sent to Clerk, and reports whether it
// may be. TRACE is one that must not: its answer would repeat what the proxy added
// to the request, the secret key.
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

// Proxy returns the handler to give to Serve for one of Clerk's APIs. It sends
// what is below prefix to the API's URL, after change has set the headers.
func (e *Entrance) Proxy(prefix string, api *url.URL, change func(*httputil.ProxyRequest)) http.Handler {
	return &httputil.ReverseProxy{
		Transport:     e,
		FlushInterval: -1, // what Clerk sends, the client gets at once
		BufferPool:    new(buffers),
		ErrorHandler:  ErrorHandler(e.Logger),
		Rewrite: func(pr *httputil.ProxyRequest) {
			// What concerns the connection that the request came on goes no further.
			// ReverseProxy would pass an Upgrade on, which fails where Clerk speaks
			// HTTP/2. Java's HttpClient asks for one, to h2c, on every connection, and a
			// server may ignore it (RFC 9110, 7.8). What Expect asks for was done when the
			// body was taken in.
			for _, name := range []string{"Connection", "Upgrade", "Expect"} {
				pr.Out.Header.Del(name)
			}
			pr.Out.URL.Path = strings.TrimPrefix(pr.In.URL.Path, prefix)
			pr.Out.URL.RawPath = strings.TrimPrefix(pr.In.URL.RawPath, prefix)
			pr.SetURL(api)
			pr.Out.URL.RawQuery = pr.In.URL.RawQuery
			change(pr)
		},
	}
}

// buffers are for copying answers.
type buffers struct{ pool sync.Pool }

// Get implements [httputil.BufferPool].
func (b *buffers) Get() []byte {
	if p, ok := b.pool.Get().(*[]byte); ok {
		return *p
	}
	return make([]byte, 32<<10)
}

// Put implements [httputil.BufferPool].
func (b *buffers) Put(p []byte) { b.pool.Put(&p) }
