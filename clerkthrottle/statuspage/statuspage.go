package statuspage

import (
	"bytes"
	"cmp"
	"embed"
	"encoding/json"
	"fmt"
	"html/template"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/clerkthrottle/clerkthrottle-go/transport"
)

// Source is what the page shows, such as a [*transport.Transport]. Snapshot is
// called for every request and, for every open stream, once an interval; several
// calls may run at once.
type Source interface {
	Snapshot() transport.Snapshot
}

// Option changes what [New] returns.
type Option func(*handler)

// WithTitle names the program whose throttle it is, for whoever has several
// pages open. Default: "Clerk throttle".
func WithTitle(title string) Option {
	return func(h *handler) { h.title = title }
}

// WithInterval sets how often the page asks for what changes, and a stream carries
// a snapshot. Default: one second; at least 10 ms.
func WithInterval(d time.Duration) Option {
	if d < 10*time.Millisecond {
		panic(fmt.Sprintf("statuspage: WithInterval(%s): it must be at least 10ms", d))
	}
	return func(h *handler) { h.interval = d }
}

// WithMaxStreams bounds how many streams of /events are open at once. Default: 16;
// 0 means none.
func WithMaxStreams(n int) Option {
	if n < 0 {
		panic(fmt.Sprintf("statuspage: WithMaxStreams(%d): it must not be negative", n))
	}
	return func(h *handler) { h.streams.places = make(chan struct{}, n) }
}

// New returns the handler of the page. It works below whatever path it is mounted
// at, with or without [http.StripPrefix]; mount it with a trailing slash, as in
// "/debug/throttle/". It answers GET and HEAD, and no web page of another origin.
// It panics if source is nil or an option's value makes no sense; a nil option is
// ignored.
//
// Its streams end with their request and with [http.Server.Shutdown].
func New(source Source, opts ...Option) http.Handler {
	if source == nil {
		panic("statuspage: New(nil): there is nothing to show")
	}
	h := &handler{source: source, title: "Clerk throttle", interval: time.Second}
	for _, opt := range append([]Option{WithMaxStreams(16)}, opts...) {
		if opt != nil {
			opt(h)
		}
	}
	return h
}

type handler struct {
	source   Source
	title    string
	interval time.Duration
	streams  streams
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

// safe keeps answers out of caches, frames, other sites and the browser's guesses.
// The page may have its own style sheet, scripts and icon, and nothing else: no
// inline code, no other host.
var safe = map[string]string{
	"Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; " +
		"form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
	"X-Content-Type-Options":       "nosniff",
	"X-Frame-Options":              "DENY",
	"Cache-Control":                "no-store",
	"Referrer-Policy":              "no-referrer",
	"Cross-Origin-Resource-Policy": "same-origin",
	"Cross-Origin-Opener-Policy":   "same-origin",
	"X-Robots-Tag":                 "noindex",
}

// fromElsewhere reports whether a page of another origin sends the request. What
// it gets it could not read, but it would hold a stream. Following a link to the
// page is no such request.
func fromElsewhere(r *http.Request) bool {
	if origin := r.Header.Get("Origin"); origin != "" {
		u, err := url.Parse(origin)
		return err != nil || u.Host != r.Host
	}
	site := r.Header.Get("Sec-Fetch-Site")
	return (site == "cross-site" || site == "same-site") && r.Header.Get("Sec-Fetch-Dest") != "document"
}

func (h *handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	for name, value := range safe {
		w.Header().Set(name, value)
	}
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
		err := templates.ExecuteTemplate(&out, file, newView(h.source.Snapshot(), queryOf(q), h))
		return out.Bytes(), err
	default:
		return assets.ReadFile("assets/" + name)
	}
}
