// Package statuspage is a live page that shows a throttle at work. Mount it where
// pprof is mounted:
//
//	http.Handle("/debug/throttle/", statuspage.New(throttle))
//
// The page first answers what its reader asks: whether the limit is the reason,
// which endpoint, who waits, and when it ends. Then it shows every limit as a gauge
// over its window, the lines by class, blocks counting down, the last ten minutes as
// a chart, and for every endpoint the learned rate beside the documented one, the
// counts and the waits. Below the path it is mounted at, whatever that is, there are
//
//	/               the page; ?filter=users, ?sort=sent and ?all=1 choose endpoints
//	/snapshot.json  the snapshot that the page shows
//
// The page needs no build step, nothing from elsewhere and no JavaScript. With
// JavaScript it is brought up to date once a second, counts down by itself and says
// when the connection is lost; without, it is the same page and reloads.
//
// Everything here is read-only. A snapshot holds no secret, but it does hold
// the ids of users and organizations whose limits are in use, and the addresses
// of visitors, where those have limits of their own: mount the page where
// operators can reach it and the world cannot.
package statuspage
