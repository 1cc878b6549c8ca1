package edge

import (
	"math"
	"sync"
	"time"
)

// maxMetered is how many clients a [Meter] tells apart. Further ones count as
// one, which makes them look greedy.
const maxMetered = 4096

// A Meter tells how much each client asks for. It is safe for concurrent use.
type Meter struct {
	window time.Duration

	mu      sync.Mutex
	clients map[string]*reading
	swept   time.Time
}

type reading struct {
	count float64 // at the time of the last request
	last  time.Time
}

// NewMeter returns a meter of requests in about the last window.
func NewMeter(window time.Duration) *Meter {
	return &Meter{window: window, clients: make(map[string]*reading)}
}

// Count counts a request of a client's, and returns how many it has sent of
// late: a request counts the less the older it is, so that at r requests a
// second the count comes to r times the window.
func (m *Meter) Count(client string) float64 { return m.count(client, time.Now()) }

func (m *Meter) count(client string, now time.Time) float64 {
	m.mu.Lock()
	defer m.mu.Unlock()
	r := m.clients[client]
	if r == nil {
		r = m.addLocked(client, now)
	}
	r.count = r.at(now, m.window) + 1
	r.last = now
	return r.count
}

func (r *reading) at(now time.Time, window time.Duration) float64 {
	return r.count * math.Exp(-float64(now.Sub(r.last))/float64(window))
}

func (m *Meter) addLocked(client string, now time.Time) *reading {
	if len(m.clients) >= maxMetered && now.Sub(m.swept) > m.window/10 {
		m.swept = now
		for name, r := range m.clients {
			if r.at(now, m.window) < 1 {
				delete(m.clients, name)
			}
		}
	}
	if len(m.clients) >= maxMetered {
		client = "" // nobody's name
		if r := m.clients[client]; r != nil {
			return r
		}
	}
	r := &reading{last: now}
	m.clients[client] = r
	return r
}
