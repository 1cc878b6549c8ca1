// Package edge holds what the proxies among the examples share: whose request it
// is, how the room for waiting requests and their bodies is divided among those
// who ask, how to refuse one in a form that Clerk's libraries know, and how to
// serve, be measured and stop.
package edge
