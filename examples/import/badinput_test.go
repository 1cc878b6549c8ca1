package main

import (
	"fmt"
	"io"
	"strings"
	"testing"
	"unicode/utf16"

	"github.com/clerkthrottle/clerkthrottle-go/clerkthrottle/clerktest"
)

const csvHeader = "external_id,email_address,first_name\n"

// A file that cannot be read as a whole is told, with the line, before anything
// is sent.
func TestUnreadableInputSendsNothing(t *testing.T) {
	utf16le := func(s string) string {
		b := []byte{0xff, 0xfe}
		for _, u := range utf16.Encode([]rune(s)) {
			b = append(b, byte(u), byte(u>>8))
		}
		return string(b)
	}
	for name, c := range map[string]struct{ file, content, want string }{
		"a quote never closed":         {"u.csv", csvHeader + "u1,a@example.com,Ann\nu2,b@example.com,\"Ben\nu3,c@example.com,Cy\n", "u.csv:3: a quote that opens here is not closed"},
		"a quote closed much later":    {"u.csv", csvHeader + "u1,\"a@example.com,Ann\nu2,b@example.com,Ben\nu3,c\"@example.com,Cy\n", "u.csv:2: a quote that opens here"},
		"a quote that swallows a row":  {"u.csv", csvHeader + "u1,a@example.com,\"Ann\nu2,b@example.com,Ben\"\nu3\nu4,d@example.com,\"D\n\",\n", "u.csv:5: the row from here to line 6 has 4 fields where the header has 3"},
		"a quote inside a field":       {"u.csv", csvHeader + "u1,a@example.com,An\"n\n", `u.csv:2: column 20: bare "`},
		"a column twice":               {"u.csv", "external_id,email_address,email_address\n", `the column "email_address" twice`},
		"UTF-16":                       {"u.csv", utf16le(csvHeader + "u1,a@example.com,Zoë\n"), "u.csv:1: the file is UTF-16"},
		"UTF-16 without a mark":        {"u.csv", utf16le(csvHeader)[2:], "u.csv:1: the file holds NUL bytes"},
		"a Latin-1 header":             {"u.csv", "external_id,pr\xe9nom\n", "u.csv:1: the header is not UTF-8"},
		"an empty file":                {"u.csv", "", "u.csv:1: the file is empty"},
		"a header and nothing else":    {"u.csv", csvHeader, "no users in it"},
		"broken JSON":                  {"u.json", "[\n{\"email_address\":\"a@example.com\"},\n{\"email_address\":}\n]", "u.json:3: invalid character"},
		"JSON broken far below":        {"u.json", "[\n{\"external_id\":\"1\"},\n\n\n{\"external_id\":\"2\",\n\n\"first_name\": x}]", "u.json:7: invalid character 'x'"},
		"a comma too many":             {"u.json", "[\n{\"external_id\":\"1\"},\n\n{\"external_id\":\"2\"},\n\n]", "u.json:6: invalid character ']'"},
		"a comma too few":              {"u.json", "[\n{\"external_id\":\"1\"}\n\n{\"external_id\":\"2\"}]", "u.json:4: "},
		"JSON that ends too early":     {"u.json", "[\n{\"email_address\":\"a@example.com\"},\n", "u.json:3: the file ends in the middle of the array"},
		"a JSON row that ends nowhere": {"u.json", "[\n{\"email_address\":\"a@example", "u.json:2: the file ends in the middle"},
		"JSON without users":           {"u.json", "{\n\"people\": []\n}", `an object with a member "users"`},
	} {
		t.Run(name, func(t *testing.T) {
			status, out := run(t, noClerk{t}, write(t, c.file, c.content))
			if status != exitUsage || !strings.Contains(out, c.want) || !strings.Contains(out, "nothing was sent") {
				t.Errorf("exit status %d, want %d and %q:\n%s", status, exitUsage, c.want, out)
			}
		})
	}
}

