package config_test

import (
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"

	"firstline/config"
	"firstline/intake"
)

// outboundCentre is a centre with a policy of calls outside, and a queue that hands on.
func outboundCentre(policy, to string) fstest.MapFS {
	fs := fstest.MapFS{
		"numbers.yaml": {Data: []byte("1: {queue: a}\n")},
		"queues.yaml":  {Data: []byte("a: {exits: {timeout: {number: \"" + to + "\"}}}\n")},
	}
	if policy != "" {
		fs["outbound.yaml"] = &fstest.MapFile{Data: []byte(policy)}
	}
	return fs
}

func TestOnePolicySaysWhichNumbersOutsideMayBeCalled(t *testing.T) {
	c, err := config.LoadCentre(outboundCentre("allow: [\"+49\"]\nat-once: 5\nper-hour: 60\nring: 20s\nrecord: false\ntransfer-ring: 25s\n", "+4930123"), nil)
	if err != nil {
		t.Fatal(err)
	}
	want := intake.Outbound{Allow: []string{"+49"}, AtOnce: 5, PerHour: 60, Ring: 20 * time.Second, Silent: true}
	if d := cmp.Diff(want, c.Outbound); d != "" || c.Patience != 25*time.Second {
		t.Errorf("%v, %s", c.Patience, d)
	}
	c, err = config.LoadCentre(outboundCentre("", "+4930123"), nil)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(intake.Outbound{Ring: 30 * time.Second}, c.Outbound); d != "" || c.Patience != 30*time.Second {
		t.Errorf("without the file: %v, %s", c.Patience, d)
	}
}

func TestAQueueThatHandsOnToANumberOutsidePolicyIsRefusedWithItsLine(t *testing.T) {
	for policy, want := range map[string]string{
		"allow: [\"+43\"]\n":       "queues.yaml:1:31: callers cannot be handed on to +4930123: no number in outbound.yaml allows it (+43)",
		"allow: [\"x\"]\nring: 1s": "outbound.yaml:1:9: \"x\" is not the beginning of a number: + and digits",
	} {
		if _, err := config.LoadCentre(outboundCentre(policy, "+4930123"), nil); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v", policy, err)
		}
	}
}
