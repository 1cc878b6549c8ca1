package main

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"go/parser"
	"go/token"
	"io/fs"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// module is one of those that go.work lists.
type module struct {
	dir       string // relative to the work tree, with slashes; "." is its root
	path      string
	published bool
	requires  []string // paths of others

	mod struct {
		Module  struct{ Path string }
		Require []struct{ Path, Version string }
		Replace []any
	}
}

// read reads the modules, and makes sure of what can be told from their go.mod.
func (r *release) read(ctx context.Context) error {
	var work struct{ Use []struct{ DiskPath string } }
	if err := decode(ctx, r.root, &work, "go", "work", "edit", "-json"); err != nil {
		return err
	}
	for _, use := range work.Use {
		m := &module{dir: path.Clean(use.DiskPath)}
		m.published = slices.Contains(r.published, m.dir)
		if err := decode(ctx, filepath.Join(r.root, m.dir), &m.mod, "go", "mod", "edit", "-json"); err != nil {
			return err
		}
		if m.path = m.mod.Module.Path; m.dir == "." {
			r.path = m.path
		}
		if len(m.mod.Replace) > 0 {
			return fmt.Errorf("%s/go.mod has a replace directive, for which go install refuses the module", m.dir)
		}
		r.modules = append(r.modules, m)
	}
	for _, dir := range r.published {
		if !slices.ContainsFunc(r.modules, func(m *module) bool { return m.dir == dir }) {
			return fmt.Errorf("%s is to be published, and go.work does not list it", dir)
		}
	}
	if err := r.readRequirements(); err != nil {
		return err
	}
	fmt.Println("version", r.version)
	for _, m := range r.modules {
		if m.published {
			fmt.Println("module", m.path)
		}
	}
	return nil
}

// readRequirements finds what the modules require of each other, and puts each
// after those that it requires.
func (r *release) readRequirements() error {
	versions := map[string]string{} // and who requires it
	for _, m := range r.modules {
		for _, need := range m.mod.Require {
			if !r.owns(need.Path) {
				continue
			}
			if m.published && !r.module(need.Path).published {
				return fmt.Errorf("%s is published, and requires %s, which is not", m.path, need.Path)
			}
			m.requires = append(m.requires, need.Path)
			versions[need.Version] = m.path
		}
	}
	if len(versions) > 1 {
		return fmt.Errorf("the modules require different versions of each other: %v", versions)
	}
	if r.version == "" {
		for v := range versions {
			r.version = v
		}
	}
	depth := map[string]int{}
	for range r.modules {
		for _, m := range r.modules {
			for _, p := range m.requires {
				depth[m.path] = max(depth[m.path], depth[p]+1)
			}
		}
	}
	slices.SortStableFunc(r.modules, func(a, b *module) int { return cmp.Compare(depth[a.path], depth[b.path]) })
	return nil
}

// owns reports whether a package or module is one of the project's.
func (r *release) owns(p string) bool { return p == r.path || strings.HasPrefix(p, r.path+"/") }

// module returns the module that a package belongs to, nil if there is none.
func (r *release) module(pkg string) (of *module) {
	for _, m := range r.modules {
		if (pkg == m.path || strings.HasPrefix(pkg, m.path+"/")) && (of == nil || len(m.path) > len(of.path)) {
			of = m
		}
	}
	return of
}

// checkImports makes sure that no published module imports an internal package
// of another. The go command allows it, since the paths have a prefix in common;
// but a user may have the two in different versions, and internal packages keep
// no promise between versions.
func (r *release) checkImports(context.Context) error {
	return filepath.WalkDir(r.stage, func(file string, d fs.DirEntry, err error) error {
		if err != nil || filepath.Ext(file) != ".go" {
			return err
		}
		rel, err := filepath.Rel(r.stage, filepath.Dir(file))
		if err != nil {
			return err
		}
		from := r.module(path.Join(r.path, filepath.ToSlash(rel)))
		if !from.published {
			return nil
		}
		f, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ImportsOnly)
		if err != nil {
			return err
		}
		for _, spec := range f.Imports {
			p, _ := strconv.Unquote(spec.Path.Value)
			if r.owns(p) && r.module(p) != from && slices.Contains(strings.Split(p, "/"), "internal") {
				return fmt.Errorf("%s imports %s, which is internal to another module", path.Join(filepath.ToSlash(rel), d.Name()), p)
			}
		}
		return nil
	})
}

// decode decodes the JSON that a command prints.
func decode(ctx context.Context, dir string, v any, args ...string) error {
	out, err := command(ctx, dir, nil, args...)
	if err != nil {
		return err
	}
	return json.Unmarshal([]byte(out), v)
}
