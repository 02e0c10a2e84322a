//go:build e2e

package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"

	"firstline/config"
)

// asked is the names of metrics in expressions of PromQL.
func asked(t *testing.T, files ...string) map[string]bool {
	t.Helper()
	expr := regexp.MustCompile(`(?m)^\s*"?expr"?: (.*)$`)
	name := regexp.MustCompile(`\b(?:firstline|go|process)_[a-z0-9_]+`)
	all := map[string]bool{}
	for _, f := range files {
		for _, m := range expr.FindAllStringSubmatch(read(t, f), -1) {
			for _, n := range name.FindAllString(m[1], -1) {
				all[n] = true
			}
		}
	}
	return all
}

// A dashboard that asks for what is not there shows nothing, and an alert never
// comes. So every name has to be in /metrics, once a call has been answered.
func TestWhatDashboardAndAlertsAskForIsMeasured(t *testing.T) {
	s := serve(t, setting{})
	s.process.stop(syscall.SIGTERM)
	must(t, os.WriteFile(filepath.Join(s.dir, "firstline.yaml"), fmt.Append(config.DemoServer(), `
asterisk:
  nodes: {away: {url: "http://127.0.0.1:1/ari", password: none}}
  sounds: {dir: sounds}
  patience: 10s
`), 0o600))
	s.up()
	s.tool("phone", "--user", "2001", "--json").says(`"registered"`)
	s.api.awaitAgent("2001", "available")
	if code := s.tool("call", "1009", "--talk", "1s", "--from", "+15550100801").exit(); code != 0 {
		t.Errorf("call: exit code %d", code)
	}
	s.api.awaitEnd("+15550100801")
	names := asked(t, "deploy/prometheus/alerts.yml", "deploy/grafana/dashboards/firstline.json")
	if len(names) < 15 {
		t.Errorf("only %d names found", len(names))
	}
	_, metrics, err := s.api.ask("GET", "/metrics", nil)
	must(t, err)
	for n := range names {
		if !regexp.MustCompile(`(?m)^` + n + `[ {]`).Match(metrics) {
			t.Errorf("%s is asked for and not measured", n)
		}
	}
	if !strings.Contains(string(metrics), `firstline_asterisk_node_up{node="away"} 0`) {
		t.Error("a node that is away is not told")
	}
}
