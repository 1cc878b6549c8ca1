package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/clerkthrottle/clerkthrottle-go/examples/import/internal/standin"
)

// Files in the formats of Clerk's migration tool and script, as they are made up
// by no one but their systems: who is at Clerk afterwards, with which addresses
// verified and which not, what kind of password, and whether banned; and who is
// not, for which reason. See testdata/samples.
func TestSamplesOfEverySourceAreImported(t *testing.T) {
	for name, c := range map[string]struct {
		flags string
		want  []string
	}{
		"auth0.json": {"", []string{"6573765d0000000000000001 [ann@example.com] [] bcrypt", "6573765d0000000000000002 [] [ben@example.com] bcrypt",
			"6573765d0000000000000003 [+12125550103] []", "6573765d0000000000000004 [dee@example.com] [] banned"}},
		"auth0.jsonl": {"", []string{"auth0|1 [ann@example.com] [] bcrypt", "auth0|2 [] [ben@example.com] banned", "google-oauth2|3 [cy@example.com] []"}},
		"authjs.json": {"-from authjs", []string{"1 [ann@example.com] []", "2 [] [ben@example.com]", "3 [cy@example.com] []", "4 [] [dee@example.com] bcrypt", "5 [] [+12125550105]"}},
		"authjs.csv":  {"", []string{"1 [ann@example.com] []", "2 [] [ben@example.com]"}},
		"script.json": {"", []string{"1 [] [ann@example.com] bcrypt", "2 [] [ben@example.com] bcrypt", "3 [] [cy@example.com] md5",
			"line 5 external_id:4 a password hash whose kind", "line 6 external_id:5 duplicate: email_address:ann@example.com"}},
		"betterauth.json": {"", []string{"b1 [ann@example.com] [] bcrypt", "b2 [ben@example.com] [+12125550102] bcrypt", "b3 [] [cy@example.com]", "b4 [dee@example.com] [] bcrypt banned",
			"line 6 external_id:b5 a password hash whose kind"}},
		"clerk.csv":     {"", []string{"user_1 [ann@example.com] [] bcrypt", "user_2 [ben@example.com ben2@example.com] [ben3@example.com]", "user_3 [+12125550103] [cy@example.com]"}},
		"clerk.json":    {"", []string{"user_1 [] [ann@example.com ann2@example.com]", "user_2 [ben@example.com] [] bcrypt banned"}},
		"firebase.csv":  {"", []string{"fb1 [ann@example.com] [] scrypt_firebase", "fb2 [] [ben@example.com]", "fb3 [+12125550103] []", "fb4 [dee@example.com] [] scrypt_firebase banned"}},
		"firebase.json": {"", []string{"fb1 [ann@example.com] [] scrypt_firebase", "fb2 [] [ben@example.com]", "fb3 [+12125550103] []", "fb4 [dee@example.com] [] banned"}},
		"supabase.csv": {"", []string{"s1 [ann@example.com] [] bcrypt", "s2 [] [ben@example.com]", "s3 [+12125550103] []", "s4 [dee@example.com] [] bcrypt banned",
			"s5 [eve@example.com] [eve2@example.com] bcrypt", "line 7 external_id:s6 the user was deleted"}},
		"supabase.json": {"", []string{"s1 [ann@example.com] [] bcrypt", "s2 [] [ben@example.com]", "s3 [+12125550103] []"}},
	} {
		t.Run(name, func(t *testing.T) {
			content, err := os.ReadFile(filepath.Join("testdata/samples", name))
			if err != nil {
				t.Fatal(err)
			}
			server, clerk := standin.New()
			input := write(t, name, string(content))
			_, out := run(t, server.RoundTripper(), append(strings.Fields(c.flags), "-quiet", input)...)
			var got []string
			for _, u := range clerk.All {
				if u.Create["password"] != nil {
					t.Errorf("%s: a password went out", *u.ExternalID)
				}
				line := fmt.Sprint(*u.ExternalID, " ", u.Verified, " ", u.Unverified)
				if hasher := u.Create["password_hasher"]; hasher != nil {
					line += fmt.Sprint(" ", hasher)
				}
				if u.Banned {
					line += " banned"
				}
				got = append(got, line)
			}
			for line, reject := range rejectsOf(t, input) {
				got = append(got, fmt.Sprintf("line %s %s %s", line, reject.user, reject.reason))
			}
			slices.Sort(got)
			slices.Sort(c.want)
			if !slices.EqualFunc(got, c.want, strings.HasPrefix) {
				t.Errorf("\n got %q\nwant %q\n%s", got, c.want, out)
			}
		})
	}
}

