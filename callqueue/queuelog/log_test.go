package queuelog_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"firstline/call"
	"firstline/callqueue"
	"firstline/callqueue/agents"
	"firstline/callqueue/queuelog"
	"firstline/callqueue/sim"
)

// tale tells events and keeps the lines.
type tale struct {
	l     *queuelog.Log
	lines []byte
}

func (s *tale) call(at time.Time, id call.ID, b call.Body) { s.tell(call.CallEvent(at, id, b)) }
func (s *tale) agent(at time.Time, id call.AgentID, b call.Body) {
	s.tell(call.AgentEvent(at, id, b))
}
func (s *tale) tell(ev call.Event) { s.lines = s.l.Append(s.lines, ev) }

func at(sec float64) time.Time { return time.UnixMicro(int64(sec * 1e6)) }

// join is a call that arrives and waits.
func (s *tale) join(sec float64, id call.ID, queue call.QueueID, from string) {
	s.call(at(sec), id, call.Arrived{From: call.Party{Number: from}})
	s.call(at(sec), id, call.QueueJoined{Entry: id.Entry(1), Queue: queue, Joined: at(sec)})
}

func (s *tale) offer(sec float64, id call.ID, n int, agent call.AgentID) call.OfferID {
	o := id.Entry(1).Offer(n)
	s.call(at(sec), id, call.Offered{Offer: o, Agent: agent})
	return o
}

func (s *tale) offerEnded(sec float64, id call.ID, o call.OfferID, agent call.AgentID, r call.OfferResult) {
	s.call(at(sec), id, call.OfferEnded{Offer: o, Agent: agent, Result: r})
}

func (s *tale) left(sec float64, id call.ID, queue call.QueueID, out call.Outcome, agent call.AgentID) {
	s.call(at(sec), id, call.QueueLeft{Entry: id.Entry(1), Queue: queue, Outcome: out, Agent: agent})
}

func (s *tale) answered(sec float64, id call.ID, queue call.QueueID, n int, agent call.AgentID) {
	s.offerEnded(sec, id, id.Entry(1).Offer(n), agent, call.OfferAnswered)
	s.left(sec, id, queue, call.OutcomeAnswered, agent)
	s.call(at(sec), id, call.Connected{Agent: agent, Leg: id.Entry(1).Offer(n).AgentLeg()})
}

func (s *tale) ended(sec float64, id call.ID, agent call.AgentID, by call.Side) {
	if agent != "" {
		s.call(at(sec), id, call.Parted{Agent: agent, By: by})
	}
	s.call(at(sec), id, call.Ended{})
}

