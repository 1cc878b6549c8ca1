package clerktest

// Held is how many counts, blocks and notices the server holds.
func Held(s *Server) (buckets, blocks, notices int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.limiter.buckets), len(s.limiter.blocks), len(s.notices)
}
