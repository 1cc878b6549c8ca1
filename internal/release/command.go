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

// command runs a command and returns what it prints, less the last newline.
func command(ctx context.Context, dir string, env []string, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, args[0], args[1:]...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), env...)
	var out, complaints bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &complaints
	if err := cmd.Run(); err != nil {
		return "", fmt.Errorf("%s: %w\n%s%s", strings.Join(args, " "), err, complaints.String(), out.String())
	}
	return strings.TrimSuffix(out.String(), "\n"), nil
}

// user is the environment of somebody who has nothing of the project but its
// documentation: no go.work, and a module cache and installed commands of his
// own, which are empty when he comes. The release comes from its proxy; modules
// of others from where this machine has them, or gets them.
func (r *release) user(name string) []string {
	home := filepath.Join(r.temp, name)
	proxies := append([]string{"file://" + filepath.ToSlash(r.proxy)}, r.upstream...)
	return []string{
		"GOWORK=off", "GOFLAGS=-modcacherw", "GOPATH=" + home, "GOMODCACHE=" + filepath.Join(home, "pkg", "mod"), "GOBIN=",
		"GOPROXY=" + strings.Join(proxies, ","), "GONOSUMDB=" + r.path,
	}
}

// findUpstream has the modules of others come from this machine's module cache,
// else from the module proxies that it is set up for.
func (r *release) findUpstream(ctx context.Context) error {
	out, err := command(ctx, ".", nil, "go", "env", "GOMODCACHE", "GOPROXY")
	if err != nil {
		return err
	}
	cache, proxies, _ := strings.Cut(out, "\n")
	r.upstream = []string{"file://" + filepath.ToSlash(filepath.Join(cache, "cache", "download")), proxies}
	return nil
}

// folder makes an empty folder.
func (r *release) folder(name string) (string, error) {
	dir := filepath.Join(r.temp, name)
	return dir, os.MkdirAll(dir, 0o777)
}
