package statuspage_test

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http/httptest"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/clerkthrottle/clerkthrottle-go/clerkthrottle/statuspage"
	"github.com/clerkthrottle/clerkthrottle-go/transport"
)

// event is one of an event stream.
type event struct{ name, data string }

// events reads an event stream as browsers do (HTML standard, "Interpreting an
// event stream"), and notes the lines that no event of the page has.
type events struct {
	lines  *bufio.Scanner
	strays []string
}

func read(r io.Reader) *events {
	s := &events{lines: bufio.NewScanner(r)}
	s.lines.Buffer(nil, 1<<20)
	cr := false
	s.lines.Split(func(data []byte, _ bool) (int, []byte, error) {
		skip := 0
		if cr && len(data) > 0 && data[0] == '\n' { // of a CRLF
			skip = 1
		}
		end := bytes.IndexAny(data[skip:], "\r\n")
		if end < 0 {
			return 0, nil, nil
		}
		end += skip
		cr = data[end] == '\r'
		return end + 1, data[skip:end], nil
	})
	return s
}

func (s *events) next() (event, error) {
	e := event{name: "message"}
	for {
		if !s.lines.Scan() {
			return event{}, cmp.Or(s.lines.Err(), io.EOF)
		}
		line := s.lines.Text()
		field, value, _ := strings.Cut(line, ":")
		value = strings.TrimPrefix(value, " ")
		switch {
		case line == "" && e.data != "":
			e.data = strings.TrimSuffix(e.data, "\n")
			return e, nil
		case line == "":
			e.name = "message"
		case field == "event":
			e.name = value
		case field == "data":
			e.data += value + "\n"
		case line != ":":
			s.strays = append(s.strays, line)
		}
	}
}

// FuzzEventStream: whatever a request is called, an event is one event, and
// holds what the JSON holds.
func FuzzEventStream(f *testing.F) {
	f.Add("GET /v1/users", "development 3fa9c1d27b04 GET /v1/users")
	f.Add("GET /v1/a\rb", "p GET /v1/users/{id} u\rdata: forged\r\revent: error")
	f.Add(" \n:\n\u2028", "\x00\xff\ufeff")
	f.Fuzz(func(t *testing.T, name, key string) {
		s := sample(noon)
		s.Limits[1].Name, s.Limits[1].Key, s.Endpoints[1].Endpoint, s.Endpoints[1].Key = name, key, name, key
		page := statuspage.New(source(func() transport.Snapshot { return s }), statuspage.WithInterval(time.Hour))
		ended, end := context.WithCancel(t.Context())
		end()
		w := httptest.NewRecorder()
		page.ServeHTTP(w, httptest.NewRequest("GET", "/events", nil).WithContext(ended))
		stream := read(w.Body)
		e := next(t, stream)
		if more, err := stream.next(); !errors.Is(err, io.EOF) || len(stream.strays) > 0 {
			t.Errorf("a second event %q, %v; lines of no event: %q", more, err, stream.strays)
		}
		var got, want transport.Snapshot
		if err := json.Unmarshal([]byte(e.data), &got); err != nil || e.name != "snapshot" {
			t.Fatalf("event %q: %v", e.name, err)
		}
		if err := json.Unmarshal(get(page, "GET", "/snapshot.json").Body.Bytes(), &want); err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("got  %+v\nwant %+v", got, want)
		}
	})
}
