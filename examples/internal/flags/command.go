package flags

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"runtime"
	"runtime/debug"
)

// ErrDone tells that a command line asked for words only, -h or -version, and
// that they have been written.
var ErrDone = errors.New("nothing is left to do")

// UsageError tells of a command line that is wrong.
type UsageError struct{ Err error }

// Error implements error.
func (e *UsageError) Error() string { return e.Err.Error() }

// Unwrap returns what is wrong.
func (e *UsageError) Unwrap() error { return e.Err }

// Parse parses the command line of a command that takes flags and nothing else,
// as [ParseWith] does. The first sentence of -h is the given one.
func Parse(f *flag.FlagSet, sentence string, args []string, out io.Writer) error {
	err := ParseWith(f, fmt.Sprintf("%s\n\nUsage of %s:\n", sentence, f.Name()), args, out)
	if err == nil && f.NArg() > 0 {
		err = &UsageError{fmt.Errorf("unexpected argument %q: there are flags only", f.Arg(0))}
	}
	return err
}

// ParseWith parses a command line, adding -version to its flags; -h writes the
// usage and the flags. On -h and -version the words go to out and the error is
// [ErrDone]; any other error is a [*UsageError] that names the flag.
func ParseWith(f *flag.FlagSet, usage string, args []string, out io.Writer) error {
	version := f.Bool("version", false, "print the version")
	f.SetOutput(io.Discard) // it would print every flag for each mistake
	f.Usage = func() {}
	switch err := f.Parse(args); {
	case errors.Is(err, flag.ErrHelp):
		fmt.Fprint(out, usage)
		f.SetOutput(out)
		f.PrintDefaults()
		return ErrDone
	case err != nil:
		return &UsageError{err}
	case *version:
		fmt.Fprintln(out, f.Name(), Version())
		return ErrDone
	}
	return nil
}

// Exit says what became of a command on errs, and returns its exit code: 0, 1
// after a failure, 2 after a mistake on the command line.
func Exit(name string, err error, errs io.Writer) int {
	usage := (*UsageError)(nil)
	switch {
	case err == nil, errors.Is(err, ErrDone):
		return 0
	case errors.As(err, &usage):
		fmt.Fprintf(errs, "%s: %s (%s -h lists the flags)\n", name, err, name)
		return 2
	default:
		fmt.Fprintf(errs, "%s: %s\n", name, err)
		return 1
	}
}

// Version tells which version of the module this program was built from, and with
// what. Go makes it up from the commit where there is no tag.
func Version() string {
	version := "(unknown)"
	if info, ok := debug.ReadBuildInfo(); ok {
		version = info.Main.Version
	}
	return fmt.Sprintf("%s (%s %s/%s)", version, runtime.Version(), runtime.GOOS, runtime.GOARCH)
}
