package sip

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"firstline/call"
)

// bubble runs a rule on a rig under a fake clock.
func bubble(t *testing.T, rule func(t *testing.T, r *rig)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) { rule(t, newRig(t)) })
}

// leftover checks that the dialog table is empty once everything had its time.
func leftover(t *testing.T, r *rig) {
	t.Helper()
	time.Sleep(time.Minute)
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.dialogs)+len(r.invites) != 0 {
		t.Errorf("%d dialogs and %d invites left", len(r.dialogs), len(r.invites))
	}
}

// RFC 3261 section 13.3.1.4: T1, doubling to T2, until 64*T1; then BYE.
func TestAnswerIsRepeatedUntilAcknowledgedAndThenGivenUpWithBye(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		c := r.ring("ladder")
		start := time.Now()
		c.do200(t)
		var at []time.Duration
		m := r.peer.want("200")
		for ; strings.HasPrefix(m.first(), "200"); m = r.peer.hear() {
			at = append(at, m.at.Sub(start))
		}
		want := []time.Duration{0, 500 * time.Millisecond, 1500 * time.Millisecond, 3500 * time.Millisecond}
		for next := 7500 * time.Millisecond; next < 32*time.Second; next += 4 * time.Second {
			want = append(want, next)
		}
		if diff := cmp.Diff(want, at); diff != "" {
			t.Errorf("200 at (-want +got):\n%s", diff)
		}
		if m.first() != "BYE" || m.at.Sub(start) != 32*time.Second {
			t.Errorf("after 64*T1: %q at %v", m.first(), m.at.Sub(start))
		}
		r.peer.answer(m, "200 OK", "", "")
		if got := c.user.end(); got.Reason != call.Unreachable {
			t.Errorf("ended with %v", got)
		}
		leftover(t, r)
	})
}

func TestAckStopsTheLadder(t *testing.T) {
	for name, branch := range map[string]string{"own branch": "z9hG4bKack1", "branch of the INVITE": "z9hG4bKack"} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T, r *rig) {
				c := r.ring("ack")
				c.do200(t)
				res := r.peer.want("200")
				r.peer.say(fmt.Sprintf(`
ACK sip:firstline@{us} SIP/2.0
Via: SIP/2.0/UDP {me};branch=%s;rport
Max-Forwards: 70
From: %s
To: %s
Call-ID: ack
CSeq: 1 ACK
`, branch, res.header("From"), res.header("To")))
				r.peer.quiet(40 * time.Second)
				if got := c.user.said(); got != "confirmed" {
					t.Errorf("told %q", got)
				}
				c.hang(t)
				r.peer.answer(r.peer.want("BYE"), "200 OK", "", "")
				leftover(t, r)
			})
		})
	}
}

// The reply of a request to another port than the packet's source must come back to the listening socket.
func TestInDialogRequestsGoToTheContactFromTheListeningSocket(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		other := &peer{t, r.lan.listen("192.0.2.9:6000"), "192.0.2.9:6000"}
		r.peer.say(`
INVITE sip:1000@{us} SIP/2.0
Via: SIP/2.0/UDP {me};branch=z9hG4bKcontact;rport
Max-Forwards: 70
From: <sip:4930@{me}>;tag=far
To: <sip:1000@{us}>
Call-ID: contact
CSeq: 1 INVITE
Contact: <sip:4930@192.0.2.9:6000>
`)
		r.peer.want("100")
		c := <-r.calls
		c.do200(t)
		r.peer.inside("ACK", 1, r.peer.want("200"))
		time.Sleep(time.Millisecond)
		c.hang(t)
		bye := other.want("BYE")
		if bye.from != ourAddr || !strings.Contains(bye.header("Via"), ourAddr) {
			t.Errorf("BYE from %s, Via %s", bye.from, bye.header("Via"))
		}
		other.answer(bye, "200 OK", "", "")
		time.Sleep(time.Millisecond)
		if !c.user.isGone() {
			t.Error("the answer to BYE was not heard")
		}
	})
}