// A row that is no user is reported with its line, and the others are imported.
func TestBadRowsAreReportedAndTheOthersImported(t *testing.T) {
	huge := strings.Repeat("x", 10<<20)
	good := func(i int) string { return fmt.Sprintf("u%d,user%d@example.com,Test\n", i, i) }
	for name, c := range map[string]struct{ file, content, line, want string }{
		"too few fields":        {"u.csv", csvHeader + good(1) + "u2,b@example.com\n" + good(3), "3", "2 fields where the header has 3"},
		"a row of 10 MB":        {"u.csv", csvHeader + good(1) + "u2,b@example.com," + huge + "\n" + good(3), "3", "the row has 10485"},
		"Latin-1":               {"u.csv", csvHeader + good(1) + "u2,b@example.com,Zo\xeb\n" + good(3), "3", `column "first_name" is not UTF-8`},
		"a byte order mark":     {"u.csv", "\ufeff" + csvHeader + good(1) + ",,Nobody\n" + good(3), "3", "nothing to know the user by"},
		"an id twice":           {"u.csv", csvHeader + good(1) + "u1,other@example.com,Test\n" + good(3), "3", "duplicate: external_id:u1 is on line 2"},
		"an address twice":      {"u.csv", csvHeader + good(1) + "u2,USER1@example.com,Test\n" + good(3), "3", "duplicate: email_address:user1@example.com is on line 2"},
		"a thousand addresses":  {"u.csv", csvHeader + good(1) + "u2," + strings.Repeat("a@example.com|", 1000) + ",Test\n" + good(3), "3", "1000 values, more than the 100"},
		"a row over many lines": {"u.csv", csvHeader + "u1,user1@example.com,\"Two\nlines\"\nu2,nobody,Test\n" + good(3), "4", `email address "nobody" is not valid`},
		"JSON, 10 MB":           {"u.json", "[{\"external_id\":\"u1\"},\n{\"external_id\":\"u2\",\"first_name\":\"" + huge + "\"},\n{\"external_id\":\"u3\"}]", "2", "the row has 10485"},
		"JSON, not an object":   {"u.json", "[{\"external_id\":\"u1\"},\n[1],\n{\"external_id\":\"u3\"}]", "2", "not a JSON object"},
		"JSON, Latin-1":         {"u.json", "[{\"external_id\":\"u1\"},\n{\"external_id\":\"\xfc2\"},\n{\"external_id\":\"u3\"}]", "2", "not UTF-8"},
		"JSON, a wrong type":    {"u.json", "[{\"external_id\":\"u1\"},\n{\"external_id\":\"u2\",\"first_name\":{}},\n{\"external_id\":3}]", "2", `column "first_name": want a string, not an object`},
		"JSON Lines, broken":    {"u.jsonl", "{\"external_id\":\"u1\"}\n{\"external_id\":\n{\"external_id\":\"u3\"}\n", "2", "not a JSON object"},
		"JSON Lines, 10 MB":     {"u.jsonl", "{\"external_id\":\"u1\"}\n{\"first_name\":\"" + huge + "\"}\n{\"external_id\":\"u3\"}\n", "2", "the row has 10485"},
		"JSON Lines, two a row": {"u.jsonl", "{\"external_id\":\"u1\"}\n{\"external_id\":\"u2\"}{\"external_id\":\"u4\"}\n\n{\"external_id\":\"u3\"}", "2", "more than one"},
	} {
		t.Run(name, func(t *testing.T) {
			server := clerktest.New()
			input := write(t, c.file, c.content)
			status, out := run(t, server.RoundTripper(), input)
			if status != exitRejects {
				t.Errorf("exit status %d, want %d:\n%s", status, exitRejects, out)
			}
			rejects := rejectsOf(t, input)
			if len(rejects) != 1 || !strings.Contains(rejects[c.line], c.want) {
				t.Errorf("rejects %.300v, want line %s: %s", rejects, c.line, c.want)
			}
			if !strings.Contains(out, "line "+c.line+": ") {
				t.Errorf("the line is not shown:\n%.500s", out)
			}
			if made := created(server); made != 2 {
				t.Errorf("%d users made, want 2", made)
			}
		})
	}
}

// A quote that is never closed must not read the rest of the disk into memory.
func TestEndlessRowIsGivenUp(t *testing.T) {
	endless := io.MultiReader(strings.NewReader(csvHeader+"u1,\""), io.LimitReader(zeros{}, 1<<40))
	r, err := newReader(endless, "u.csv", "csv", auto)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := r.next(); err == nil || !strings.Contains(err.Error(), "longer than 64 MiB") || r.line() != 2 {
		t.Errorf("line %d: %v", r.line(), err)
	}
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = '0'
	}
	return len(p), nil
}

func TestWrongUsage(t *testing.T) {
	input := write(t, "u.csv", usersCSV(1))
	for want, args := range map[string][]string{
		"want one input file":     {},
		"no such file":            {input + ".not"},
		"-headroom 1":             {"-headroom", "1", input},
		"want https":              {"-url", "http://api.clerk.com/v1", input},
		"want N/window":           {"-limit", "100", input},
		"want reject, drop":       {"-unverified", "maybe", input},
		"want auto or one of":     {"-from", "okta", input},
		`want "Column=field"`:     {"-map", "Mail=mail", input},
		"want csv, json, jsonl":   {"-format", "xml", input},
		"flag provided but not":   {"-what", input},
		"-demo makes its own":     {"-demo", input},
		"-demo-users 0: must be ": {"-demo", "-demo-users", "0"},
	} {
		if status, out := run(t, noClerk{t}, args...); status != exitUsage || !strings.Contains(out, want) {
			t.Errorf("%q: exit status %d, want %d and %q:\n%.300s", args, status, exitUsage, want, out)
		}
	}
}

func TestMissingKey(t *testing.T) {
	var out strings.Builder
	none := func(string) string { return "" }
	input := write(t, "u.csv", usersCSV(3))
	if status := commandOver(t.Context(), noClerk{t}, []string{input}, none, &out, &out); status != exitUsage || !strings.Contains(out.String(), "CLERK_SECRET_KEY is not set") {
		t.Errorf("exit status %d:\n%s", status, out.String())
	}
	if status := commandOver(t.Context(), noClerk{t}, []string{"-dry-run", input}, none, &out, &out); status != exitDone || !strings.Contains(out.String(), "3 users would be made") {
		t.Errorf("-dry-run: exit status %d:\n%s", status, out.String())
	}
}
