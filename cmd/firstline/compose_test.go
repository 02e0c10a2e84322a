package main

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/compose-spec/compose-go/v2/cli"
	"github.com/compose-spec/compose-go/v2/types"

	"firstline/config"
)

// filledIn is .env as an operator leaves it.
func filledIn() []string {
	return []string{"FIRSTLINE_DB_PASSWORD=secret-of-the-database", "FIRSTLINE_ARI_PASSWORD=secret-of-asterisk", "GRAFANA_PASSWORD=secret-of-grafana"}
}

func composeProject(t *testing.T, env ...string) (*types.Project, error) {
	t.Helper()
	opts, err := cli.NewProjectOptions([]string{"../../docker-compose.yml"}, cli.WithName("firstline"), cli.WithEnv(env))
	if err != nil {
		t.Fatal(err)
	}
	return opts.LoadProject(context.WithoutCancel(t.Context()))
}

func composed(t *testing.T) *types.Project {
	t.Helper()
	p, err := composeProject(t, filledIn()...)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestComposeFileStartsAllFive(t *testing.T) {
	p := composed(t)
	if got, want := p.ServiceNames(), []string{"asterisk", "database", "firstline", "grafana", "prometheus"}; !slices.Equal(got, want) {
		t.Errorf("services %v, want %v", got, want)
	}
	for name, s := range p.Services {
		if s.HealthCheck == nil || len(s.HealthCheck.Test) < 2 {
			t.Errorf("%s has no health check", name)
		}
		if s.Restart == "" || s.Privileged {
			t.Errorf("%s: restart %q, privileged %v", name, s.Restart, s.Privileged)
		}
		for _, port := range s.Ports {
			if port.HostIP != "127.0.0.1" {
				t.Errorf("%s publishes %s beyond this machine", name, port.Published)
			}
		}
		for _, v := range s.Volumes {
			if v.Type != types.VolumeTypeBind {
				continue
			}
			if _, err := os.Stat(v.Source); err != nil || !v.ReadOnly {
				t.Errorf("%s mounts %s: %v, read only %v", name, v.Source, err, v.ReadOnly)
			}
		}
		if s.Build != nil {
			containerFileHolds(t, s.Build.Context, s.Build.Dockerfile)
		}
	}
}

// containerFileHolds wants a container file whose every COPY from the context
// finds something.
func containerFileHolds(t *testing.T, folder, name string) {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(folder, name))
	if err != nil {
		t.Error(err)
		return
	}
	for line := range strings.Lines(string(b)) {
		f := strings.Fields(line)
		if len(f) < 3 || f[0] != "COPY" || strings.HasPrefix(f[1], "--from") {
			continue
		}
		for _, source := range f[1 : len(f)-1] {
			if found, err := filepath.Glob(filepath.Join(folder, source)); err != nil || len(found) == 0 {
				t.Errorf("%s copies %s, which is not in %s", name, source, folder)
			}
		}
	}
}

// settings are firstline's in the compose file: the mounted file, and the variables.
func settings(t *testing.T, s types.ServiceConfig) *config.Server {
	t.Helper()
	var env []string
	for k, v := range s.Environment {
		env = append(env, k+"="+*v)
	}
	i := slices.IndexFunc(s.Volumes, func(v types.ServiceVolumeConfig) bool { return v.Target == *s.Environment["FIRSTLINE_CONFIG"] })
	if i < 0 {
		t.Fatal("FIRSTLINE_CONFIG names no mounted file")
	}
	data, err := os.ReadFile(s.Volumes[i].Source)
	if err != nil {
		t.Fatal(err)
	}
	cfg, err := config.ParseServer(s.Volumes[i].Target, data, env)
	if err != nil {
		t.Fatalf("firstline would not start: %v", err)
	}
	return cfg
}

