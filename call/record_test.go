package call

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func day() time.Time { return time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC) }

func at(s float64) time.Time { return day().Add(time.Duration(s * float64(time.Second))) }

// aCall is a call that waits 12 s, talks 60 s and is on hold for 15 s of them.
func aCall(id ID) []Event {
	e := id.Entry(1)
	o := e.Offer(1)
	return []Event{
		CallEvent(at(0), id, Arrived{Ticket: "T-100001", Origin: "x", From: Party{Number: "+4930123"}, To: Party{Number: "1000"}}),
		CallEvent(at(0), id, StageEntered{Stage: "identify"}),
		CallEvent(at(1), id, Answered{}),
		CallEvent(at(5), id, Keyed{Node: "main", Digits: "1", Accepted: true}),
		CallEvent(at(6), id, QueueJoined{Entry: e, Queue: "service-desk", Joined: at(6)}),
		CallEvent(at(8), id, Offered{Offer: o, Agent: "ana"}),
		CallEvent(at(18), id, OfferEnded{Offer: o, Agent: "ana", Result: OfferAnswered}),
		CallEvent(at(18), id, QueueLeft{Entry: e, Queue: "service-desk", Outcome: OutcomeAnswered, Agent: "ana", Wait: 12 * time.Second}),
		CallEvent(at(18), id, Connected{Agent: "ana", Leg: o.AgentLeg(), Bridge: id.Bridge(1)}),
		CallEvent(at(30), id, Held{By: SideAgent}),
		CallEvent(at(35), id, Held{By: SideCaller}),
		CallEvent(at(40), id, Unheld{By: SideAgent}),
		CallEvent(at(45), id, Unheld{By: SideCaller}),
		CallEvent(at(78), id, Parted{Agent: "ana", By: SideCaller, Cause: Cause{Reason: Hangup}}),
		CallEvent(at(78), id, Ended{Outcome: OutcomeAnswered, Cause: Cause{Reason: Hangup}, Stage: "talk"}),
	}
}

func fold(t *testing.T, evs []Event) *Record {
	t.Helper()
	var r Record
	for i, e := range evs {
		if err := r.Apply(e); err != nil {
			t.Fatalf("event %d: %v", i, err)
		}
	}
	return &r
}

