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

// failure is an error that ends the rehearsal; [release.run] recovers it.
type failure struct{ error }

func fail(format string, args ...any) { panic(failure{fmt.Errorf(format, args...)}) }

func check(err error) {
	if err != nil {
		panic(failure{err})
	}
}

// command prints and runs a command, and returns its output without the last newline.
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

// user returns the environment of a user who has nothing but the documentation: no
// go.work, and an empty module cache. The release comes from its own proxy,
// third-party modules from where this machine gets them. -trimpath makes the build
// cache work for all users.
func (r *release) user(name string) []string {
	home := filepath.Join(r.temp, name)
	proxies := append([]string{"file://" + filepath.ToSlash(r.proxy)}, r.upstream...)
	return []string{
		"GOWORK=off", "GOFLAGS=-modcacherw -trimpath", "GOPATH=" + home, "GOMODCACHE=" + filepath.Join(home, "pkg", "mod"), "GOBIN=",
		"GOPROXY=" + strings.Join(proxies, ","), "GONOSUMDB=" + r.path,
	}
}

// newModule creates an empty module, as a user does.
func (r *release) newModule(ctx context.Context, who, name string) (dir string) {
	dir = filepath.Join(r.temp, who, name)
	check(os.MkdirAll(dir, 0o777))
	command(ctx, dir, r.user(who), "go", "mod", "init", "example.com/program")
	return dir
}
