package main

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"firstline/config"
)

// entry runs the container's entrypoint in place of root's folders. Asterisk is a
// program that prints how it was called.
func entry(t *testing.T, env ...string) (etc, out string, err error) {
	t.Helper()
	etc = t.TempDir()
	if err := os.CopyFS(etc, os.DirFS("../../deploy/asterisk")); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), "../../deploy/asterisk/entrypoint.sh", "-T")
	cmd.Env = append([]string{"PATH=" + os.Getenv("PATH"), "ETC=" + etc, "SITE=../../deploy/asterisk/site", "ASTERISK=echo"}, env...)
	b, err := cmd.CombinedOutput()
	return etc, string(b), err
}

func TestContainerOfAsteriskStartsWithAPasswordOnly(t *testing.T) {
	for _, env := range [][]string{
		nil,
		{"ARI_PASSWORD="},
		{"ARI_PASSWORD=short"},
		{"ARI_PASSWORD=long-enough-but\nread_only = no"},
		{"ARI_PASSWORD=long-enough-but;x"},
		{"ARI_PASSWORD=long-enough-password", "SYSTEM_NAME=pbx 1"},
		{"ARI_PASSWORD_FILE=/none"},
	} {
		if _, out, err := entry(t, env...); err == nil || strings.Contains(out, "-f") {
			t.Errorf("%q: %s", env, out)
		}
	}
	file := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(file, []byte("from-a-file-0123456789\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for password, env := range map[string]string{"long-enough-password": "ARI_PASSWORD=long-enough-password", "from-a-file-0123456789": "ARI_PASSWORD_FILE=" + file} {
		etc, out, err := entry(t, env, "SYSTEM_NAME=pbx2")
		if err != nil || strings.TrimSpace(out) != "-f -C "+etc+"/site/asterisk.conf -T" {
			t.Errorf("%s: %v %s", env, err, out)
		}
		ari, err := os.ReadFile(filepath.Join(etc, "site/ari.conf"))
		if err != nil || !strings.Contains(string(ari), "\npassword = "+password+"\n") {
			t.Errorf("%s: %v %s", env, err, ari)
		}
		if info, err := os.Stat(filepath.Join(etc, "site/ari.conf")); err != nil || info.Mode().Perm()&0o007 != 0 {
			t.Errorf("everybody reads the password: %v, %v", info.Mode(), err)
		}
		if options, err := os.ReadFile(filepath.Join(etc, "site/asterisk.conf")); err != nil || !strings.Contains(string(options), "\nsystemname = pbx2\n") {
			t.Errorf("%v %s", err, options)
		}
	}
}

// What the tests of a real Asterisk install is what the container has.
func TestContainerOfAsteriskHasThePackagesThatAreTested(t *testing.T) {
	script, err := os.ReadFile("../../deploy/dev/asterisk.sh")
	if err != nil {
		t.Fatal(err)
	}
	file, err := os.ReadFile("../../deploy/asterisk/Containerfile")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(script), "\npackages=")
	packages, _, _ := strings.Cut(rest, "\n")
	for p := range strings.SplitSeq(packages, ",") {
		if !strings.Contains(string(file), " "+p+" ") {
			t.Errorf("the container has no %q", p)
		}
	}
}

func TestAlertsAreReadAndTriedByPrometheus(t *testing.T) {
	for _, args := range [][]string{{"check", "config", "prometheus.yml"}, {"test", "rules", "tests.yml"}} {
		cmd := exec.CommandContext(t.Context(), "promtool", args...)
		cmd.Dir = "../../deploy/prometheus"
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("promtool %v (deploy/dev/deps.sh prometheus installs it): %v\n%s", args, err, out)
		}
	}
}

// A dashboard that is provisioned from a file must name its source of data: a
// placeholder for it is never filled in.
func TestDashboardNamesItsSourceOfData(t *testing.T) {
	source, err := os.ReadFile("../../deploy/grafana/provisioning/datasources/prometheus.yml")
	if err != nil || !strings.Contains(string(source), "uid: prometheus ") {
		t.Fatalf("%v\n%s", err, source)
	}
	b, err := os.ReadFile("../../deploy/grafana/dashboards/firstline.json")
	if err != nil {
		t.Fatal(err)
	}
	type from struct{ Type, UID string }
	var board struct {
		UID    string
		Panels []struct {
			ID         int
			Title      string
			Datasource from
			GridPos    struct{ X, Y, W, H int }
			Targets    []struct {
				Expr       string
				Datasource from
			}
		}
	}
	if err := json.Unmarshal(b, &board); err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(b), "${DS_") || board.UID == "" || len(board.Panels) < 10 {
		t.Errorf("uid %q, %d panels", board.UID, len(board.Panels))
	}
	seen := map[int]bool{}
	for _, p := range board.Panels {
		if seen[p.ID] || p.GridPos.X+p.GridPos.W > 24 || p.Datasource.UID != "prometheus" || len(p.Targets) == 0 {
			t.Errorf("panel %d %q: %+v", p.ID, p.Title, p)
		}
		seen[p.ID] = true
		for _, q := range p.Targets {
			if q.Expr == "" || q.Datasource.UID != "prometheus" {
				t.Errorf("panel %q asks %+v", p.Title, q)
			}
		}
	}
}

func TestHealthAsksTheServerOfTheSameConfiguration(t *testing.T) {
	dir := emptyFolder(t)
	ready := http.StatusOK
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/readyz" {
			w.WriteHeader(ready)
		}
		_, _ = w.Write([]byte("all is " + r.URL.Path + "\n"))
	}))
	defer srv.Close()
	file := filepath.Join(dir, "firstline.yaml")
	text := "http: {listen: \"" + strings.Replace(strings.TrimPrefix(srv.URL, "http://"), "127.0.0.1", "0.0.0.0", 1) + "\"}\n"
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, _ := firstline(t, 0, "health", "-c", file); out != "all is /healthz\n" {
		t.Error(out)
	}
	firstline(t, 0, "health", "--ready", "-c", file)
	ready = http.StatusServiceUnavailable
	if _, errs := firstline(t, exitFailed, "health", "--ready", "-c", file); !strings.Contains(errs, "503") {
		t.Error(errs)
	}
	srv.Close()
	firstline(t, exitFailed, "health", "-c", file)
}

// The how-to's configuration of firstline is read as it stands.
func TestHowToForAsteriskConfiguresFirstline(t *testing.T) {
	text, err := os.ReadFile("../../docs/asterisk.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(text), "```yaml\n")
	snippet, _, found := strings.Cut(rest, "```")
	if !found {
		t.Fatal("there is none")
	}
	cfg, err := config.ParseServer("firstline.yaml", []byte(snippet), nil)
	if err != nil {
		t.Fatal(err)
	}
	if n := cfg.Asterisk.Nodes; len(n) != 1 || n[0].QueueLog != "/var/log/asterisk/queue_log" || n[0].Fallback.Context != "firstline-fallback" {
		t.Errorf("nodes %+v", n)
	}
	for _, link := range regexp.MustCompile(`\]\((\.\./[^)#]+)\)`).FindAllStringSubmatch(string(text), -1) {
		if _, err := os.Stat(filepath.Join("../../docs", link[1])); err != nil {
			t.Error(err)
		}
	}
}