// The rest of what a whole run says: the exit status, the rejects with their
// users, and what is not imported.
func TestRejectsAreListedAndTheOthersImported(t *testing.T) {
	server, clerk := standin.New()
	input := write(t, "u.csv", "id;verified_email_address;shoe size\nu1;a@example.com;42\nu2;nobody;\n;;\nu1;b@example.com;\nu5\n")
	status, out := run(t, server.RoundTripper(), input)
	want := map[string]reject{
		"3": {"external_id:u2", `email address "nobody" is not valid`},
		"4": {"", "no external id, email address, phone number or username: nothing to identify the user by"},
		"5": {"external_id:u1", "duplicate: external_id:u1 is on line 2 already"},
		"6": {"", "the row has 1 fields where the header has 3"},
	}
	if got := rejectsOf(t, input); status != exitRejects || fmt.Sprint(got) != fmt.Sprint(want) || len(clerk.All) != 1 {
		t.Errorf("exit status %d, %d users, rejects %v", status, len(clerk.All), got)
	}
	for _, part := range []string{"1 users, 4 invalid rows", "in no known export format", "shoe size (1)", "line 3: email address", "1 users made", "4 rows rejected"} {
		if !strings.Contains(out, part) {
			t.Errorf("%q is missing:\n%s", part, out)
		}
	}
	if now, _ := os.ReadFile(input); !strings.HasPrefix(string(now), "id;") {
		t.Error("the input has changed")
	}
}

func TestUnreadableInputSendsNothing(t *testing.T) {
	for content, want := range map[string]string{"": "u.csv:1: the file is empty", csvHeader: "no users in it", csvHeader + "u1,\"a\nb": "u.csv:2: a quote that opens here"} {
		status, out := run(t, noClerk{t}, write(t, "u.csv", content))
		if status != exitUsage || !strings.Contains(out, want) || !strings.Contains(out, "nothing was sent") {
			t.Errorf("exit status %d, want %q:\n%s", status, want, out)
		}
	}
}

// Whatever name is given for a file to write, nothing that exists and is not
// ours is touched.
func TestNothingForeignIsWritten(t *testing.T) {
	input := write(t, "u.csv", usersCSV(2)+"u1,,\n")
	precious := write(t, "precious.txt", "precious")
	for _, args := range [][]string{
		{"-rejects", input}, {"-journal", input}, {"-rejects", precious}, {"-journal", precious}, {"-dry-run", "-rejects", input}, {"-dry-run", "-rejects", precious},
		{"-rejects", input + ".journal"}, {"-rejects", filepath.Dir(input)}, {"-journal", filepath.Dir(input)}, {"-rejects", filepath.Dir(input) + "/../" + filepath.Base(filepath.Dir(input)) + "/u.csv"},
	} {
		if status, out := run(t, noClerk{t}, append(args, input)...); status != exitUsage {
			t.Errorf("%q: exit status %d:\n%s", args, status, out)
		}
		a, _ := os.ReadFile(input)
		b, _ := os.ReadFile(precious)
		if !strings.HasPrefix(string(a), csvHeader) || string(b) != "precious" {
			t.Fatalf("%q: the input is now %q, the other file %q", args, a, b)
		}
	}
}

// Standard input and a pipe are imported, and a second run with the same journal
// finds everything done.
func TestStandardInputAndPipeAreImported(t *testing.T) {
	server, clerk := standin.New(limits(100, time.Second))
	journal := filepath.Join(t.TempDir(), "journal")
	if status, out := runWith(t, noClerk{t}, usersCSV(3), "-"); status != exitUsage || !strings.Contains(out, "say with -journal") {
		t.Errorf("without a journal: exit status %d:\n%s", status, out)
	}
	if status, out := runWith(t, noClerk{t}, usersCSV(3), "-dry-run", "-"); status != exitDone || !strings.Contains(out, "3 users would be made") {
		t.Errorf("-dry-run: exit status %d:\n%s", status, out)
	}
	if status, out := runWith(t, server.RoundTripper(), usersCSV(3), "-limit", "100/1s", "-journal", journal, "-"); status != exitDone || len(clerk.All) != 3 {
		t.Errorf("exit status %d:\n%s", status, out)
	}
	if runtime.GOOS == "windows" {
		return
	}
	fifo := filepath.Join(t.TempDir(), "fifo")
	if err := exec.Command("mkfifo", fifo).Run(); err != nil {
		t.Skipf("mkfifo: %v", err)
	}
	go func() {
		if f, err := os.OpenFile(fifo, os.O_WRONLY, 0); err == nil {
			_, _ = f.WriteString(usersCSV(5))
			_ = f.Close()
		}
	}()
	if status, out := run(t, server.RoundTripper(), "-limit", "100/1s", "-journal", journal, fifo); status != exitDone || len(clerk.All) != 5 || !strings.Contains(out, "3 settled before") {
		t.Errorf("a pipe: exit status %d:\n%s", status, out)
	}
}

