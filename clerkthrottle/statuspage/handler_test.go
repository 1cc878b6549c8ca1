package statuspage_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"github.com/clerkthrottle/clerkthrottle-go/clerkthrottle/statuspage"
	"github.com/clerkthrottle/clerkthrottle-go/transport"
)

func samplePage(opts ...statuspage.Option) http.Handler {
	return statuspage.New(source(func() transport.Snapshot { return sample(noon) }), opts...)
}

func get(h http.Handler, method, target string) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest(method, target, nil))
	return w
}

// paths are all that answers without end.
var paths = map[string]string{
	"/":              "text/html; charset=utf-8",
	"/view":          "text/html; charset=utf-8",
	"/snapshot.json": "application/json",
	"/page.css":      "text/css; charset=utf-8",
	"/live.js":       "text/javascript; charset=utf-8",
	"/morph.js":      "text/javascript; charset=utf-8",
	"/clock.js":      "text/javascript; charset=utf-8",
	"/icon.svg":      "image/svg+xml",
}

func TestEveryAnswerIsSafe(t *testing.T) {
	want := map[string]string{
		"X-Content-Type-Options": "nosniff",
		"Cache-Control":          "no-store",
		"Referrer-Policy":        "no-referrer",
		"X-Frame-Options":        "DENY",
	}
	all := map[string]string{"/missing.css": "text/plain; charset=utf-8", "/missing": "text/plain; charset=utf-8"}
	for path, kind := range paths {
		all[path] = kind
	}
	for path, kind := range all {
		w := get(samplePage(), "GET", path)
		for name, value := range want {
			if got := w.Header().Get(name); got != value {
				t.Errorf("%s: %s is %q, want %q", path, name, got, value)
			}
		}
		if got := w.Header().Get("Content-Type"); got != kind {
			t.Errorf("%s: Content-Type is %q, want %q", path, got, kind)
		}
		csp := w.Header().Get("Content-Security-Policy")
		for _, part := range []string{"default-src 'none'", "script-src 'self';", "style-src 'self';", "connect-src 'self'", "frame-ancestors 'none'", "base-uri 'none'"} {
			if !strings.Contains(csp, part) {
				t.Errorf("%s: the policy %q lacks %q", path, csp, part)
			}
		}
		if strings.Contains(csp, "unsafe") {
			t.Errorf("%s: the policy %q allows something unsafe", path, csp)
		}
	}
}

func TestReadsOnly(t *testing.T) {
	for path := range paths {
		for _, method := range []string{"POST", "PUT", "PATCH", "DELETE", "OPTIONS"} {
			w := get(samplePage(), method, path)
			if w.Code != http.StatusMethodNotAllowed || w.Header().Get("Allow") != "GET, HEAD" {
				t.Errorf("%s %s: %d, Allow %q", method, path, w.Code, w.Header().Get("Allow"))
			}
		}
		full, head := get(samplePage(), "GET", path), get(samplePage(), "HEAD", path)
		if full.Code != http.StatusOK || head.Code != http.StatusOK {
			t.Errorf("%s: GET %d, HEAD %d", path, full.Code, head.Code)
		}
		if head.Body.Len() != 0 || head.Header().Get("Content-Length") != full.Header().Get("Content-Length") {
			t.Errorf("HEAD %s: %d bytes, Content-Length %s; GET says %s", path, head.Body.Len(), head.Header().Get("Content-Length"), full.Header().Get("Content-Length"))
		}
	}
	if w := get(samplePage(), "HEAD", "/events"); w.Code != http.StatusOK || w.Header().Get("Content-Type") != "text/event-stream" {
		t.Errorf("HEAD /events: %d %q", w.Code, w.Header().Get("Content-Type"))
	}
}

func TestJSONEqualsSnapshot(t *testing.T) {
	var got transport.Snapshot
	if err := json.Unmarshal(get(samplePage(), "GET", "/snapshot.json").Body.Bytes(), &got); err != nil {
		t.Fatal(err)
	}
	if want := sample(noon); !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
}

