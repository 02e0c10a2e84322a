package sip

import (
	"github.com/emiago/sipgo/sip"

	"firstline/call"
)

// partyOf is who sends req: From, or P-Asserted-Identity when the peer is trusted.
func partyOf(req *sip.Request, trusted bool) call.Party { return call.Party{} }

// cleanParty is the pure half of partyOf. pai holds the values of the
// P-Asserted-Identity headers; they count only when trusted.
func cleanParty(from *sip.FromHeader, pai []string, trusted bool) call.Party { return call.Party{} }
