package main

import (
	"context"
	"crypto/sha256"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

// buildTools installs every released command as users do and asks it for its version,
// then builds the binaries.
func (r *release) buildTools(ctx context.Context) {
	const who = "tools"
	for _, tool := range r.tools {
		line := "go install " + path.Join(r.path, tool) + "@latest"
		if !slices.Contains(r.documented, line) {
			fail("no page says: %s", line)
		}
		command(ctx, r.temp, r.user(who), strings.Fields(line)...)
		out := command(ctx, r.temp, nil, filepath.Join(r.temp, who, "bin", path.Base(tool)), "-version")
		if !slices.Contains(strings.Fields(out), r.version) {
			fail("%s -version says %q, want %s", path.Base(tool), out, r.version)
		}
	}
	if r.dist == "" {
		return
	}
	dist, err := filepath.Abs(r.dist)
	check(err)
	check(os.MkdirAll(dist, 0o777))
	dir := r.newModule(ctx, who, "module")
	var sums strings.Builder
	for _, tool := range r.tools {
		pkg := path.Join(r.path, tool)
		command(ctx, dir, r.user(who), "go", "get", pkg+"@"+r.version)
		for _, target := range r.targets {
			goos, goarch, _ := strings.Cut(target, "/")
			name := strings.Join([]string{path.Base(r.path) + "-" + path.Base(tool), r.version, goos, goarch}, "_")
			if goos == "windows" {
				name += ".exe"
			}
			file := filepath.Join(dist, name)
			env := append(r.user(who), "GOOS="+goos, "GOARCH="+goarch, "CGO_ENABLED=0")
			command(ctx, dir, env, "go", "build", "-ldflags=-s", "-o", file, pkg)
			binary, err := os.ReadFile(file)
			check(err)
			fmt.Fprintf(&sums, "%x  %s\n", sha256.Sum256(binary), name)
		}
	}
	check(os.WriteFile(filepath.Join(dist, "SHA256SUMS"), []byte(sums.String()), 0o666))
}
