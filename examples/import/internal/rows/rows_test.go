package rows

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"testing"
	"unicode/utf16"
)

const header = "external_id,email_address,first_name\n"

// of is an input that holds the text.
func of(name, content string) *Input {
	return &Input{Name: name, data: strings.NewReader(content), size: int64(len(content))}
}

// all reads an input to its end: the rows by their lines, and the reasons of
// those that could not be read.
func all(in *Input, columns ...string) (good map[int]map[string]any, bad map[int]string, r Reader, err error) {
	good, bad = map[int]map[string]any{}, map[int]string{}
	if r, err = in.Rows(columns); err != nil {
		return good, bad, r, err
	}
	for {
		row, err := r.Next()
		wrong := (*RowError)(nil)
		switch {
		case errors.Is(err, io.EOF):
			return good, bad, r, nil
		case errors.As(err, &wrong):
			bad[wrong.Line] = wrong.Reason
		case err != nil:
			return good, bad, r, err
		default:
			good[row.Line] = row.Fields
		}
	}
}

// A file that cannot be read as a whole is told with the line.
func TestUnreadableFileIsToldWithItsLine(t *testing.T) {
	utf16le := func(s string) string {
		b := []byte{0xff, 0xfe}
		for _, u := range utf16.Encode([]rune(s)) {
			b = append(b, byte(u), byte(u>>8))
		}
		return string(b)
	}
	for name, c := range map[string]struct{ file, content, want string }{
		"a quote never closed":         {"u.csv", header + "u1,a@example.com,Ann\nu2,b@example.com,\"Ben\nu3,c@example.com,Cy\n", "u.csv:3: a quote that opens here is not closed"},
		"a quote closed much later":    {"u.csv", header + "u1,\"a@example.com,Ann\nu2,b@example.com,Ben\nu3,c\"@example.com,Cy\n", "u.csv:2: a quote that opens here"},
		"a quote that swallows a row":  {"u.csv", header + "u1,a@example.com,\"Ann\nu2,b@example.com,Ben\"\nu3\nu4,d@example.com,\"D\n\",\n", "u.csv:5: the row from here to line 6 has 4 fields where the header has 3"},
		"a quote inside a field":       {"u.csv", header + "u1,a@example.com,\"An\"n\n", `u.csv:2: column 21: extraneous or missing "`},
		"below a comment":              {"u.csv", "# one\n# two\n" + header + "u1,a@example.com,\"An\"n\n", `u.csv:4: column 21: extraneous or missing "`},
		"a column twice":               {"u.csv", "external_id,email_address,email_address\n", `the column "email_address" twice`},
		"UTF-16":                       {"u.csv", utf16le(header + "u1,a@example.com,Zoë\n"), "u.csv:1: the file is UTF-16"},
		"UTF-16 without a mark":        {"u.csv", utf16le(header)[2:], "u.csv:1: the file holds NUL bytes"},
		"a Latin-1 header":             {"u.csv", "external_id,pr\xe9nom\n", "u.csv:1: the header is not UTF-8"},
		"an empty file":                {"u.csv", "", "u.csv:1: the file is empty"},
		"nothing but a comment":        {"u.csv", "# nobody\n", "u.csv:2: the file is empty"},
		"broken JSON":                  {"u.json", "[\n{\"email_address\":\"a@example.com\"},\n{\"email_address\":}\n]", "u.json:3: invalid character"},
		"JSON broken far below":        {"u.json", "[\n{\"external_id\":\"1\"},\n\n\n{\"external_id\":\"2\",\n\n\"first_name\": x}]", "u.json:7: invalid character 'x'"},
		"a comma too many":             {"u.json", "[\n{\"external_id\":\"1\"},\n\n{\"external_id\":\"2\"},\n\n]", "u.json:6: invalid character ']'"},
		"a comma too few":              {"u.json", "[\n{\"external_id\":\"1\"}\n\n{\"external_id\":\"2\"}]", "u.json:4: "},
		"JSON that ends too early":     {"u.json", "[\n{\"email_address\":\"a@example.com\"},\n", "u.json:3: the file ends in the middle"},
		"JSON Lines, broken":           {"u.jsonl", "{\"external_id\":\"u1\"}\n{\"external_id\":\n{\"external_id\":}\n", "u.jsonl:3: invalid character"},
		"a JSON row that ends nowhere": {"u.json", "[\n{\"email_address\":\"a@example", "u.json:2: the file ends in the middle"},
	} {
		t.Run(name, func(t *testing.T) {
			_, _, _, err := all(of(c.file, c.content))
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%v, want %q", err, c.want)
			}
		})
	}
}

