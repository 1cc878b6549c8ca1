package main

import (
	"bytes"
	"context"
	"encoding/json"
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

// decode decodes the JSON that a command prints.
func decode(ctx context.Context, dir string, v any, args ...string) error {
	out, err := command(ctx, dir, nil, args...)
	if err != nil {
		return err
	}
	return json.Unmarshal([]byte(out), v)
}

// user is the environment of somebody who has nothing of the project but its
// documentation: no go.work, and a module cache and installed commands of his
// own, which are empty when he comes. The release comes from its proxy; modules
// of others from where this machine has them, or gets them. Without the folders'
// names in what is compiled, it is compiled once for all users.
func (r *release) user(name string) []string {
	home := filepath.Join(r.temp, name)
	proxies := append([]string{"file://" + filepath.ToSlash(r.proxy)}, r.upstream...)
	return []string{
		"GOWORK=off", "GOFLAGS=-modcacherw -trimpath", "GOPATH=" + home, "GOMODCACHE=" + filepath.Join(home, "pkg", "mod"), "GOBIN=",
		"GOPROXY=" + strings.Join(proxies, ","), "GONOSUMDB=" + r.path,
	}
}

// newModule makes a module as a user does who begins one, with a file in it if
// that has a name.
func (r *release) newModule(ctx context.Context, who, name, file, text string) (dir string, err error) {
	dir = filepath.Join(r.temp, who, name)
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return "", err
	}
	if file != "" {
		if err := os.WriteFile(filepath.Join(dir, file), []byte(text), 0o666); err != nil {
			return "", err
		}
	}
	_, err = command(ctx, dir, r.user(who), "go", "mod", "init", "example.com/program")
	return dir, err
}
