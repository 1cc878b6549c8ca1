package journal

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

// memoryFile is a journal's file that knows what a power cut would leave of it.
type memoryFile struct {
	mu      sync.Mutex
	written bytes.Buffer
	synced  string
	syncs   int
	room    int // if positive, how many bytes fit on the disk
}

func (f *memoryFile) Write(p []byte) (int, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.room > 0 && f.written.Len()+len(p) > f.room {
		return 0, syscall.ENOSPC
	}
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

// Sent returns when the disk has it, and those who wait for the disk share one
// fsync.
func TestSentReturnsWhenItIsOnTheDisk(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const users = 90
		f := &memoryFile{}
		j := begin(f)
		var all sync.WaitGroup
		for i := range users {
			all.Go(func() {
				key := fmt.Sprint("u", i)
				if err := j.Sent(key, i); err != nil || !strings.Contains(f.onDisk(), fmt.Sprintf(`"op":"sent","key":%q`, key)) {
					t.Errorf("%s is not on the disk: %v", key, err)
				}
				if err := j.Settle(key, i, Word{Op: Done}); err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
		if err := j.Close(); err != nil {
			t.Fatal(err)
		}
		if n := strings.Count(f.onDisk(), `"op":"done"`); n != users {
			t.Errorf("%d of %d are done on the disk", n, users)
		}
		if f.syncs > users/2 {
			t.Errorf("%d fsyncs for %d users", f.syncs, users)
		}
	})
}

// A full disk is told, and everything after it as well.
func TestFullDiskEndsTheRecording(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j := begin(&memoryFile{room: 300})
		var err error
		for i := 0; err == nil && i < 10; i++ {
			err = j.Sent("u", i)
		}
		for range 2 {
			if !strings.Contains(fmt.Sprint(err), "cannot be written: no space left") {
				t.Errorf("%v", err)
			}
			err = j.Asked()
		}
	})
}

func open(t *testing.T, path string) *Journal {
	t.Helper()
	j, err := Open(path, "one")
	if err != nil {
		t.Fatal(err)
	}
	return j
}

func write(t *testing.T, path string, content []byte) {
	t.Helper()
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
}