// Asterisk 22.10 wrote testdata/asterisk-22.queue_log of a day with a call that
// the agent ended, one that the caller ended, one that timed out after two missed
// offers, one that gave up while a phone rang, one that pressed a key, and one
// whose last agent went on a break. Told the same day, we write the same bytes.
// Only ids of agents' channels, and who changed a member by which name, are ours.
func TestSameStoryGivesTheLinesThatAsteriskWrites(t *testing.T) {
	recorded, err := os.ReadFile("testdata/asterisk-22.queue_log")
	if err != nil {
		t.Fatal(err)
	}
	s := &tale{l: queuelog.New(queuelog.Config{
		Queues: map[call.QueueID]call.Requirement{
			"support": {Skills: map[string]int{"support": 1}}, "slow": {Skills: map[string]int{"slow": 1}},
			"empty": {Skills: map[string]int{"empty": 1}},
		},
		Roster: []queuelog.Member{
			{Agent: agents.Agent{ID: "ana", Name: "Ana Silva", Skills: map[string]int{"support": 1}}, Presence: call.Available},
			{Agent: agents.Agent{ID: "ben", Name: "Ben Okafor", Skills: map[string]int{"slow": 1}}, Presence: call.Available},
			{Agent: agents.Agent{ID: "carla", Name: "Carla Rossi", Skills: map[string]int{"empty": 1}}, Presence: call.Available},
			{Agent: agents.Agent{ID: "dan", Name: "Dan", Skills: map[string]int{"support": 1}}, Presence: call.LoggedOut},
		},
	})}
	const t0 = 1795423600
	s.tell(call.SystemEvent(at(t0+39.1), call.Started{}))

	s.join(t0+39.4, "pbx-1795423639.1", "support", "+49301234567")
	s.offer(t0+39.4, "pbx-1795423639.1", 1, "ana")
	s.answered(t0+40.5, "pbx-1795423639.1", "support", 1, "ana")
	s.ended(t0+44.0, "pbx-1795423639.1", "ana", call.SideAgent)

	s.join(t0+45.3, "pbx-1795423645.5", "support", "+49301234567")
	s.offer(t0+45.3, "pbx-1795423645.5", 1, "ana")
	s.answered(t0+46.4, "pbx-1795423645.5", "support", 1, "ana")
	s.ended(t0+48.3, "pbx-1795423645.5", "ana", call.SideCaller)

	missed := func(sec, until float64, id call.ID, n int, agent call.AgentID) {
		s.offerEnded(until, id, s.offer(sec, id, n, agent), agent, call.OfferMissed)
	}
	s.join(t0+50.2, "pbx-1795423650.9", "slow", "+49301234568")
	missed(t0+50.5, t0+52.5, "pbx-1795423650.9", 1, "ben")
	missed(t0+53, t0+55, "pbx-1795423650.9", 2, "ben")
	s.left(t0+55.2, "pbx-1795423650.9", "slow", call.OutcomeTimeoutOverflow, "")
	s.ended(t0+55.2, "pbx-1795423650.9", "", "")

	s.join(t0+58.6, "pbx-1795423658.15", "slow", "+49301234568")
	o := s.offer(t0+58.6, "pbx-1795423658.15", 1, "ben")
	s.offerEnded(t0+59.099, "pbx-1795423658.15", o, "ben", call.OfferWithdrawn)
	s.left(t0+59.099, "pbx-1795423658.15", "slow", call.OutcomeAbandonedShort, "")
	s.ended(t0+59.099, "pbx-1795423658.15", "", "")

	s.join(t0+62.1, "pbx-1795423662.19", "empty", "")
	missed(t0+62.2, t0+64.2, "pbx-1795423662.19", 1, "carla")
	s.call(at(t0+65), "pbx-1795423662.19", call.Keyed{Digits: "5"})
	s.left(t0+65, "pbx-1795423662.19", "empty", call.OutcomeExitKey, "")
	s.ended(t0+65, "pbx-1795423662.19", "", "")

	s.join(t0+68.1, "pbx-1795423668.23", "empty", "")
	o = s.offer(t0+68.2, "pbx-1795423668.23", 1, "carla")
	s.agent(at(t0+69), "carla", call.PresenceChanged{Presence: call.OnBreak, Reason: "lunch"})
	s.offerEnded(t0+70.2, "pbx-1795423668.23", o, "carla", call.OfferMissed)
	s.left(t0+70.3, "pbx-1795423668.23", "empty", call.OutcomeEmpty, "")
	s.ended(t0+70.3, "pbx-1795423668.23", "", "")
	s.agent(at(t0+73), "carla", call.PresenceChanged{Presence: call.Available})
	s.agent(at(t0+73), "dan", call.PresenceChanged{Presence: call.Available})
	s.agent(at(t0+73), "dan", call.PresenceChanged{Presence: call.OnBreak, Reason: "coffee"})
	s.agent(at(t0+73), "dan", call.PresenceChanged{Presence: call.LoggedOut})

	if d := cmp.Diff(ours(string(recorded)), ours(string(s.lines))); d != "" {
		t.Error(d)
	}
}

// ours takes out what differs by nature: the agent's channel in CONNECT, by whom
// and by which name members come and go, and that ours pause in all queues. Of
// the recording it takes out Ben's UNPAUSE, who shares a phone with Carla there.
func ours(log string) string {
	var out []string
	for line := range strings.Lines(log) {
		f := strings.Split(line, "|")
		switch {
		case f[4] == "PAUSEALL" || f[4] == "UNPAUSEALL" || f[4] == "UNPAUSE" && f[3] == "Ben Okafor":
			continue
		case f[4] == "CONNECT":
			f[6] = "(channel)"
		case f[4] == "ADDMEMBER" || f[4] == "REMOVEMEMBER":
			f[1], f[3] = "(by)", "(member)"
		}
		out = append(out, strings.Join(f, "|"))
	}
	return strings.Join(out, "")
}

