package main

import (
	"context"
	"crypto/sha256"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
)

// buildTools installs every command of the published modules as users do and
// asks it for its version, then compiles those that come as binaries for other
// systems.
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
		fmt.Println(out)
	}
	if r.dist == "" {
		return
	}
	check(os.MkdirAll(r.dist, 0o777))
	var sums strings.Builder
	for _, target := range r.targets {
		goos, goarch, _ := strings.Cut(target, "/")
		env := append(r.user(who), "GOOS="+goos, "GOARCH="+goarch, "CGO_ENABLED=0")
		bin, suffix := filepath.Join(r.temp, who, "bin"), ""
		if target != runtime.GOOS+"/"+runtime.GOARCH {
			bin = filepath.Join(bin, goos+"_"+goarch)
		}
		if goos == "windows" {
			suffix = ".exe"
		}
		for _, tool := range r.tools {
			command(ctx, r.temp, env, "go", "install", "-ldflags=-s", path.Join(r.path, tool)+"@"+r.version)
			binary, err := os.ReadFile(filepath.Join(bin, path.Base(tool)+suffix))
			check(err)
			name := fmt.Sprintf("%s-%s_%s_%s_%s%s", path.Base(r.path), path.Base(tool), r.version, goos, goarch, suffix)
			check(os.WriteFile(filepath.Join(r.dist, name), binary, 0o777))
			fmt.Fprintf(&sums, "%x  %s\n", sha256.Sum256(binary), name)
		}
	}
	fmt.Print(sums.String())
	check(os.WriteFile(filepath.Join(r.dist, "SHA256SUMS"), []byte(sums.String()), 0o666))
}
