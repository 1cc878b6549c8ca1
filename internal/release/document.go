package main

import (
	"strings"
)

// document is what a page tells its reader to do.
type document struct {
	name     string
	commands []string  // go get and go install of the project's packages
	programs []program // whole ones
}

// program is a program that is printed whole.
type program struct {
	text   string
	output *string // what it prints, if the page says so
}

// block is a block of code in Markdown.
type block struct{ language, text string }

// parse finds what a page in Markdown tells its reader to do. A program is
// whole if it begins with "package main"; what it prints is the next block, if
// that is fenced and said to be text.
func parse(name, text, project string) document {
	d := document{name: name}
	var whole *program
	for _, b := range blocks(text) {
		switch {
		case b.language == "go":
			whole = nil
			if strings.HasPrefix(b.text, "package main\n") {
				d.programs = append(d.programs, program{text: b.text})
				whole = &d.programs[len(d.programs)-1]
			}
			continue
		case b.language == "text" && whole != nil:
			whole.output = &b.text
		}
		whole = nil
		for line := range strings.Lines(b.text) {
			line, _, _ = strings.Cut(strings.TrimPrefix(strings.TrimSpace(line), "$ "), "#")
			line = strings.TrimSpace(line)
			if (strings.HasPrefix(line, "go get ") || strings.HasPrefix(line, "go install ")) && strings.Contains(line, project) {
				d.commands = append(d.commands, line)
			}
		}
	}
	return d
}

// blocks returns the blocks of code, fenced ones and indented ones, which have
// no language.
func blocks(text string) (all []block) {
	var fenced, indented *strings.Builder
	var language string
	end := func() {
		if indented != nil {
			all = append(all, block{"", indented.String()})
			indented = nil
		}
	}
	blank := true
	for line := range strings.Lines(text) {
		trimmed := strings.TrimSpace(line)
		fence := strings.HasPrefix(trimmed, "```")
		code, isCode := strings.CutPrefix(line, "    ")
		switch {
		case fence && fenced == nil:
			end()
			fenced, language = &strings.Builder{}, strings.TrimPrefix(trimmed, "```")
		case fence:
			all = append(all, block{language, fenced.String()})
			fenced = nil
		case fenced != nil:
			fenced.WriteString(line)
		case isCode && trimmed != "" && (blank || indented != nil):
			if indented == nil {
				indented = &strings.Builder{}
			}
			indented.WriteString(code)
		case trimmed != "":
			end()
		}
		blank = trimmed == ""
	}
	end()
	return all
}
