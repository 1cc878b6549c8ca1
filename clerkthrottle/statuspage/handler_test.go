package statuspage_test

import (
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/clerkthrottle/clerkthrottle-go/clerkthrottle/statuspage"
	"github.com/clerkthrottle/clerkthrottle-go/transport/snapshot"
)

func samplePage(opts ...statuspage.Option) http.Handler {
	return statuspage.New(source(func() snapshot.Snapshot { return sample(noon) }), opts...)
}

func get(h http.Handler, method, target string) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest(method, target, nil))
	return w
}

// paths are all paths below the mount.
var paths = map[string]string{
	"/":              "text/html; charset=utf-8",
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
		"Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; " +
			"form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
	}
	all := map[string]string{"/missing": "text/plain; charset=utf-8"}
	maps.Copy(all, paths)
	for path, kind := range all {
		w := get(samplePage(), "GET", path)
		want["Content-Type"] = kind
		for name, value := range want {
			if got := w.Header().Get(name); got != value {
				t.Errorf("%s: %s is %q, want %q", path, name, got, value)
			}
		}
	}
}

func TestPageIsReadOnly(t *testing.T) {
	for path := range paths {
		for _, method := range []string{"POST", "PUT", "PATCH", "DELETE", "OPTIONS"} {
			w := get(samplePage(), method, path)
			if w.Code != http.StatusMethodNotAllowed || w.Header().Get("Allow") != "GET, HEAD" {
				t.Errorf("%s %s: %d, Allow %q", method, path, w.Code, w.Header().Get("Allow"))
			}
		}
		full, head := get(samplePage(), "GET", path), get(samplePage(), "HEAD", path)
		if full.Code != 200 || head.Code != 200 || head.Body.Len() != 0 || head.Header().Get("Content-Length") != full.Header().Get("Content-Length") {
			t.Errorf("%s: GET %d, HEAD %d: %d bytes, %v", path, full.Code, head.Code, head.Body.Len(), head.Header())
		}
	}
}

func TestJSONEqualsSnapshot(t *testing.T) {
	var got snapshot.Snapshot
	if err := json.Unmarshal(get(samplePage(), "GET", "/snapshot.json").Body.Bytes(), &got); err != nil {
		t.Fatal(err)
	}
	if want := sample(noon); !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
}

// TestMountsAnywhere opens the page as a browser would, with and without the trailing
// slash, follows everything that it refers to, and tries paths that do not exist.
func TestMountsAnywhere(t *testing.T) {
	page := samplePage()
	bare := http.StripPrefix("/no/slash", page) // as routers that match by prefix do
	inner := http.NewServeMux()
	inner.Handle("/inner/", page)
	mux := http.NewServeMux()
	for pattern, h := range map[string]http.Handler{
		"/debug/throttle/": page, "GET /with/method/": page, "/exact/": page, "/exact": page,
		"/stripped/deep/": http.StripPrefix("/stripped/deep", page), "/no/slash": bare, "/no/slash/": bare,
		"/outer/": http.StripPrefix("/outer", inner),
	} {
		mux.Handle(pattern, h)
	}
	server, root := httptest.NewServer(mux), httptest.NewServer(page)
	defer server.Close()
	defer root.Close()

	follow := func(from *url.URL, address string) (*http.Response, string) {
		at, err := from.Parse(address)
		if err != nil {
			t.Fatal(err)
		}
		resp, err := http.Get(at.String())
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		body, _ := io.ReadAll(resp.Body)
		return resp, string(body)
	}
	references := regexp.MustCompile(`(?:href|src)="([^"?]+)"`)
	for _, start := range []string{
		root.URL + "/",
		server.URL + "/debug/throttle/", server.URL + "/debug/throttle",
		server.URL + "/with/method/", server.URL + "/with/method",
		server.URL + "/stripped/deep/", server.URL + "/stripped/deep",
		server.URL + "/no/slash/", server.URL + "/no/slash",
		server.URL + "/exact/", server.URL + "/exact?filter=users",
		server.URL + "/outer/inner/",
	} {
		resp, body := follow(new(url.URL), start)
		at := resp.Request.URL
		if _, query, _ := strings.Cut(start, "?"); resp.StatusCode != 200 || !strings.HasSuffix(at.Path, "/") || at.RawQuery != query {
			t.Errorf("%s: %s at %s", start, resp.Status, at)
		}
		found := references.FindAllStringSubmatch(body, -1)
		if len(found) < 4 {
			t.Errorf("%s: only %d references", start, len(found))
		}
		for _, f := range append(found, []string{"", "snapshot.json"}) {
			if resp, _ := follow(at, f[1]); resp.StatusCode != 200 {
				t.Errorf("%s: %s is %s", start, f[1], resp.Status)
			}
		}
		for _, unknown := range []string{"nothing", "nothing/", "nothing/page.css", "nothing.js", "assets/page.css"} {
			if resp, _ := follow(at, unknown); resp.StatusCode != 404 {
				t.Errorf("%s: %s is %s", start, unknown, resp.Status)
			}
		}
	}
}

// TestAnyRouterCanMount, even one that sets no pattern and strips nothing.
func TestAnyRouterCanMount(t *testing.T) {
	for path, want := range map[string]int{"/deep/down/": 200, "/deep/down/live.js": 200, "/deep/down/nothing": 404} {
		if w := get(samplePage(), "GET", path); w.Code != want {
			t.Errorf("%s: %d, want %d", path, w.Code, want)
		}
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

func TestWrongArgumentsPanic(t *testing.T) {
	for want, try := range map[string]func(){
		"New(nil)":                func() { statuspage.New(nil) },
		"option number 2 is nil":  func() { samplePage(statuspage.WithTitle("shop"), nil) },
		"WithInterval(1ns): want": func() { samplePage(statuspage.WithInterval(1)) },
	} {
		func() {
			defer func() {
				if said, _ := recover().(string); !strings.Contains(said, want) {
					t.Errorf("%q, want %q", said, want)
				}
			}()
			try()
		}()
	}
}

func TestOptionsHold(t *testing.T) {
	page := samplePage(statuspage.WithTitle("billing <1>"), statuspage.WithInterval(7*time.Second))
	body := get(page, "GET", "/").Body.String()
	if strings.Count(body, "billing &lt;1&gt;") < 2 || !strings.Contains(body, `data-interval="7000"`) {
		t.Error("the title or the interval is not on the page, or not escaped")
	}
}