func TestComposeFileLoadsAndItsPartsFindEachOther(t *testing.T) {
	p := composed(t)
	firstline, pbx := p.Services["firstline"], p.Services["asterisk"]
	cfg := settings(t, firstline)
	if !strings.Contains(cfg.Database, ":secret-of-the-database@127.0.0.1:"+p.Services["database"].Ports[0].Published+"/") {
		t.Errorf("database %q", cfg.Database)
	}
	if len(cfg.Asterisk.Nodes) != 1 {
		t.Fatalf("nodes %+v", cfg.Asterisk.Nodes)
	}
	node := cfg.Asterisk.Nodes[0]
	if node.Password != "secret-of-asterisk" || *pbx.Environment["ARI_PASSWORD"] != node.Password || node.User != "firstline" {
		t.Errorf("ARI as %s with %q, Asterisk has %q", node.User, node.Password, *pbx.Environment["ARI_PASSWORD"])
	}
	http := confOf(t, "site/http.conf")
	if want := "http://" + http["bindaddr"] + ":" + http["bindport"] + "/ari"; node.URL != want {
		t.Errorf("ARI at %s, Asterisk listens at %s", node.URL, want)
	}
	// What one writes the other finds: prompts, and the log of limp mode.
	shared(t, firstline, cfg.Asterisk.Sounds.Dir, pbx, "/usr/share/asterisk/sounds/"+cfg.Asterisk.Sounds.Seen)
	shared(t, firstline, filepath.Dir(node.QueueLog), pbx, "/var/log/asterisk")
	if at := cfg.SIP.Listen[0].Address; at.Port() == 5060 || !at.Addr().IsLoopback() || !cfg.HTTP.Listen.Addr().IsLoopback() {
		t.Errorf("firstline listens at %v and %v", at, cfg.HTTP.Listen)
	}
	prometheus, err := os.ReadFile("../../deploy/prometheus/prometheus.yml")
	if err != nil || !strings.Contains(string(prometheus), cfg.HTTP.Listen.String()) {
		t.Errorf("prometheus does not look at %v: %v", cfg.HTTP.Listen, err)
	}
}

// shared wants one volume behind two paths.
func shared(t *testing.T, a types.ServiceConfig, pathA string, b types.ServiceConfig, pathB string) {
	t.Helper()
	volume := func(s types.ServiceConfig, path string) string {
		for _, v := range s.Volumes {
			if v.Target == path {
				return v.Source
			}
		}
		return "nothing"
	}
	if x, y := volume(a, pathA), volume(b, pathB); x != y || x == "nothing" {
		t.Errorf("%s has %s at %s, %s has %s at %s", a.Name, x, pathA, b.Name, y, pathB)
	}
}

// confOf is the values of a configuration file of deploy/asterisk that has one section.
func confOf(t *testing.T, name string) map[string]string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("../../deploy/asterisk", name))
	if err != nil {
		t.Fatal(err)
	}
	values := map[string]string{}
	for line := range strings.Lines(string(b)) {
		if k, v, ok := strings.Cut(line, "="); ok && !strings.HasPrefix(line, ";") {
			values[strings.TrimSpace(k)] = strings.TrimSpace(v)
		}
	}
	return values
}

func TestComposeFileHasNoDefaultPassword(t *testing.T) {
	for i, left := range filledIn() {
		env := slices.Delete(filledIn(), i, i+1)
		if _, err := composeProject(t, env...); err == nil || !strings.Contains(err.Error(), "choose a password") {
			t.Errorf("without %s: %v", left, err)
		}
		name, _, _ := strings.Cut(left, "=")
		if _, err := composeProject(t, append(env, name+"=")...); err == nil {
			t.Errorf("with an empty %s it starts", name)
		}
	}
	sample, err := os.ReadFile("../../deploy/compose.env")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := composeProject(t, strings.Split(string(sample), "\n")...); err == nil {
		t.Error("with the sample as it is it starts")
	}
	for _, s := range filledIn() {
		if name, _, _ := strings.Cut(s, "="); !strings.Contains(string(sample), "\n"+name+"=\n") {
			t.Errorf("the sample has no %s to fill in", name)
		}
	}
}
