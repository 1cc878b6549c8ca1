package rows

import (
	"errors"
	"io"
	"strings"
	"testing"
)

// Whatever a file holds, reading it ends, goes forward line by line, and every
// row has fields or a reason.
func FuzzRows(f *testing.F) {
	for _, seed := range []string{
		header + "u1,\"a\nb\"\n", "[{\"external_id\":1},2,{}]", "{\"users\":[{\"localId\":\"x\"}]}",
		"{\"user_id\":\"auth0|1\"}\n\n{\"user_id\":", "\ufeffid,email\n1,a@example.com\n", "a,a\n", "\"", "[", "{}", "[[[[",
		"# a comment\n#\nid;email\n1;a\n#2\n", "#", "#\n", "a\tb\n1\t2", "x,y,true,z\n",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, content string) {
		r, err := of("f", content).Rows([]string{"a", "b", "c", "d", "e"})
		lines := strings.Count(content, "\n") + 1
		wrong, broken := (*RowError)(nil), (*FileError)(nil)
		for n, last := 0, 0; ; n++ {
			if n > len(content)+1 {
				t.Fatal("it does not end")
			}
			var row Row
			if err == nil {
				row, err = r.Next()
			}
			line := row.Line
			switch {
			case err == nil && row.Fields == nil && !strings.Contains(content, "null"):
				t.Fatal("a row without fields")
			case errors.As(err, &wrong):
				if line = wrong.Line; wrong.Reason == "" {
					t.Fatal("no reason")
				}
				err = nil
			case errors.As(err, &broken):
				if broken.Line < 1 || broken.Line > lines {
					t.Fatalf("line %d of %d: %v", broken.Line, lines, err)
				}
				return
			case errors.Is(err, io.EOF):
				return
			case err != nil:
				t.Fatalf("an error without a line: %v", err)
			}
			if line < last || line < 1 || line > lines {
				t.Fatalf("line %d after line %d, of %d", line, last, lines)
			}
			last = line
		}
	})
}
