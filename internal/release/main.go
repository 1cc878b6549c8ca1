// Command release makes a release of the modules that are published, and does
// with it what their documentation tells users to do.
//
//	go run ./internal/release                   rehearse the version that the go.mod files name
//	go run ./internal/release -version v0.2.0   rehearse another, and write it into go.mod, go.sum and go.work
//	go run ./internal/release -dist DIR         leave the tools' binaries and their checksums there
//
// A rehearsal copies the work tree into a repository of its own, tags it as the
// release would be tagged, and has the go command fetch the modules from there.
// So it makes of them what the module proxies will make of the real tags, with
// the hashes that go.sum will have. From then on it is a user: in empty folders,
// with an empty module cache and without go.work, it runs every "go get" and "go
// install" of the documentation, compiles and runs the programs printed there
// and compares what they print, tests the example of each nested module, and
// asks each tool for its version.
//
// It fails on a replace directive, on a go.mod that is not tidy, on versions out
// of step, on a package that imports another module's internal one, and on a
// line of the documentation that does not do what it says.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
)

func main() {
	r := &release{
		published: []string{".", "clerkthrottle/otelthrottle", "clerkthrottle/redisbudget", "examples"},
		tools:     []string{"examples/import", "examples/sidecar"},
		targets:   []string{"linux/amd64", "linux/arm64", "darwin/amd64", "darwin/arm64", "windows/amd64", "windows/arm64"},
	}
	flag.StringVar(&r.version, "version", "", "the `version` to make: it is written into the work tree; empty: the one that go.mod names")
	flag.StringVar(&r.dist, "dist", "", "`folder` for the binaries")
	flag.Parse()
	if flag.NArg() > 0 {
		flag.Usage()
		os.Exit(2)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := r.run(ctx)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "release:", err)
		os.Exit(1)
	}
}

// release is a version of the project, from its work tree to a user's programs.
type release struct {
	root      string   // of the work tree, or a folder in it
	published []string // folders of the modules that users get, each after those that it requires; the others hold tests
	tools     []string // folders of the commands that come as binaries
	targets   []string // and what they are for
	version   string   // empty: what the modules require of each other
	dist      string   // where the binaries are left; empty: nowhere
	upstream  []string // module proxies that have the modules of others; nil: this machine's cache and settings

	path     string    // of the module at the root
	required string    // version that the modules require of each other
	modules  []*module // in that order, the others last
	temp     string
	stage    string // the work tree of the version
	proxy    string // a module proxy that has the version

	documented []string // the "go get" and "go install" lines of all pages
}

// run rehearses the release, and returns what was wrong with it.
func (r *release) run(ctx context.Context) (err error) {
	defer func() {
		switch f := recover().(type) {
		case nil:
		case failure:
			err = f.error
		default:
			panic(f)
		}
	}()
	at := strings.Split(command(ctx, r.root, nil, "go", "env", "GOWORK", "GOMODCACHE", "GOPROXY"), "\n")
	r.root = filepath.Dir(at[0])
	if r.upstream == nil {
		r.upstream = []string{"file://" + filepath.ToSlash(filepath.Join(at[1], "cache", "download")), at[2]}
	}
	r.temp, err = os.MkdirTemp("", "release-")
	check(err)
	defer func() { _ = os.RemoveAll(r.temp) }()
	another := r.version != ""
	r.read(ctx)
	r.copy(ctx)
	r.nameVersion(ctx)
	r.checkImports(ctx)
	r.publish(ctx)
	r.followDocumentation(ctx)
	r.runExamples(ctx)
	r.buildTools(ctx)
	if another {
		r.writeBack(ctx)
	}
	return nil
}
