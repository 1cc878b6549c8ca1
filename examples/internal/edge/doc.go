// Package edge holds what the proxies among the examples share: whose request it
// is, and how to refuse one in a form that Clerk's libraries know.
package edge
