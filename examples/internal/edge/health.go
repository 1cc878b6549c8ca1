package edge

import (
	"context"
	"io"
	"net/http"
	"sync"
	"sync/atomic"
	"time"
)

// HealthPath is where a proxy says how it is.
const HealthPath = "/-/health"

// Health says whether to send requests here. It does not ask Clerk: that Clerk is
// down is no reason to restart a proxy. The zero value is healthy.
type Health struct {
	Draining atomic.Bool
	// Check, if set, returns what is wrong, in words, where requests are served all
	// the same; "" if nothing is. It is called at most once a second.
	Check func(context.Context) string

	mu      sync.Mutex
	checked time.Time
	amiss   string
}

// ServeHTTP implements [http.Handler].
func (h *Health) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	if h.Draining.Load() {
		w.WriteHeader(http.StatusServiceUnavailable)
		_, _ = io.WriteString(w, "shutting down\n")
		return
	}
	if amiss := h.Amiss(r.Context()); amiss != "" {
		_, _ = io.WriteString(w, "degraded: "+amiss+"\n")
		return
	}
	_, _ = io.WriteString(w, "ok\n")
}

// Amiss returns what Check said last.
func (h *Health) Amiss(ctx context.Context) string {
	if h.Check == nil {
		return ""
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if now := time.Now(); h.checked.IsZero() || now.Sub(h.checked) >= time.Second {
		h.amiss, h.checked = h.Check(ctx), now
	}
	return h.amiss
}
