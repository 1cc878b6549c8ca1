package statuspage

import (
	"bytes"
	"cmp"
	"embed"
	"encoding/json"
	"html/template"
	"net/http"
	"net/url"
	"strings"
	"time"

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
	h := &handler{source: source, config: config{title: "Clerk throttle", interval: time.Second, maxStreams: 16}}
	for _, opt := range opts {
		if opt != nil {
			opt(&h.config)
		}
	}
	h.streams.places = make(chan struct{}, h.maxStreams)
	return h
}

type handler struct {
	config
	source  Source
	streams streams
}

//go:embed assets
var assets embed.FS

var templates = template.Must(template.New("").Funcs(funcs).ParseFS(assets, "assets/*.html"))

// types are all that lies below the mount.
var types = map[string]string{
	"":              "text/html; charset=utf-8",
	"view":          "text/html; charset=utf-8",
	"snapshot.json": "application/json",
	"events":        "text/event-stream",
	"page.css":      "text/css; charset=utf-8",
	"live.js":       "text/javascript; charset=utf-8",
	"morph.js":      "text/javascript; charset=utf-8",
	"clock.js":      "text/javascript; charset=utf-8",
	"icon.svg":      "image/svg+xml",
}

func (h *handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	setSafeHeaders(w.Header())
	name := h.below(r)
	asked, kind := pathAsked(r), types[name]
	switch {
	case r.Method != http.MethodGet && r.Method != http.MethodHead:
		w.Header().Set("Allow", "GET, HEAD")
		http.Error(w, "this page is read-only", http.StatusMethodNotAllowed)
		return
	case fromElsewhere(r):
		http.Error(w, "this page is not for pages of other origins", http.StatusForbidden)
		return
	case kind == "":
		http.NotFound(w, r)
		return
	case name == "" && !strings.HasSuffix(asked, "/"):
		addSlash(w, r, asked)
		return
	}
	w.Header().Set("Content-Type", kind)
	if name == "events" {
		h.events(w, r)
		return
	}
	body, err := h.body(name, r.URL.Query())
	if err != nil {
		http.Error(w, "this could not be made: "+err.Error(), http.StatusInternalServerError)
		return
	}
	http.ServeContent(w, r, name, time.Time{}, bytes.NewReader(body))
}

// body returns what a name stands for.
func (h *handler) body(name string, q url.Values) ([]byte, error) {
	switch name {
	case "snapshot.json":
		return json.MarshalIndent(h.source.Snapshot(), "", "  ")
	case "", "view":
		var out bytes.Buffer
		file := cmp.Or(name, "page") + ".html"
		err := templates.ExecuteTemplate(&out, file, newView(h.source.Snapshot(), queryOf(q), &h.config))
		return out.Bytes(), err
	default:
		return assets.ReadFile("assets/" + name)
	}
}
