package ari

import (
	"strings"
	"testing"
	"time"

	"firstline/call"
	"firstline/sip/ari/asterisk"
)

func TestCausesOfUnansweredPhones(t *testing.T) {
	for _, c := range []struct {
		q850, status int
		rang         bool
		want         call.Reason
	}{
		{17, 486, true, call.Busy},
		{17, 0, false, call.Busy},
		{21, 603, true, call.Rejected},
		{19, 480, true, call.NoAnswer},
		{18, 408, true, call.NoAnswer},
		{18, 408, false, call.Unreachable},
		{38, 500, true, call.Unreachable},
		{1, 404, false, call.Unreachable},
		{58, 488, false, call.NoCodec},
		{34, 503, false, call.Unreachable},
		{20, 0, false, call.Unreachable},
		{3, 0, false, call.Unreachable},
		{16, 0, true, call.Cancelled},
		{16, 487, true, call.Cancelled},
		{0, 0, false, call.Unreachable},
	} {
		if got := unanswered(c.q850, c.status, c.rang); got.Reason != c.want {
			t.Errorf("Q.850 %d, SIP %d, rang %v: %v, want %s", c.q850, c.status, c.rang, got, c.want)
		}
	}
}

func TestCausesOfHangUps(t *testing.T) {
	for _, c := range []struct {
		q850     int
		answered bool
		want     call.Cause
	}{
		{16, true, call.Cause{Reason: call.Hangup, Q850: 16}},
		{127, false, call.Cause{Reason: call.Cancelled}},
		{44, true, call.Cause{Reason: call.MediaLost, Q850: 44}},
		{0, true, call.Cause{Reason: call.Hangup}},
	} {
		if got := hungUp(c.q850, c.answered); got != c.want {
			t.Errorf("Q.850 %d, answered %v: %+v, want %+v", c.q850, c.answered, got, c.want)
		}
	}
}

// The numbers are those that chan_pjsip turns into the status that the caller is
// to hear (hangup_cause2sip).
func TestCausesThatWeSend(t *testing.T) {
	for _, c := range []struct {
		cause call.Cause
		want  int
	}{
		{call.Cause{Reason: call.Busy}, 17},
		{call.Cause{Reason: call.Closed}, 19},
		{call.Cause{Reason: call.Rejected}, 21},
		{call.Cause{Reason: call.Blocked}, 21},
		{call.Cause{Reason: call.NoCapacity}, 34},
		{call.Cause{Reason: call.Shutdown}, 34},
		{call.Cause{Reason: call.NoCodec}, 58},
		{call.Cause{Reason: call.Failed}, 38},
		{call.Cause{Reason: call.Completed}, 16},
		{call.Cause{Reason: call.Completed, SIP: 404}, 1},
		{call.Cause{Reason: call.Completed, Q850: 3}, 3},
		{call.Cause{Reason: call.Rejected, SIP: 486}, 17},
	} {
		if got := causeFor(c.cause); got != c.want {
			t.Errorf("%v is sent as Q.850 %d, want %d", c.cause, got, c.want)
		}
	}
}

func TestNamesSayWhatTheyAreOf(t *testing.T) {
	now := time.Now()
	id, rec := call.NewID(now), call.NewRecordingID(now)
	leg := string(id.Entry(1).Offer(2).AgentLeg())
	for name, want := range map[string]bool{
		leg: true, string(id.CallerLeg()): true, string(id.TapLeg(1)): true, "peer-1795508313.0": false, string(rec) + callerSide: false,
		leg + ".t1" + tapSuffix: false, string(id): false, "desk1.agent": false,
	} {
		if got := isOurLeg(name); got != want {
			t.Errorf("%s is one of our legs: %v, want %v", name, got, want)
		}
	}
	if !isTapLeg(id.TapLeg(12)) || isTapLeg(call.LegID(leg)) || isTapLeg(id.CallerLeg()) {
		t.Error("which legs are supervisors' is said wrongly")
	}
	if got, side, ok := storedOf("firstline", storedName("firstline", rec, agentSide)); !ok || got != rec || side != agentSide {
		t.Errorf("read as %s%s %v", got, side, ok)
	}
	if _, _, ok := storedOf("firstline", storedName("other", rec, agentSide)); ok {
		t.Error("another application's recording is taken for ours")
	}
	if got := spied(&asterisk.Channel{Name: "Snoop/" + leg + "-0000002a"}); got != leg {
		t.Errorf("the snoop listens to %q", got)
	}
	for name, want := range map[string]string{
		"PJSIP/carrier-0000001f": "carrier", "PJSIP/my-trunk-1-0000001f": "my-trunk-1", "Local/7@x-0001;1": "", "odd": "",
	} {
		if got := endpointOf(name); got != want {
			t.Errorf("%s belongs to %q, want %q", name, got, want)
		}
	}
}

func TestTheFiguresOfMediaAreRead(t *testing.T) {
	got := parseQOS("ssrc=1693762611;themssrc=588703648;lp=3;rxjitter=0.001250;rxcount=260;txjitter=0.000625;txcount=121;rlp=0;rtt=0.040000")
	want := call.Quality{Sent: 121, Received: 260, Lost: 3, Jitter: 1250 * time.Microsecond, RTT: 40 * time.Millisecond}
	if got != want {
		t.Errorf("read as %+v, want %+v", got, want)
	}
}

func TestConfigNamesAllItsFaults(t *testing.T) {
	err := Config{
		RecordingsDir: "relative",
		Nodes: []Node{
			{Name: "a b", Dial: "desk1", MaxCalls: -1, Refer: "PJSIP/x"},
			{Name: "two", Dial: "PJSIP/{contact}", Trunks: []Trunk{{Name: "t", Dial: "PJSIP/{device}", Allow: []string{"", "4x"}}}},
			{Name: "two", Fallback: call.Dialplan{Context: "a,b"}},
			{Name: "evil", Dial: "PJSIP/{device}&PJSIP/other"},
		},
	}.Validate()
	if err == nil {
		t.Fatal("no fault found")
	}
	for _, want := range []string{
		"nothing to play", "not absolute", "the name is not", "at most -1", `dial: "desk1"`, `refer: "PJSIP/x"`, "needs a registrar",
		`"PJSIP/{device}" is no endpoint`, "prefix is empty", `"4x" is not`, "two nodes are named", "no place in a dialplan", "characters that no endpoint has",
	} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("nothing is said of %q in:\n%v", want, err)
		}
	}
	if err := (Config{Sounds: fakeSounds{}, Nodes: []Node{{Name: "one"}}}).Validate(); err != nil {
		t.Errorf("the least configuration has faults: %v", err)
	}
}

func TestLegsMoveForwardOnly(t *testing.T) {
	for from, to := range map[legState][]legState{
		dialling: {ringing, up, gone}, ringing: {up, gone}, waiting: {up, gone}, up: {gone}, gone: {},
	} {
		for s := dialling; s <= gone; s++ {
			got, err := from.next(s)
			may := false
			for _, x := range to {
				may = may || x == s
			}
			if may != (err == nil) || may && got != s || !may && got != from {
				t.Errorf("%d to %d: %d %v", from, s, got, err)
			}
		}
	}
}
