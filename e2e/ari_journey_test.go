//go:build e2e

package e2e

import "testing"

func TestACallThroughAsteriskIsToldWithWaitHoldAndRecording(t *testing.T) {
	t.Parallel()
	p := startPBX(t)
	s := behind(t, p, p.ari, setting{}, "desk1")
	journey(t, line{
		office: s, agent: func() *baresip {
			return s.softphoneAt(account{"desk1", p.sip.String(), "firstline-test"}, "2001", "auto")
		},
		phoneIn: func(number string) *sippCaller { return s.phoneInAt(p.sip.String(), number, pbxMenu, "1") },
	})
}