// A day as the pages' users live it, in full.
func TestDayInFull(t *testing.T) {
	s := &tale{l: queuelog.New(queuelog.Config{Queues: map[call.QueueID]call.Requirement{
		"desk": {Skills: map[string]int{"desk": 1}}, "net": {Skills: map[string]int{"net": 5}},
	}, CallerNames: true})}
	s.tell(call.SystemEvent(at(100), call.Started{}))
	s.tell(call.SystemEvent(at(100), call.ConfigActivated{By: "start"}))
	s.agent(at(101), "a1", call.AgentSet{Name: "Ana|Silva", Skills: map[string]int{"desk": 3, "net": 7}})
	s.agent(at(101), "a2", call.AgentSet{Name: "Ben", Skills: map[string]int{"desk": 1}})
	s.agent(at(110), "a1", call.PresenceChanged{Presence: call.Available})
	s.agent(at(111), "a2", call.PresenceChanged{Presence: call.OnBreak, Reason: "late"})
	s.agent(at(112), "a2", call.PresenceChanged{Presence: call.Available})

	s.call(at(200), "c1", call.Arrived{From: call.Party{Number: "+49301", Name: "Zoe\n|Doe"}})
	s.call(at(200), "c1", call.QueueJoined{Entry: "c1.q1", Queue: "desk", Joined: at(200)})
	s.join(201, "c2", "desk", "+49302")
	s.call(at(202), "c3", call.Arrived{})
	s.call(at(202), "c3", call.QueueJoined{Entry: "c3.q1", Queue: "desk", Joined: at(202), Priority: 5}) // overtakes both
	s.call(at(203), "c4", call.Arrived{Test: true})
	s.call(at(203), "c4", call.QueueJoined{Entry: "c4.q1", Queue: "desk", Joined: at(203)})
	s.left(210, "c2", "desk", call.OutcomeCallbackTaken, "")
	s.offer(211, "c3", 1, "a2")
	s.offerEnded(226, "c3", "c3.q1.o1", "a2", call.OfferRejected)
	s.agent(at(226), "a2", call.PresenceChanged{Presence: call.OnBreak, Reason: "missed", By: "system:missed"})
	s.offer(226, "c3", 2, "a1")
	s.answered(230, "c3", "desk", 2, "a1")
	s.ended(290, "c3", "a1", call.SideSystem)
	s.left(300, "c1", "desk", call.OutcomeMoved, "")
	s.call(at(300), "c1", call.QueueJoined{Entry: "c1.q2", Queue: "net", Joined: at(200)}) // keeps its place
	s.call(at(310), "c1", call.Offered{Offer: "c1.q2.o1", Agent: "a1"})
	s.call(at(312), "c1", call.OfferEnded{Offer: "c1.q2.o1", Agent: "a1", Result: call.OfferAnswered})
	s.call(at(312), "c1", call.QueueLeft{Entry: "c1.q2", Queue: "net", Outcome: call.OutcomeAnswered, Agent: "a1"})
	s.call(at(350), "c1", call.Ended{Restored: true}) // a crash: nobody parted
	s.agent(at(400), "a1", call.AgentSet{Name: "Ana|Silva", Skills: map[string]int{"desk": 3}})
	s.tell(call.SystemEvent(at(401), call.ConfigActivated{By: "signal"}))
	s.agent(at(500), "a1", call.PresenceChanged{Presence: call.LoggedOut})
	s.agent(at(501), "a2", call.PresenceChanged{Presence: call.LoggedOut})
	want := `100|NONE|NONE|NONE|QUEUESTART|
110|MANAGER|desk|Ana_Silva|ADDMEMBER|
110|MANAGER|net|Ana_Silva|ADDMEMBER|
111|MANAGER|desk|Ben|ADDMEMBER|PAUSED
112|NONE|NONE|Ben|UNPAUSEALL|
112|NONE|desk|Ben|UNPAUSE|
200|c1|desk|NONE|ENTERQUEUE||+49301|1|Zoe__Doe
201|c2|desk|NONE|ENTERQUEUE||+49302|2|
202|c3|desk|NONE|ENTERQUEUE|||1|
210|c2|desk|NONE|EXITWITHKEY||3|2|9
226|c3|desk|Ben|RINGNOANSWER|15000
226|NONE|NONE|Ben|PAUSEALL|Auto-Pause
226|NONE|desk|Ben|PAUSE|Auto-Pause
230|c3|desk|Ana_Silva|CONNECT|28|c3.q1.o2.agent|4
290|c3|desk|Ana_Silva|COMPLETEAGENT|28|60|1
300|c1|desk|NONE|WITHDRAW|1|1|100|moved
300|c1|net|NONE|ENTERQUEUE||+49301|1|Zoe__Doe
312|c1|net|Ana_Silva|CONNECT|112|c1.q2.o1.agent|2
350|c1|net|Ana_Silva|COMPLETEAGENT|112|38|1
400|MANAGER|net|Ana_Silva|REMOVEMEMBER|
401|NONE|NONE|NONE|CONFIGRELOAD|
500|MANAGER|desk|Ana_Silva|REMOVEMEMBER|
501|MANAGER|desk|Ben|REMOVEMEMBER|
`
	if d := cmp.Diff(want, string(s.lines)); d != "" {
		t.Error(d)
	}
}

