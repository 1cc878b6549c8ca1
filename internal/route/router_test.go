package route

import (
	"fmt"
	"strings"
	"sync"
	"testing"
)

// newRouter adds "METHOD /template" lines, whose ids are their positions.
func newRouter(tb testing.TB, lines ...string) *Router {
	tb.Helper()
	r := new(Router)
	for want, line := range lines {
		method, template, _ := strings.Cut(line, " ")
		if id, err := r.Add(method, template); err != nil || id != want {
			tb.Fatalf("Add(%s) = %d, %v, want %d", line, id, err, want)
		}
	}
	return r
}

// describe is "NAME param param…", or "-" where nothing matches.
func describe(r *Router, method, path string) string {
	id, ok := r.Match(method, path)
	if !ok {
		return "-"
	}
	return strings.Join(append([]string{r.Name(id)}, r.Params(id, path)...), " ")
}

func TestMatchFindsTheClosestTemplate(t *testing.T) {
	r := newRouter(t,
		"GET /",
		"GET /users",
		"GET /users/count",
		"GET /users/{user_id}",
		"DELETE /users/{user_id}",
		"POST /users/{user_id}/ban",
		"POST /users/ban",
		"GET /users/count/all",
		"GET /users/{user_id}/all/{page}",
		"GET /saml/{name}",
		"GET /saml/{name}.xml",
		"GET /saml/{name}.meta.xml",
		"GET /saml/{name}.xml/raw",
		"GET /saml/index.xml",
		"GET /{a}/{b}/{c}/{d}",
	)
	tests := []struct{ method, path, want string }{
		{"GET", "/", "GET /"},
		{"GET", "/users", "GET /users"},
		{"GET", "/users/user_1", "GET /users/{user_id} user_1"},
		{"POST", "/users/user_1/ban", "POST /users/{user_id}/ban user_1"},
		{"GET", "/w/x/y/z", "GET /{a}/{b}/{c}/{d} w x y z"},

		// Static before param, at every level.
		{"GET", "/users/count", "GET /users/count"},
		{"POST", "/users/ban", "POST /users/ban"},
		{"POST", "/users/ban/ban", "POST /users/{user_id}/ban ban"},
		{"GET", "/users/count/all", "GET /users/count/all"},

		// Back out of a static segment that leads nowhere, and of a param.
		{"GET", "/users/count/all/7", "GET /users/{user_id}/all/{page} count 7"},
		{"GET", "/users/count/none/7", "GET /{a}/{b}/{c}/{d} users count none 7"},
		{"GET", "/saml/x.xml/y/z", "GET /{a}/{b}/{c}/{d} saml x.xml y z"},

		// Each method by itself.
		{"DELETE", "/users/count", "DELETE /users/{user_id} count"},
		{"PUT", "/users/count", "-"},
		{"get", "/users/count", "-"},
		{"", "/users/count", "-"},

		// Suffixes.
		{"GET", "/saml/x", "GET /saml/{name} x"},
		{"GET", "/saml/x.xml", "GET /saml/{name}.xml x"},
		{"GET", "/saml/x.meta.xml", "GET /saml/{name}.meta.xml x"},
		{"GET", "/saml/.meta.xml", "GET /saml/{name}.xml .meta"},
		{"GET", "/saml/.xml", "GET /saml/{name} .xml"},
		{"GET", "/saml/x.meta.xml/raw", "GET /saml/{name}.xml/raw x.meta"},
		{"GET", "/saml/index.xml", "GET /saml/index.xml"},
		{"GET", "/saml/x.XML", "GET /saml/{name} x.XML"},

		// Whole templates only.
		{"GET", "/v1/users", "-"},
		{"GET", "/users/user_1/al", "-"},
		{"GET", "/users/user_1/all/7/8", "-"},
		{"GET", "/USERS", "-"},
		{"GET", "/users?limit=1", "-"},

		// One slash at the end, and no empty segment.
		{"GET", "/users/", "GET /users"},
		{"GET", "/users/user_1/", "GET /users/{user_id} user_1"},
		{"GET", "/users//", "-"},
		{"GET", "//", "-"},
		{"GET", "///", "-"},
		{"GET", "//users", "-"},
		{"POST", "/users//ban", "-"},
		{"GET", "", "-"},
		{"GET", "users", "-"},

		// Nothing is unescaped or resolved.
		{"GET", "/users/a%2Fb", "GET /users/{user_id} a%2Fb"},
		{"GET", "/%75sers/count/x/..", "GET /{a}/{b}/{c}/{d} %75sers count x .."},
	}
	for _, tt := range tests {
		if got := describe(r, tt.method, tt.path); got != tt.want {
			t.Errorf("Match(%q, %q): %s, want %s", tt.method, tt.path, got, tt.want)
		}
	}
}

