package route

import (
	"math/rand/v2"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// oracle is a list of templates, searched from end to end.
type oracle []oracleRoute

type oracleRoute struct {
	id       int
	method   string
	segments []string
}

// oracleSplit is the segments of a template or of a path with its leading slash.
func oracleSplit(path string) []string {
	if path == "/" {
		return nil
	}
	segments := strings.Split(path, "/")[1:]
	if n := len(segments); n > 1 && segments[n-1] == "" && !slices.Equal(segments, []string{"", ""}) {
		segments = segments[:n-1]
	}
	return segments
}

var oracleParam = regexp.MustCompile(`\A\{[^{}]+\}([^{}]*)\z`)

// rank orders the segments of templates by precedence: static segments, then
// params by the length of the suffix.
func rank(segment string) int {
	if m := oracleParam.FindStringSubmatch(segment); m != nil {
		return len(m[1])
	}
	return 1 << 30
}

// match tells whether the route describes the path, and with which params.
func (o oracleRoute) match(method string, path []string) (params []string, ok bool) {
	if o.method != method || len(o.segments) != len(path) {
		return nil, false
	}
	for i, s := range o.segments {
		m := oracleParam.FindStringSubmatch(s)
		if m == nil {
			if s != path[i] {
				return nil, false
			}
			continue
		}
		value, ok := strings.CutSuffix(path[i], m[1])
		if !ok || value == "" {
			return nil, false
		}
		params = append(params, value)
	}
	return params, true
}

// find returns the route that takes precedence among all that match.
func (o oracle) find(method, path string) (id int, params []string, ok bool) {
	if !strings.HasPrefix(path, "/") {
		return 0, nil, false
	}
	segments := oracleSplit(path)
	var best []int
	for _, r := range o {
		p, matches := r.match(method, segments)
		if !matches {
			continue
		}
		ranks := make([]int, len(segments))
		for i, s := range r.segments {
			ranks[i] = rank(s)
		}
		if !ok || slices.Compare(ranks, best) > 0 {
			id, params, ok, best = r.id, p, true, ranks
		}
	}
	return id, params, ok
}

// build adds "METHOD /template" lines to a router and, where the router takes
// them, to an oracle.
func build(lines []string) (*Router, oracle) {
	r := new(Router)
	var o oracle
	for _, line := range lines {
		method, template, _ := strings.Cut(line, " ")
		if id, err := r.Add(method, template); err == nil {
			o = append(o, oracleRoute{id, method, oracleSplit(template)})
		}
	}
	return r, o
}

func compare(t *testing.T, lines []string, method, path string) (matched bool) {
	t.Helper()
	r, o := build(lines)
	got, ok := r.Match(method, path)
	want, params, wantOK := o.find(method, path)
	if ok != wantOK || got != want {
		t.Fatalf("templates %q\nMatch(%q, %q) = %d, %t, want %d, %t", lines, method, path, got, ok, want, wantOK)
	}
	if ok && !slices.Equal(r.Params(got, path), params) {
		t.Fatalf("templates %q\nParams(%d, %q) = %q, want %q", lines, got, path, r.Params(got, path), params)
	}
	return ok
}

func FuzzMatch(f *testing.F) {
	f.Add("GET /\nGET /a\nGET /{x}\nGET /a/{y}\nGET /{x}/b", "GET", "/a/b")
	f.Add("GET /{x}.d\nGET /{x}.c.d\nGET /{x}/", "GET", "/.c.d/")
	f.Add("GET /{x}.d/{y}/end\nGET /{z}/b/c", "GET", "/a.d/b/c")
	f.Add("GET /{\nGET //\nGET /a//b\nget /a\n\n /", "GET", "//")
	f.Add("PUT /{a}/{b}/{c}/{d}\nPUT /{a}/{b}/{c}/{d}/{e}", "PUT", "/%2F/é/\x00/{a}")
	f.Fuzz(func(t *testing.T, templates, method, path string) {
		compare(t, strings.Split(templates, "\n"), method, path)
	})
}

// Few different segments make the templates overlap, which is where precedence
// and backtracking decide.
func TestMatchAgreesWithLinearScan(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	pick := func(from ...string) string { return from[rng.IntN(len(from))] }
	var matched int
	const rounds = 4_000
	for range rounds {
		var lines []string
		for range 1 + rng.IntN(20) {
			line := pick("GET ", "GET ", "PUT ")
			for i := range 1 + rng.IntN(4) {
				name := "{" + string(rune('p'+i)) + "}"
				line += "/" + pick("a", "b", "a.x", "b.x.x", name, name, name+".x", name+".x.x", name+"x")
			}
			lines = append(lines, line+pick("", "/"))
		}
		for range 10 {
			var path strings.Builder
			for range 1 + rng.IntN(4) {
				path.WriteString("/" + pick("a", "b", "c", "a.x", "b.x.x", "c.x", "c.x.x", ".x", "x", ""))
			}
			if compare(t, lines, pick("GET", "PUT"), path.String()+pick("", "", "/")) {
				matched++
			}
		}
	}
	if matched < rounds {
		t.Errorf("only %d of %d paths matched: the test has lost its point", matched, 10*rounds)
	}
}
