package statuspage

import (
	"bytes"
	"encoding/json"
	"net/http"
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
// slash, as in "/debug/throttle/". It answers GET and HEAD, and no web page of
// another origin. It panics if source is nil or an option's value makes no sense;
// a nil option is ignored.
//
// Its streams end with their request and with [http.Server.Shutdown].
func New(source Source, opts ...Option) http.Handler {
	if source == nil {
		panic("statuspage: New(nil): there is nothing to show")
	}
	h := &handler{source: source, config: defaults()}
	for _, opt := range opts {
		if opt != nil {
			opt(&h.config)
		}
	}
	h.streams.max = h.maxStreams
	return h
}

type handler struct {
	config
	source  Source
	streams streams
}

// ServeHTTP answers what lies below the mount.
func (h *handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	setSafeHeaders(w.Header())
	switch {
	case r.Method != http.MethodGet && r.Method != http.MethodHead:
		w.Header().Set("Allow", "GET, HEAD")
		http.Error(w, "this page is read-only", http.StatusMethodNotAllowed)
		return
	case fromElsewhere(r):
		http.Error(w, "this page is not for pages of other origins", http.StatusForbidden)
		return
	}
	switch name := h.below(r); name {
	case "":
		if asked := pathAsked(r); !strings.HasSuffix(asked, "/") {
			addSlash(w, r, asked)
			return
		}
		h.page(w, r)
	case "view":
		h.view(w, r)
	case "snapshot.json":
		h.json(w, r)
	case "events":
		h.events(w, r)
	default:
		a, ok := assets[name]
		if !ok {
			http.NotFound(w, r)
			return
		}
		send(w, r, a.contentType, a.body)
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