// TestMountsAnywhere walks to the page as a browser would, with and without the
// trailing slash, and on from there to everything that the page refers to.
func TestMountsAnywhere(t *testing.T) {
	page := samplePage()
	mux := http.NewServeMux()
	mux.Handle("/debug/throttle/", page)
	mux.Handle("GET /with/method/", page)
	mux.Handle("/stripped/deep/", http.StripPrefix("/stripped/deep", page))
	bare := http.StripPrefix("/no/slash", page) // as routers that match by prefix do
	mux.Handle("/no/slash", bare)
	mux.Handle("/no/slash/", bare)
	inner := http.NewServeMux()
	inner.Handle("/inner/", page)
	mux.Handle("/outer/", http.StripPrefix("/outer", inner))
	mux.Handle("/of/{program}/", page)
	mux.Handle("/rest/{path...}", page)
	mux.Handle("/exact/", page)
	mux.Handle("/exact", page) // a router that cleans nothing
	server := httptest.NewServer(mux)
	defer server.Close()
	root := httptest.NewServer(page)
	defer root.Close()

	references := regexp.MustCompile(`(?:href|src)="([^"?]+)"`)
	for _, start := range []string{
		root.URL + "/",
		server.URL + "/debug/throttle/", server.URL + "/debug/throttle",
		server.URL + "/with/method/", server.URL + "/with/method",
		server.URL + "/stripped/deep/", server.URL + "/stripped/deep",
		server.URL + "/no/slash/", server.URL + "/no/slash",
		server.URL + "/outer/inner/", server.URL + "/of/billing/", server.URL + "/rest/",
		server.URL + "/exact/", server.URL + "/exact?filter=users",
	} {
		resp, err := http.Get(start)
		if err != nil {
			t.Fatal(err)
		}
		body, _ := io.ReadAll(resp.Body)
		resp.Body.Close()
		if resp.StatusCode != http.StatusOK || !strings.HasSuffix(resp.Request.URL.Path, "/") {
			t.Errorf("%s: %s at %s", start, resp.Status, resp.Request.URL)
			continue
		}
		if want := strings.TrimPrefix(start, server.URL+"/exact"); strings.HasPrefix(want, "?") && "?"+resp.Request.URL.RawQuery != want {
			t.Errorf("%s: the query is lost: %s", start, resp.Request.URL)
		}
		found := references.FindAllStringSubmatch(string(body), -1)
		if len(found) < 4 {
			t.Errorf("%s: only %d references", start, len(found))
		}
		for _, f := range append(found, []string{"", "snapshot.json"}, []string{"", "view"}) {
			if status := statusOf(t, resp.Request.URL, f[1]); status != http.StatusOK {
				t.Errorf("%s: %s is %d", start, f[1], status)
			}
		}
		for _, unknown := range []string{"nothing", "nothing/", "nothing/view", "view/", "nothing.js", "assets/page.css"} {
			if status := statusOf(t, resp.Request.URL, unknown); status != http.StatusNotFound {
				t.Errorf("%s: %s is %d", start, unknown, status)
			}
		}
	}
}

// statusOf is how a page's server answers an address that is relative to it.
func statusOf(t *testing.T, page *url.URL, address string) int {
	t.Helper()
	at, err := page.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.Get(at.String())
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	return resp.StatusCode
}

// TestAnyRouterCanMount: one that says nothing of its pattern, and strips nothing.
func TestAnyRouterCanMount(t *testing.T) {
	for path, want := range map[string]int{"/deep/down/": 200, "/deep/down/view": 200, "/deep/down/nothing": 404} {
		if w := get(samplePage(), "GET", path); w.Code != want {
			t.Errorf("%s: %d, want %d", path, w.Code, want)
		}
	}
}

func TestPagesOfOtherOriginsAreRefused(t *testing.T) {
	for _, c := range []struct {
		name, value string
		want        int
	}{
		{"Origin", "https://elsewhere.example", 403},
		{"Origin", "null", 403},
		{"Origin", "http://example.com:81", 403},
		{"Origin", "http://example.com", 200}, // the test's own
		{"Sec-Fetch-Site", "cross-site", 403},
		{"Sec-Fetch-Site", "same-site", 403},
		{"Sec-Fetch-Site", "same-origin", 200},
		{"Sec-Fetch-Site", "none", 200},
	} {
		for path := range paths {
			r := httptest.NewRequest("GET", path, nil)
			r.Header.Set(c.name, c.value)
			w := httptest.NewRecorder()
			samplePage().ServeHTTP(w, r)
			if w.Code != c.want {
				t.Errorf("%s with %s: %s: %d, want %d", path, c.name, c.value, w.Code, c.want)
			}
		}
	}
	link := httptest.NewRequest("GET", "/", nil)
	link.Header.Set("Sec-Fetch-Site", "cross-site")
	link.Header.Set("Sec-Fetch-Dest", "document")
	w := httptest.NewRecorder()
	if samplePage().ServeHTTP(w, link); w.Code != 200 {
		t.Errorf("a link from elsewhere to the page: %d", w.Code)
	}
}

func TestRedirectStaysHere(t *testing.T) {
	for _, target := range []string{"//evil", "/%2f%2fevil", "/https:", `/\evil`} {
		r := httptest.NewRequest("GET", "/", nil)
		r.RequestURI, r.URL.Path = target, ""
		w := httptest.NewRecorder()
		samplePage().ServeHTTP(w, r)
		to, err := r.URL.Parse(w.Header().Get("Location"))
		if err != nil || to.Host != r.URL.Host || to.Scheme != r.URL.Scheme {
			t.Errorf("%s: %d to %q", target, w.Code, w.Header().Get("Location"))
		}
	}
}

func TestOptionsThatMakeNoSense(t *testing.T) {
	for name, try := range map[string]func(){
		"New(nil)":           func() { statuspage.New(nil) },
		"WithInterval(1ns)":  func() { samplePage(statuspage.WithInterval(1)) },
		"WithMaxStreams(-1)": func() { samplePage(statuspage.WithMaxStreams(-1)) },
	} {
		func() {
			defer func() {
				if said, _ := recover().(string); !strings.Contains(said, name) {
					t.Errorf("%s: %q", name, said)
				}
			}()
			try()
		}()
	}
}

func TestNilOptionsAreIgnored(t *testing.T) {
	if w := get(samplePage(nil, statuspage.WithTitle("billing"), nil), "GET", "/"); !strings.Contains(w.Body.String(), "billing") {
		t.Errorf("%d", w.Code)
	}
}

func TestWithTitle(t *testing.T) {
	body := get(samplePage(statuspage.WithTitle("billing <1>")), "GET", "/").Body.String()
	if strings.Count(body, "billing &lt;1&gt;") < 2 {
		t.Error("the title is not on the page, or not escaped")
	}
}
