package rows

import (
	"errors"
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
		lines, last := strings.Count(content, "\n")+1, 0
		broken, ended := (*FileError)(nil), false
		for row, err := range Read([]byte(content), []string{"a", "b", "c", "d", "e"}) {
			switch {
			case ended:
				t.Fatal("it goes on after its end")
			case errors.As(err, &broken):
				row.Line, ended = broken.Line, true
			case err != nil:
				t.Fatalf("an error without a line: %v", err)
			case row.Fields == nil && row.Bad == "" && !strings.Contains(content, "null"):
				t.Fatal("a row without fields")
			}
			if row.Line < 1 || row.Line > lines || row.Line < last && !ended {
				t.Fatalf("line %d after line %d, of %d: %v", row.Line, last, lines, err)
			}
			last = row.Line
		}
	})
}