// A row that cannot be read is told with its line, and the others are read.
func TestBadRowIsToldAndTheOthersAreRead(t *testing.T) {
	huge := strings.Repeat("x", 2<<20)
	good := func(i int) string { return fmt.Sprintf("u%d,user%d@example.com,Test\n", i, i) }
	for name, c := range map[string]struct {
		file, content string
		line          int
		want          string
	}{
		"too few fields":        {"u.csv", header + good(1) + "u2,b@example.com\n" + good(3), 3, "2 fields where the header has 3"},
		"a row of 2 MB":         {"u.csv", header + good(1) + "u2,b@example.com," + huge + "\n" + good(3), 3, "the row has 20971"},
		"Latin-1":               {"u.csv", header + good(1) + "u2,b@example.com,Zo\xeb\n" + good(3), 3, `column "first_name" is not UTF-8`},
		"a byte order mark":     {"u.csv", "\ufeff" + header + good(1) + "u2\n" + good(3), 3, "1 fields where"},
		"a row over many lines": {"u.csv", header + "u1,user1@example.com,\"Two\nlines\"\nu2\n" + good(3), 4, "1 fields where"},
		"JSON, 2 MB":            {"u.json", "[{\"external_id\":\"u1\"},\n{\"external_id\":\"u2\",\"first_name\":\"" + huge + "\"},\n{\"external_id\":\"u3\"}]", 2, "the row has 20971"},
		"JSON, not an object":   {"u.json", "[{\"external_id\":\"u1\"},\n[1],\n{\"external_id\":\"u3\"}]", 2, "not a JSON object"},
		"JSON, Latin-1":         {"u.json", "[{\"external_id\":\"u1\"},\n{\"external_id\":\"\xfc2\"},\n{\"external_id\":\"u3\"}]", 2, "not UTF-8"},
		"JSON Lines, 2 MB":      {"u.jsonl", "{\"external_id\":\"u1\"}\n{\"first_name\":\"" + huge + "\"}\n{\"external_id\":\"u3\"}\n", 2, "the row has 20971"},
	} {
		t.Run(name, func(t *testing.T) {
			good, bad, _, err := all(of(c.file, c.content))
			if err != nil || len(good) != 2 || len(bad) != 1 || !strings.Contains(bad[c.line], c.want) {
				t.Errorf("%d rows, bad %.300v, %v; want line %d: %s", len(good), bad, err, c.line, c.want)
			}
		})
	}
}

// What people's CSV is like: other separators, comments, no header.
func TestCSVOfEveryKind(t *testing.T) {
	for name, c := range map[string]struct {
		content string
		line    int
		skipped int
	}{
		"commas":                         {"id,mail,n\n1,a@example.com,x\n", 2, 0},
		"semicolons":                     {"id;mail;n\r\n1;a@example.com;x\r\n", 2, 0},
		"tabs":                           {"id\tmail\tn\n1\ta@example.com\tx\n", 2, 0},
		"bars":                           {"id|mail|n\n1|a@example.com|x\n", 2, 0},
		"a quoted separator":             {"\"id\";mail;\"n\"\n1;a@example.com;x\n", 2, 0},
		"comments above":                 {"# The password is \"secret\", for all\n#\nid,mail,n\n1,a@example.com,x\n", 4, 2},
		"a comment below":                {"id,mail,n\n# the first\n\n1,a@example.com,x\n#2,b\n", 4, 2},
		"no header, and its columns":     {"1,a@example.com,true,x\n", 1, 0},
		"no header, its last column off": {"1,a@example.com,false\n", 0, 0},
	} {
		t.Run(name, func(t *testing.T) {
			var columns []string
			if strings.HasPrefix(name, "no header") {
				columns = []string{"id", "mail", "ok", "n", "m"}
			}
			good, bad, r, err := all(of("f", c.content), columns...)
			if err != nil || len(bad) > 0 || r.Skipped() != c.skipped {
				t.Fatalf("%v, bad %v, %d lines skipped", err, bad, r.Skipped())
			}
			if c.line == 0 {
				if len(good) != 0 { // three columns are a header
					t.Errorf("%v", good)
				}
				return
			}
			if f := good[c.line]; len(good) != 1 || f["id"] != "1" || f["mail"] != "a@example.com" || f["n"] != "x" {
				t.Errorf("%v", good)
			}
		})
	}
	// Quotes inside of a field that is not quoted are part of it.
	good, bad, _, err := all(of("f", "id,meta,n\n1,{\"a\": {\"b\": 1}},x\n2,{\"a\": 1, b\": 2},x\n3,\"q\",x\n"))
	if err != nil || good[2]["meta"] != `{"a": {"b": 1}}` || good[2]["n"] != "x" || bad[3] == "" || good[4]["meta"] != "q" {
		t.Errorf("%v, bad %v, %v", good, bad, err)
	}
	// Where others are, it cannot be told what belongs to which.
	if _, _, _, err := all(of("f", "id,meta,n\n1,{\"a\": 1,\"b\": 2},x\n")); err == nil || !strings.Contains(err.Error(), "f:2: column 4: bare") {
		t.Error(err)
	}
	// A row that begins with # is a row, where it has the fields of one.
	good, _, _, _ = all(of("f", "id,mail\n#7,a@example.com\n"))
	if good[2]["id"] != "#7" {
		t.Errorf("%v", good)
	}
}

// A quote that is never closed must not read the rest of the disk into memory.
func TestEndlessRowIsGivenUp(t *testing.T) {
	in := &Input{Name: "u.csv", data: zeros(header + "u1,\""), size: 1 << 40}
	_, _, _, err := all(in)
	if err == nil || !strings.Contains(err.Error(), "u.csv:2: a row is longer than 64 MiB") {
		t.Error(err)
	}
}

// zeros is a text with zeros behind it.
type zeros string

func (z zeros) ReadAt(p []byte, at int64) (int, error) {
	n := 0
	if at < int64(len(z)) {
		n = copy(p, z[at:])
	}
	for i := n; i < len(p); i++ {
		p[i] = '0'
	}
	return len(p), nil
}

// Standard input, which can be read once, can be read twice.
func TestPipeIsReadMoreThanOnce(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("TMPDIR", dir)
	in, err := Open(t.Context(), "-", strings.NewReader(header+"u1,a@example.com,A\n"))
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if good, _, _, err := all(in); err != nil || len(good) != 1 {
			t.Errorf("%v, %v", good, err)
		}
	}
	if err := in.Close(); err != nil {
		t.Error(err)
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

// A pipe that nobody writes to is given up with the context.
func TestSilentPipeEndsWithTheContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	silent, w := io.Pipe()
	defer func() { _ = w.Close() }()
	if _, err := Open(ctx, "-", silent); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	if _, err := Open(t.Context(), t.TempDir(), nil); err == nil || !strings.Contains(err.Error(), "is a directory") {
		t.Error(err)
	}
}
