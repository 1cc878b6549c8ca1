package statuspage

import (
	"bytes"
	"encoding/json"
	"net/http"
	"time"
)

const (
	// writeTimeout ends the stream of a reader who does not read.
	writeTimeout = 10 * time.Second
	// beat is how often a stream says something, lest a proxy takes it for dead.
	beat = 10 * time.Second
)

// events streams snapshots until the client leaves or the server shuts down:
// events "snapshot" with the JSON of one, or with ?as=view events "view" with
// the part of the page that changes.
func (h *handler) events(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("X-Accel-Buffering", "no") // nginx would wait for more
	if r.Method == http.MethodHead {
		return
	}
	ended, leave, ok := h.streams.enter(r)
	if !ok {
		w.Header().Set("Retry-After", "10")
		http.Error(w, "too many streams are open", http.StatusServiceUnavailable)
		return
	}
	defer leave()

	// The server's timeouts are for answers that end. Where they cannot be
	// changed the stream is cut short, and the page opens another.
	out := http.NewResponseController(w)
	_ = out.SetReadDeadline(time.Time{})
	defer func() { _ = out.SetWriteDeadline(time.Time{}) }() // the connection may serve again
	if err := out.Flush(); err != nil {
		http.Error(w, "this server cannot stream", http.StatusNotImplemented)
		return
	}

	next := time.NewTicker(h.interval)
	defer next.Stop()
	pulse := time.NewTicker(beat)
	defer pulse.Stop()
	message := h.event(r)
	for {
		_ = out.SetWriteDeadline(time.Now().Add(writeTimeout))
		if _, err := w.Write(message); err != nil {
			return
		}
		if err := out.Flush(); err != nil {
			return
		}
		select {
		case <-r.Context().Done():
			return
		case <-ended:
			return
		case <-next.C:
			message = h.event(r)
		case <-pulse.C:
			message = []byte(":\n\n") // a comment
		}
	}
}

// event returns the next event of a stream.
func (h *handler) event(r *http.Request) []byte {
	s := h.source.Snapshot()
	q := r.URL.Query()
	if q.Get("as") != "view" {
		data, err := json.Marshal(s)
		if err != nil {
			return format("error", []byte(err.Error()))
		}
		return format("snapshot", data)
	}
	var data bytes.Buffer
	if err := templates.ExecuteTemplate(&data, "view.html", newView(s, queryOf(q), &h.config)); err != nil {
		return format("error", []byte(err.Error()))
	}
	return format("view", data.Bytes())
}

// format writes an event as the standard has it: its name, its data with every
// line marked, and an empty line. Lines end with LF, CR or both, so a CR within
// a name from a request must not pass for data.
func format(name string, data []byte) []byte {
	out := make([]byte, 0, len(data)+len(data)/8+64)
	out = append(out, "event: "+name+"\n"...)
	for line := range bytes.FieldsFuncSeq(data, func(r rune) bool { return r == '\n' || r == '\r' }) {
		if line = bytes.TrimSpace(line); len(line) > 0 {
			out = append(out, "data: "...)
			out = append(out, line...)
			out = append(out, '\n')
		}
	}
	return append(out, '\n')
}
