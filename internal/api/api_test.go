package api

import (
	"errors"
	"flag"
	"go/ast"
	"go/build"
	"go/doc"
	"go/parser"
	"go/printer"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the listings anew")

const repository = "../.."

func TestListingsMatchTheCode(t *testing.T) {
	listings := map[string]string{}
	for _, dir := range folders(t) {
		if text := listing(t, dir); text != "" {
			listings[filepath.Base(dir)+".txt"] = text
		}
	}
	kept, err := filepath.Glob("*.txt")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range kept {
		if _, ok := listings[name]; ok {
			continue
		}
		if !*update {
			t.Errorf("%s: there is no such package", name)
		} else if err := os.Remove(name); err != nil {
			t.Fatal(err)
		}
	}
	for name, code := range listings {
		if *update {
			if err := os.WriteFile(name, []byte(code), 0o644); err != nil {
				t.Fatal(err)
			}
			continue
		}
		kept, err := os.ReadFile(name)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			t.Fatal(err)
		}
		for _, line := range missing(code, string(kept)) {
			t.Errorf("%s: new:  %s", name, line)
		}
		for _, line := range missing(string(kept), code) {
			t.Errorf("%s: gone: %s", name, line)
		}
		if code != string(kept) {
			t.Errorf("%s differs from the code; if that is meant: go test ./internal/api -update", name)
		}
	}
}

// folders returns the folders of packages that users may import.
func folders(t *testing.T) []string {
	t.Helper()
	var dirs []string
	err := filepath.WalkDir(repository, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.IsDir() || path == repository {
			return err
		}
		_, noModule := os.Stat(filepath.Join(path, "go.mod"))
		switch name := d.Name(); {
		case strings.ContainsAny(name[:1], "._"), name == "internal", name == "testdata", name == "examples",
			strings.HasSuffix(name, "test") && noModule == nil: // a module of tests is not published
			return fs.SkipDir
		}
		dirs = append(dirs, path)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return dirs
}

// listing returns the exported declarations of a folder's package, if there is one,
// without comments, blank lines and alignment.
func listing(t *testing.T, dir string) string {
	t.Helper()
	files, err := build.ImportDir(dir, 0)
	if err != nil {
		return ""
	}
	set := token.NewFileSet()
	var parsed []*ast.File
	for _, name := range files.GoFiles {
		f, err := parser.ParseFile(set, filepath.Join(dir, name), nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		parsed = append(parsed, f)
	}
	p, err := doc.NewFromFiles(set, parsed, files.ImportPath)
	if err != nil {
		t.Fatal(err)
	}

	var out strings.Builder
	list := func(values []*doc.Value, funcs []*doc.Func) {
		var decls []ast.Decl
		for _, v := range values {
			decls = append(decls, v.Decl)
		}
		for _, f := range funcs {
			f.Decl.Body = nil
			decls = append(decls, f.Decl)
		}
		for _, d := range decls {
			print(t, &out, set, d)
		}
	}
	list(append(p.Consts, p.Vars...), p.Funcs)
	for _, typ := range p.Types {
		print(t, &out, set, typ.Decl)
		list(append(typ.Consts, typ.Vars...), append(typ.Funcs, typ.Methods...))
	}
	return out.String()
}

func print(t *testing.T, out *strings.Builder, set *token.FileSet, d ast.Decl) {
	t.Helper()
	var text strings.Builder
	if err := printer.Fprint(&text, set, d); err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(text.String()) {
		words := strings.Fields(line) // drop the alignment, which other lines change
		if len(words) == 0 {
			continue
		}
		if strings.HasPrefix(line, "\t") {
			out.WriteString("\t")
		}
		out.WriteString(strings.Join(words, " ") + "\n")
	}
}

// missing returns the lines of one text that are not in another.
func missing(text, in string) []string {
	have := map[string]bool{}
	for line := range strings.Lines(in) {
		have[line] = true
	}
	var lines []string
	for line := range strings.Lines(text) {
		if !have[line] {
			lines = append(lines, strings.TrimRight(line, "\n"))
		}
	}
	return lines
}
