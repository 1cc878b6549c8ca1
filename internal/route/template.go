package route

import (
	"errors"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// segment is one segment of a template: static text, a param, or a param with
// static text after it.
type segment struct {
	param  string // the param's name, "" for a static segment
	static string // the text after the param, or the whole segment
}

// parseTemplate returns the segments of a template, none for "/".
func parseTemplate(template string) ([]segment, error) {
	if !strings.HasPrefix(template, "/") {
		return nil, errors.New("no leading slash")
	}
	path := canonical(template)[1:]
	if path == "" {
		return nil, nil
	}
	var segments []segment
	names := make(map[string]bool)
	for text := range strings.SplitSeq(path, "/") {
		s, err := parseSegment(text)
		if err != nil {
			return nil, err
		}
		if names[s.param] {
			return nil, fmt.Errorf("param {%s} occurs twice", s.param)
		}
		if s.param != "" {
			names[s.param] = true
		}
		segments = append(segments, s)
	}
	return segments, nil
}

func parseSegment(text string) (segment, error) {
	if text == "" {
		return segment{}, errors.New("empty segment")
	}
	s := segment{static: text}
	if inner, ok := strings.CutPrefix(text, "{"); ok {
		name, suffix, ok := strings.Cut(inner, "}")
		if !ok {
			return segment{}, fmt.Errorf("segment %q: brace is not closed", text)
		}
		if !isName(name) {
			return segment{}, fmt.Errorf("segment %q: a param's name may contain letters, digits, - and _", text)
		}
		s = segment{param: name, static: suffix}
	}
	if strings.ContainsAny(s.static, "{}") {
		return segment{}, fmt.Errorf("segment %q: only one param, at its start, is allowed", text)
	}
	for _, c := range s.static {
		// Paths do not contain these, except "*", which other routers use as a
		// wildcard, and unprintable characters, which a name must not have.
		if c == utf8.RuneError || !unicode.IsPrint(c) || strings.ContainsRune(" ?#*", c) {
			return segment{}, fmt.Errorf("segment %q: %q is not allowed", text, c)
		}
	}
	return s, nil
}

const nameChars = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_"

func isName(s string) bool {
	return s != "" && strings.Trim(s, nameChars) == ""
}
