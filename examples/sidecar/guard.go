package main

import (
	"net"
	"net/http"
	"slices"
	"strings"

	"github.com/clerkthrottle/clerkthrottle-go/examples/internal/edge"
	"github.com/clerkthrottle/clerkthrottle-go/examples/internal/flags"
)

// A proxy on loopback is within reach of every program of the machine, and of
// every web page that a browser on it shows: a page can send requests to
// 127.0.0.1, and by DNS rebinding even read the answers. Where the sidecar adds a
// secret key, that would be the page's to use.

// knownHosts returns the names that the sidecar may be called by, besides those of
// loopback; nil: any.
func (o *options) knownHosts() []string {
	host, _, _ := net.SplitHostPort(o.Listen)
	if !flags.IsLoopback(host) && o.hosts == "" {
		return nil // the names of a shared sidecar are its operator's business
	}
	return append(strings.FieldsFunc(o.hosts, func(r rune) bool { return r == ',' || r == ' ' }), host)
}

// admit answers a request that must not pass, and reports whether it may.
func (s *sidecar) admit(w http.ResponseWriter, r *http.Request) bool {
	if !edge.Admit(w, r) {
		return false
	}
	host := r.Host
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	host = strings.Trim(host, "[]")
	if s.hosts == nil || flags.IsLoopback(host) || slices.ContainsFunc(s.hosts, func(name string) bool { return strings.EqualFold(name, host) }) {
		return true
	}
	edge.Refuse(w, http.StatusMisdirectedRequest, "host_invalid", "The Host header names another server; see -hosts.")
	return false
}

// fromBrowser reports whether a web page sent the request. The Backend API is
// for servers, and no browser may use it.
func fromBrowser(r *http.Request) bool {
	site := r.Header.Get("Sec-Fetch-Site")
	return r.Header.Get("Origin") != "" || site != "" && site != "none"
}