func TestManyProvisionalResponsesDoNotHideTheAnswer(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		c, inv := r.dial()
		for range 24 {
			r.peer.answer(inv, "180 Ringing", "a", "")
			time.Sleep(time.Millisecond)
		}
		r.peer.answer(inv, "200 OK", "a", accepted)
		ack := r.peer.want("ACK")
		time.Sleep(time.Millisecond)
		if ack.tag("To") != "a" || !strings.HasSuffix(c.user.said(), "ringing answered") {
			t.Errorf("ACK to %q, told %q", ack.tag("To"), c.user.said())
		}
		c.hang(t)
		r.peer.answer(r.peer.want("BYE"), "200 OK", "", "")
		leftover(t, r)
	})
}

func TestAnswerThatCrossesCancelIsAcknowledgedAndEnded(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		c, inv := r.dial()
		r.peer.answer(inv, "180 Ringing", "a", "")
		time.Sleep(time.Millisecond)
		c.hang(t)
		cancel := r.peer.want("CANCEL")
		if cancel.header("Via") != inv.header("Via") || cancel.header("CSeq") != strings.Replace(inv.header("CSeq"), "INVITE", "CANCEL", 1) {
			t.Errorf("CANCEL %q for %q", cancel.text, inv.text)
		}
		r.peer.answer(inv, "200 OK", "a", accepted)
		r.peer.want("ACK")
		bye := r.peer.want("BYE")
		if bye.tag("To") != "a" {
			t.Errorf("BYE to %q", bye.tag("To"))
		}
		r.peer.answer(cancel, "200 OK", "a", "")
		r.peer.answer(bye, "200 OK", "", "")
		if got := c.user.said(); got != "ringing ended:completed" {
			t.Errorf("told %q", got)
		}
		leftover(t, r)
	})
}

func TestCancelWaitsForTheFirstProvisionalResponse(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		c, inv := r.dial()
		c.hang(t)
		r.peer.quiet(400 * time.Millisecond) // T1 brings the INVITE again
		r.peer.answer(inv, "100 Trying", "", "")
		r.peer.answer(r.peer.want("CANCEL", "INVITE"), "200 OK", "a", "")
		r.peer.answer(inv, "487 Request Terminated", "a", "")
		r.peer.want("ACK", "CANCEL")
		leftover(t, r)
	})
}

func TestASecondBranchOfAForkIsAcknowledgedAndEndedByItself(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		c, inv := r.dial()
		r.peer.answer(inv, "200 OK", "a", accepted)
		if got := r.peer.want("ACK").tag("To"); got != "a" {
			t.Errorf("first ACK to %q", got)
		}
		r.peer.answer(inv, "200 OK", "b", accepted)
		if got := r.peer.want("ACK").tag("To"); got != "b" {
			t.Errorf("second ACK to %q", got)
		}
		bye := r.peer.want("BYE")
		if bye.tag("To") != "b" {
			t.Errorf("BYE to %q", bye.tag("To"))
		}
		r.peer.answer(bye, "200 OK", "", "")
		time.Sleep(time.Millisecond)
		if got := c.user.said(); got != "answered" {
			t.Errorf("told %q", got)
		}
		c.hang(t)
		if bye = r.peer.want("BYE"); bye.tag("To") != "a" {
			t.Errorf("our BYE to %q", bye.tag("To"))
		}
		r.peer.answer(bye, "200 OK", "", "")
		leftover(t, r)
	})
}

func TestRepeatedAnswerGetsTheSameAckAndALateOneIsEnded(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		c, inv := r.dial()
		r.peer.answer(inv, "200 OK", "a", accepted)
		first := r.peer.want("ACK")
		r.peer.answer(inv, "200 OK", "a", accepted)
		if again := r.peer.want("ACK"); again.text != first.text {
			t.Errorf("ACK changed:\n%s\n%s", first.text, again.text)
		}
		c.hang(t)
		r.peer.answer(r.peer.want("BYE"), "200 OK", "", "")
		leftover(t, r)
		r.peer.answer(inv, "200 OK", "late", accepted) // nothing of the call is kept, and still it is known as ours
		r.peer.want("ACK")
		r.peer.answer(r.peer.want("BYE"), "481 Gone", "", "")
		forged := inv
		forged.text = strings.Replace(inv.text, inv.tag("From"), "0000000000000000000000000000", 1)
		r.peer.answer(forged, "200 OK", "x", accepted)
		r.peer.quiet(40 * time.Second)
	})
}

