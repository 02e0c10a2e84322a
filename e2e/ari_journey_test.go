//go:build e2e

package e2e

import (
	"testing"

	"firstline/e2e/peer"
)

func TestACallThroughAsteriskIsToldWithWaitHoldAndRecording(t *testing.T) {
	p := peer.Start(t, peer.Settings{})
	s := behind(t, p, p.ARI, setting{}, "desk1")
	journey(t, line{
		office: s, late: true, agent: func() *baresip {
			return s.softphoneAt(account{"desk1", p.SIP.String(), "firstline-test"}, "2001", "auto")
		},
		phoneIn: func(number string) *sippCaller { return s.phoneInAt(p.SIP.String(), number, pbxMenu, "1") },
	})
}
