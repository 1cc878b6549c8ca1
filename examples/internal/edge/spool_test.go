package edge

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"testing"
	"testing/iotest"
	"time"
)

func newSpool(long int64, files bool) *Spool {
	return &Spool{Long: NewPool(long), Files: files, Timeout: 10 * time.Second}
}

// temporary has temporary files made in a directory of the test's own.
func temporary(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	t.Setenv("TMPDIR", dir)
	return dir
}

// What comes out is what went in, as often as one reads it, whatever its length
// and wherever it is kept; and all room is free again in the end.
func TestABodyComesOutAsItWentIn(t *testing.T) {
	temporary(t)
	random, bytesOf := rand.New(rand.NewPCG(1, 2)), rand.NewChaCha8([32]byte{})
	for _, s := range []*Spool{newSpool(4<<20, true), newSpool(4<<20, false)} {
		for i := range 160 {
			size := random.IntN(1 << (4 + i%16))
			data := make([]byte, size)
			_, _ = bytesOf.Read(data)
			var from io.Reader = bytes.NewReader(data)
			switch i % 3 {
			case 0:
				from = iotest.DataErrReader(from) // the end comes with the last byte
			case 1:
				from = iotest.HalfReader(from)
			}
			r := httptest.NewRequest("POST", "/", from)
			r.ContentLength = int64(size)
			if i%2 == 0 {
				r.ContentLength = -1
			}
			out, free, err := s.Take(httptest.NewRecorder(), r, "client")
			if err != nil {
				t.Fatalf("%d bytes: %v", size, err)
			}
			if out.ContentLength != int64(size) || out.TransferEncoding != nil {
				t.Errorf("%d bytes: length %d", size, out.ContentLength)
			}
			again, err := out.GetBody()
			if err != nil {
				t.Fatal(err)
			}
			for _, body := range []io.Reader{out.Body, again} {
				if got, err := io.ReadAll(body); err != nil || !bytes.Equal(got, data) {
					t.Fatalf("%d bytes came out of %d, %v", len(got), size, err)
				}
			}
			free()
		}
		if p := s.Long; p.used != 0 || len(p.by) != 0 {
			t.Errorf("%d bytes are still taken, by %v", p.used, p.by)
		}
		if left, _ := os.ReadDir(os.TempDir()); len(left) > 0 {
			t.Errorf("%d files are left", len(left))
		}
	}
}

// A body that breaks off is not taken for a whole one, and what has no room is
// refused with the reason; neither leaves anything behind.
func TestABodyThatIsNotWholeIsNotTaken(t *testing.T) {
	dir := temporary(t)
	broken := errors.New("broken")
	long := bytes.NewReader(make([]byte, 1<<20))
	for name, c := range map[string]struct {
		spool  *Spool
		body   io.Reader
		length int64
		want   error
	}{
		"cut short":                {newSpool(1<<20, false), io.MultiReader(bytes.NewReader(make([]byte, 100)), iotest.ErrReader(io.ErrUnexpectedEOF)), -1, errCutShort},
		"cut short in a file":      {newSpool(1<<20, true), io.MultiReader(bytes.NewReader(make([]byte, 1e5)), iotest.ErrReader(broken)), -1, broken},
		"too slow":                 {newSpool(1<<20, false), iotest.ErrReader(fmt.Errorf("read: %w", os.ErrDeadlineExceeded)), 10, errTooSlow},
		"too long, as it says":     {newSpool(1<<20, true), http.NoBody, 1 << 20, errTooLong},
		"too long":                 {newSpool(1<<20, true), long, -1, errTooLong},
		"too long, without files":  {newSpool(1<<20, false), bytes.NewReader(make([]byte, 1<<20)), -1, errTooLong},
		"files cannot be made":     {newSpool(1<<20, true), bytes.NewReader(make([]byte, 1e5)), -1, errFiles},
		"no room beside the other": {full(newSpool(1<<20, true)), bytes.NewReader(make([]byte, 500<<10)), 500 << 10, errNoRoom},
	} {
		if errors.Is(c.want, errFiles) {
			t.Setenv("TMPDIR", "/nowhere")
		}
		used := c.spool.Long.used
		r := httptest.NewRequest("POST", "/", c.body)
		r.Body, r.ContentLength = io.NopCloser(c.body), c.length
		if _, _, err := c.spool.Take(httptest.NewRecorder(), r, "client"); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
		if got := c.spool.Long.used; got != used {
			t.Errorf("%s: %d bytes are still taken", name, got-used)
		}
		if left, _ := os.ReadDir(dir); len(left) > 0 {
			t.Errorf("%s: %d files are left", name, len(left))
		}
		t.Setenv("TMPDIR", dir)
	}
}

func full(s *Spool) *Spool {
	s.Long.Take("other", 700<<10)
	return s
}
