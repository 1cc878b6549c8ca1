package statuspage

import (
	"bytes"
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

// Source supplies what the page shows, such as a [*transport.Transport]. Snapshot is
// called for every request, concurrently.
type Source interface {
	Snapshot() transport.Snapshot
}

// Option configures [New].
type Option func(*handler)

// WithTitle sets the page's title, to tell the pages of several programs apart.
// Default: "Clerk throttle".
func WithTitle(title string) Option {
	return func(h *handler) { h.title = title }
}

// WithInterval sets how often an open page updates. Default: one second. It panics
// below 10 ms.
func WithInterval(d time.Duration) Option {
	if d < 10*time.Millisecond {
		panic(fmt.Sprintf("statuspage: WithInterval(%s): want at least 10ms", d))
	}
	return func(h *handler) { h.interval = d }
}

// New returns the page's handler. Mount it with a trailing slash, as in
// "/debug/throttle/", at any path, with or without [http.StripPrefix]. It answers GET
// and HEAD, is safe for concurrent use and keeps no state between requests. New
// panics if source or an option is nil.
func New(source Source, opts ...Option) http.Handler {
	if source == nil {
		panic("statuspage: New(nil): the source is nil")
	}
	h := &handler{source: source, title: "Clerk throttle", interval: time.Second}
	for i, opt := range opts {
		if opt == nil {
			panic(fmt.Sprintf("statuspage: option number %d is nil", i+1))
		}
		opt(h)
	}
	return h
}

type handler struct {
	source   Source
	title    string
	interval time.Duration
}

//go:embed assets
var assets embed.FS

var templates = template.Must(template.New("").Funcs(funcs).ParseFS(assets, "assets/*.html"))

// contentTypes lists everything below the mount.
var contentTypes = map[string]string{
	"":              "text/html; charset=utf-8",
	"snapshot.json": "application/json",
	"page.css":      "text/css; charset=utf-8",
	"live.js":       "text/javascript; charset=utf-8",
	"morph.js":      "text/javascript; charset=utf-8",
	"clock.js":      "text/javascript; charset=utf-8",
	"icon.svg":      "image/svg+xml",
}

// securityHeaders keep responses out of caches, frames and other sites, and stop
// browsers from guessing their type. The page may load its own style sheet, scripts
// and icon, and nothing else: no inline code, no other host.
var securityHeaders = map[string]string{
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

func (h *handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	for name, value := range securityHeaders {
		w.Header().Set(name, value)
	}
	name, path := h.below(r), requestPath(r)
	switch {
	case r.Method != http.MethodGet && r.Method != http.MethodHead:
		w.Header().Set("Allow", "GET, HEAD")
		http.Error(w, "this page is read-only", http.StatusMethodNotAllowed)
		return
	case contentTypes[name] == "":
		http.NotFound(w, r)
		return
	case name == "" && !strings.HasSuffix(path, "/"):
		addSlash(w, r, path)
		return
	}
	body, err := h.body(name, r.URL.Query())
	if err != nil {
		http.Error(w, "cannot make this page: "+err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", contentTypes[name])
	http.ServeContent(w, r, name, time.Time{}, bytes.NewReader(body))
}

// body returns the content of a name below the mount.
func (h *handler) body(name string, q url.Values) ([]byte, error) {
	switch name {
	case "snapshot.json":
		return json.MarshalIndent(h.source.Snapshot(), "", "  ")
	case "":
		var out bytes.Buffer
		err := templates.ExecuteTemplate(&out, "page.html", newView(h.source.Snapshot(), queryOf(q), h))
		return out.Bytes(), err
	default:
		return assets.ReadFile("assets/" + name)
	}
}
