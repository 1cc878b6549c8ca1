package guides_test

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the code into the guides")

var (
	block  = regexp.MustCompile("(?ms)^(<!-- code: (\\S+)#(\\S+) -->\n)?```go\n(.*?)^```\n")
	region = regexp.MustCompile(`(?ms)^\t*// guide: (\S+)\n(.*?)^\t*// guide end\n`)
	link   = regexp.MustCompile(`\]\(([^)#\s]+)(#[^)\s]*)?\)`)
)

func guides(t *testing.T) []string {
	t.Helper()
	files, err := filepath.Glob("*.md")
	if err != nil || len(files) < 8 {
		t.Fatalf("%v: %v", files, err)
	}
	return append(files, "../import/README.md", "../sidecar/README.md", "../frontendproxy/README.md")
}

func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// Every block of Go in a guide is a piece of a file that compiles and is tested.
func TestGuidesHoldTestedCode(t *testing.T) {
	for _, guide := range guides(t) {
		text := read(t, guide)
		fresh := block.ReplaceAllStringFunc(text, func(b string) string {
			m := block.FindStringSubmatch(b)
			if m[1] == "" {
				t.Errorf("%s: a block of Go comes from no file:\n%s", guide, m[4])
				return b
			}
			code, err := regionOf(m[2], m[3])
			if err != nil {
				t.Errorf("%s: %v", guide, err)
				return b
			}
			return m[1] + "```go\n" + code + "```\n"
		})
		if fresh == text {
			continue
		}
		if !*update {
			t.Errorf("%s is not up to date: go test ./examples/guides -run Guides -update", guide)
		} else if err := os.WriteFile(guide, []byte(fresh), 0o644); err != nil {
			t.Error(err)
		}
	}
}

// regionOf cuts a piece out of a file and moves it to the left margin.
func regionOf(file, name string) (string, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return "", err
	}
	for _, m := range region.FindAllStringSubmatch(string(text), -1) {
		if m[1] != name {
			continue
		}
		lines := strings.SplitAfter(m[2], "\n")
		indent := len(lines[0]) - len(strings.TrimLeft(lines[0], "\t"))
		for i, l := range lines {
			lines[i] = strings.TrimPrefix(l, strings.Repeat("\t", min(indent, len(l)-len(strings.TrimLeft(l, "\t")))))
		}
		return strings.Join(lines, ""), nil
	}
	return "", fmt.Errorf("%s has no piece %q", file, name)
}

func TestLinksBetweenFilesLeadSomewhere(t *testing.T) {
	for _, guide := range append(guides(t), "../../README.md", "../../CONTRIBUTING.md", "../../internal/bench/README.md") {
		for _, m := range link.FindAllStringSubmatch(read(t, guide), -1) {
			if strings.Contains(m[1], "://") {
				continue
			}
			if _, err := os.Stat(filepath.Join(filepath.Dir(guide), m[1])); err != nil {
				t.Errorf("%s: %v", guide, err)
			}
		}
	}
}
