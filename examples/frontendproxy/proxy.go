package main

import (
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httputil"
	"net/url"
	"strings"

	"github.com/clerkthrottle/clerkthrottle-go/examples/internal/edge"
	"github.com/clerkthrottle/clerkthrottle-go/examples/internal/flags"
)

type config struct {
	edge.Options
	proxyURL  string // as in Clerk's dashboard
	upstream  flags.URL
	secretKey string
}

func (c *config) check() error {
	u, err := url.Parse(c.proxyURL)
	switch {
	case c.secretKey == "":
		return errors.New("CLERK_SECRET_KEY is not set")
	case c.proxyURL == "":
		return errors.New("-proxy-url is not set: it is the proxy URL from Clerk's dashboard, such as https://example.com/__clerk")
	case err != nil || u.Host == "" || u.Scheme != "https" && (u.Scheme != "http" || !flags.IsLoopback(u.Hostname())):
		return fmt.Errorf("-proxy-url %s: want a URL such as https://example.com/__clerk", c.proxyURL)
	case c.path() == "":
		return fmt.Errorf("-proxy-url %s: it needs a path of its own, such as /__clerk", c.proxyURL)
	}
	return c.Check()
}

// path is where the proxy is mounted, without a slash at the end.
func (c *config) path() string {
	u, err := url.Parse(c.proxyURL)
	if err != nil {
		return ""
	}
	return strings.TrimSuffix(u.Path, "/")
}

// newProxy forwards what is below the proxy URL's path to the Frontend API, with
// the three headers that Clerk asks for, through an entrance that shares its room
// among the visitors, and the throttle behind it.
//
// X-Forwarded-For is where Clerk, and the throttle, read the visitor's address.
// Visitors can send one of their own, so it is never passed on: the address is
// found out again from the proxies that are trusted, see [edge.ClientAddress],
// and stands there alone.
func newProxy(c *config, entrance *edge.Entrance, logger *slog.Logger) http.Handler {
	prefix := c.path()
	public, _ := url.Parse(c.proxyURL)
	proxy := &httputil.ReverseProxy{
		Transport:     entrance,
		FlushInterval: -1,
		ErrorHandler:  edge.ErrorHandler(logger),
		Rewrite: func(pr *httputil.ProxyRequest) {
			edge.EndToEnd(pr)
			pr.Out.URL.Path = strings.TrimPrefix(pr.In.URL.Path, prefix)
			pr.Out.URL.RawPath = strings.TrimPrefix(pr.In.URL.RawPath, prefix)
			pr.SetURL(&c.upstream.URL)
			pr.Out.URL.RawQuery = pr.In.URL.RawQuery
			h := pr.Out.Header // without the visitor's own Forwarded and X-Forwarded-* by now
			h.Set("Clerk-Proxy-Url", c.proxyURL)
			h.Set("Clerk-Secret-Key", c.secretKey)
			h.Set("X-Forwarded-For", edge.ClientAddress(pr.In, c.TrustedHops))
			h.Set("X-Forwarded-Host", public.Host)
			h.Set("X-Forwarded-Proto", public.Scheme)
		},
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case !edge.Admit(w, r):
		case !strings.HasPrefix(r.URL.Path, prefix+"/"):
			edge.Refuse(w, http.StatusNotFound, "resource_not_found", "Only "+prefix+"/ is served here.")
		default:
			visitor := edge.Neighbourhood(edge.ClientAddress(r, c.TrustedHops))
			entrance.Serve(w, r, edge.Caller{Name: visitor}, proxy)
		}
	})
}
