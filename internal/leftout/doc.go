// Package leftout makes "go test work" list the tests that it could not run. The go
// command shows nothing that a passing package's tests print, except that there were
// none to run. So each program that tests depend on has a package here, which has no
// tests to run if the program is missing:
//
//	ok  	tests-that-need/chromium	0.002s
//	ok  	tests-that-need/prometheus	0.002s
//	ok  	tests-that-need/redis-server	0.002s [no tests to run]
//
// Packages are tested in the order of their paths. The module's path makes these the
// last.
package leftout

import (
	"os"
	"os/exec"
	"testing"
)

// Without reports a package as having no tests to run if neither the program that the
// environment variable names nor, without one, any of names is found. It looks them
// up within the test, so that the go command's cache notices changes.
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
	// The go command looks for this line.
	_, _ = os.Stdout.WriteString("\ntesting: warning: no tests to run\n")
}
