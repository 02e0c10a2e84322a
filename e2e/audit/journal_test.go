package audit_test

import (
	"time"

	"firstline/call"
)

// day is when the journals of these tests begin.
var day = time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)

// journal is written event by event, by hand, as a server writes it.
type journal struct {
	now time.Time
	all []call.Event
}

func (j *journal) at(seconds float64) *journal {
	j.now = day.Add(time.Duration(seconds * float64(time.Second)))
	return j
}

func (j *journal) call(id call.ID, bodies ...call.Body) *journal {
	for _, b := range bodies {
		j.all = append(j.all, call.CallEvent(j.now, id, b))
	}
	return j
}

func (j *journal) agent(id call.AgentID, bodies ...call.Body) *journal {
	for _, b := range bodies {
		j.all = append(j.all, call.AgentEvent(j.now, id, b))
	}
	return j
}

func (j *journal) arrives(id call.ID, t call.TicketID) *journal {
	j.call(id, call.Arrived{Ticket: t, From: call.Party{Number: "+15550100"}, To: call.Party{Number: "1000"}})
	j.all = append(j.all, call.TicketEvent(j.now, t, call.TicketOpened{Call: id}))
	return j.call(id, call.StageEntered{Stage: "wait"}, call.Answered{})
}

func (j *journal) joins(id call.ID, need call.Requirement) *journal {
	return j.call(id, call.QueueJoined{Entry: id.Entry(1), Queue: "desk", Joined: j.now, Need: need, Target: call.Target{ShortAbandon: 5 * time.Second}})
}

func (j *journal) offer(id call.ID, n int, a call.AgentID) *journal {
	j.agent(a, call.ActivityChanged{Activity: call.Offering, Call: id, Until: j.now.Add(ring)})
	return j.call(id, call.Offered{Offer: id.Entry(1).Offer(n), Agent: a, Ring: ring})
}

func (j *journal) answers(id call.ID, n int, a call.AgentID, wait float64) *journal {
	j.call(id, call.OfferEnded{Offer: id.Entry(1).Offer(n), Agent: a, Result: call.OfferAnswered})
	j.call(id, call.QueueLeft{Entry: id.Entry(1), Queue: "desk", Outcome: call.OutcomeAnswered, Agent: a, Wait: time.Duration(wait * float64(time.Second))})
	j.agent(a, call.ActivityChanged{Activity: call.Talking, Call: id})
	return j.call(id, call.StageEntered{Stage: "talk"}, call.Connected{Agent: a, Leg: "leg", Bridge: "b"})
}

func (j *journal) parts(id call.ID, a call.AgentID) *journal {
	j.call(id, call.Parted{Agent: a, By: call.SideAgent, Cause: call.Cause{Reason: call.Hangup}})
	j.agent(a, call.ActivityChanged{Activity: call.WrapUp, Call: id, Until: j.now.Add(2 * time.Second)})
	return j.call(id, call.Ended{Outcome: call.OutcomeAnswered, Cause: call.Cause{Reason: call.Hangup}, Stage: "talk"})
}

// lost puts the caller of a call on the list, as an item of the same name.
func (j *journal) lost(id call.ID) *journal {
	j.all = append(j.all, call.LostEvent(j.now, call.LostID(id), call.LostOpened{Call: id, Number: "+15550100", Joined: j.now}))
	return j
}

const ring = 15 * time.Second

// aMorning is a journal that keeps every promise: two agents, the second alone
// with accounts; one caller is answered, one after a miss, one gives up while a
// phone rings, and one still waits.
func aMorning() *journal {
	desk, accounts := call.Requirement{Skills: map[string]int{"desk": 1}}, call.Requirement{Skills: map[string]int{"desk": 1, "accounts": 3}}
	j := (&journal{}).at(0)
	j.all = append(j.all, call.SystemEvent(j.now, call.Started{Boot: "b"}))
	j.agent("ana", call.AgentSet{Name: "Ana", Device: "2001", Level: 1, Skills: map[string]int{"desk": 5}}, call.PresenceChanged{Presence: call.Available})
	j.agent("ben", call.AgentSet{Name: "Ben", Device: "2002", Level: 1, Skills: map[string]int{"desk": 5, "accounts": 5}}, call.PresenceChanged{Presence: call.Available})

	j.at(10).arrives("one", "T-1").joins("one", desk).offer("one", 1, "ana")
	j.at(12).answers("one", 1, "ana", 2)
	j.at(13).arrives("two", "T-2").joins("two", accounts).offer("two", 1, "ben")
	j.at(14).arrives("three", "T-3").joins("three", desk)
	j.at(16).arrives("four", "T-4").joins("four", accounts)
	j.at(20).call("one", call.Held{By: call.SideAgent}).agent("ana", call.ActivityChanged{Activity: call.Holding, Call: "one"})
	j.at(22).call("one", call.Unheld{By: call.SideAgent}).agent("ana", call.ActivityChanged{Activity: call.Talking, Call: "one"})
	j.at(28).call("two", call.OfferEnded{Offer: call.ID("two").Entry(1).Offer(1), Agent: "ben", Result: call.OfferMissed})
	j.agent("ben", call.ActivityChanged{Activity: call.Idle}).offer("two", 2, "ben")
	j.at(29).answers("two", 2, "ben", 16)
	j.at(30).parts("one", "ana")
	j.at(32).agent("ana", call.ActivityChanged{Activity: call.Idle}).offer("three", 1, "ana")
	j.at(33).call("three", call.OfferEnded{Offer: call.ID("three").Entry(1).Offer(1), Agent: "ana", Result: call.OfferWithdrawn})
	j.agent("ana", call.ActivityChanged{Activity: call.Idle})
	j.call("three", call.QueueLeft{Entry: call.ID("three").Entry(1), Queue: "desk", Outcome: call.OutcomeAbandoned, Wait: 19 * time.Second})
	j.call("three", call.CallerLost{Queue: "desk", Reason: "abandoned"})
	j.call("three", call.Ended{Outcome: call.OutcomeAbandoned, Cause: call.Cause{Reason: call.Hangup}, Stage: "wait"}).lost("three")
	j.at(60).agent("ana", call.PresenceChanged{Presence: call.OnBreak, Reason: "lunch"})
	return j
}

// numbered gives the events their sequences, as the journal does.
func numbered(evs []call.Event) []call.Event {
	seqs := map[call.Stream]int64{}
	for i := range evs {
		seqs[evs[i].Stream]++
		evs[i].Global, evs[i].Seq = int64(i+1), seqs[evs[i].Stream]
	}
	return evs
}
