package guides_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"strings"
	"testing"
)

// The page of options names every option that there is, and none that is not.
func TestEveryOptionIsOnThePage(t *testing.T) {
	page := read(t, "options.md")
	for pkg, dir := range map[string]string{
		"clerkthrottle": "../../clerkthrottle", "redisbudget": "../../clerkthrottle/redisbudget",
		"statuspage": "../../clerkthrottle/statuspage", "otelthrottle": "../../clerkthrottle/otelthrottle",
		"clerktest": "../../clerkthrottle/clerktest",
	} {
		section, _, _ := strings.Cut(after(page, "## "+pkg+"\n"), "\n## ")
		known := optionsIn(t, dir)
		for _, option := range known {
			if !strings.Contains(section, "| `"+option+"(") {
				t.Errorf("options.md says nothing of %s.%s", pkg, option)
			}
		}
		for line := range strings.Lines(section) {
			name, _, ok := strings.Cut(strings.TrimPrefix(line, "| `"), "(")
			if ok && strings.HasPrefix(line, "| `") && !contains(known, name) {
				t.Errorf("options.md: %s has no %s", pkg, name)
			}
		}
	}
}

func after(s, mark string) string {
	_, rest, _ := strings.Cut(s, mark)
	return rest
}

func contains(list []string, s string) bool {
	for _, l := range list {
		if l == s {
			return true
		}
	}
	return false
}

// optionsIn lists the exported functions of a package whose names begin with
// With; none if there is no such package.
func optionsIn(t *testing.T, dir string) []string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if os.IsNotExist(err) {
		return nil
	}
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		if !strings.HasSuffix(e.Name(), ".go") || strings.HasSuffix(e.Name(), "_test.go") {
			continue
		}
		f, err := parser.ParseFile(token.NewFileSet(), dir+"/"+e.Name(), nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range f.Decls {
			if fn, ok := d.(*ast.FuncDecl); ok && fn.Recv == nil && strings.HasPrefix(fn.Name.Name, "With") {
				names = append(names, fn.Name.Name)
			}
		}
	}
	return names
}
