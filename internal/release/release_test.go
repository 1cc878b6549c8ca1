package main

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

// thing is a project of three modules, one of them with a tool, and a fourth
// that holds tests.
var thing = map[string]string{
	"go.mod": "module github.com/someone/thing\n\ngo 1.25.0\n",
	"go.work": `go 1.25.0

use (
	.
	./extra
	./extra/extratest
	./examples
)

replace (
	github.com/someone/thing v0.1.0 => .
	github.com/someone/thing/extra v0.1.0 => ./extra
)
`,
	"README.md": `# thing

    go get github.com/someone/thing/greet@latest
    go get github.com/someone/thing/extra@latest          # more of it
    go install github.com/someone/thing/examples/hello@latest

` + "```go" + `
package main

import (
	"fmt"

	"github.com/someone/thing/greet"
)

func main() { fmt.Println(greet.Hello) }
` + "```" + `

It prints

` + "```text" + `
hello
` + "```" + `
`,
	"greet/greet.go":         "package greet\n\nconst Hello = \"hello\"\n",
	"internal/secret/a.go":   "package secret\n\nconst Secret = 1\n",
	"extra/go.mod":           "module github.com/someone/thing/extra\n\ngo 1.25.0\n\nrequire github.com/someone/thing v0.1.0\n",
	"extra/extra.go":         "package extra\n\nimport \"github.com/someone/thing/greet\"\n\nconst Twice = greet.Hello + greet.Hello\n",
	"extra/example_test.go":  "package extra_test\n\nimport \"github.com/someone/thing/extra\"\n\nfunc Example() {\n\tprintln(extra.Twice)\n}\n",
	"extra/extratest/go.mod": "module github.com/someone/thing/extra/extratest\n\ngo 1.25.0\n\nrequire github.com/someone/thing/extra v0.1.0\n\nrequire github.com/someone/thing v0.1.0 // indirect\n",
	"extra/extratest/a.go":   "package extratest\n\nimport _ \"github.com/someone/thing/extra\"\n",
	"examples/go.mod":        "module github.com/someone/thing/examples\n\ngo 1.25.0\n\nrequire github.com/someone/thing v0.1.0\n",
	"examples/go.sum":        "github.com/someone/thing v0.1.0 h1:of+another+tree=\n",
	"examples/hello/hello.go": `package main

import (
	"fmt"
	"runtime/debug"

	"github.com/someone/thing/greet"
)

func main() {
	info, _ := debug.ReadBuildInfo()
	fmt.Println(greet.Hello, info.Main.Version)
}
`,
}