func TestAnyAnswerToByeOrNoneEndsTheDialog(t *testing.T) {
	for _, status := range []string{"200 OK", "481 Gone", "408 Timeout", "401 Unauthorized", "500 Oops", ""} {
		t.Run(status, func(t *testing.T) {
			bubble(t, func(t *testing.T, r *rig) {
				c, _ := r.talk("bye")
				c.hang(t)
				bye := r.peer.want("BYE")
				if status == "" {
					time.Sleep(33 * time.Second)
				} else {
					r.peer.answer(bye, status, "", "WWW-Authenticate: Digest realm=\"x\", nonce=\"y\"\n")
					time.Sleep(time.Millisecond)
				}
				if !c.user.isGone() {
					t.Error("the dialog is still there")
				}
			})
		})
	}
}

func TestCredentialsOfOursNeverAnswerACallee(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		c, inv := r.dial()
		r.peer.answer(inv, "407 Proxy Authentication Required", "a", "Proxy-Authenticate: Digest realm=\"trunk\", nonce=\"n\"\n")
		r.peer.want("ACK")
		r.peer.quiet(40 * time.Second)
		if got := c.user.end(); got.SIP != 407 {
			t.Errorf("ended with %v", got)
		}
	})
}

func TestRedirectionByAPhoneIsARefusal(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		c, inv := r.dial()
		r.peer.answer(inv, "302 Moved Temporarily", "a", "Contact: <sip:0090123456@192.0.2.9:5070>\n")
		r.peer.want("ACK")
		r.peer.quiet(40 * time.Second)
		if got := c.user.end(); got.SIP != 302 || got.Reason != call.Unreachable {
			t.Errorf("ended with %v", got)
		}
	})
}

func TestNoResponseAtAllIsUnreachable(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		c, _ := r.dial()
		time.Sleep(33 * time.Second)
		if got := c.user.end(); got.Reason != call.Unreachable || got.SIP != 408 {
			t.Errorf("ended with %v", got)
		}
	})
}

func TestRepeatedInviteIsOneCallAndAMergedOneIsRefused(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		c := r.ring("f13")
		for range 6 {
			r.peer.invite("f13", "f13")
			r.peer.want("100")
		}
		r.peer.invite("f13", "anotherbranch")
		r.peer.want("482", "100")
		if len(r.calls) != 0 {
			t.Errorf("%d more calls", len(r.calls))
		}
		c.call(func() { c.hangup(call.Cause{Reason: call.Busy}) })
		r.peer.want("486", "482", "100")
		leftover(t, r)
	})
}

func TestCancelEndsTheCallWithTheTagOfTheRinging(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		c := r.ring("cancel")
		must(t, c.do(t.Context(), c.dialog.ring))
		tag := r.peer.want("180").tag("To")
		r.peer.say(`
CANCEL sip:1000@{us} SIP/2.0
Via: SIP/2.0/UDP {me};branch=z9hG4bKcancel;rport
Max-Forwards: 70
From: "Ann" <sip:4930@{me}>;tag=far
To: <sip:1000@{us}>
Call-ID: cancel
CSeq: 1 CANCEL
`)
		r.peer.want("200")
		if got := r.peer.want("487").tag("To"); got != tag {
			t.Errorf("487 has tag %q, 180 had %q", got, tag)
		}
		time.Sleep(time.Millisecond)
		if got := c.user.end(); got.Reason != call.Cancelled {
			t.Errorf("ended with %v", got)
		}
		if err := c.do(t.Context(), func() error { return c.dialog.answer(nil, false) }); err == nil {
			t.Error("a cancelled call was answered")
		}
	})
}

func TestCancelThatCrossesTheAnswerChangesNothing(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		c := r.ring("crossed")
		c.do200(t)
		res := r.peer.want("200")
		r.peer.say(`
CANCEL sip:1000@{us} SIP/2.0
Via: SIP/2.0/UDP {me};branch=z9hG4bKcrossed;rport
Max-Forwards: 70
From: "Ann" <sip:4930@{me}>;tag=far
To: <sip:1000@{us}>
Call-ID: crossed
CSeq: 1 CANCEL
`)
		if m := r.peer.want("200"); !strings.Contains(m.header("CSeq"), "CANCEL") {
			t.Errorf("answer to CANCEL: %q", m.text)
		}
		r.peer.inside("ACK", 1, res)
		r.peer.inside("BYE", 2, res)
		r.peer.want("200")
		time.Sleep(time.Millisecond)
		if got := c.user.said(); got != "confirmed ended:hangup" && got != "ended:hangup" {
			t.Errorf("told %q", got)
		}
		leftover(t, r)
	})
}

