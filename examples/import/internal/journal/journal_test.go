package journal

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"go.etcd.io/bbolt"
)

func open(t *testing.T, path string) *Journal {
	t.Helper()
	j, err := Open(path, "one")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = j.Close() })
	return j
}

// What was recorded is on the disk when recording returns: a copy of the file,
// made while its program goes on, tells it all.
func TestRecordedIsOnTheDisk(t *testing.T) {
	const n = 50
	path := filepath.Join(t.TempDir(), "journal")
	j := open(t, path)
	words := []Word{{Op: Sent}, {Op: Made, User: "user_1"}, {Op: Done, User: "user_1", Reason: "half"}, {Op: Rejected, Reason: "why"}}
	var all sync.WaitGroup
	for i := range n {
		all.Go(func() {
			for _, w := range words[:i%len(words)+1] {
				if err := j.Settle(fmt.Sprint("u", i), w); err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	killed := filepath.Join(t.TempDir(), "killed")
	if err := os.WriteFile(killed, whole, 0o600); err != nil {
		t.Fatal(err)
	}
	next := open(t, killed)
	for i := range n {
		if w, err := next.Word(fmt.Sprint("u", i)); err != nil || w != words[i%len(words)] {
			t.Errorf("u%d: %+v, %v", i, w, err)
		}
	}
	if w, err := next.Word("nobody"); err != nil || w != (Word{}) {
		t.Errorf("nobody: %+v, %v", w, err)
	}
}

// The last request counts from when its answer was in, or, where one has none,
// from now on.
func TestLastIsTheLatestMomentARequestCanHaveLeft(t *testing.T) {
	path := filepath.Join(t.TempDir(), "journal")
	for _, step := range []struct {
		name string
		do   func(*Journal) error
		now  bool
	}{
		{"nothing", func(*Journal) error { return nil }, false},
		{"asked", (*Journal).Asked, false},
		{"sent", func(j *Journal) error { return j.Sent("u1") }, true},
		{"done", func(j *Journal) error { return j.Settle("u1", Word{Op: Done}) }, false},
	} {
		j := open(t, path)
		before := time.Now()
		if err := step.do(j); err != nil {
			t.Fatal(err)
		}
		if err := j.Close(); err != nil {
			t.Fatal(err)
		}
		after := time.Now()
		j = open(t, path)
		switch at := j.Last(); {
		case step.name == "nothing" && !at.IsZero(), step.name != "nothing" && at.Before(before), !step.now && at.After(after), step.now && at.Before(after):
			t.Errorf("%s between %s and %s: %s", step.name, before, after, at)
		}
		_ = j.Close()
	}
}

// A journal that cannot be written says so.
func TestBrokenJournalIsTold(t *testing.T) {
	j := open(t, filepath.Join(t.TempDir(), "journal"))
	_ = j.Close()
	if err := j.Sent("u1"); err == nil || !strings.Contains(err.Error(), "the journal cannot be written") {
		t.Error(err)
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

// A file that is no journal stays as it is, another program's database included;
// one that was only begun is gone on with.
func TestForeignFileIsLeftAlone(t *testing.T) {
	dir := t.TempDir()
	other := filepath.Join(dir, "database")
	db, err := bbolt.Open(other, 0o600, nil)
	if err != nil {
		t.Fatal(err)
	}
	begun, err := os.ReadFile(other)
	if err != nil {
		t.Fatal(err)
	}
	_ = db.Update(func(tx *bbolt.Tx) error { _, err := tx.CreateBucket([]byte("theirs")); return err })
	_ = db.Close()
	database, err := os.ReadFile(other)
	if err != nil {
		t.Fatal(err)
	}
	for name, content := range map[string][]byte{
		"users.csv": []byte("id,email\n1,a@example.com\n"), "short": []byte("x"), "long": bytes.Repeat([]byte("precious"), 9000), "their database": database,
	} {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, content, 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := Open(path, "one"); err == nil || !strings.Contains(err.Error(), errForeign.Error()) {
			t.Errorf("%s was taken for a journal: %v", name, err)
		}
		if now, _ := os.ReadFile(path); !bytes.Equal(now, content) {
			t.Errorf("%s has changed", name)
		}
	}
	if _, err := Open(dir, "one"); err == nil {
		t.Error("a directory was taken for a journal")
	}
	for name, content := range map[string][]byte{"empty": nil, "begun": begun} {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, content, 0o600); err != nil {
			t.Fatal(err)
		}
		open(t, path)
	}
}
