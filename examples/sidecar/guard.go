package main

import (
	"net"
	"net/http"
	"slices"
	"strings"

	"github.com/clerkthrottle/clerkthrottle-go/examples/internal/edge"
	"github.com/clerkthrottle/clerkthrottle-go/examples/internal/flags"
)

// guard decides who may come in. A proxy on loopback is within reach of every
// program of the machine, and of every web page that a browser on it shows: a
// page can send requests to 127.0.0.1, and by DNS rebinding even read the
// answers. Where the sidecar adds a secret key, that would be the page's to use.
type guard struct {
	hosts []string // names that this may be called by; nil: any
}

func newGuard(o *options) *guard {
	host, _, _ := net.SplitHostPort(o.Listen)
	if !flags.IsLoopback(host) && o.hosts == "" {
		return &guard{} // the names of a shared sidecar are its operator's business
	}
	names := strings.FieldsFunc(o.hosts, func(r rune) bool { return r == ',' || r == ' ' })
	return &guard{hosts: append(names, host)}
}

// admit answers a request that must not pass, and reports whether it may.
func (g *guard) admit(w http.ResponseWriter, r *http.Request) bool {
	if !edge.Admit(w, r) {
		return false
	}
	if !g.knows(r.Host) {
		edge.Refuse(w, http.StatusMisdirectedRequest, "host_invalid", "The Host header names another server; see -hosts.")
		return false
	}
	return true
}

func (g *guard) knows(hostport string) bool {
	if g.hosts == nil {
		return true
	}
	host := hostport
	if h, _, err := net.SplitHostPort(hostport); err == nil {
		host = h
	}
	host = strings.Trim(host, "[]")
	return flags.IsLoopback(host) || slices.ContainsFunc(g.hosts, func(name string) bool { return strings.EqualFold(name, host) })
}

// fromBrowser reports whether a web page sent the request. The Backend API is
// for servers, and no browser may use it.
func fromBrowser(r *http.Request) bool {
	site := r.Header.Get("Sec-Fetch-Site")
	return r.Header.Get("Origin") != "" || site != "" && site != "none"
}
