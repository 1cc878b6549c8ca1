package main

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"
)

// lines is a log that can be read while it is written.
type lines struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(p)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.String()
}

// With -metrics a monitor finds what the throttle does, and the health, on an
// address of their own, until the last request is answered.
func TestMetricsHaveAnAddressOfTheirOwn(t *testing.T) {
	o, err := parseOptions([]string{"-listen", "127.0.0.1:0", "-metrics", "127.0.0.1:0", "-backend", echo(t)}, func(string) string { return "" }, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	var log lines
	ctx, stop := context.WithCancel(t.Context())
	stopped := make(chan error, 1)
	go func() { stopped <- run(ctx, o, slog.New(slog.NewTextHandler(&log, nil))) }()
	find := regexp.MustCompile(`msg=(metrics|listening) address=(\S+)`)
	found := func() [][]string { return find.FindAllStringSubmatch(log.String(), -1) }
	for range 1000 {
		if len(found()) == 2 {
			break
		}
		time.Sleep(10 * time.Millisecond)
	}
	at := map[string]string{}
	for _, m := range found() {
		at[m[1]] = m[2]
	}
	do(t, request(t, "GET", at["listening"]+"/v1/users", "Authorization", "Bearer sk_test_x"))
	resp, body := do(t, request(t, "GET", at["metrics"]))
	for _, want := range []string{`clerkthrottle_requests_total{`, `url_template="/v1/users"`, `clerkthrottle_token_limit`, `process_resident_memory_bytes`} {
		if resp.StatusCode != http.StatusOK || !strings.Contains(string(body), want) {
			t.Errorf("%s: no %s in %s", resp.Status, want, body)
		}
	}
	if strings.Contains(string(body), "sk_test_x") {
		t.Error("the key is in the metrics")
	}
	if resp, body := do(t, request(t, "GET", strings.TrimSuffix(at["metrics"], "/metrics")+"/-/health")); resp.StatusCode != http.StatusOK || string(body) != "ok\n" {
		t.Errorf("health: %s %s", resp.Status, body)
	}
	if resp, _ := do(t, request(t, "GET", at["listening"]+"/metrics", "Origin", "https://evil.example.com")); resp.StatusCode == http.StatusOK {
		t.Error("the proxy's own address has them, too")
	}
	stop()
	if err := <-stopped; err != nil {
		t.Error(err)
	}
}

// The systemd unit is one that systemd takes.
func TestSystemdTakesTheUnit(t *testing.T) {
	bin := need(t, "systemd-analyze")
	unit, err := os.ReadFile("clerk-sidecar.service")
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "clerk-sidecar.service")
	unit = bytes.ReplaceAll(unit, []byte("/usr/local/bin/sidecar"), []byte(bin)) // some program that there is
	if err := os.WriteFile(path, unit, 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.CommandContext(t.Context(), bin, "verify", path).CombinedOutput(); err != nil || len(out) > 0 {
		t.Errorf("%v: %s", err, out)
	}
	for arg := range strings.FieldsSeq(string(regexp.MustCompile(`ExecStart=.*`).Find(unit))) {
		if strings.HasPrefix(arg, "-") && !strings.Contains(usage(t), "  "+arg+" ") {
			t.Errorf("the unit has a flag %s that the sidecar has not", arg)
		}
	}
}

func usage(t *testing.T) string {
	t.Helper()
	var out bytes.Buffer
	if _, err := parseOptions([]string{"-h"}, os.Getenv, &out); err == nil {
		t.Error("-h is no error")
	}
	return out.String()
}

// Every flag that the pages name exists.
func TestPagesNameOnlyFlagsThatExist(t *testing.T) {
	known := usage(t) + "\n  -h \n  -version \n"
	for _, page := range []string{"README.md", "production.md"} {
		text, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range regexp.MustCompile("[`\"\\s](-[a-z]+(?:-[a-z]+)*)[`\"\\s,]").FindAllStringSubmatch(string(text), -1) {
			if !regexp.MustCompile(`(?m)^  `+m[1]+`\b`).MatchString(known) && !foreign[m[1]] {
				t.Errorf("%s names %s", page, m[1])
			}
		}
	}
}

// foreign are other programs' flags, which the pages use.
var foreign = map[string]bool{"-v": true, "-run": true, "-bench": true, "-benchtime": true, "-t": true, "-p": true, "-c": true}
