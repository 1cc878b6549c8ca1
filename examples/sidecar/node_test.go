package main

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/clerkthrottle/clerkthrottle-go/clerkthrottle"
	"github.com/clerkthrottle/clerkthrottle-go/clerkthrottle/clerktest"
)

// node runs a script of testdata against a sidecar before a stand-in for Clerk,
// and returns what it printed.
func node(t *testing.T, script string, env ...string) map[string]any {
	t.Helper()
	bin, err := exec.LookPath("node")
	if err != nil {
		t.Skip("node is not installed")
	}
	cmd := exec.CommandContext(t.Context(), bin, filepath.Join("testdata", script))
	var out, problems bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &problems
	cmd.Env = append(os.Environ(), env...)
	if err := cmd.Run(); err != nil {
		t.Fatalf("%v: %s%s", err, out.String(), problems.String())
	}
	var result map[string]any
	if err := json.Unmarshal(out.Bytes(), &result); err != nil {
		t.Fatalf("%v: %s", err, out.String())
	}
	return result
}

// Programs on Node that share a sidecar share one budget: none sees a 429.
func TestNodeClients(t *testing.T) {
	clerk := clerktest.New(clerktest.WithLimits(clerkthrottle.Limit{Name: "instance", N: 20, Window: 300 * time.Millisecond}))
	upstream := clerk.Start()
	defer clerk.Close()
	url := start(t, upstream, "-limit", "20/300ms")
	got := node(t, "fetch.mjs", "CLERK_API_URL="+url)
	if got["created"] != 50.0 || got["failed"] != 0.0 {
		t.Errorf("%v", got)
	}
	if s := clerk.Stats(); s.Rejected != 0 {
		t.Errorf("%d requests were answered 429", s.Rejected)
	}
}

// Clerk's own library for Node takes a refusal of the sidecar for Clerk's. It is
// tested where it is installed: name its folder in CLERK_NODE_MODULES, as in
//
//	npm install @clerk/backend
//	CLERK_NODE_MODULES=/tmp/clerk/node_modules go test ./examples/sidecar -run Node -v
func TestNodeSDK(t *testing.T) {
	modules := os.Getenv("CLERK_NODE_MODULES")
	if modules == "" {
		t.Skip("CLERK_NODE_MODULES is not set: npm install @clerk/backend")
	}
	clerk := clerktest.New(clerktest.WithLimits(clerkthrottle.Limit{Name: "instance", N: 10, Window: 300 * time.Millisecond}))
	upstream := clerk.Start()
	defer clerk.Close()
	patient := start(t, upstream, "-limit", "10/300ms")
	got := node(t, "sdk.mjs", "CLERK_API_URL="+patient, "CLERK_NODE_MODULES="+modules)
	if got["created"] != 30.0 || got["failed"] != 0.0 || clerk.Stats().Rejected != 0 {
		t.Errorf("%v, %d requests answered 429", got, clerk.Stats().Rejected)
	}
	clerk.Reset()
	hasty := start(t, upstream, "-limit", "10/300ms", "-max-wait", "0")
	got = node(t, "sdk.mjs", "CLERK_API_URL="+hasty, "CLERK_NODE_MODULES="+modules)
	if got["failed"] == 0.0 || got["status"] != 429.0 || got["code"] != "too_many_requests" || got["retryAfter"] != 1.0 || clerk.Stats().Rejected != 0 {
		t.Errorf("%v, %d requests answered 429", got, clerk.Stats().Rejected)
	}
}
