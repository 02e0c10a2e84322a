package main

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/compose-spec/compose-go/v2/cli"
	"github.com/compose-spec/compose-go/v2/types"

	"firstline/config"
)

func composeProject(t *testing.T, env ...string) (*types.Project, error) {
	t.Helper()
	opts, err := cli.NewProjectOptions([]string{"../../docker-compose.yml"}, cli.WithName("firstline"), cli.WithEnv(env))
	if err != nil {
		t.Fatal(err)
	}
	return opts.LoadProject(context.WithoutCancel(t.Context()))
}

func TestComposeFileLoadsAndItsSettingsAreKnown(t *testing.T) {
	p, err := composeProject(t, "FIRSTLINE_DB_PASSWORD=secret")
	if err != nil {
		t.Fatal(err)
	}
	s, err := p.GetService("firstline")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(s.Build.Context, s.Build.Dockerfile)); err != nil {
		t.Error(err)
	}
	var env []string
	for k, v := range s.Environment {
		env = append(env, k+"="+*v)
	}
	cfg, err := config.ParseServer("", config.DemoServer(), env)
	if err != nil {
		t.Fatalf("firstline would not start with these variables: %v", err)
	}
	if !strings.Contains(cfg.Database, ":secret@") {
		t.Errorf("database %q", cfg.Database)
	}
}

func TestComposeFileHasNoDefaultPassword(t *testing.T) {
	if _, err := composeProject(t); err == nil || !strings.Contains(err.Error(), "choose a password") {
		t.Errorf("without a password: %v", err)
	}
}
