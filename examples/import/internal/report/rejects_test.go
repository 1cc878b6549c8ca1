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
	for _, n := range []int{4, 0, 8} {
		r, err := Begin(path)
		if err != nil {
			t.Fatal(err)
		}
		for i := range n {
			r.Add(i, fmt.Sprint("u", i), "because, \"so\"")
		}
		var out bytes.Buffer
		if err := r.Finish(&out); err != nil || strings.Contains(out.String(), "and 3 more") != (n == 8) || r.Count() != n {
			t.Errorf("%d rejects: %v: %s", n, err, out.String())
		}
		if _, err := os.Stat(path); os.IsNotExist(err) != (n == 0) {
			t.Errorf("%d rejects: %v", n, err)
		}
	}
	text, _ := os.ReadFile(path)
	if !strings.HasPrefix(string(text), "line,user,reason\n0,u0,\"because, \"\"so\"\"\"\n") {
		t.Errorf("%s", text)
	}
	for _, precious := range []string{"id,email\n1,a@example.com\n", "line,user,reasons\n", "{}"} {
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
