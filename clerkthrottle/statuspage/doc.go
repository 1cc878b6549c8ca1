// Package statuspage serves a live page that shows a throttle at work. Mount it where
// pprof is mounted:
//
//	http.Handle("/debug/throttle/", statuspage.New(throttle))
//
// The page first answers what its reader wants to know: whether the limit is the
// reason, which endpoint, how many requests wait, and when it ends. Then it shows
// every limit as a gauge over its window, the queues by class, blocks counting down,
// the last ten minutes as a chart, and for every endpoint its learned rate beside the
// documented one, counts and waits. Below the path it is mounted at, whatever that
// is, there are
//
//	/               the page; ?filter=users, ?sort=sent and ?all=1 choose endpoints
//	/snapshot.json  the snapshot that the page shows
//
// The page needs no build step, no other host and no JavaScript. With JavaScript it
// updates once a second, counts down by itself and says when the connection is lost;
// without, it is the same page and reloads.
//
// Everything here is read-only. A snapshot holds no secret, but it does hold the ids
// of users and organizations, and the addresses of visitors, whose own limits are in
// use: mount the page where operators can reach it and the public cannot.
package statuspage
