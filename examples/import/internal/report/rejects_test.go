package report

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Nothing is written over that an earlier run did not write, and no file is made
// where there is nothing to say.
func TestRejectsReplacesOnlyItsOwn(t *testing.T) {
	path := filepath.Join(t.TempDir(), "rejects.csv")
	for run := range 3 {
		r, err := Begin(path)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := os.Stat(path); !os.IsNotExist(err) {
			t.Errorf("run %d: what an earlier run left is still there: %v", run, err)
		}
		for i := range run * 4 {
			if err := r.Add(i, fmt.Sprint("u", i), "because, \"so\""); err != nil {
				t.Fatal(err)
			}
		}
		if err := r.Close(); err != nil {
			t.Fatal(err)
		}
		var out bytes.Buffer
		if r.Print(&out); strings.Contains(out.String(), "and 3 more") != (run == 2) || r.Count() != 4*run {
			t.Errorf("run %d: %s", run, out.String())
		}
	}
	text, _ := os.ReadFile(path)
	if !strings.HasPrefix(string(text), "line,user,reason\n0,u0,\"because, \"\"so\"\"\"\n") {
		t.Errorf("%s", text)
	}
	for _, precious := range []string{"id,email\n1,a@example.com\n", "line,user,reason", "{}"} {
		if err := os.WriteFile(path, []byte(precious), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := Begin(path); !errors.Is(err, ErrForeign) {
			t.Errorf("%q: %v", precious, err)
		}
		if now, _ := os.ReadFile(path); string(now) != precious {
			t.Errorf("%q is now %q", precious, now)
		}
	}
	if _, err := Begin(filepath.Dir(path)); !errors.Is(err, ErrForeign) {
		t.Errorf("a directory: %v", err)
	}
}
