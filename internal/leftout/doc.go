// Package leftout has "go test work" say which tests it left out. The go command
// shows nothing of what a passing package's tests print, except that there was
// none to run; so there is a package for each program that tests look for, whose
// tests are then none:
//
//	ok  	tests-that-need/chromium	0.002s
//	ok  	tests-that-need/prometheus	0.002s
//	ok  	tests-that-need/redis-server	0.002s [no tests to run]
//
// Packages are tested in the order of their paths. The module's begins so that
// these are the last.
package leftout

import (
	"os"
	"os/exec"
	"testing"
)

// Without says that a test has none to run, if there is no program of one of the
// names, or that the environment variable names. It reads them within the test,
// so that the go command runs it again when they have changed.
func Without(t *testing.T, variable string, names ...string) {
	t.Helper()
	if variable != "" && os.Getenv(variable) != "" {
		names = []string{os.Getenv(variable)}
	}
	for _, name := range names {
		if _, err := exec.LookPath(name); err == nil {
			return
		}
	}
	// The line by which the go command knows.
	_, _ = os.Stdout.WriteString("\ntesting: warning: no tests to run\n")
}
