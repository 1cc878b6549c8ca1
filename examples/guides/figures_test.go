package guides_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var (
	goTest   = regexp.MustCompile("go test (\\./[^ `]+)[^`\n]*")
	selected = regexp.MustCompile(`-(run|bench) '?([^ '` + "`" + `]+)`)
	declared = regexp.MustCompile(`(?m)^func ((?:Test|Benchmark|Fuzz)\w+)\(`)
)

// A command that prints a figure names tests that there are, whatever they are
// called today.
func TestCommandsNameTestsThatExist(t *testing.T) {
	commands := 0
	for _, page := range append(guides(t), "../../README.md", "../../internal/bench/README.md", "../../internal/adapt/doc.go", "../../clerkthrottle/redisbudget/README.md") {
		for _, m := range goTest.FindAllStringSubmatch(strings.ReplaceAll(read(t, page), `\|`, "|"), -1) {
			all := testsIn(t, filepath.Join("../..", m[1]))
			if len(all) == 0 {
				t.Errorf("%s: %s: there are no tests", page, m[0])
			}
			for _, s := range selected.FindAllStringSubmatch(m[0], -1) {
				if s[2] == "-" { // no test, only benchmarks
					continue
				}
				for part := range strings.SplitSeq(s[2], "|") {
					commands++
					if kind := map[string]string{"run": "Test", "bench": "Benchmark"}[s[1]]; !matches(all, kind, part) {
						t.Errorf("%s: %s: nothing matches %q", page, m[0], part)
					}
				}
			}
		}
	}
	if commands < 20 {
		t.Errorf("only %d commands: the test looks in the wrong place", commands)
	}
}

// testsIn lists the tests of a package, or of all below a folder where the path
// ends in "...".
func testsIn(t *testing.T, path string) (all []string) {
	t.Helper()
	root, below := strings.CutSuffix(path, "...")
	err := filepath.WalkDir(root, func(file string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && !below && filepath.Clean(file) != filepath.Clean(root):
			return fs.SkipDir
		case !strings.HasSuffix(file, "_test.go"):
			return nil
		}
		text, err := os.ReadFile(file)
		for _, m := range declared.FindAllStringSubmatch(string(text), -1) {
			all = append(all, m[1])
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
	return all
}

func matches(names []string, kind, pattern string) bool {
	re, err := regexp.Compile(pattern)
	for _, n := range names {
		if err == nil && strings.HasPrefix(n, kind) && (re.MatchString(n) || kind == "Benchmark" && re.MatchString(strings.TrimPrefix(n, kind))) {
			return true
		}
	}
	return false
}