func TestRootNeedsATemplate(t *testing.T) {
	r := newRouter(t, "GET /users", "POST /{any}")
	for _, method := range []string{"GET", "POST"} {
		if got := describe(r, method, "/"); got != "-" {
			t.Errorf("Match(%s, /): %s, want none", method, got)
		}
	}
}

func TestZeroRouterMatchesNothing(t *testing.T) {
	var r Router
	if id, ok := r.Match("GET", "/"); ok || id != 0 {
		t.Errorf("Match = %d, %t, want nothing", id, ok)
	}
	if got := r.Name(0); got != "" {
		t.Errorf("Name(0) = %q, want none", got)
	}
}

func TestNameOutOfRangeIsEmpty(t *testing.T) {
	r := newRouter(t, "GET /{x}")
	if got := r.Name(-1) + r.Name(1); got != "" {
		t.Errorf("Name out of range = %q, want none", got)
	}
}

func TestSameShapeIsSameTemplate(t *testing.T) {
	r := newRouter(t, "GET /users/{user_id}/{x}.xml", "GET /users/{user_id}/{x}")
	tests := []struct {
		method, template string
		want             int
	}{
		{"GET", "/users/{user_id}/{x}.xml", 0},
		{"GET", "/users/{id}/{file}.xml", 0},
		{"GET", "/users/{x}/{user_id}/", 1},
		{"POST", "/users/{user_id}/{x}.xml", 2},
		{"GET", "/users/{user_id}/{x}.json", 3},
		{"GET", "/users/id/{x}.xml", 4},
	}
	for _, tt := range tests {
		if id, err := r.Add(tt.method, tt.template); id != tt.want || err != nil {
			t.Errorf("Add(%s, %s) = %d, %v, want %d", tt.method, tt.template, id, err, tt.want)
		}
	}
	if got, want := r.Name(0), "GET /users/{user_id}/{x}.xml"; got != want {
		t.Errorf("Name(0) = %s, want the first spelling, %s", got, want)
	}
}

// The order in which templates are added decides nothing.
func TestOrderOfAddingDoesNotMatter(t *testing.T) {
	lines := []string{"GET /a/{x}", "GET /a/b", "GET /{y}/b/c", "GET /a/{x}.x", "GET /a/{x}.y.x"}
	for turn := range lines {
		r := newRouter(t, append(lines[turn:len(lines):len(lines)], lines[:turn]...)...)
		for path, want := range map[string]string{
			"/a/b":     "GET /a/b",
			"/a/c":     "GET /a/{x} c",
			"/a/b/c":   "GET /{y}/b/c a",
			"/a/c.x":   "GET /a/{x}.x c",
			"/a/c.y.x": "GET /a/{x}.y.x c",
		} {
			if got := describe(r, "GET", path); got != want {
				t.Errorf("turn %d: Match(%s): %s, want %s", turn, path, got, want)
			}
		}
	}
}

