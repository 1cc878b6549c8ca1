package statuspage

import (
	"encoding/json"
	"fmt"
	"net/http"
	"sync"
	"time"
)

// writeTimeout ends the stream of a reader who does not read.
const writeTimeout = 10 * time.Second

// events streams snapshots until the client leaves or the server shuts down. The
// JSON of one is one line, since JSON escapes what would end it.
func (h *handler) events(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("X-Accel-Buffering", "no") // nginx would wait for more
	if r.Method == http.MethodHead {
		return
	}
	select {
	case h.streams.places <- struct{}{}:
		defer func() { <-h.streams.places }()
	default:
		w.Header().Set("Retry-After", "10")
		http.Error(w, "too many streams are open", http.StatusServiceUnavailable)
		return
	}

	// The server's timeouts are for answers that end. Where they cannot be
	// changed the stream is cut short.
	out := http.NewResponseController(w)
	_ = out.SetReadDeadline(time.Time{})
	defer func() { _ = out.SetWriteDeadline(time.Time{}) }() // the connection may serve again
	if err := out.Flush(); err != nil {
		http.Error(w, "this server cannot stream", http.StatusNotImplemented)
		return
	}

	next := time.NewTicker(h.interval)
	defer next.Stop()
	for shutdown := h.streams.shutdown(r); ; {
		snapshot, err := json.Marshal(h.source.Snapshot())
		if err != nil {
			return
		}
		_ = out.SetWriteDeadline(time.Now().Add(writeTimeout))
		if _, err := fmt.Fprintf(w, "event: snapshot\ndata: %s\n\n", snapshot); err != nil {
			return
		}
		if err := out.Flush(); err != nil {
			return
		}
		select {
		case <-r.Context().Done():
			return
		case <-shutdown:
			return
		case <-next.C:
		}
	}
}

// streams bounds the open streams, and ends those of a server that shuts down:
// Shutdown waits for every request, and a stream would never be over.
type streams struct {
	places chan struct{} // holds one for each
	ends   sync.Map      // by *http.Server: a channel that is closed when it shuts down
}

// shutdown returns what is closed when the request's server shuts down, or nil
// where there is none to know of.
func (s *streams) shutdown(r *http.Request) <-chan struct{} {
	server, ok := r.Context().Value(http.ServerContextKey).(*http.Server)
	if !ok {
		return nil
	}
	kept, known := s.ends.LoadOrStore(server, make(chan struct{}))
	end := kept.(chan struct{})
	if !known {
		server.RegisterOnShutdown(sync.OnceFunc(func() { close(end) })) // it may be shut down twice
	}
	return end
}