func TestStrayCancelIs481(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		r.peer.say(`
CANCEL sip:1000@{us} SIP/2.0
Via: SIP/2.0/UDP {me};branch=z9hG4bKnone;rport
Max-Forwards: 70
From: <sip:4930@{me}>;tag=far
To: <sip:1000@{us}>
Call-ID: none
CSeq: 1 CANCEL
`)
		r.peer.want("481")
	})
}

func TestByeBeforeAckEndsTheCallAndTheLadder(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		c := r.ring("early")
		c.do200(t)
		r.peer.inside("BYE", 2, r.peer.want("200"))
		if m := r.peer.want("200"); !strings.Contains(m.header("CSeq"), "BYE") {
			t.Errorf("answer to BYE: %q", m.text)
		}
		r.peer.quiet(40 * time.Second)
		if got := c.user.end(); got.Reason != call.Hangup {
			t.Errorf("ended with %v", got)
		}
		leftover(t, r)
	})
}

func TestHangUpBeforeAckSaysByeOnlyAfterIt(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		c := r.ring("polite")
		c.do200(t)
		res := r.peer.want("200")
		c.hang(t)
		r.peer.quiet(400 * time.Millisecond)
		r.peer.inside("ACK", 1, res)
		r.peer.answer(r.peer.want("BYE", "200"), "200 OK", "", "")
		leftover(t, r)
	})
}

func TestReInviteHasItsOwnLadderAndAck(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		c, res := r.talk("hold")
		r.peer.inside("INVITE", 2, res, "Content-Type: application/sdp", "", "v=0", "")
		again := r.peer.want("200")
		if got := r.peer.want("200").text; got != again.text {
			t.Error("the repeat of 200 differs")
		}
		r.peer.inside("INVITE", 3, res) // overtakes the ACK; without an offer, so we make one
		for m := r.peer.want("200"); !strings.HasPrefix(m.header("CSeq"), "3 "); m = r.peer.want("200") {
			continue
		}
		r.peer.inside("INVITE", 4, res, "Content-Type: application/sdp", "", "v=0", "")
		r.peer.want("491", "200")
		r.peer.inside("ACK", 4, res) // of the 491: no 2xx has this number
		r.peer.inside("ACK", 2, res)
		r.peer.inside("ACK", 3, res, "Content-Type: application/sdp", "", "v=0", "")
		time.Sleep(40 * time.Second)
		if got := c.user.said(); got != "confirmed offered offered confirmed" {
			t.Errorf("told %q", got)
		}
	})
}

func TestGlareIs491AndBothSidesSettle(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		c, res := r.talk("glare")
		settled := make(chan error, 1)
		must(t, c.do(t.Context(), func() error {
			return c.reinvite([]byte("v=0\r\n"), func(_ []byte, err error) { settled <- err })
		}))
		ours := r.peer.want("INVITE")
		r.peer.inside("INVITE", 2, res, "Content-Type: application/sdp", "", "v=0", "")
		r.peer.want("491")
		r.peer.inside("ACK", 2, res)
		r.peer.answer(ours, "491 Request Pending", "", "")
		r.peer.want("ACK", "491")
		ours = r.peer.want("INVITE", "491")
		r.peer.answer(ours, "200 OK", "", accepted)
		r.peer.want("ACK")
		if err := <-settled; err != nil {
			t.Errorf("our re-INVITE: %v", err)
		}
		r.peer.inside("INVITE", 4, res, "Content-Type: application/sdp", "", "v=0", "")
		r.peer.inside("ACK", 4, r.peer.want("200"))
	})
}

