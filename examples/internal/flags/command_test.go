package flags

import (
	"bytes"
	"errors"
	"flag"
	"strings"
	"testing"
)

// What a command says, where, and with what exit code.
func TestMistakesOnTheCommandLineExitWithTwo(t *testing.T) {
	for line, c := range map[string]struct {
		code      int
		out, errs string // what they begin with
	}{
		"":             {0, "", ""},
		"-n 3":         {0, "", ""},
		"-h":           {0, "tool does things.\n\nUsage of tool:\n", ""},
		"-version":     {0, "tool ", ""},
		"-n x":         {2, "", `tool: invalid value "x" for flag -n: parse error (tool -h lists the flags)` + "\n"},
		"-n":           {2, "", "tool: flag needs an argument: -n (tool -h"},
		"-m 3":         {2, "", "tool: flag provided but not defined: -m (tool -h"},
		"users.csv":    {2, "", `tool: unexpected argument "users.csv"`},
		"-n 3 -- -n 4": {2, "", `tool: unexpected argument "-n"`},
	} {
		f := flag.NewFlagSet("tool", flag.ContinueOnError)
		f.Int("n", 0, "a number")
		var out, errs bytes.Buffer
		code := Exit("tool", Parse(f, "tool does things.", strings.Fields(line), &out), &errs)
		if code != c.code || !strings.HasPrefix(out.String(), c.out) || (c.out == "") != (out.Len() == 0) ||
			!strings.HasPrefix(errs.String(), c.errs) || (c.errs == "") != (errs.Len() == 0) || strings.Count(errs.String(), "\n") > 1 {
			t.Errorf("%q: code %d, out %q, errors %q", line, code, &out, &errs)
		}
	}
	if code := Exit("tool", errors.New("no such host"), new(bytes.Buffer)); code != 1 {
		t.Errorf("a failure: code %d", code)
	}
}
