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
	if rest, ok := cutPattern(path, r.Pattern); ok {
		return rest
	}
	server, _ := r.Context().Value(http.ServerContextKey).(*http.Server)
	if asked, err := url.PathUnescape(pathAsked(r)); err == nil && asked != path || server != nil && server.Handler == http.Handler(h) {
		return strings.TrimPrefix(path, "/")
	}
	return path[strings.LastIndexByte(path, '/')+1:]
}

// cutPattern takes what a pattern of a mount describes off the front of a path.
func cutPattern(path, pattern string) (rest string, ok bool) {
	slash := strings.IndexByte(pattern, '/')
	if slash < 0 {
		return "", false
	}
	pattern = pattern[slash:] // without a method and a host
	last := strings.LastIndexByte(pattern, '/')
	if tail := pattern[last+1:]; tail == "" || tail == "*" || tail == "{$}" || strings.HasSuffix(tail, "...}") {
		pattern = pattern[:last] // the tail is the page's
	}
	mount := strings.Split(pattern, "/")
	given := strings.SplitN(path, "/", len(mount)+1)
	if len(given) < len(mount) {
		return "", false
	}
	for i, want := range mount {
		if given[i] != want && !strings.HasPrefix(want, "{") {
			return "", false
		}
	}
	return strings.Join(given[len(mount):], ""), true
}

// pathAsked returns the path as the client wrote it, which [http.StripPrefix]
// hides from r.URL.
func pathAsked(r *http.Request) string {
	if u, err := url.ParseRequestURI(r.RequestURI); err == nil {
		return u.EscapedPath()
	}
	return r.URL.EscapedPath()
}

// addSlash sends the client to the same path with a slash at its end, below
// which the page's relative links lead where they should. The address is
// relative itself: [http.Redirect] would resolve it against a stripped path.
func addSlash(w http.ResponseWriter, r *http.Request, asked string) {
	to := "./" + asked[strings.LastIndexByte(asked, '/')+1:] + "/"
	if r.URL.RawQuery != "" {
		to += "?" + r.URL.RawQuery
	}
	w.Header().Set("Location", to)
	w.WriteHeader(http.StatusTemporaryRedirect)
}
