package main

import (
	"context"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// page is what one page of the documentation tells its reader to do.
type page struct {
	name     string
	commands []string // go get and go install of the project's packages
	programs []program
}

// program is a complete program on a page.
type program struct{ text, output string } // output is "" if the page does not show it

var (
	commandLine = regexp.MustCompile(`(?m)^\s*(?:\$ )?(go (?:get|install) [^\s#]+)`)
	// A program is complete if it begins with "package main". The next block is its
	// output if its language is text.
	completeProgram = regexp.MustCompile("(?s)```go\n(package main\n.*?)```\n(?:(?:[^`]|`[^`]+`)*```text\n(.*?)```)?")
)

// parse parses a page in Markdown.
func parse(name, text, project string) page {
	p := page{name: name}
	for _, m := range commandLine.FindAllStringSubmatch(text, -1) {
		if strings.Contains(m[1], project) {
			p.commands = append(p.commands, m[1])
		}
	}
	for _, m := range completeProgram.FindAllStringSubmatch(text, -1) {
		p.programs = append(p.programs, program{m[1], m[2]})
	}
	return p
}

// followDocumentation does what each page says, in the page's order. A page with
// programs but no "go get" starts with the README's.
func (r *release) followDocumentation(ctx context.Context) {
	others := command(ctx, r.stage, nil, "git", "ls-files", "*.md", ":!README.md")
	var readme page
	for i, name := range append([]string{"README.md"}, strings.Fields(others)...) {
		text, err := os.ReadFile(filepath.Join(r.stage, name))
		check(err)
		p := parse(name, string(text), r.path)
		if name == "README.md" {
			if readme = p; len(p.programs) == 0 || p.programs[0].output == "" {
				fail("README.md: there is no complete program followed by its output")
			}
		}
		r.documented = append(r.documented, p.commands...)
		if len(p.programs) > 0 && !slices.ContainsFunc(p.commands, func(c string) bool { return strings.HasPrefix(c, "go get ") }) {
			p.commands = slices.Concat(readme.commands, p.commands)
		}
		r.follow(ctx, fmt.Sprintf("page-%d", i), p)
	}
}

// follow runs each command in a new module, and the programs in the first command's
// module.
func (r *release) follow(ctx context.Context, who string, p page) {
	var dirs []string
	for i, line := range p.commands {
		dir := r.newModule(ctx, who, fmt.Sprintf("module-%d", i))
		dirs = append(dirs, dir)
		command(ctx, dir, r.user(who), strings.Fields(line)...)
	}
	for i, program := range p.programs {
		main := filepath.Join(dirs[0], fmt.Sprintf("program-%d", i), "main.go")
		check(os.Mkdir(filepath.Dir(main), 0o777))
		check(os.WriteFile(main, []byte(program.text), 0o666))
		if program.output == "" {
			command(ctx, dirs[0], r.user(who), "go", "vet", main)
		} else if out, want := command(ctx, dirs[0], r.user(who), "go", "run", main), strings.TrimSuffix(program.output, "\n"); out != want {
			fail("%s: the program printed\n%s\nand the page says\n%s", p.name, out, want)
		}
	}
}

// runExamples gets each nested module as its documentation says, and tests the
// package's example in a new module.
func (r *release) runExamples(ctx context.Context) {
	for _, m := range r.modules {
		text, err := os.ReadFile(filepath.Join(r.stage, m.dir, "example_test.go"))
		if !m.published || err != nil {
			continue // it has none
		}
		at := slices.IndexFunc(r.documented, func(line string) bool { return strings.HasPrefix(line+"@", "go get "+m.path+"@") })
		if at < 0 {
			fail("no page says: go get %s", m.path)
		}
		who := path.Join("example", m.dir)
		dir := r.newModule(ctx, who, "module")
		check(os.WriteFile(filepath.Join(dir, "example_test.go"), text, 0o666))
		command(ctx, dir, r.user(who), strings.Fields(r.documented[at])...)
		command(ctx, dir, r.user(who), "go", "test", ".")
	}
}
