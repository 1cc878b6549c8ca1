package rows

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
)

// An Input is a file that can be read more than once, from the beginning.
type Input struct {
	Name  string
	data  io.ReaderAt
	size  int64
	close func() error
}

// Open opens a file, or for "-" what stdin holds. What can be read only once,
// such as a pipe, is copied to a temporary file, which takes until it ends or
// the context does.
func Open(ctx context.Context, path string, stdin io.Reader) (*Input, error) {
	type opened struct {
		in  *Input
		err error
	}
	done := make(chan opened, 1)
	go func() { // opening a pipe waits for its writer, and no context ends that
		in, err := open(path, stdin)
		done <- opened{in, err}
	}()
	select {
	case o := <-done:
		return o.in, o.err
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

func open(path string, stdin io.Reader) (*Input, error) {
	if path == "-" {
		return spool("standard input", stdin)
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	info, err := f.Stat()
	switch {
	case err != nil:
	case info.Mode().IsRegular():
		return &Input{path, f, info.Size(), f.Close}, nil
	case info.IsDir():
		err = fmt.Errorf("%s is a directory", path)
	default:
		in, err := spool(path, f)
		return in, errors.Join(err, f.Close())
	}
	return nil, errors.Join(err, f.Close())
}

// spool keeps passwords on the disk no longer than it has to: the file has no
// name any more when it is filled, where the system allows that.
func spool(name string, r io.Reader) (*Input, error) {
	f, err := os.CreateTemp("", "clerk-import-*")
	if err != nil {
		return nil, err
	}
	unnamed := os.Remove(f.Name()) == nil
	in := &Input{Name: name, data: f, close: func() error {
		err := f.Close()
		if !unnamed {
			err = errors.Join(err, os.Remove(f.Name()))
		}
		return err
	}}
	if in.size, err = io.Copy(f, r); err != nil {
		return nil, errors.Join(err, in.close())
	}
	return in, nil
}

// Close lets go of the file.
func (in *Input) Close() error { return in.close() }

// Again reports whether the file can be opened by its name another time.
func Again(path string) bool {
	info, err := os.Stat(path)
	return path != "-" && err == nil && info.Mode().IsRegular()
}

// A text is an input from some offset on. It knows the lines, and guards against
// rows that never end.
type text struct {
	in     *Input
	start  int64 // offset in the file at which reading began
	read   int64 // offset in the file as far as which was read
	row    int64 // offset in the file of the current row
	passed int64 // offset in the file up to which lines were counted
	line   int   // the line of that offset
	last   int   // the line of the last error or row
	buffer []byte
}

func (in *Input) text(offset int64) *text {
	return &text{in: in, start: offset, read: offset, row: offset, passed: offset, line: 1, last: 1, buffer: make([]byte, 32<<10)}
}

// skip passes over bytes before anything was read.
func (t *text) skip(n int64) {
	t.lineAt(t.start + n)
	t.start += n
	t.read, t.row = t.start, t.start
}

// Read implements [io.Reader].
func (t *text) Read(p []byte) (int, error) {
	if t.read-t.row > maxRead {
		return 0, errRowTooLong
	}
	if t.read >= t.in.size {
		return 0, io.EOF
	}
	n, err := t.in.data.ReadAt(p[:min(int64(len(p)), t.in.size-t.read)], t.read)
	t.read += int64(n)
	if n > 0 {
		err = nil
	}
	return n, err
}

// begin notes that a row begins at an offset of what was read.
func (t *text) begin(offset int64) { t.row = t.start + offset }

// lineAt returns the line of an offset in the file. Offsets do not go back.
func (t *text) lineAt(offset int64) int {
	for t.passed < offset {
		n, err := t.in.data.ReadAt(t.buffer[:min(int64(len(t.buffer)), offset-t.passed)], t.passed)
		t.line += bytes.Count(t.buffer[:n], []byte("\n"))
		t.passed += int64(n)
		if err != nil {
			break
		}
	}
	t.last = t.line
	return t.line
}

// broken ends the reading at the last line.
func (t *text) broken(err error) error { return &FileError{t.in.Name, t.last, err} }
