package statuspage

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/clerkthrottle/clerkthrottle-go/transport"
)

// Source is what the page shows. A [*transport.Transport] is one, and so is
// every [transport.Budget]. Snapshot is called for every request and, for every
// open stream, once an interval; several calls may run at once.
type Source interface {
	Snapshot() transport.Snapshot
}

// New returns the handler of the page. It finds its way below whatever path it
// is mounted at, with or without [http.StripPrefix]; mount it with a trailing
// slash, as in "/debug/throttle/". It answers GET and HEAD. It panics if source
// is nil or an option's value makes no sense.
//
// Its streams end with their request and with [http.Server.Shutdown].
func New(source Source, opts ...Option) http.Handler {
	if source == nil {
		panic("statuspage: New(nil): there is nothing to show")
	}
	h := &handler{source: source, config: defaults()}
	for _, opt := range opts {
		opt(&h.config)
	}
	h.streams.max = h.maxStreams
	return h
}

type handler struct {
	config
	source  Source
	streams streams
}

// ServeHTTP routes by the last element of the path, since the elements before
// it are the mount's business.
func (h *handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	setSafeHeaders(w.Header())
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD")
		http.Error(w, "this page is read-only", http.StatusMethodNotAllowed)
		return
	}
	asked := pathAsked(r)
	name := r.URL.Path[strings.LastIndexByte(r.URL.Path, '/')+1:]
	if name == "" && !strings.HasSuffix(asked, "/") {
		name = asked[strings.LastIndexByte(asked, '/')+1:]
	}
	switch {
	case name == "":
		h.page(w, r)
	case name == "view":
		h.view(w, r)
	case name == "snapshot.json":
		h.json(w, r)
	case name == "events":
		h.events(w, r)
	case assets[name] != nil:
		send(w, r, assets[name].contentType, assets[name].body)
	case strings.Contains(name, "."):
		http.NotFound(w, r)
	default:
		addSlash(w, r, asked)
	}
}

// page sends the whole page.
func (h *handler) page(w http.ResponseWriter, r *http.Request) {
	h.render(w, r, "page.html")
}

// view sends what changes of the page, for a page that has no stream.
func (h *handler) view(w http.ResponseWriter, r *http.Request) {
	h.render(w, r, "view.html")
}

func (h *handler) render(w http.ResponseWriter, r *http.Request, name string) {
	var body bytes.Buffer
	v := newView(h.source.Snapshot(), queryOf(r.URL.Query()), &h.config)
	if err := templates.ExecuteTemplate(&body, name, v); err != nil {
		http.Error(w, "the page could not be made: "+err.Error(), http.StatusInternalServerError)
		return
	}
	send(w, r, "text/html; charset=utf-8", body.Bytes())
}

func (h *handler) json(w http.ResponseWriter, r *http.Request) {
	body, err := json.MarshalIndent(h.source.Snapshot(), "", "  ")
	if err != nil {
		http.Error(w, "the snapshot could not be written: "+err.Error(), http.StatusInternalServerError)
		return
	}
	send(w, r, "application/json", append(body, '\n'))
}

func send(w http.ResponseWriter, r *http.Request, contentType string, body []byte) {
	w.Header().Set("Content-Type", contentType)
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	if r.Method != http.MethodHead {
		_, _ = w.Write(body) // a reader who has left is nobody's error
	}
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