func TestByeThatCrossesOurReInviteEndsBoth(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		c, res := r.talk("f16")
		settled := make(chan error, 1)
		must(t, c.do(t.Context(), func() error {
			return c.reinvite([]byte("v=0\r\n"), func(_ []byte, err error) { settled <- err })
		}))
		r.peer.want("INVITE")
		r.peer.inside("BYE", 2, res)
		r.peer.want("200", "INVITE")
		if err := <-settled; err == nil {
			t.Error("the re-INVITE went well")
		}
		leftover(t, r)
	})
}

func TestRequestsInsideADialogAreAnsweredByTheirMethod(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		c, res := r.talk("methods")
		r.peer.inside("INFO", 2, res, "Content-Type: application/dtmf-relay", "", "Signal=5", "Duration=160", "")
		r.peer.want("200")
		r.peer.inside("INFO", 3, res, "Content-Type: text/plain", "", "hello")
		r.peer.want("415")
		r.peer.inside("OPTIONS", 4, res)
		if m := r.peer.want("200"); !strings.Contains(m.header("Allow"), "INVITE") || m.header("Accept") == "" {
			t.Errorf("OPTIONS: %q", m.text)
		}
		r.peer.inside("UPDATE", 5, res)
		if m := r.peer.want("405"); m.header("Allow") != allowedMethods {
			t.Errorf("UPDATE: %q", m.text)
		}
		r.peer.inside("REFER", 6, res, "Refer-To: <sip:2002@192.0.2.1>")
		r.peer.want("202")
		r.peer.answer(r.peer.want("NOTIFY"), "200 OK", "", "")
		r.peer.inside("INFO", 4, res, "Content-Type: application/dtmf-relay", "", "Signal=6", "")
		r.peer.want("500")
		stranger := res
		stranger.text = strings.Replace(res.text, res.tag("To"), "other", 1)
		r.peer.inside("BYE", 7, stranger)
		r.peer.want("481")
		if got := c.user.said(); got != "confirmed digit:5 refer:2002" {
			t.Errorf("told %q", got)
		}
	})
}

func TestAPanicEndsOneCallOnly(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		other, _ := r.talk("other")
		c, res := r.talk("panic")
		c.user.answer = func([]byte) ([]byte, error) { panic("a fault of ours") }
		r.peer.inside("INVITE", 2, res, "Content-Type: application/sdp", "", "v=0", "")
		r.peer.answer(r.peer.want("BYE"), "200 OK", "", "")
		time.Sleep(time.Millisecond)
		if got := c.user.end(); got.Reason != call.Failed {
			t.Errorf("ended with %v", got)
		}
		if got := other.user.said(); got != "confirmed" {
			t.Errorf("the other call was told %q", got)
		}
		incoming := r.incoming
		r.incoming = func(context.Context, *invite) { panic("another") }
		r.peer.invite("third", "third")
		r.peer.want("500")
		r.incoming = incoming
	})
}

func TestResponsesLongerThanAnEthernetFrameAreSent(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		var routes []string
		for i := range 20 {
			routes = append(routes, fmt.Sprintf("Record-Route: <sip:proxy%02d.%s.example:5070;lr>", i, strings.Repeat("x", 40)))
		}
		r.peer.invite("long", "long", routes...)
		r.peer.want("100")
		c := <-r.calls
		c.do200(t)
		if m := r.peer.want("200"); len(m.text) < 1400 {
			t.Errorf("200 of %d bytes", len(m.text))
		}
	})
}

func TestRouteSetIsFollowed(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		proxy := &peer{t, r.lan.listen("192.0.2.8:5060"), "192.0.2.8:5060"}
		c, inv := r.dial()
		r.peer.answer(inv, "200 OK", "a", "Record-Route: <sip:192.0.2.7:5060;lr>, <sip:192.0.2.8:5060;lr>\n"+accepted)
		ack := proxy.want("ACK")
		if got := ack.header("Route"); got != "<sip:192.0.2.8:5060;lr>" || !strings.HasPrefix(ack.text, "ACK sip:2001@"+peerAddr) {
			t.Errorf("ACK:\n%s", ack.text)
		}
		c.hang(t)
		bye := proxy.want("BYE")
		_, _ = r.peer.conn.WriteTo(nil, proxy.conn.addr) // lost or not, the call must end
		proxy.answer(bye, "200 OK", "", "")
	})
}