func record(t *testing.T, j *Journal, key string, w Word) {
	t.Helper()
	if err := j.Settle(key, 9, w); err != nil {
		t.Fatal(err)
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
}

// Wherever a crash cuts a journal off, the whole lines before are read, the rest
// is dropped, and writing goes on behind them.
func TestJournalCutOffAnywhere(t *testing.T) {
	path := filepath.Join(t.TempDir(), "journal")
	j := open(t, path)
	for i := range 3 {
		if err := j.Sent(fmt.Sprint("u", i), i+2); err != nil {
			t.Fatal(err)
		}
	}
	record(t, j, "u0", Word{Made, "user_1", ""})
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for cut := range len(whole) + 1 {
		write(t, path, whole[:cut])
		j := open(t, path)
		if got, want := len(j.Sends()), bytes.Count(whole[:cut][:bytes.LastIndexByte(whole[:cut], '\n')+1], []byte(`"sent"`)); got != want {
			t.Fatalf("cut at %d: %d sends, want %d", cut, got, want)
		}
		record(t, j, "u9", Word{Rejected, "", "why"})
		again := open(t, path)
		if w := again.Word("u9"); w.Op != Rejected || w.Reason != "why" {
			t.Fatalf("cut at %d and written again: %+v", cut, w)
		}
		_ = again.Close()
	}
}

// One journal is for one instance, and for one process at a time.
func TestJournalIsNotShared(t *testing.T) {
	path := filepath.Join(t.TempDir(), "journal")
	j := open(t, path)
	if _, err := Open(path, "one"); err == nil || !strings.Contains(err.Error(), "another import is using it") {
		t.Errorf("a second process: %v", err)
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(path, "two"); err == nil || !strings.Contains(err.Error(), "another secret key") {
		t.Errorf("another instance: %v", err)
	}
}

// A file that is no journal stays as it is.
func TestForeignFileIsLeftAlone(t *testing.T) {
	dir := t.TempDir()
	for name, content := range map[string]string{
		"users.csv": "id,email\n1,a@example.com\n", "no line break": "precious", "json": `{"users":[]}`, "a version": "{\"version\":2,\"instance\":\"one\"}\n",
		"damaged": "{\"version\":1,\"instance\":\"one\"}\nnonsense\n{}\n", "unknown": "{\"version\":1,\"instance\":\"one\"}\n{\"op\":\"flown\"}\n",
	} {
		path := filepath.Join(dir, name)
		write(t, path, []byte(content))
		if _, err := Open(path, "one"); err == nil {
			t.Errorf("%s was taken for a journal", name)
		}
		if now, _ := os.ReadFile(path); string(now) != content {
			t.Errorf("%s is now %q", name, now)
		}
	}
	if _, err := Open(dir, "one"); err == nil {
		t.Error("a directory was taken for a journal")
	}
}

// Whatever a file holds, it is read and kept, but for an unfinished end, or
// refused and left as it is; and what was read is read again.
func FuzzJournal(f *testing.F) {
	header := string(headed) + "one\"}\n"
	for _, body := range []string{
		"", `{"op":"sent","key":"u1","line":2,"time":"2024-01-02T03:04:05Z"}` + "\n", `{"op":"asked","time":"2024-01-02T03:04:05Z"}` + "\n" + `{"op":"do`,
		`{"op":"done","key":"u1","user":"user_1","reason":"half"}` + "\n" + `{"op":"made","key":"u1"}` + "\n", "{}\n", "\x00\x00\n", "null\n", `{"op":"sent","time":"x"}` + "\n", "\n",
	} {
		f.Add([]byte(header + body))
		f.Add([]byte(body))
	}
	f.Add(headed[:5])
	f.Fuzz(func(t *testing.T, content []byte) {
		path := filepath.Join(t.TempDir(), "journal")
		write(t, path, content)
		j, err := Open(path, "one")
		now, _ := os.ReadFile(path)
		if err != nil {
			if !bytes.Equal(now, content) {
				t.Fatalf("refused (%v), and changed to %q", err, now)
			}
			return
		}
		if !bytes.HasPrefix(content, now) && bytes.ContainsRune(content, '\n') {
			t.Fatalf("changed to %q", now)
		}
		users, sends := j.users, len(j.sends)
		record(t, j, "fuzz", Word{Done, "user_1", "note"})
		again := open(t, path)
		defer func() { _ = again.Close() }()
		if again.Word("fuzz") != (Word{Done, "user_1", "note"}) || len(again.sends) != sends {
			t.Fatalf("%+v, %d sends", again.Word("fuzz"), len(again.sends))
		}
		for key, word := range users {
			if key != "fuzz" && again.Word(key) != word {
				t.Fatalf("%q: %+v, then %+v", key, word, again.Word(key))
			}
		}
	})
}

// A request counts from when its answer was in, or, if none was, from now on.
func TestSendsCountFromTheLatestMomentTheyCanHaveLeft(t *testing.T) {
	path := filepath.Join(t.TempDir(), "journal")
	at := func(s int) string { return fmt.Sprintf(`"time":"2024-01-02T03:04:%02dZ"`, s) }
	lines := []string{string(headed) + `one"}`, `{"op":"sent","key":"u1",` + at(1) + `}`, `{"op":"sent","key":"u2",` + at(2) + `}`, `{"op":"asked",` + at(3) + `}`,
		`{"op":"made","key":"u1",` + at(4) + `}`, `{"op":"done","key":"u1",` + at(5) + `}`}
	write(t, path, []byte(strings.Join(lines, "\n")+"\n"))
	before := time.Now()
	j := open(t, path)
	defer func() { _ = j.Close() }()
	sends := j.Sends()
	if len(sends) != 3 || sends[0].Second() != 3 || sends[1].Second() != 4 || sends[2].Before(before) {
		t.Errorf("%v", sends)
	}
}
