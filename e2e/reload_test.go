//go:build e2e

package e2e

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"firstline/call"
	"firstline/sip/media"
)

func TestACallKeepsItsFlowWhenTheCentreIsReloaded(t *testing.T) {
	t.Parallel()
	s := serve(t, setting{centre: briefWrapUp(t)})
	flow := filepath.Join(s.dir, "centre", "flows", "support.yaml")
	old, err := os.ReadFile(flow)
	must(t, err)
	s.tool("phone", "--user", "2001", "--talk", "1s", "--json").says(`"registered"`)
	p := newPhones(s)

	ask := func(number string, between func()) callRecord {
		t.Helper()
		c, err := p.keep(number, "", nil).Dial(t.Context(), "1000", nil)
		must(t, err)
		defer bye(c)
		must(t, call.AwaitAnswer(t.Context(), c, nil))
		c.Loop(media.Tone(1e9, callerVoice))
		between()
		must(t, c.SendDTMF(t.Context(), "2"))
		return s.api.awaitEnd(number)
	}

	// In the new flow key 2 no longer leads to an agent.
	changed := strings.NewReplacer(
		"account: {type: prompt, play: connecting, next: account-queue}", "account: {type: hangup}",
		"account-queue: {type: queue, queue: service-desk, need: {skills: {accounts: 3}}}", "",
	).Replace(string(old))
	if len(changed) > len(string(old))-80 {
		t.Fatal("the demo's flow is not as this test expects it")
	}
	before := ask("+15550100741", func() {
		must(t, os.WriteFile(flow, []byte(changed), 0o600))
		must(t, s.process.cmd.Process.Signal(syscall.SIGHUP))
		s.process.says("centre activated")
	})
	if before.Outcome != "answered" || before.Agent != "2001" {
		t.Errorf("the call that was up during the reload: %+v", before)
	}
	after := ask("+15550100742", func() {})
	if after.Outcome != "ended-in-flow" || len(after.Entries) != 0 {
		t.Errorf("the call after the reload: %+v", after)
	}

	// A faulty centre is refused as a whole, with file and line.
	must(t, os.WriteFile(flow, []byte(strings.Replace(changed, "default: connecting", "default: conecting", 1)), 0o600))
	reload := s.tool("reload")
	if code := reload.exit(); code == 0 || !strings.Contains(reload.out.String(), "support.yaml:") || !strings.Contains(reload.out.String(), "connecting") {
		t.Errorf("reload of a faulty centre: exit code %d, %s", code, reload.out)
	}
	still := ask("+15550100743", func() {})
	if still.Outcome != "ended-in-flow" {
		t.Errorf("the call after the refused reload: %+v", still)
	}
	must(t, os.WriteFile(flow, old, 0o600))
	if back := s.tool("reload"); back.exit() != 0 {
		t.Errorf("reload: %s", back.out)
	}
	if again := ask("+15550100744", func() {}); again.Outcome != "answered" {
		t.Errorf("the call after the way back: %+v", again)
	}
}

const callerVoice = 700 // Hz
