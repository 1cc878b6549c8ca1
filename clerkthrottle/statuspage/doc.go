// Package statuspage shows a throttle at work: a live page to mount where pprof
// is mounted, for whoever asks whether the limit is the reason, which endpoint,
// who waits, and when it ends.
//
//	http.Handle("/debug/throttle/", statuspage.New(throttle))
//
// throttle is a [transport.Transport], or whatever else has a Snapshot. The
// page answers first, then shows every limit as a gauge over its window, the
// lines by class, blocks counting down, the last ten minutes as a chart, and
// for every endpoint the learned rate beside the documented one, the counts and
// the waits. Below the path it is mounted at, whatever that is, there are
//
//	/               the page; ?filter=users, ?sort=sent and ?all=1 choose endpoints
//	/snapshot.json  the snapshot that the page shows
//	/events         one snapshot a second as server-sent events, for programs
//
// The page needs no build step, nothing from elsewhere and no JavaScript: with
// it, the page asks for what changes once a second, counts down by itself and
// says when the connection is lost; without, it is the same page and reloads.
//
// Everything here is read-only. A snapshot holds no secret, but it does hold
// the ids of users and organizations whose limits are in use, and the addresses
// of visitors, where those have limits of their own: mount the page where
// operators can reach it and the world cannot.
package statuspage
