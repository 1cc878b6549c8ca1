package sdktest

import (
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// bin returns the path of one of Prometheus's programs. Without it the test is left
// out, or fails if it is required.
func bin(t *testing.T, name string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		if os.Getenv("CLERKTHROTTLE_REQUIRE_PROMETHEUS") != "" {
			t.Fatalf("CLERKTHROTTLE_REQUIRE_PROMETHEUS is set, and %s is not installed", name)
		}
		t.Skipf("left out: %s is not installed", name)
	}
	return path
}

func TestAlertRulesFire(t *testing.T) {
	cmd := exec.Command(bin(t, "promtool"), "test", "rules", "alerts_test.yml")
	cmd.Dir = "../monitoring"
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}

// A Prometheus scrapes a throttle that waits, refuses and meets 429s: the alerts for
// that are pending, and every query of the dashboard has a result.
func TestPrometheusScrapesEverything(t *testing.T) {
	prometheus := startPrometheus(t, newBusyThrottle(t))

	var rules struct {
		Groups []struct {
			Rules []struct{ Name, State, Health, LastError string }
		}
	}
	pending := map[string]bool{"ClerkThrottles": true, "ClerkEndpointBlocked": true, "ClerkRequestsRefused": true}
	waitUntil(t, func() string {
		if err := prometheus.get("/api/v1/rules", nil, &rules); err != nil {
			return err.Error()
		}
		for _, rule := range rules.Groups[0].Rules {
			if rule.Health != "ok" {
				return fmt.Sprintf("%s is %s: %s", rule.Name, rule.Health, rule.LastError)
			}
			if pending[rule.Name] && rule.State != "pending" {
				return rule.Name + " is " + rule.State
			}
			delete(pending, rule.Name)
		}
		if len(pending) > 0 {
			return fmt.Sprintf("there are no rules %v", pending)
		}
		return ""
	})

	text, err := os.ReadFile("../monitoring/grafana.json")
	if err != nil {
		t.Fatal(err)
	}
	var dashboard struct {
		Panels []struct {
			Title   string
			Targets []struct{ Expr string }
		}
	}
	if err := json.Unmarshal(text, &dashboard); err != nil {
		t.Fatal(err)
	}
	for _, panel := range dashboard.Panels {
		for _, target := range panel.Targets {
			query := strings.NewReplacer("$__rate_interval", "1m", "$job", "busy").Replace(target.Expr)
			var found struct{ Result []any }
			if err := prometheus.get("/api/v1/query", url.Values{"query": {query}}, &found); err != nil || len(found.Result) == 0 {
				t.Errorf("%s: %s finds nothing: %v", panel.Title, query, err)
			}
		}
	}
	if len(dashboard.Panels) == 0 {
		t.Error("the dashboard has no panel")
	}
}

// server is a running Prometheus.
type server struct{ url string }

// startPrometheus starts a Prometheus that scrapes a metrics page.
func startPrometheus(t *testing.T, page string) server {
	t.Helper()
	target, err := url.Parse(page)
	if err != nil {
		t.Fatal(err)
	}
	rules, err := filepath.Abs("../monitoring/alerts.yml")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	config := fmt.Sprintf(`
global: {scrape_interval: 200ms, scrape_timeout: 200ms, evaluation_interval: 200ms}
rule_files: [%q]
scrape_configs: [{job_name: busy, static_configs: [{targets: [%q]}]}]
`, rules, target.Host)
	if err := os.WriteFile(filepath.Join(dir, "prometheus.yml"), []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := l.Addr().String()
	_ = l.Close()
	cmd := exec.Command(bin(t, "prometheus"), "--config.file", filepath.Join(dir, "prometheus.yml"),
		"--storage.tsdb.path", filepath.Join(dir, "data"), "--web.listen-address", address, "--log.level", "error")
	cmd.Stderr = t.Output()
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	return server{"http://" + address}
}

// get queries Prometheus's API.
func (s server) get(path string, values url.Values, data any) error {
	resp, err := http.Get(s.url + path + "?" + values.Encode())
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		return err
	}
	answer := struct {
		Status, Error string
		Data          any
	}{Data: data}
	if err := json.Unmarshal(text, &answer); err != nil {
		return fmt.Errorf("%s: %w", text, err)
	}
	if answer.Status != "success" {
		return fmt.Errorf("%s", answer.Error)
	}
	return nil
}

// waitUntil waits until nothing is missing.
func waitUntil(t *testing.T, missing func() string) {
	t.Helper()
	var what string
	for range 600 {
		if what = missing(); what == "" {
			return
		}
		time.Sleep(100 * time.Millisecond)
	}
	t.Fatal(what)
}
