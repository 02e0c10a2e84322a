package config_test

import (
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"

	"firstline/config"
)

func callersCentre(files map[string]string) fstest.MapFS {
	fs := fstest.MapFS{"numbers.yaml": {Data: []byte("1: {queue: a, client: acme}\n2: {queue: a}\n")}, "queues.yaml": {Data: []byte("a:\n")}, "clients.yaml": {Data: []byte("acme: {}\n")}}
	for name, text := range files {
		fs[name] = &fstest.MapFile{Data: []byte(text)}
	}
	return fs
}

func TestCallersFileHasDefaultsForAll(t *testing.T) {
	standard := config.Callers{Blocked: config.Blocked{Status: 603, Hold: time.Hour}, Lost: config.Lost{Tries: 3}}
	for text, want := range map[string]config.Callers{
		"region: CH\nblocked: {answer: 607, hold: 0s}\nlost: {tries: 5, short-abandons: true}\n": {
			Region: "CH", Blocked: config.Blocked{Status: 607}, Lost: config.Lost{Tries: 5, ShortAbandons: true},
		},
		"blocked: {prompt: not-possible}\n": {Blocked: config.Blocked{Status: 603, Prompt: "not-possible", Hold: time.Hour}, Lost: standard.Lost},
		"{}":                                standard,
	} {
		c, err := config.LoadCentre(callersCentre(map[string]string{"callers.yaml": text}), keys(t))
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(want, c.Callers); d != "" {
			t.Errorf("%s: %s", text, d)
		}
	}
	c, err := config.LoadCentre(callersCentre(nil), nil)
	if err != nil || c.Callers != standard {
		t.Errorf("without the file: %+v, %v", c.Callers, err)
	}
	if c, err := config.LoadCentre(config.DemoCentre(), keys(t)); err != nil || c.Callers != standard {
		t.Errorf("the demo: %+v, %v", c.Callers, err)
	}
}

func TestCallersFileIsRefusedWithAllItsFaults(t *testing.T) {
	_, err := config.LoadCentre(callersCentre(map[string]string{
		"callers.yaml": "region: de\nblocked: {answer: 486, prompt: not-posible, hold: soon, until: x}\nlost: {tries: 0, short-abandons: 1, window: 24h}\n",
		"clients.yaml": "acme: {region: Germany}\n",
	}), keys(t))
	if err == nil {
		t.Fatal("no fault is found")
	}
	for _, want := range []string{
		`callers.yaml:1:9: "de" is no country's code such as DE or US (did you mean "DE"?)`,
		`callers.yaml:2:19: "486" is not one of 603, 607`,
		`callers.yaml:2:19: a blocked caller hears the prompt, or gets the response; here are both`,
		`callers.yaml:2:32: there is no prompt "not-posible" (did you mean "not-possible"?)`,
		`callers.yaml:2:51: "hold" is not a duration`,
		`callers.yaml:2:57: unknown key "until"`,
		`callers.yaml:3:15: "tries" is 0; it may be from 1 to 100`,
		`callers.yaml:3:34: "short-abandons" is neither true nor false`,
		`callers.yaml:3:37: unknown key "window"`,
		`clients.yaml:1:16: "Germany" is no country's code such as DE or US`,
	} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q is not in\n%v", want, err)
		}
	}
}

func TestClientsCountryGoesBeforeTheCentres(t *testing.T) {
	c, err := config.LoadCentre(callersCentre(map[string]string{"callers.yaml": "region: DE\n", "clients.yaml": "acme: {region: CH}\n"}), nil)
	if err != nil {
		t.Fatal(err)
	}
	if a, b := c.Region(c.Numbers["1"]), c.Region(c.Numbers["2"]); a != "CH" || b != "DE" {
		t.Errorf("%q and %q", a, b)
	}
}
