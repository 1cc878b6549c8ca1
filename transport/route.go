package transport

import "time"

// route is a claim's way: the stations that its requests pass, in order.
type route struct {
	scheduler *scheduler
	claim     *Claim
	endpoint  *endpoint
	stations  []*station
}

// use adds a station, and has the route's permit use it: the next station that is
// added to a registry must not push this one out.
func (r *route) use(st *station) {
	st.users++
	r.stations = append(r.stations, st)
}

// leave takes a permit off the stations.
func (r *route) leave() {
	for _, st := range r.stations {
		st.users--
	}
}

// again has one more permit use the stations, unless one was forgotten since.
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

// routeLocked returns the route of a claim, for one permit, which leaves it when it
// is done. The claim remembers it: most requests come with one that was seen before.
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

// newRouteLocked looks the stations up that a claim names. With keep, those that are
// new are kept.
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

// own reports whether all of the stations are the claim's own. One that it shares for
// want of room it gives up for its own as soon as there is some.
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

// others is what the key of the one bucket, or gate, begins with that all share
// who find no room for one of their own.
const overflowPrefix = "others "

// endpointLocked returns the claim's endpoint. Where there is no room for another,
// it is one that all newcomers of its name share.
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
	s.applyForeignBlockLocked(ep, now)
	return ep
}

// windowLocked returns the bucket of a limit, which is the last on the way or not:
// the last is the one that most requests share. Where there is no room for another,
// it is one that all newcomers of its name share.
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
		s.fleet.share(st)
	}
	return st
}
