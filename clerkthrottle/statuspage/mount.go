package statuspage

import (
	"net/http"
	"net/url"
	"strings"
)

// below returns what of a request's path lies below the mount: the pattern of an
// [http.ServeMux], what [http.StripPrefix] took off, or the root of a server.
// Another router keeps the mount to itself; there the last element has to do.
func (h *handler) below(r *http.Request) string {
	path := r.URL.Path
	if _, mount, ok := strings.Cut(r.Pattern, "/"); ok { // after a method and a host
		if rest, ok := strings.CutPrefix(path, "/"+mount); ok {
			return rest
		}
	}
	server, _ := r.Context().Value(http.ServerContextKey).(*http.Server)
	if pathAsked(r) != path || server != nil && server.Handler == http.Handler(h) {
		return strings.TrimPrefix(path, "/")
	}
	return path[strings.LastIndexByte(path, '/')+1:]
}

// pathAsked returns the path that the client asked for, which [http.StripPrefix]
// hides from r.URL.
func pathAsked(r *http.Request) string {
	if u, err := url.ParseRequestURI(r.RequestURI); err == nil {
		return u.Path
	}
	return r.URL.Path
}

// addSlash sends the client to the same path with a slash at its end, below
// which the page's relative links lead where they should. The address is
// relative itself: [http.Redirect] would resolve it against a stripped path.
func addSlash(w http.ResponseWriter, r *http.Request, asked string) {
	to := url.URL{Path: "./" + asked[strings.LastIndexByte(asked, '/')+1:] + "/", RawQuery: r.URL.RawQuery}
	w.Header().Set("Location", to.String())
	w.WriteHeader(http.StatusTemporaryRedirect)
}
