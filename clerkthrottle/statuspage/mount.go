package statuspage

import (
	"net/http"
	"net/url"
	"strings"
)

// below returns the part of the request's path below the mount, which is the pattern
// of an [http.ServeMux], what [http.StripPrefix] removed, or the root of a server.
// Other routers do not reveal the mount; then it is the path's last element.
func (h *handler) below(r *http.Request) string {
	path := r.URL.Path
	if _, mount, ok := strings.Cut(r.Pattern, "/"); ok { // after a method and a host
		if rest, ok := strings.CutPrefix(path, "/"+mount); ok {
			return rest
		}
	}
	server, _ := r.Context().Value(http.ServerContextKey).(*http.Server)
	if requestPath(r) != path || server != nil && server.Handler == http.Handler(h) {
		return strings.TrimPrefix(path, "/")
	}
	return path[strings.LastIndexByte(path, '/')+1:]
}

// requestPath returns the path of the request line, before [http.StripPrefix] changed
// it.
func requestPath(r *http.Request) string {
	if u, err := url.ParseRequestURI(r.RequestURI); err == nil {
		return u.Path
	}
	return r.URL.Path
}

// addSlash redirects to the same path with a slash at its end, so that the page's
// relative links work. The Location is itself relative: [http.Redirect] would resolve
// it against a stripped path.
func addSlash(w http.ResponseWriter, r *http.Request, path string) {
	to := url.URL{Path: "./" + path[strings.LastIndexByte(path, '/')+1:] + "/", RawQuery: r.URL.RawQuery}
	w.Header().Set("Location", to.String())
	w.WriteHeader(http.StatusTemporaryRedirect)
}
