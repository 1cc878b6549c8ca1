package main

import (
	"cmp"
	"context"
	"encoding/json"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

// module is a module that go.work lists.
type module struct {
	dir       string // relative to the work tree, with slashes; "." is its root
	path      string
	published bool

	mod struct {
		Module  struct{ Path string }
		Require []struct{ Path, Version string }
		Replace []any
	}
}

// read reads the modules and checks what their go.mod files can show.
func (r *release) read(ctx context.Context) {
	var work struct{ Use []struct{ DiskPath string } }
	check(json.Unmarshal([]byte(command(ctx, r.root, nil, "go", "work", "edit", "-json")), &work))
	dirs := slices.Clone(r.published)
	for _, use := range work.Use {
		if dir := path.Clean(use.DiskPath); !slices.Contains(dirs, dir) {
			dirs = append(dirs, dir)
		}
	}
	for i, dir := range dirs {
		m := &module{dir: dir, published: i < len(r.published)}
		check(json.Unmarshal([]byte(command(ctx, filepath.Join(r.root, dir), nil, "go", "mod", "edit", "-json")), &m.mod))
		if m.path = m.mod.Module.Path; dir == "." {
			r.path = m.path
		}
		if len(m.mod.Replace) > 0 {
			fail("%s/go.mod has a replace directive, for which go install refuses the module", dir)
		}
		r.modules = append(r.modules, m)
	}
	versions := map[string]string{} // to a module that requires it
	for _, m := range r.modules {
		for _, need := range m.mod.Require {
			of := r.module(need.Path)
			if of == nil {
				continue
			}
			if m.published && !of.published {
				fail("%s is published, and requires %s, which is not", m.path, need.Path)
			}
			versions[need.Version] = m.path
		}
	}
	if len(versions) > 1 {
		fail("the modules require different versions of each other: %v", versions)
	}
	for r.required = range versions { // the only one
		r.version = cmp.Or(r.version, r.required)
	}
}

// module returns the module that a package belongs to, or nil.
func (r *release) module(pkg string) (of *module) {
	for _, m := range r.modules {
		if (pkg == m.path || strings.HasPrefix(pkg, m.path+"/")) && (of == nil || len(m.path) > len(of.path)) {
			of = m
		}
	}
	return of
}

// checkImports checks that no published module imports an internal package of
// another. The go command allows it, since their paths share a prefix. But users may
// combine different versions, and internal packages promise no compatibility.
func (r *release) checkImports(ctx context.Context) {
	const each = `{{.ImportPath}}{{range .Imports}} {{.}}{{end}}{{range .TestImports}} {{.}}{{end}}{{range .XTestImports}} {{.}}{{end}}`
	for line := range strings.Lines(command(ctx, r.stage, nil, "go", "list", "-f", each, "work")) {
		imports := strings.Fields(line)
		from := r.module(imports[0])
		for _, imported := range imports[1:] {
			to := r.module(imported)
			if from.published && to != nil && to != from && slices.Contains(strings.Split(imported, "/"), "internal") {
				fail("%s imports %s, which is internal to another module", imports[0], imported)
			}
		}
	}
}
