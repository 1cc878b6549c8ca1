package clerktest

// Held is how many counts, blocks and notices the server holds.
func Held(s *Server) (buckets, blocks, notices int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.limiter.buckets.Len(), s.limiter.blocks.Len(), s.notices.Len()
}