// rehearse rehearses a release of thing, with some of its files changed by edits:
// file, old, new and so on.
func rehearse(t *testing.T, r *release, edits ...string) error {
	t.Helper()
	r.root, r.published, r.tools = t.TempDir(), []string{".", "extra", "examples"}, []string{"examples/hello"}
	r.upstream = []string{"off"}
	for name, text := range thing {
		for i := 0; i < len(edits); i += 3 {
			if edits[i] == name {
				changed := strings.Replace(text, edits[i+1], edits[i+2], 1)
				if changed == text {
					t.Fatalf("%s does not have %q", name, edits[i+1])
				}
				text = changed
			}
		}
		file := filepath.Join(r.root, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(file), 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	command(t.Context(), r.root, nil, "git", "init", "-q")
	return r.run(t.Context())
}

func TestRehearsalFailsOnWhatIsWrong(t *testing.T) {
	for name, c := range map[string]struct {
		edits []string
		want  string
	}{
		"a replace directive": {
			[]string{"examples/go.mod", "v0.1.0\n", "v0.1.0\n\nreplace github.com/someone/thing => ../\n"},
			"examples/go.mod has a replace directive",
		},
		"a requirement that is missing": {
			[]string{"extra/go.mod", "\n\nrequire github.com/someone/thing v0.1.0", ""},
			"extra/go.mod or its go.sum is not tidy",
		},
		"a requirement of another version": {
			[]string{"examples/go.mod", "v0.1.0", "v0.0.9"},
			"different versions of each other",
		},
		"an internal import across modules": {
			[]string{"extra/extra.go", "thing/greet\"", "thing/greet\"\nimport _ \"github.com/someone/thing/internal/secret\""},
			"thing/extra imports github.com/someone/thing/internal/secret",
		},
		"a wrong package in the README": {
			[]string{"README.md", "thing/greet@latest", "thing/great@latest"},
			"does not contain package github.com/someone/thing/great",
		},
		"a wrong import in the README": {
			[]string{"README.md", "\"github.com/someone/thing/greet\"", "\"github.com/someone/thing/great\""},
			"no required module provides package github.com/someone/thing/great",
		},
		"a wrong output in the README": {
			[]string{"README.md", "\nhello\n", "\ngoodbye\n"},
			"the program printed\nhello\nand the page says\ngoodbye",
		},
		"a module that no page tells to get": {
			[]string{"README.md", "go get github.com/someone/thing/extra", "go get github.com/someone/thing/greet"},
			"no page says: go get github.com/someone/thing/extra",
		},
		"a tool that does not know its version": {
			[]string{"examples/hello/hello.go", "info.Main.Version", "info.GoVersion"},
			"hello -version says",
		},
		"a published module that needs an unpublished one": {
			[]string{"examples/go.mod", "require github.com/someone/thing v0.1.0", "require github.com/someone/thing/extra/extratest v0.1.0"},
			"which is not",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if err := rehearse(t, &release{}, c.edits...); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%v, want %q", err, c.want)
			}
		})
	}
}

// A rehearsal that passes writes the new version, with its modules' hashes, into the
// work tree, and leaves the binaries.
func TestRehearsalWritesTheVersionAndTheBinaries(t *testing.T) {
	r := &release{version: "v0.2.0", dist: t.TempDir(), targets: []string{runtime.GOOS + "/" + runtime.GOARCH}}
	if err := rehearse(t, r); err != nil {
		t.Fatal(err)
	}
	for file, want := range map[string]string{
		"go.work":                "github.com/someone/thing/extra v0.2.0 => ./extra",
		"examples/go.mod":        "require github.com/someone/thing v0.2.0",
		"examples/go.sum":        "github.com/someone/thing v0.2.0 h1:",
		"extra/extratest/go.sum": "github.com/someone/thing/extra v0.2.0 h1:",
	} {
		text, err := os.ReadFile(filepath.Join(r.root, file))
		if err != nil || !strings.Contains(string(text), want) || strings.Contains(string(text), "v0.1.0") {
			t.Errorf("%s: %v, want %q:\n%s", file, err, want, text)
		}
	}
	sums, err := os.ReadFile(filepath.Join(r.dist, "SHA256SUMS"))
	if err != nil {
		t.Fatal(err)
	}
	name := "thing-hello_v0.2.0_" + runtime.GOOS + "_" + runtime.GOARCH
	if out := command(t.Context(), r.dist, nil, "./"+name); out != "hello v0.2.0" || !strings.Contains(string(sums), "  "+name+"\n") {
		t.Errorf("it says %q, and the checksums are\n%s", out, sums)
	}
}

func TestPageTellsWhatToDo(t *testing.T) {
	const text = "go get it\n\n    $ go get example.com/thing@latest   # it\n    go install other.com/x@latest\n\n" +
		"```go\npart()\n```\n\n```go\npackage main\n\nfunc main() {}\n```\n\nIt `prints`\n\n```text\nhello\n```\n\n" +
		"```go\npackage main // prints nothing\n```\n```go\npackage main\n```\n\n```sh\ngo install example.com/thing/x@latest\n```\n```text\nelse\n```\n"
	want := page{"p", []string{"go get example.com/thing@latest", "go install example.com/thing/x@latest"}, []program{{"package main\n\nfunc main() {}\n", "hello\n"}, {"package main\n", ""}}}
	if got := parse("p", text, "example.com/thing"); fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("%q, want %q", got, want)
	}
}
