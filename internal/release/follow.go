package main

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

// followDocumentation does what each page says, in the order in which it says
// it. A page without a "go get" of its own is read after the README.
func (r *release) followDocumentation(ctx context.Context) error {
	pages, err := r.documents()
	if err != nil {
		return err
	}
	readme := pages[slices.IndexFunc(pages, func(d document) bool { return d.name == "README.md" })]
	if len(readme.programs) == 0 || readme.programs[0].output == nil {
		return fmt.Errorf("README.md: there is no whole program, followed by what it prints")
	}
	for i, page := range pages {
		commands := page.commands
		if len(page.programs) > 0 && !slices.ContainsFunc(commands, func(c string) bool { return strings.HasPrefix(c, "go get ") }) {
			commands = append(slices.Clone(readme.commands), commands...)
		}
		r.documented = append(r.documented, page.commands...)
		if err := r.follow(ctx, fmt.Sprintf("page-%d", i), page, commands); err != nil {
			return fmt.Errorf("%s: %w", page.name, err)
		}
	}
	return nil
}

// documents returns the pages that have something to do, README.md among them.
func (r *release) documents() (pages []document, err error) {
	err = filepath.WalkDir(r.stage, func(file string, d fs.DirEntry, err error) error {
		if err != nil || filepath.Ext(file) != ".md" {
			return err
		}
		text, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		name, err := filepath.Rel(r.stage, file)
		if err != nil {
			return err
		}
		page := parse(filepath.ToSlash(name), string(text), r.path)
		if page.name == "README.md" || len(page.commands)+len(page.programs) > 0 {
			pages = append(pages, page)
		}
		return nil
	})
	return pages, err
}

// follow runs each command in a module that has nothing yet, and the programs in
// the one that the first command was run in.
func (r *release) follow(ctx context.Context, who string, page document, commands []string) error {
	var first string
	for i, line := range commands {
		dir, err := r.newModule(ctx, who, i)
		if err != nil {
			return err
		}
		if i == 0 {
			first = dir
		}
		if _, err := command(ctx, dir, r.user(who), strings.Fields(line)...); err != nil {
			return err
		}
		fmt.Printf("%s: %s\n", page.name, line)
	}
	for i, p := range page.programs {
		main := filepath.Join(first, fmt.Sprintf("program-%d", i), "main.go")
		if err := os.MkdirAll(filepath.Dir(main), 0o777); err != nil {
			return err
		}
		if err := os.WriteFile(main, []byte(p.text), 0o666); err != nil {
			return err
		}
		verb := "run"
		if p.output == nil {
			verb = "vet"
		}
		out, err := command(ctx, first, r.user(who), "go", verb, "./"+filepath.Base(filepath.Dir(main)))
		if err != nil {
			return err
		}
		if p.output != nil && out != strings.TrimSuffix(*p.output, "\n") {
			return fmt.Errorf("the program printed\n%s\nand the page says\n%s", out, *p.output)
		}
		fmt.Printf("%s: go %s of program %d\n", page.name, verb, i+1)
	}
	return nil
}

// newModule makes a module as a user does who begins one.
func (r *release) newModule(ctx context.Context, who string, i int) (dir string, err error) {
	dir = filepath.Join(r.temp, who, fmt.Sprintf("module-%d", i))
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return "", err
	}
	_, err = command(ctx, dir, r.user(who), "go", "mod", "init", "example.com/program")
	return dir, err
}

// runExamples gets each nested module as its documentation says, and tests the
// example of the package in a module of its own.
func (r *release) runExamples(ctx context.Context) error {
	for i, m := range r.modules {
		example := filepath.Join(r.stage, m.dir, "example_test.go")
		text, err := os.ReadFile(example)
		if !m.published || err != nil {
			continue
		}
		at := slices.IndexFunc(r.documented, func(line string) bool {
			f := strings.Fields(line)
			return f[1] == "get" && strings.HasPrefix(f[2]+"@", m.path+"@")
		})
		if at < 0 {
			return fmt.Errorf("no page says: go get %s", m.path)
		}
		who := fmt.Sprintf("example-%d", i)
		dir, err := r.newModule(ctx, who, 0)
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(dir, "example_test.go"), text, 0o666); err != nil {
			return err
		}
		for _, args := range [][]string{strings.Fields(r.documented[at]), {"go", "test", "."}} {
			if _, err := command(ctx, dir, r.user(who), args...); err != nil {
				return err
			}
		}
		fmt.Println("example", path.Join(m.dir, "example_test.go"))
	}
	return nil
}