func TestRecordAddsUpWaitTalkAndHold(t *testing.T) {
	r := fold(t, aCall("c1"))
	later := at(1000)
	got := map[string]time.Duration{"wait": r.Wait(later), "talk": r.Talk(later), "hold": r.Hold(later)}
	want := map[string]time.Duration{"wait": 12 * time.Second, "talk": 60 * time.Second, "hold": 15 * time.Second}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

func TestOverflowAtTheOldPlaceCountsTheWaitOnce(t *testing.T) {
	id := ID("c1")
	r := fold(t, append(aCall(id)[:5],
		CallEvent(at(36), id, QueueLeft{Entry: id.Entry(1), Outcome: OutcomeTimeoutOverflow, Wait: 30 * time.Second}),
		CallEvent(at(38), id, QueueJoined{Entry: id.Entry(2), Queue: "night", Joined: at(6)}),
		CallEvent(at(46), id, QueueLeft{Entry: id.Entry(2), Outcome: OutcomeAnswered, Agent: "ana", Wait: 40 * time.Second})))
	if got := r.Wait(at(100)); got != 40*time.Second {
		t.Errorf("waited %v, want 40s", got)
	}
}

func TestOpenRecordCountsUntilNow(t *testing.T) {
	r := fold(t, aCall("c1")[:10])
	if r.Hold(at(37)) != 7*time.Second || r.Talk(at(37)) != 19*time.Second {
		t.Errorf("hold %v, talk %v", r.Hold(at(37)), r.Talk(at(37)))
	}
}

func TestRecordRefusesWhatDoesNotFitAndStaysAsItWas(t *testing.T) {
	all := aCall("c1")
	cases := map[string]struct {
		upTo int
		ev   Event
	}{
		"second arrival":        {1, all[0]},
		"end while waiting":     {5, all[14]},
		"end while talking":     {9, all[14]},
		"second end":            {15, all[14]},
		"hold without a talk":   {5, all[9]},
		"second entry":          {5, CallEvent(at(7), "c1", QueueJoined{Entry: "c1.q2"})},
		"offer without entry":   {3, all[5]},
		"leaves an entry twice": {8, all[7]},
		"talks twice":           {9, all[8]},
		"widens when it is out": {8, CallEvent(at(20), "c1", QueueWidened{Entry: ID("c1").Entry(1)})},
		"decides about another": {5, CallEvent(at(7), "c1", QueueDecided{Entry: ID("c1").Entry(2)})},
		"another stream":        {3, TicketEvent(at(3), "T-1", TicketNoted{})},
	}
	for name, c := range cases {
		r := fold(t, all[:c.upTo])
		before, _ := json.Marshal(r)
		if err := r.Apply(c.ev); err == nil {
			t.Errorf("%s: no error", name)
		}
		if after, _ := json.Marshal(r); string(after) != string(before) {
			t.Errorf("%s changed the record:\n%s\n%s", name, before, after)
		}
	}
}

func TestRecordKeepsWhatHappenedWhileTheCallWaited(t *testing.T) {
	x := ID("c1").Entry(1)
	need := Requirement{Skills: map[string]int{"vpn": 1}}
	out := []Exclusion{{"talking", 2, 9 * time.Second}}
	r := fold(t, append(aCall("c1")[:5],
		CallEvent(at(7), "c1", QueueReprioritized{Entry: x, Priority: 5, By: "supervisor:sue", Reason: "outage"}),
		CallEvent(at(9), "c1", QueueWidened{Entry: x, Step: 1, Need: need}),
		CallEvent(at(15), "c1", QueueDecided{Entry: x, Since: at(6), Excluded: out}),
		CallEvent(at(15), "c1", QueueExited{Entry: x, Rule: "timeout", To: "voicemail"}),
		CallEvent(at(15), "c1", QueueLeft{Entry: x, Queue: "service-desk", Outcome: OutcomeVoicemail, Wait: 9 * time.Second}),
	))
	want := Entry{
		ID: x, Queue: "service-desk", Joined: at(6), Left: at(15), Outcome: OutcomeVoicemail, Need: need, Priority: 5,
		Opening: Opening{At: at(6)},
		Steps:   []Widening{{At: at(9), Step: 1, Need: need}},
		Decided: []Decision{{At: at(15), Since: at(6), Excluded: out}},
		Raised:  []Raise{{At: at(7), Priority: 5, By: "supervisor:sue", Reason: "outage"}},
		Exit:    &EntryExit{Rule: "timeout", To: "voicemail"},
	}
	if d := cmp.Diff(want, r.Entries[0]); d != "" {
		t.Error(d)
	}
}

func TestEveryBodySurvivesTheWire(t *testing.T) {
	evs := append(aCall("c1"),
		CallEvent(at(90), "c1", Noticed{Prompt: "recording-notice"}),
		CallEvent(at(90), "c1", CallerLost{Queue: "q", Joined: at(6), Reason: "crash"}),
		CallEvent(at(90), "c1", QueueWidened{Entry: "c1.q1", Step: 1, Need: Requirement{Any: []Requirement{{Level: 2}}}, Tiers: Tiers{Max: 2}, For: "ana"}),
		CallEvent(at(90), "c1", QueueReprioritized{Entry: "c1.q1", Priority: 3, By: "supervisor:sue", Reason: "outage"}),
		CallEvent(at(90), "c1", QueueDecided{
			Entry: "c1.q1", Offer: "c1.q1.o1", Step: 1, Since: at(6), Eligible: 2, Excluded: []Exclusion{{"on break", 3, time.Second}},
		}),
		CallEvent(at(90), "c1", PlaceKept{Entry: "c1.q1", Queue: "q", Joined: at(6), Of: "c0", Evidence: EvidenceNumber}),
		CallEvent(at(90), "c1", QueueExited{Entry: "c1.q1", Rule: "key", Key: "1", To: "queue:night"}),
		TicketEvent(at(91), "T-100001", TicketOpened{Call: "c1", Subject: "Call", Caller: Party{Number: "1", Name: "<b>"}}),
		TicketEvent(at(91), "T-100001", TicketNoted{Note: "n", Author: "ana", Text: "hello"}),
		TicketEvent(at(91), "T-100001", TicketJoined{Call: "c2", Why: "redial"}),
		AgentEvent(at(91), "ana", AgentSet{Name: "Ana", Device: "2001", Level: 1, Skills: map[string]int{"printer": 3}}),
		AgentEvent(at(91), "ana", PresenceChanged{Presence: OnBreak, Reason: "lunch", By: "self"}),
		AgentEvent(at(91), "ana", ActivityChanged{Activity: WrapUp, Call: "c1", Queue: "q", Client: "acme", Until: at(100), Talked: time.Minute}),
		AgentEvent(at(91), "ana", ActivityChanged{Activity: Idle, Since: at(80), Misses: 1}),
		AgentEvent(at(91), "ana", AgentRested{Reason: "declined just now", Until: at(100)}),
		RecordingEvent(at(92), "r1", RecordingStarted{Call: "c1", Ticket: "T-100001", Agent: "ana", File: "r1.wav"}),
		RecordingEvent(at(92), "r1", RecordingPaused{By: "ana", Offset: time.Second, Limit: 2 * time.Minute}),
		RecordingEvent(at(92), "r1", RecordingResumed{By: "system", Offset: 2 * time.Second}),
		RecordingEvent(at(92), "r1", RecordingFinished{Call: "c1", Duration: time.Minute, Bytes: 44, SHA256: "ab"}),
		CallEvent(at(92), "c1", Panicked{By: "agent:ana", Reason: "threats"}),
		RecordingEvent(at(92), "r1", RecordingFlagged{By: "agent:ana", Reason: "threats"}),
		BlockEvent(at(92), "b1", BlockProposed{Number: "+4930123", Reason: "threats", By: "agent:ana", Call: "c1", Until: at(900), Holds: at(300)}),
		BlockEvent(at(92), "b1", BlockPressed{By: "agent:ana", Call: "c1", Holds: at(300)}),
		BlockEvent(at(92), "b1", BlockApproved{By: "supervisor:sue", From: at(92), Until: at(900)}),
		BlockEvent(at(92), "b1", BlockDeclined{By: "supervisor:sue", Reason: "a mistake"}),
		BlockEvent(at(92), "b1", BlockLifted{By: "supervisor:sue", Reason: "they apologised"}),
		BlockEvent(at(92), "b1", BlockRefused{Call: "c2"}),
		LostEvent(at(92), "l1", LostOpened{Call: "c1", Ticket: "T-1", From: Party{Number: "030123"}, Number: "+4930123", Client: "acme", Queue: "q", Joined: at(6), Reason: "abandoned"}),
		LostEvent(at(92), "l1", LostAgain{Call: "c2", Ticket: "T-2", Queue: "q", Joined: at(60), Reason: "empty"}),
		LostEvent(at(92), "l1", LostTried{By: "agent:ana", Note: "engaged"}),
		LostEvent(at(92), "l1", LostEnded{End: LostCalledAgain, By: "system", Call: "c3"}),
		IncidentEvent(at(92), IncidentDeclared{Incident: "i1", Queue: "q", Clients: []string{"acme"}, Title: "VPN", Ticket: "T-9", Prompt: "p", By: "supervisor:sue"}),
		IncidentEvent(at(92), IncidentTold{Incident: "i1", Message: "r1", By: "supervisor:sue"}),
		IncidentEvent(at(92), IncidentAffected{Incident: "i1", Call: "c1", Ticket: "T-1", Number: "+4930123"}),
		IncidentEvent(at(92), IncidentEnded{Incident: "i1", By: "supervisor:sue", Note: "fixed"}),
		SystemEvent(at(93), Started{Boot: "b", Version: "v"}),
		SystemEvent(at(93), Stopped{Boot: "b", Reason: "term"}),
		SystemEvent(at(93), ConfigActivated{Hash: "h", By: "start"}),
		Event{Global: 7, Stream: Stream{StreamSystem, "x"}, Seq: 2, At: at(94), Config: "h", Body: Unknown{"future.thing", json.RawMessage(`{"a":1}`)}},
	)
	for _, want := range evs {
		b, err := json.Marshal(want)
		if err != nil {
			t.Fatal(err)
		}
		var got Event
		if err := json.Unmarshal(b, &got); err != nil {
			t.Fatalf("%s: %v", b, err)
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("%s: %s", want.Body.Type(), d)
		}
		if _, unknown := got.Body.(Unknown); unknown && want.Body.Type() != "future.thing" {
			t.Errorf("%s has no decoder", want.Body.Type())
		}
	}
}

func TestIdsSayWhereTheyBelong(t *testing.T) {
	id := NewID(day())
	o := id.Entry(2).Offer(3)
	if o.Call() != id || o.Entry() != id.Entry(2) || o.AgentLeg().Call() != id || id.CallerLeg().Call() != id {
		t.Errorf("%s %s %s", o, o.Entry(), o.AgentLeg())
	}
	if a, b := NewID(day()), NewID(day().Add(time.Millisecond)); a >= b || len(a) != 36 || a[14] != '7' {
		t.Errorf("%s does not sort before %s, or is no UUIDv7", a, b)
	}
}

func TestCauseMatchesByReason(t *testing.T) {
	if c := AsCause(CauseOfStatus(486, "Busy Here")); c.Reason != Busy || c.Q850 != 17 {
		t.Errorf("%+v", c)
	}
	if c := AsCause(nil); c.Reason != Completed {
		t.Errorf("%+v", c)
	}
}
