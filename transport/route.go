package transport

import "time"

// route is the stations that a claim's requests pass, in order.
type route struct {
	scheduler *scheduler
	claim     *Claim
	endpoint  *endpoint
	stations  []*station
}

// use adds a station and counts the permit as its user, so that adding the next one
// to a registry does not evict it.
func (r *route) use(st *station) {
	st.users++
	r.stations = append(r.stations, st)
}

// leave ends a permit's use of the stations.
func (r *route) leave() {
	for _, st := range r.stations {
		st.users--
	}
}

// reuse counts one more permit as a user of the stations, unless one was evicted.
func (r *route) reuse() bool {
	for _, st := range r.stations {
		if st.evicted {
			return false
		}
	}
	for _, st := range r.stations {
		st.users++
	}
	return true
}

// routeLocked returns the route of a claim for one permit, which calls leave when it
// is done. The claim caches it, since most claims are used many times.
func (s *scheduler) routeLocked(c *Claim, now time.Duration) *route {
	if r := c.route.Load(); r != nil && r.scheduler == s && r.reuse() {
		s.noteUnlearnedLocked(r.endpoint, now)
		return r
	}
	r := s.newRouteLocked(c, now, true)
	if r.own() {
		c.route.Store(r)
	}
	return r
}

// newRouteLocked looks up the stations that a claim names. With keep, it stores the
// new ones.
func (s *scheduler) newRouteLocked(c *Claim, now time.Duration, keep bool) *route {
	ep := s.endpointLocked(c, now, keep)
	r := &route{scheduler: s, claim: c, endpoint: ep, stations: make([]*station, 0, len(c.Limits)+2)}
	r.use(&ep.gate)
	for i := range c.Limits {
		last := i == len(c.Limits)-1
		if last && ep.rate != nil {
			r.use(ep.rate)
		}
		r.use(s.windowLocked(&c.Limits[i], last, now, keep))
	}
	if len(c.Limits) == 0 && ep.rate != nil {
		r.use(ep.rate)
	}
	return r
}

// own reports whether all stations are the claim's own. A route through a shared
// overflow station is not cached, so that the claim gets its own once there is room.
func (r *route) own() bool {
	i := 0
	for _, st := range r.stations {
		if st.window != nil {
			if st.limit.Key != r.claim.Limits[i].Key {
				return false
			}
			i++
		}
	}
	return r.endpoint.key == r.claim.Key
}

// overflowPrefix begins the key of a bucket or gate that is shared by all keys that
// found no room for their own.
const overflowPrefix = "others "

// endpointLocked returns the claim's endpoint, or the overflow endpoint of its name
// if there is no room.
func (s *scheduler) endpointLocked(c *Claim, now time.Duration, keep bool) *endpoint {
	if ep, ok := s.endpoints.Get(c.Key); ok {
		s.noteUnlearnedLocked(ep, now)
		return ep
	}
	ep := newEndpoint(c, s.cfg.Priority == Batch)
	if keep && !s.endpoints.AddWithin(s.cfg.MaxKeys, c.Key, ep, now) {
		shared, ok := s.endpoints.Get(overflowPrefix + c.Endpoint)
		if ok {
			return shared
		}
		ep.key = overflowPrefix + c.Endpoint
		s.endpoints.Add(ep.key, ep, now)
	}
	if keep {
		s.applyForeignBlockLocked(ep, now)
	} else if s.fleet != nil {
		ep.block.Close(now, max(0, s.fleet.foreign[ep.key]-now))
	}
	return ep
}

// windowLocked returns the bucket of a limit, or the overflow bucket of its name if
// there is no room. last says that it is the claim's last limit, the one that most
// requests share.
func (s *scheduler) windowLocked(l *Limit, last bool, now time.Duration, keep bool) *station {
	if st, ok := s.windows.Get(l.Key); ok {
		return st
	}
	st := newWindow(l)
	if last && !l.Private {
		st.reserve = s.cfg.reserveOf(l)
	}
	if keep && !s.windows.AddWithin(s.cfg.MaxKeys, l.Key, st, now) {
		shared, ok := s.windows.Get(overflowPrefix + l.Name)
		if ok {
			return shared
		}
		bounded := *l
		bounded.Key = overflowPrefix + l.Name
		st.limit = &bounded
		s.windows.Add(bounded.Key, st, now)
	}
	if s.fleet != nil {
		s.fleet.share(st, keep)
	}
	return st
}