// A board that adds up the lines of a simulated day finds what the queue did.
func TestLinesOfASimulatedDayAddUp(t *testing.T) {
	began := time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)
	var roster []agents.Agent
	var ids []call.AgentID
	for i := range 6 {
		id := call.AgentID(fmt.Sprint("a", i))
		roster, ids = append(roster, agents.Agent{ID: id, Level: 1}), append(ids, id)
	}
	atWork, err := sim.Shifts(ids, []sim.Staffed{{From: began, Agents: 6}})
	if err != nil {
		t.Fatal(err)
	}
	l := queuelog.New(queuelog.Config{Queues: map[call.QueueID]call.Requirement{"q": {}}})
	var lines []byte
	r, err := sim.Run(t.Context(), sim.Scenario{
		Queues: []callqueue.Queue{{ID: "q", MaxWait: 2 * time.Minute}}, Agents: roster, Shifts: atWork,
		Arrivals: sim.Generate(3, []sim.Demand{{
			Queue: "q", Talk: sim.Lognormal(4*time.Minute, 1), Patience: sim.Exponential(2 * time.Minute), Pickup: sim.Exponential(6 * time.Second),
			Loads: []sim.Load{{From: began, To: began.Add(8 * time.Hour), Calls: 700}},
		}}),
		Tap: func(ev call.Event) { lines = l.Append(lines, ev) },
	})
	if err != nil {
		t.Fatal(err)
	}
	n := make(map[string]int)
	in := make(map[string]bool)
	for line := range strings.Lines(string(lines)) {
		f := strings.Split(strings.TrimSuffix(line, "\n"), "|")
		n[f[4]]++
		switch f[4] {
		case "ENTERQUEUE":
			in[f[1]] = true
		case "CONNECT", "ABANDON", "EXITWITHTIMEOUT":
			if !in[f[1]] {
				t.Fatalf("leaves and is not there: %s", line)
			}
			delete(in, f[1])
		}
		if f[4] == "ABANDON" {
			if pos, err := strconv.Atoi(f[5]); err != nil || pos < 1 || pos > len(in)+1 {
				t.Fatalf("position: %s with %d others", line, len(in))
			}
		}
	}
	ended := n["CONNECT"] + n["ABANDON"] + n["EXITWITHTIMEOUT"]
	if len(in) != 0 || n["ENTERQUEUE"] != ended || n["CONNECT"] != n["COMPLETECALLER"]+n["COMPLETEAGENT"] || n["ABANDON"] == 0 {
		t.Errorf("%v, %d still in, %d events", n, len(in), r.Events)
	}
}

type batches [][]call.Event

func (b *batches) Next(context.Context) ([]call.Event, error) {
	if len(*b) == 0 {
		return nil, errors.New("end")
	}
	first := (*b)[0]
	*b = (*b)[1:]
	return first, nil
}

func TestFollowerWritesBatchByBatchAndSaysHowFar(t *testing.T) {
	start := call.SystemEvent(at(1), call.Started{})
	start.Global = 7
	other := call.TicketEvent(at(2), "T-1", call.TicketOpened{})
	other.Global = 9
	var out bytes.Buffer
	var far []int64
	err := queuelog.Follow(t.Context(), &batches{{start}, {}, {other}}, queuelog.New(queuelog.Config{}), &out,
		func(g int64) error { far = append(far, g); return nil })
	if err == nil || err.Error() != "end" {
		t.Error(err)
	}
	if out.String() != "1|NONE|NONE|NONE|QUEUESTART|\n" || !cmp.Equal(far, []int64{7, 9}) {
		t.Errorf("%q, %v", out.String(), far)
	}
}
