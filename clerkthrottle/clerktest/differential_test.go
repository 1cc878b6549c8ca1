package clerktest_test

import (
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http"
	"net/url"
	"path"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/clerkthrottle/clerkthrottle-go/clerkthrottle"
	"github.com/clerkthrottle/clerkthrottle-go/clerkthrottle/clerktest"
	"github.com/clerkthrottle/clerkthrottle-go/internal/operations"
)

// oracle finds operations by net/http's pattern matching, which shares no code with
// the stand-in and the client under test.
type oracle struct {
	mux   *http.ServeMux
	names map[string]string // pattern → operation
}

func newOracle(known []operations.Operation) oracle {
	o := oracle{http.NewServeMux(), map[string]string{}}
	for _, op := range known {
		segments := strings.Split(op.Template, "/")
		for i, s := range segments {
			if strings.HasPrefix(s, "{") {
				segments[i] = fmt.Sprintf("{p%d}", i) // ServeMux does not support a suffix after a parameter
			}
		}
		p := op.Method + " " + strings.Join(segments, "/")
		o.names[p] = op.String()
		o.mux.Handle(p, http.NotFoundHandler())
	}
	return o
}

func (o oracle) find(method, escaped string) (operation string, ok bool) {
	plain, err := url.PathUnescape(escaped)
	if err != nil {
		return "", false
	}
	_, p := o.mux.Handler(&http.Request{Method: method, URL: &url.URL{Path: plain, RawPath: escaped}})
	operation, ok = o.names[p]
	return operation, ok
}

// TestRouterAgreesWithServeMux over paths drawn from the words of the templates: both
// find the same operation, or none.
func TestRouterAgreesWithServeMux(t *testing.T) {
	draw := rand.New(rand.NewPCG(7, 7))
	server := clerktest.New(clerktest.WithLimits(), clerktest.WithLogSize(1))
	backend := caller{rt: server.RoundTripper(), base: "https://api.clerk.com", key: devKey}
	frontend := caller{rt: server.RoundTripper(), base: "https://able-cat-1.clerk.accounts.dev"}
	for _, api := range []struct {
		caller
		known []operations.Operation
	}{{backend, operations.Backend()}, {frontend, operations.Frontend()}} {
		// A path unknown to the Backend API may be the Frontend API's.
		o, other := newOracle(api.known), newOracle(operations.Frontend())
		found := 0
		for range 4000 {
			op := api.known[draw.IntN(len(api.known))]
			segments := strings.Split(op.Template, "/")
			for i, s := range segments {
				switch suffix, isParam := "", strings.HasPrefix(s, "{"); {
				case isParam:
					_, suffix, _ = strings.Cut(s, "}")
					segments[i] = []string{"user_2NNEqL2nrI", "count", "a%2Fb", "%7Bx%7D", "%C3%A9", "."}[draw.IntN(5)] + suffix
				case i > 1 && draw.IntN(12) == 0:
					segments[i] = path.Base(api.known[draw.IntN(len(api.known))].Template)
				}
			}
			if draw.IntN(12) == 0 {
				segments = segments[:len(segments)-1]
			}
			method := op.Method
			if draw.IntN(12) == 0 {
				method = "PUT"
			}
			at := path.Clean(strings.Join(segments, "/"))
			want, known := o.find(method, at)
			if !known {
				want, known = other.find(method, at)
			}
			api.do(t, method+" "+at, "")
			got := server.Requests()[0].Endpoint
			if known && got != want || !known && strings.Contains(got, "_id}") {
				t.Errorf("%s %s is %q, by net/http %q", method, at, got, want)
			}
			if known {
				found++
			}
		}
		if found < 2000 {
			t.Errorf("%d of 4000 follow an operation: the test proves little", found)
		}
	}
}

// TestClientAndStandInAgree on the name of every operation.
func TestClientAndStandInAgree(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := clerktest.New(clerktest.WithLimits())
		client := map[string]bool{}
		throttle, err := clerkthrottle.NewTransport(clerkthrottle.WithBase(server.RoundTripper()), clerkthrottle.WithMaxWait(1<<62),
			clerkthrottle.WithObserver(&clerkthrottle.Observer{Answered: func(_ context.Context, e clerkthrottle.AnswerEvent) { client[e.Endpoint] = true }}))
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = throttle.Close() }()
		ask := func(c caller, known []operations.Operation) {
			for _, op := range known {
				c.do(t, op.String(), "")
			}
		}
		ask(caller{rt: throttle, base: "https://api.clerk.com", key: devKey}, operations.Backend())
		ask(caller{rt: throttle, base: "https://able-cat-1.clerk.accounts.dev"}, operations.Frontend())
		standIn := slices.Sorted(maps.Keys(server.Stats().Endpoints))
		if got := slices.Sorted(maps.Keys(client)); !slices.Equal(got, standIn) {
			t.Errorf("the client knows %d endpoints, the stand-in %d:\n%q\n%q", len(got), len(standIn), got, standIn)
		}
	})
}
