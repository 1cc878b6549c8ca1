package clerkthrottle_test

import (
	"encoding/json"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const modulePath = "github.com/clerkthrottle/clerkthrottle-go"

// dependencies are all that the root module hands to those who import it.
var dependencies = []string{
	"github.com/cenkalti/backoff/v4",
	"github.com/hashicorp/go-retryablehttp",
	"golang.org/x/time",
}

// source is one Go file of the repository.
type source struct {
	dir, name string // dir is relative to the repository, "" its root
	module    string // the folder of its go.mod
	ast       *ast.File
}

func (s source) String() string { return path.Join(s.dir, s.name) }
func (s source) isTest() bool   { return strings.HasSuffix(s.name, "_test.go") }

func (s source) imports() []string {
	var all []string
	for _, spec := range s.ast.Imports {
		p, _ := strconv.Unquote(spec.Path.Value)
		all = append(all, p)
	}
	return all
}

// repository reads the package clauses and imports of every Go file, of all
// modules and for all platforms.
func repository(t *testing.T) []source {
	t.Helper()
	root := os.DirFS("..")
	if _, err := fs.Stat(root, "go.mod"); err != nil {
		t.Fatal(err)
	}
	var files []source
	module := map[string]string{".": "."}
	err := fs.WalkDir(root, ".", func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			if p != "." && (strings.ContainsAny(d.Name()[:1], "._") || d.Name() == "testdata") {
				return fs.SkipDir
			}
			if p != "." {
				module[p] = module[path.Dir(p)]
			}
			if _, err := fs.Stat(root, path.Join(p, "go.mod")); err == nil {
				module[p] = p
			}
			return nil
		}
		if path.Ext(p) != ".go" {
			return nil
		}
		f, err := parser.ParseFile(token.NewFileSet(), filepath.Join("..", filepath.FromSlash(p)), nil, parser.ImportsOnly|parser.ParseComments)
		if err != nil {
			return err
		}
		files = append(files, source{path.Dir(p), d.Name(), module[path.Dir(p)], f})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// layer is how far up a folder of the repository stands: imports run down.
func layer(dir string) int {
	switch first, _, _ := strings.Cut(dir, "/"); {
	case first == "examples", strings.HasPrefix(dir, "internal/bench"), dir == "internal/release": // programs: they may use everything
		return 4
	case first == "clerkthrottle":
		return 3
	case first == "transport":
		return 2
	case first == "internal":
		return 1
	default:
		return 0 // no code belongs there
	}
}

// program is the folder of the program that a folder in the topmost layer is of.
func program(dir string) string {
	return path.Join(strings.SplitN(dir+"//", "/", 3)[:2]...)
}

func TestImportsRunDownward(t *testing.T) {
	seen := map[int]bool{}
	for _, f := range repository(t) {
		from := layer(f.dir)
		seen[from] = true
		if from == 0 {
			t.Errorf("%s: there is no code in this folder's layer", f)
		}
		for _, p := range f.imports() {
			to, own := strings.CutPrefix(p, modulePath+"/")
			switch {
			case !own:
			case layer(to) > from:
				t.Errorf("%s imports %s, which stands above it", f, to)
			case from == 4 && layer(to) == 4 && program(to) != program(f.dir) && !strings.HasPrefix(to, "examples/internal/"):
				t.Errorf("%s imports %s, another program", f, to)
			case f.dir == "clerkthrottle" && layer(to) == 3 && !f.isTest():
				t.Errorf("%s imports %s, which stands on it", f, to)
			}
		}
	}
	for l := range 3 {
		if !seen[l+1] {
			t.Errorf("no code in layer %d: the test looks in the wrong place", l+1)
		}
	}
}

func TestEveryPackageHasOneComment(t *testing.T) {
	comments := map[string][]string{}
	for _, f := range repository(t) {
		if f.isTest() {
			continue
		}
		pkg := f.dir + " " + f.ast.Name.Name
		comments[pkg] = append(comments[pkg], f.ast.Doc.Text())
	}
	for pkg, all := range comments {
		all = slices.DeleteFunc(all, func(s string) bool { return strings.TrimSpace(s) == "" })
		dir, name, _ := strings.Cut(pkg, " ")
		switch {
		case len(all) != 1:
			t.Errorf("%s: package %s has %d package comments, want 1", dir, name, len(all))
		case name != "main" && !strings.HasPrefix(all[0], "Package "+name+" "):
			t.Errorf("%s: the package comment begins %.30q, want \"Package %s …\"", dir, all[0], name)
		}
	}
}

func TestRootModuleHasThreeDependencies(t *testing.T) {
	out, err := exec.Command("go", "mod", "edit", "-json", filepath.Join("..", "go.mod")).Output()
	if err != nil {
		t.Fatal(err)
	}
	var mod struct {
		Module  struct{ Path string }
		Require []struct {
			Path     string
			Indirect bool
		}
		Replace []any
	}
	if err := json.Unmarshal(out, &mod); err != nil {
		t.Fatal(err)
	}
	var direct []string
	for _, r := range mod.Require {
		if !r.Indirect {
			direct = append(direct, r.Path)
		}
	}
	slices.Sort(direct)
	if mod.Module.Path != modulePath || !slices.Equal(direct, dependencies) || len(mod.Replace) > 0 {
		t.Errorf("go.mod: module %s requires %q, want %q", mod.Module.Path, direct, dependencies)
	}
	used := map[string]bool{}
	for _, f := range repository(t) {
		if f.module != "." {
			continue
		}
		for _, p := range f.imports() {
			first, _, _ := strings.Cut(p, "/")
			if !strings.Contains(first, ".") || p == modulePath || strings.HasPrefix(p, modulePath+"/") {
				continue // the standard library's, or our own
			}
			at := slices.IndexFunc(dependencies, func(d string) bool { return p == d || strings.HasPrefix(p, d+"/") })
			if at < 0 {
				t.Errorf("%s imports %s: that belongs in a module of its own", f, p)
				continue
			}
			used[dependencies[at]] = used[dependencies[at]] || !f.isTest()
		}
	}
	for _, d := range dependencies {
		if !used[d] {
			t.Errorf("%s does no work", d)
		}
	}
}