func TestAddRefuses(t *testing.T) {
	tests := []struct{ method, template, why string }{
		{"", "/a", "no method"},
		{"get", "/a", "upper case"},
		{"Get", "/a", "upper case"},
		{"GET ", "/a", "not allowed"},
		{"GET/", "/a", "not allowed"},
		{"GÉT", "/a", "not allowed"},
		{"GET", "", "no leading slash"},
		{"GET", "a", "no leading slash"},
		{"GET", "{a}", "no leading slash"},
		{"GET", "//", "empty segment"},
		{"GET", "/a//b", "empty segment"},
		{"GET", "/a//", "empty segment"},
		{"GET", "/{}", "name"},
		{"GET", "/{}.xml", "name"},
		{"GET", "/{a b}", "name"},
		{"GET", "/{a...}", "name"},
		{"GET", "/{$}", "name"},
		{"GET", "/{{a}}", "name"},
		{"GET", "/{a", "not closed"},
		{"GET", "/{a/b}", "not closed"},
		{"GET", "/a}", "one param"},
		{"GET", "/x{a}", "one param"},
		{"GET", "/{a}{b}", "one param"},
		{"GET", "/{a}}", "one param"},
		{"GET", "/{a}/b/{a}", "{a} occurs twice"},
		{"GET", "/{a}/b/{a}.xml", "{a} occurs twice"},
		{"GET", "/a b", "not allowed"},
		{"GET", "/a?b=c", "not allowed"},
		{"GET", "/a#b", "not allowed"},
		{"GET", "/a/*", "not allowed"},
		{"GET", "/{a}\n", "not allowed"},
	}
	var r Router
	for _, tt := range tests {
		_, err := r.Add(tt.method, tt.template)
		if err == nil || !strings.HasPrefix(err.Error(), "route: ") || !strings.Contains(err.Error(), tt.why) {
			t.Errorf("Add(%q, %q): error %v, want one with %q", tt.method, tt.template, err, tt.why)
		}
	}
	if len(r.methods) != 0 || len(r.names) != 0 {
		t.Errorf("what was refused left a trace: %+v", r)
	}
}

func TestMatchFromManyGoroutines(t *testing.T) {
	r := newRouter(t, "GET /users/{user_id}", "GET /users/{user_id}/{file}.xml")
	var wg sync.WaitGroup
	for g := range 8 {
		wg.Go(func() {
			for i := range 100 {
				id := fmt.Sprintf("user_%d_%d", g, i)
				if got, want := describe(r, "GET", "/users/"+id), "GET /users/{user_id} "+id; got != want {
					t.Errorf("Match: %s, want %s", got, want)
				}
			}
		})
	}
	wg.Wait()
}

func TestLookupFindsATemplateByItsShapeAlone(t *testing.T) {
	r := new(Router)
	for _, template := range []string{"/users/{id}", "/users/count", "/{a}/{b}", "/files/{id}.xml", "/files/{id}"} {
		if _, err := r.Add("GET", template); err != nil {
			t.Fatal(err)
		}
	}
	for template, want := range map[string]string{
		"/users/{user_id}":    "GET /users/{id}",
		"/users/{user_id}/":   "GET /users/{id}",
		"/users/count":        "GET /users/count",
		"/{x}/{y}":            "GET /{a}/{b}",
		"/files/{f}.xml":      "GET /files/{id}.xml",
		"/files/{f}":          "GET /files/{id}",
		"/files/{f}.x.xml":    "",
		"/things/{id}":        "", // described by /{a}/{b}, and not the same
		"/{x}/count":          "",
		"/users/{id}/{other}": "",
	} {
		id, ok := r.Lookup("GET", template)
		if got := r.Name(id); ok != (want != "") || ok && got != want {
			t.Errorf("Lookup(%s) = %q, %t, want %q", template, got, ok, want)
		}
	}
	if _, ok := r.Lookup("PUT", "/users/count"); ok {
		t.Error("Lookup finds another method's template")
	}
}
