// Command release makes a release of the published modules, and does with it what
// their documentation tells users to do.
//
//	go run ./internal/release                   rehearse the version that the go.mod files name
//	go run ./internal/release -version v0.2.0   rehearse another, and write it into go.mod, go.sum and go.work
//	go run ./internal/release -dist DIR         write the tools' binaries and their checksums to DIR
//
// A rehearsal copies the work tree into a new repository, tags it as the release
// would be tagged, and has the go command fetch the modules from there. The result is
// what module proxies will make of the real tags, with the hashes that go.sum will
// have. From then on the rehearsal acts as a user: in empty folders, with an empty
// module cache and without go.work, it runs every "go get" and "go install" of the
// documentation, compiles and runs the programs printed there and compares their
// output, tests the example of each nested module, and asks each tool for its
// version.
//
// It fails on a replace directive, an untidy go.mod, versions that differ, a package
// that imports another module's internal package, and documentation that does not do
// what it says.
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
	flag.StringVar(&r.version, "version", "", "the `version` to make and to write into the work tree (default: the one in go.mod)")
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

// release is a rehearsal of one version.
type release struct {
	root      string   // the work tree, or a folder in it
	published []string // folders of the modules that users get, each after those that it requires; other modules hold tests
	tools     []string // folders of the commands that are released as binaries
	targets   []string // GOOS/GOARCH of the binaries
	version   string   // empty: the one that the modules require of each other
	dist      string   // folder for the binaries; empty: build none
	upstream  []string // proxies for third-party modules; nil: this machine's module cache and GOPROXY

	path     string    // of the module at the root
	required string    // version that the modules require of each other
	modules  []*module // in the order of published, the others last
	temp     string
	stage    string // work tree of the rehearsed version
	proxy    string // module proxy that has the version

	documented []string // the "go get" and "go install" lines of all pages
}

// run rehearses the release and returns the first error.
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
