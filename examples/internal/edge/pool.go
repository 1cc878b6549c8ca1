package edge

import "sync"

// greed is how many times what is free one client may hold of a [Pool].
const greed = 4

// A Pool is room that clients share: places, or bytes. Nobody can take all of
// it: a client may hold at most four times what is free. One alone gets four
// fifths of the pool, two who take what they can get four ninths each, and
// however many there are, something is left for the next one. (Dynamic
// thresholds, as switches divide their buffers: Choudhury and Hahne, IEEE/ACM
// Transactions on Networking 6, 1998.)
//
// It keeps names only while they hold something. It is safe for concurrent use.
type Pool struct {
	size int64

	mu   sync.Mutex
	used int64
	by   map[string]int64
}

// NewPool returns a pool of the given size, all of it free.
func NewPool(size int64) *Pool { return &Pool{size: size, by: make(map[string]int64)} }

// Most is the most that one client can hold.
func (p *Pool) Most() int64 { return p.size - p.size/(greed+1) }

// Take takes n for a client, or reports that there is no room for that.
func (p *Pool) Take(client string, n int64) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.fitsLocked(client, n) {
		return false
	}
	p.used += n
	p.by[client] += n
	return true
}

// Fits reports whether Take would take n now.
func (p *Pool) Fits(client string, n int64) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.fitsLocked(client, n)
}

func (p *Pool) fitsLocked(client string, n int64) bool {
	free := p.size - p.used
	return n <= free && p.by[client]+n <= greed*free
}

// Give gives back n that the client took.
func (p *Pool) Give(client string, n int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.used -= n
	if p.by[client] -= n; p.by[client] == 0 {
		delete(p.by, client)
	}
}
