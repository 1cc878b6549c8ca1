package main

import (
	"bytes"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/clerkthrottle/clerkthrottle-go/clerkthrottle/clerktest"
)

// memoryFile is a journal's file that knows what a power cut would leave of it.
type memoryFile struct {
	mu      sync.Mutex
	written bytes.Buffer
	synced  string
	syncs   int
}

func (f *memoryFile) Write(p []byte) (int, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.written.Write(p)
}

func (f *memoryFile) Sync() error {
	f.mu.Lock()
	text := f.written.String()
	f.mu.Unlock()
	time.Sleep(5 * time.Millisecond) // a disk
	f.mu.Lock()
	defer f.mu.Unlock()
	f.synced, f.syncs = text, f.syncs+1
	return nil
}

func (f *memoryFile) Close() error { return nil }

func (f *memoryFile) onDisk() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.synced
}

// No request leaves before the disk has its "sent", and those who wait for the
// disk share one fsync.
func TestSentIsOnTheDiskBeforeTheRequestLeaves(t *testing.T) {
	const users = 90
	o, err := parseOptions([]string{"-quiet", "-concurrency", "30", write(t, "u.csv", usersCSV(users))}, func(string) string { return testKey }, t.Output())
	if err != nil {
		t.Fatal(err)
	}
	file := &memoryFile{}
	server := clerktest.New().RoundTripper()
	base := roundTripper(func(r *http.Request) (*http.Response, error) {
		c := r.Context().Value(callKey{}).(*call)
		if !strings.Contains(file.onDisk(), fmt.Sprintf(`"op":"sent","key":%q`, c.row.key)) {
			t.Errorf("line %d left unrecorded", c.row.line)
		}
		return server.RoundTrip(r)
	})
	r, err := newRejects(o.rejects)
	if err != nil {
		t.Fatal(err)
	}
	j := newJournal(file)
	im, err := newImporter(o, base, j, r, &progress{})
	if err != nil {
		t.Fatal(err)
	}
	if err := im.run(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(file.onDisk(), `"op":"done"`); n != users {
		t.Errorf("%d of %d are done on the disk", n, users)
	}
	if file.syncs > users/2 {
		t.Errorf("%d fsyncs for %d users", file.syncs, users)
	}
}

// Wherever a crash cuts a journal off, the whole lines before are read, the rest
// is dropped, and writing goes on behind them.
func TestJournalCutOffAnywhere(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "journal")
	j, err := openJournal(path, "one")
	if err != nil {
		t.Fatal(err)
	}
	for i := range 3 {
		u := &row{line: i + 2, key: fmt.Sprint("external_id:u", i)}
		for _, err := range []error{j.sent(u), j.done(u, "user_1")} {
			if err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for cut := range len(whole) + 1 {
		if err := os.WriteFile(path, whole[:cut], 0o600); err != nil {
			t.Fatal(err)
		}
		j, err := openJournal(path, "one")
		if err != nil {
			t.Fatalf("cut at %d: %v", cut, err)
		}
		if got, want := len(j.sends), bytes.Count(whole[:cut][:bytes.LastIndexByte(whole[:cut], '\n')+1], []byte(`"sent"`)); got != want {
			t.Fatalf("cut at %d: %d sends, want %d", cut, got, want)
		}
		if err := j.rejected(&row{line: 9, key: "external_id:u9"}, "why"); err != nil {
			t.Fatal(err)
		}
		if err := j.Close(); err != nil {
			t.Fatal(err)
		}
		again, err := openJournal(path, "one")
		if err != nil || again.users["external_id:u9"].reason != "why" {
			t.Fatalf("cut at %d and written again: %v", cut, err)
		}
		if err := again.Close(); err != nil {
			t.Fatal(err)
		}
	}
}