// A dry run says what would happen, shows a user without secrets, writes the
// rejects and sends nothing; it needs no key.
func TestDryRunSendsNothing(t *testing.T) {
	input := write(t, "c.csv", "id,email,password\nu1,a@example.com,Tr0ub4dor\nu2,b,\n")
	var out strings.Builder
	p := &program{env: func(string) string { return "" }, out: &out, err: &out, base: noClerk{t}}
	status := p.run([]string{"-dry-run", input})
	if status != exitRejects || len(rejectsOf(t, input)) != 1 {
		t.Errorf("exit status %d, rejects %v", status, rejectsOf(t, input))
	}
	for part, shown := range map[string]bool{"1 users would be made, 1 rows rejected": true, `"external_id":"u1"`: true, `POST /email_addresses {"email_address":"a@example.com","verified":false}`: true, "Tr0ub4dor": false} {
		if strings.Contains(out.String(), part) != shown {
			t.Errorf("%s is shown: %v:\n%s", part, !shown, out.String())
		}
	}
	if _, err := os.Stat(input + ".journal"); !os.IsNotExist(err) {
		t.Error("a journal was written")
	}
	if status := p.run([]string{input}); status != exitUsage || !strings.Contains(out.String(), "CLERK_SECRET_KEY is not set") {
		t.Errorf("without a key: exit status %d:\n%s", status, out.String())
	}
}

// Wrong usage exits 2, names what is wrong in one line, and does not print the
// usage, which begins with a sentence.
func TestWrongUsageIsNamedInOneLine(t *testing.T) {
	input := write(t, "u.csv", usersCSV(1))
	for want, args := range map[string][]string{
		"an input file is missing": {},
		"there is one input file":  {input, "-quiet"},
		"no such file":             {input + ".not"},
		"-headroom 1":              {"-headroom", "1", input},
		"-url: want https":         {"-url", "http://api.clerk.com/v1", input},
		"-limit: want N/window":    {"-limit", "100", input},
		"-unverified \"maybe\"":    {"-unverified", "maybe", input},
		"-from \"okta\"":           {"-from", "okta", input},
		"-map \"Mail=mail\"":       {"-map", "Mail=mail", input},
		"not defined: -what":       {"-what", input},
		"-demo makes its own":      {"-demo", input},
		"-demo-users 0: must be":   {"-demo", "-demo-users", "0"},
		"is a directory":           {"-journal", input + ".j", filepath.Dir(input)},
	} {
		if status, out := run(t, noClerk{t}, args...); status != exitUsage || !strings.Contains(out, want) || strings.Count(out, "\n") != 2 {
			t.Errorf("%q: exit status %d, want %d and %q:\n%.500s", args, status, exitUsage, want, out)
		}
	}
	if status, out := run(t, noClerk{t}, "-h"); status != exitDone || !strings.HasPrefix(out, "Import creates the users of a file in Clerk") || !strings.Contains(out, "-assume-verified") {
		t.Errorf("-h: exit status %d:\n%s", status, out)
	}
	if status, out := run(t, noClerk{t}, "-version"); status != exitDone || !strings.HasPrefix(out, "import (devel)") {
		t.Errorf("-version: exit status %d: %s", status, out)
	}
}

// The demo works without an account.
func TestDemoWorksWithoutAnAccount(t *testing.T) {
	status, out := run(t, nil, "-demo", "-demo-users", "30", "-limit", "100/1s")
	if status != exitDone || !strings.Contains(out, "30 users at Clerk, 30 requests, 0 answered 429") {
		t.Errorf("exit status %d:\n%s", status, out)
	}
}

// The secret key is in no file that the import leaves behind, nor in its words.
func TestKeyIsNowhere(t *testing.T) {
	server, _ := standin.New()
	input := write(t, "u.csv", usersCSV(3)+"u1,twice@example.com,X\n")
	_, out := run(t, server.RoundTripper(), input)
	journal, _ := os.ReadFile(input + ".journal")
	rejects, _ := os.ReadFile(input + ".rejects.csv")
	if all := out + string(journal) + string(rejects); strings.Contains(all, testKey) || len(journal) == 0 || len(rejects) == 0 {
		t.Errorf("the key shows, or nothing was written:\n%s", all)
	}
}
