package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// failure is the error that ends a rehearsal, wherever it happens: see
// [release.run], which recovers it.
type failure struct{ error }

func fail(format string, args ...any) { panic(failure{fmt.Errorf(format, args...)}) }

func check(err error) {
	if err != nil {
		panic(failure{err})
	}
}

// command prints a command, runs it, and returns what it printed, less the last
// newline.
func command(ctx context.Context, dir string, env []string, args ...string) string {
	cmd := exec.CommandContext(ctx, args[0], args[1:]...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), env...)
	fmt.Println(strings.Join(args, " "))
	var out, complaints bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &complaints
	if err := cmd.Run(); err != nil {
		fail("%s: %w\n%s%s", strings.Join(args, " "), err, complaints.String(), out.String())
	}
	return strings.TrimSuffix(out.String(), "\n")
}

// user is the environment of a user who has nothing of the project but its
// documentation: no go.work, and an empty module cache. The release comes from its
// proxy; modules of others from where this machine has them, or gets them. Since
// folders' names are trimmed from what is compiled, it is compiled once for all users.
func (r *release) user(name string) []string {
	home := filepath.Join(r.temp, name)
	proxies := append([]string{"file://" + filepath.ToSlash(r.proxy)}, r.upstream...)
	return []string{
		"GOWORK=off", "GOFLAGS=-modcacherw -trimpath", "GOPATH=" + home, "GOMODCACHE=" + filepath.Join(home, "pkg", "mod"), "GOBIN=",
		"GOPROXY=" + strings.Join(proxies, ","), "GONOSUMDB=" + r.path,
	}
}

// newModule begins a module, as a user does.
func (r *release) newModule(ctx context.Context, who, name string) (dir string) {
	dir = filepath.Join(r.temp, who, name)
	check(os.MkdirAll(dir, 0o777))
	command(ctx, dir, r.user(who), "go", "mod", "init", "example.com/program")
	return dir
}
