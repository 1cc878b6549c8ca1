package main

import (
	"context"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strings"
)

// copy copies the work tree, uncommitted files included, into a new repository.
func (r *release) copy(ctx context.Context) {
	r.stage = filepath.Join(r.temp, "stage")
	index := []string{"GIT_INDEX_FILE=" + filepath.Join(r.temp, "index")}
	for _, args := range [][]string{
		{"git", "add", "--all"},
		{"git", "checkout-index", "--all", "--prefix=" + filepath.ToSlash(r.stage) + "/"},
		{"git", "init", "-q", r.stage},
	} {
		command(ctx, r.root, index, args...)
	}
}

// nameVersion makes the modules require the version of each other, and go.work
// replace it. It drops this project's hashes from go.sum: they are of an earlier
// tree.
func (r *release) nameVersion(ctx context.Context) {
	ours := regexp.QuoteMeta(r.path) + `\S* `
	required, hashed := regexp.MustCompile(`(\b`+ours+`)`+regexp.QuoteMeta(r.required)+`\b`), regexp.MustCompile(`(?m)^`+ours+`.*\n`)
	for _, name := range r.versioned(ctx) {
		file := filepath.Join(r.stage, name)
		text, err := os.ReadFile(file)
		check(err)
		if path.Base(name) == "go.sum" {
			text = hashed.ReplaceAll(text, nil)
		}
		check(os.WriteFile(file, required.ReplaceAll(text, []byte("${1}"+r.version)), 0o666))
	}
	command(ctx, r.stage, nil, "git", "add", "-A")
}

// writeBack writes the version into the work tree.
func (r *release) writeBack(ctx context.Context) {
	for _, name := range r.versioned(ctx) {
		text, err := os.ReadFile(filepath.Join(r.stage, name))
		check(err)
		check(os.WriteFile(filepath.Join(r.root, name), text, 0o666))
	}
}

// versioned returns the files that contain the version.
func (r *release) versioned(ctx context.Context) []string {
	return strings.Fields(command(ctx, r.stage, nil, "git", "ls-files", "--cached", "--others", "go.work", "*go.mod", "*go.sum"))
}

// publish tags each module in turn and fetches it as a module proxy would. A module's
// go.sum first gets the hashes of the modules that it requires, which are fetched by
// then; otherwise it must be tidy.
func (r *release) publish(ctx context.Context) {
	cache := filepath.Join(r.temp, "proxy")
	r.proxy = filepath.Join(cache, "cache", "download")
	git := []string{"git", "-c", "user.name=release", "-c", "user.email=release@localhost", "-c", "commit.gpgsign=false", "-c", "tag.gpgsign=false"}
	fetch := []string{
		"GOWORK=off", "GOFLAGS=-modcacherw", "GOMODCACHE=" + cache, "GOPROXY=direct", "GONOSUMDB=" + r.path,
		"GIT_CONFIG_COUNT=1", "GIT_CONFIG_KEY_0=url.file://" + filepath.ToSlash(r.stage) + ".insteadOf", "GIT_CONFIG_VALUE_0=https://" + r.path,
	}
	for _, m := range r.modules {
		r.tidy(ctx, m)
		if !m.published {
			continue
		}
		for _, args := range [][]string{{"add", "-A"}, {"commit", "-q", "--allow-empty", "-m", m.path}, {"tag", path.Join(m.dir, r.version)}} {
			command(ctx, r.stage, nil, append(git[:len(git):len(git)], args...)...)
		}
		command(ctx, r.temp, fetch, "go", "mod", "download", m.path+"@"+r.version)
	}
}

// tidy tidies a module. This may change nothing but the hashes of the release.
func (r *release) tidy(ctx context.Context, m *module) {
	dir := filepath.Join(r.stage, m.dir)
	command(ctx, dir, r.user("tidy"), "go", "mod", "tidy")
	command(ctx, dir, nil, "git", "add", "--intent-to-add", ".")
	changes := command(ctx, dir, nil, "git", "diff", "--ignore-matching-lines=^"+regexp.QuoteMeta(r.path), "--", "go.mod", "go.sum")
	if strings.Contains(changes, "\n@@ ") { // not only a new go.sum
		fail("%s/go.mod or its go.sum is not tidy: go mod tidy changes\n%s", m.dir, changes)
	}
}
