package config_test

import (
	"errors"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"firstline/config"
)

// overlay is the sound centre with the files of a folder in their places.
func overlay(t *testing.T, dir string) fs.FS {
	t.Helper()
	all := fstest.MapFS{}
	for _, from := range []string{"testdata/sound", dir} {
		add := fstest.MapFS{}
		err := fs.WalkDir(os.DirFS(from), ".", func(name string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() || name == "expected" {
				return err
			}
			data, err := os.ReadFile(filepath.Join(from, name))
			add[name] = &fstest.MapFile{Data: data}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		maps.Copy(all, add)
	}
	return all
}

// said is what a check says of a centre: its faults, else its hints.
func said(t *testing.T, dir fs.FS) string {
	t.Helper()
	c, err := config.LoadCentre(dir, keys(t))
	var faults config.Faults
	switch {
	case errors.As(err, &faults):
		return faults.Error() + "\n"
	case err != nil:
		t.Fatal(err)
	}
	var b strings.Builder
	for _, h := range c.Hints {
		b.WriteString("advice: " + h.String() + "\n")
	}
	return b.String()
}

func TestASoundCentreHasNoFaultsAndNoHints(t *testing.T) {
	if got := said(t, os.DirFS("testdata/sound")); got != "" {
		t.Error(got)
	}
}

func TestEachFaultyCentreIsToldItsFaultWithFileAndLine(t *testing.T) {
	entries, err := os.ReadDir("testdata/faults")
	if err != nil {
		t.Fatal(err)
	}
	cases := 0
	for _, e := range entries {
		if !e.IsDir() {
			continue
		}
		cases++
		t.Run(e.Name(), func(t *testing.T) {
			dir := filepath.Join("testdata/faults", e.Name())
			got, golden := said(t, overlay(t, dir)), filepath.Join(dir, "expected")
			if os.Getenv("UPDATE_GOLDEN") != "" {
				if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(string(want), got); d != "" {
				t.Errorf("said (-want +got):\n%s", d)
			}
			if !strings.Contains(got, ".y") && !strings.Contains(got, ".ics") {
				t.Errorf("no file is named: %q", got)
			}
		})
	}
	if cases < 40 {
		t.Errorf("%d faulty centres; want 40 at least", cases)
	}
}

// The flow of docs/flows.md is one that loads.
func TestTheFlowOfTheDocsLoads(t *testing.T) {
	page, err := os.ReadFile("../docs/flows.md")
	if err != nil {
		t.Fatal(err)
	}
	_, text, _ := strings.Cut(string(page), "```yaml\n")
	text, _, _ = strings.Cut(text, "```")
	dir := fstest.MapFS{
		"numbers.yaml":        {Data: []byte("1000: {flow: support}\n")},
		"queues.yaml":         {Data: []byte("service-desk: {}\n")},
		"flows/support.yaml":  {Data: []byte(text)},
		"flows/identify.yaml": {Data: []byte("start: back\nnodes:\n  back: {type: return}\n")},
	}
	if got := said(t, dir); got != "" {
		t.Error(got)
	}
}
