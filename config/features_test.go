package config_test

import (
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"firstline/call"
	"firstline/config"
)

func features(text string) fstest.MapFS {
	files := fstest.MapFS{"numbers.yaml": {Data: []byte("1000: {flow: a}\n")}, "flows/a.yaml": {Data: []byte("start: n\nnodes: {n: {type: hangup}}\n")}}
	if text != "" {
		files["features.yaml"] = &fstest.MapFile{Data: []byte(text)}
	}
	return files
}

func TestFeatureCodesHaveDefaultsAndCanBeTakenAway(t *testing.T) {
	for text, want := range map[string]config.Features{
		"":                                {SignIn: "*11", SignOut: "*12", Break: "*13", Back: "*14", Record: "*15"},
		"sign-in: \"*45\"\nbreak: none\n": {SignIn: "*45", SignOut: "*12", Back: "*14", Record: "*15"},
		"sign-in: none\nsign-out: none\nbreak: none\nback: none\nrecord: none\n": {},
	} {
		c, err := config.LoadCentre(features(text), nil)
		if err != nil {
			t.Fatalf("%q: %v", text, err)
		}
		if c.Features != want {
			t.Errorf("%q: %+v, want %+v", text, c.Features, want)
		}
	}
	c, err := config.LoadCentre(features("record: \"*16\"\nrecorders: [\"2010\", \"2009\"]\n"), nil)
	if err != nil || c.Features.Record != "*16" || !slices.Equal(c.Recorders, []call.AgentID{"2010", "2009"}) {
		t.Errorf("recorders %v, %v", c.Recorders, err)
	}
	_, err = config.LoadCentre(features("sign-in: \"*12\"\nsign-out: \"11\"\nbrake: \"*13\"\nback: \"*1234567\"\n"), nil)
	for _, want := range []string{
		`features.yaml:2:11: "11" is no feature code`, `features.yaml:3:1: unknown key "brake" (did you mean "break"?)`, `features.yaml:4:7: "*1234567" is no feature code`,
	} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q is not in: %v", want, err)
		}
	}
	if _, err := config.LoadCentre(features("sign-in: \"*13\"\n"), nil); err == nil || !strings.Contains(err.Error(), `*13 is the code of "sign-in" already`) {
		t.Errorf("a code twice: %v", err)
	}
}
