package rows

import (
	"fmt"
	"strings"
	"testing"
	"unicode/utf16"
)

const header = "external_id,email_address,first_name\n"

// all reads a file to its end: the rows by their lines, and the reasons of those
// that could not be read.
func all(content string, columns ...string) (good map[int]map[string]any, bad map[int]string, err error) {
	good, bad = map[int]map[string]any{}, map[int]string{}
	for row, err := range Read([]byte(content), columns) {
		switch {
		case err != nil:
			return good, bad, err
		case row.Bad != "":
			bad[row.Line] = row.Bad
		default:
			good[row.Line] = row.Fields
		}
	}
	return good, bad, nil
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
	for name, c := range map[string]struct{ content, want string }{
		"a quote never closed":         {header + "u1,a@example.com,Ann\nu2,b@example.com,\"Ben\nu3,c@example.com,Cy\n", "3: a quote that opens here is not closed"},
		"a quote closed much later":    {header + "u1,\"a@example.com,Ann\nu2,b@example.com,Ben\nu3,c\"@example.com,Cy\n", "2: a quote that opens here"},
		"a quote that swallows a row":  {header + "u1,a@example.com,\"Ann\nu2,b@example.com,Ben\"\nu3\nu4,d@example.com,\"D\n\",\n", "5: the row from here to line 6 has 4 fields where the header has 3"},
		"a quote inside a field":       {header + "u1,a@example.com,\"An\"n\n", `2: column 21: extraneous or missing "`},
		"below a comment":              {"# one\n# two\n" + header + "u1,a@example.com,\"An\"n\n", `4: column 21: extraneous or missing "`},
		"a column twice":               {"external_id,email_address,email_address\n", `the column "email_address" twice`},
		"UTF-16":                       {utf16le(header + "u1,a@example.com,Zoë\n"), "1: the file is UTF-16"},
		"UTF-16 without a mark":        {utf16le(header)[2:], "1: the file is UTF-16, or no text"},
		"a Latin-1 header":             {"external_id,pr\xe9nom\n", "1: the header is not UTF-8"},
		"an empty file":                {"", "1: the file is empty"},
		"nothing but a comment":        {"# nobody\n", "1: the file is empty"},
		"broken JSON":                  {"[\n{\"email_address\":\"a@example.com\"},\n{\"email_address\":}\n]", "3: invalid character"},
		"JSON broken far below":        {"[\n{\"external_id\":\"1\"},\n\n\n{\"external_id\":\"2\",\n\n\"first_name\": x}]", "7: invalid character 'x'"},
		"a comma too many":             {"[\n{\"external_id\":\"1\"},\n\n{\"external_id\":\"2\"},\n\n]", "6: invalid character ']'"},
		"a comma too few":              {"[\n{\"external_id\":\"1\"}\n\n{\"external_id\":\"2\"}]", "4: "},
		"JSON that ends too early":     {"[\n{\"email_address\":\"a@example.com\"},\n", "3: the file ends in the middle"},
		"JSON Lines, broken":           {"{\"external_id\":\"u1\"}\n{\"external_id\":\n{\"external_id\":}\n", "3: invalid character"},
		"a JSON row that ends nowhere": {"[\n{\"email_address\":\"a@example", "2: the file ends in the middle"},
	} {
		t.Run(name, func(t *testing.T) {
			_, _, err := all(c.content)
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
		content string
		line    int
		want    string
	}{
		"too few fields":        {header + good(1) + "u2,b@example.com\n" + good(3), 3, "2 fields where the header has 3"},
		"a row of 2 MB":         {header + good(1) + "u2,b@example.com," + huge + "\n" + good(3), 3, "the row has 20971"},
		"Latin-1":               {header + good(1) + "u2,b@example.com,Zo\xeb\n" + good(3), 3, "the row is not UTF-8"},
		"a byte order mark":     {"\ufeff" + header + good(1) + "u2\n" + good(3), 3, "1 fields where"},
		"a row over many lines": {header + "u1,user1@example.com,\"Two\nlines\"\nu2\n" + good(3), 4, "1 fields where"},
		"JSON, 2 MB":            {"[{\"external_id\":\"u1\"},\n{\"external_id\":\"u2\",\"first_name\":\"" + huge + "\"},\n{\"external_id\":\"u3\"}]", 2, "the row has 20971"},
		"JSON, not an object":   {"[{\"external_id\":\"u1\"},\n[1],\n{\"external_id\":\"u3\"}]", 2, "not a JSON object"},
		"JSON, Latin-1":         {"[{\"external_id\":\"u1\"},\n{\"external_id\":\"\xfc2\"},\n{\"external_id\":\"u3\"}]", 2, "not UTF-8"},
		"JSON Lines, 2 MB":      {"{\"external_id\":\"u1\"}\n{\"first_name\":\"" + huge + "\"}\n{\"external_id\":\"u3\"}\n", 2, "the row has 20971"},
	} {
		t.Run(name, func(t *testing.T) {
			good, bad, err := all(c.content)
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
	}{
		"commas":                         {"id,mail,n\n1,a@example.com,x\n", 2},
		"semicolons":                     {"id;mail;n\r\n1;a@example.com;x\r\n", 2},
		"tabs":                           {"id\tmail\tn\n1\ta@example.com\tx\n", 2},
		"bars":                           {"id|mail|n\n1|a@example.com|x\n", 2},
		"a quoted separator":             {"\"id\";mail;\"n\"\n1;a@example.com;x\n", 2},
		"comments above":                 {"# The password is \"secret\", for all\n#\nid,mail,n\n1,a@example.com,x\n", 4},
		"no header, and its columns":     {"1,a@example.com,true,x\n", 1},
		"no header, its last column off": {"1,a@example.com,false\n", 0},
	} {
		t.Run(name, func(t *testing.T) {
			var columns []string
			if strings.HasPrefix(name, "no header") {
				columns = []string{"id", "mail", "ok", "n", "m"}
			}
			good, bad, err := all(c.content, columns...)
			if err != nil || len(bad) > 0 {
				t.Fatalf("%v, bad %v", err, bad)
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
	good, bad, err := all("id,meta,n\n1,{\"a\": {\"b\": 1}},x\n2,{\"a\": 1, b\": 2},x\n3,\"q\",x\n")
	if err != nil || good[2]["meta"] != `{"a": {"b": 1}}` || good[2]["n"] != "x" || bad[3] == "" || good[4]["meta"] != "q" {
		t.Errorf("%v, bad %v, %v", good, bad, err)
	}
	// Where others are, it cannot be told what belongs to which.
	if _, _, err := all("id,meta,n\n1,{\"a\": 1,\"b\": 2},x\n"); err == nil || !strings.Contains(err.Error(), "2: column 4: bare") {
		t.Error(err)
	}
	// A row that begins with # is a row, where it has the fields of one, and else
	// no comment either.
	good, bad, _ = all("id,mail\n#7,a@example.com\n# a comment\n")
	if good[2]["id"] != "#7" || !strings.Contains(bad[3], "comments stand above the header") {
		t.Errorf("%v, bad %v", good, bad)
	}
}
