package audit_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"testing"
	"time"

	"firstline/call"
	"firstline/e2e/audit"
	"firstline/web"
)

func check(evs []call.Event) *audit.Report {
	c := audit.New(audit.Config{})
	for _, e := range evs {
		c.Apply(e)
	}
	return c.Close(evs[len(evs)-1].At)
}

func TestAJournalThatKeepsEveryPromiseIsPassed(t *testing.T) {
	r := check(numbered(aMorning().all))
	for _, v := range r.Violations {
		t.Error(v)
	}
	if q := r.Queues["desk"]; r.Calls != 4 || r.OpenCalls != 2 || q.Offered != 4 || q.Waiting != 1 || q.Outcomes[call.OutcomeAnswered] != 2 {
		t.Errorf("the report: %+v", r)
	}
}

// Calls that Asterisk served while firstline was away are written late, at their
// times: they count, and say nothing of what agents did here.
func TestCallsOfLimpModeCountAndBindNobody(t *testing.T) {
	evs := aMorning().all
	i := find(t, evs, "one", "call.held", 1) + 1 // ben talks
	at := day.Add(-time.Hour)
	late := func(sec int, b call.Body) call.Event {
		e := call.CallEvent(at.Add(time.Duration(sec)*time.Second), "limp", b)
		e.Config = call.ConfigAsterisk
		return e
	}
	opened := call.TicketEvent(at, "T-9", call.TicketOpened{Call: "limp"})
	evs = slices.Insert(evs, i, late(0, call.Arrived{Ticket: "T-9"}), opened,
		late(1, call.QueueJoined{Entry: "limp.q1", Queue: "desk", Joined: at.Add(time.Second)}),
		late(2, call.Offered{Offer: "limp.q1.o1", Agent: "ben"}), late(4, call.OfferEnded{Offer: "limp.q1.o1", Agent: "ben", Result: call.OfferAnswered}),
		late(4, call.QueueLeft{Entry: "limp.q1", Queue: "desk", Outcome: call.OutcomeAnswered, Agent: "ben", Wait: 3 * time.Second}),
		late(4, call.Connected{Agent: "ben"}), late(90, call.Parted{Agent: "ben"}), late(90, call.Ended{Outcome: call.OutcomeAnswered}))
	r := check(numbered(evs))
	for _, v := range r.Violations {
		t.Error(v)
	}
	if q := r.Queues["desk"]; r.Calls != 5 || q.Offered != 5 || q.Outcomes[call.OutcomeAnswered] != 3 {
		t.Errorf("the report: %+v", r)
	}
}

// find is the place of the nth event of a type in a stream, n from 1.
func find(t *testing.T, evs []call.Event, id, kind string, n int) int {
	t.Helper()
	for i, e := range evs {
		if e.Stream.ID == id && e.Body.Type() == kind {
			if n--; n == 0 {
				return i
			}
		}
	}
	t.Fatalf("no such %s of %s", kind, id)
	return 0
}

// shift moves an event in the list, and to the instant of its new neighbour.
func shift(evs []call.Event, from, to int) []call.Event {
	e := evs[from]
	e.At = evs[to].At
	return slices.Insert(slices.Delete(evs, from, from+1), to, e)
}

func TestADoctoredJournalIsFoundOut(t *testing.T) {
	desk := call.Requirement{Skills: map[string]int{"desk": 1}}
	for _, c := range []struct {
		name string
		rule audit.Rule
		do   func(*testing.T, []call.Event) []call.Event
	}{
		{"an agent is rung for two", audit.OneCall, func(t *testing.T, evs []call.Event) []call.Event {
			e := call.CallEvent(day.Add(14*time.Second), "three", call.Offered{Offer: "three.q1.o9", Agent: "ben", Ring: ring})
			return slices.Insert(evs, find(t, evs, "three", "queue.joined", 1)+1, e)
		}},
		{"an agent is rung in a talk", audit.OneCall, func(t *testing.T, evs []call.Event) []call.Event {
			i := find(t, evs, "three", "queue.offered", 1)
			return shift(evs, i, find(t, evs, "one", "call.held", 1))
		}},
		{"an agent talks to two", audit.OneCall, func(t *testing.T, evs []call.Event) []call.Event {
			i := find(t, evs, "two", "call.connected", 1)
			evs[i].Body = call.Connected{Agent: "ana"}
			return evs
		}},
		{"an agent on break is rung", audit.OneCall, func(t *testing.T, evs []call.Event) []call.Event {
			return shift(evs, find(t, evs, "ana", "agent.presence", 2), find(t, evs, "three", "queue.offered", 1))
		}},
		{"an entry never leaves", audit.OneOutcome, func(t *testing.T, evs []call.Event) []call.Event {
			i := find(t, evs, "three", "queue.left", 1)
			return slices.Delete(evs, i, i+1)
		}},
		{"an entry leaves twice", audit.OneOutcome, func(t *testing.T, evs []call.Event) []call.Event {
			i := find(t, evs, "three", "queue.left", 1)
			return slices.Insert(evs, i, evs[i])
		}},
		{"an outcome that nobody knows", audit.OneOutcome, func(t *testing.T, evs []call.Event) []call.Event {
			i := find(t, evs, "three", "queue.left", 1)
			b := evs[i].Body.(call.QueueLeft)
			b.Outcome = "went-home"
			evs[i].Body = b
			return evs
		}},
		{"a call ends otherwise than its entry", audit.OneOutcome, func(t *testing.T, evs []call.Event) []call.Event {
			evs[find(t, evs, "three", "call.ended", 1)].Body = call.Ended{Outcome: call.OutcomeAnswered}
			return evs
		}},
		{"a call ends twice", audit.OneOutcome, func(t *testing.T, evs []call.Event) []call.Event {
			return append(evs, call.CallEvent(day.Add(61*time.Second), "three", call.Ended{Outcome: call.OutcomeAbandoned}))
		}},
		{"answered by nobody", audit.OneOutcome, func(t *testing.T, evs []call.Event) []call.Event {
			i := find(t, evs, "two", "queue.offer-ended", 2)
			b := evs[i].Body.(call.OfferEnded)
			b.Result = call.OfferWithdrawn
			evs[i].Body = b
			return evs
		}},
		{"a wait that is told wrong", audit.OneOutcome, func(t *testing.T, evs []call.Event) []call.Event {
			i := find(t, evs, "three", "queue.left", 1)
			b := evs[i].Body.(call.QueueLeft)
			b.Wait -= 10 * time.Second
			evs[i].Body = b
			return evs
		}},
		{"a phone rings on for who is gone", audit.NoGhost, func(t *testing.T, evs []call.Event) []call.Event {
			return shift(evs, find(t, evs, "three", "queue.offer-ended", 1), find(t, evs, "three", "queue.left", 1))
		}},
		{"an offer after the end", audit.NoGhost, func(t *testing.T, evs []call.Event) []call.Event {
			return append(evs, call.CallEvent(day.Add(61*time.Second), "three", call.Offered{Offer: "three.q1.o2", Agent: "ben", Ring: ring}))
		}},
		{"a phone rings longer than it may", audit.NoGhost, func(t *testing.T, evs []call.Event) []call.Event {
			i := find(t, evs, "two", "queue.offered", 1)
			b := evs[i].Body.(call.Offered)
			b.Ring = 5 * time.Second
			evs[i].Body = b
			return evs
		}},
		{"who came later is served first", audit.InOrder, func(t *testing.T, evs []call.Event) []call.Event {
			return slices.Insert(evs, find(t, evs, "three", "call.arrived", 1), (&journal{}).at(13.5).arrives("early", "T-9").joins("early", desk).all...)
		}},
		{"an agent is left idle", audit.Conserving, func(t *testing.T, evs []call.Event) []call.Event {
			// Ana's phone rings for the third caller three seconds after she is free, not at once.
			i := find(t, evs, "three", "queue.offered", 1)
			for k := i - 1; k < len(evs); k++ {
				evs[k].At = evs[k].At.Add(3 * time.Second)
			}
			return evs
		}},
		{"a wrap-up lasts too long", audit.Conserving, func(t *testing.T, evs []call.Event) []call.Event {
			i := find(t, evs, "ana", "agent.activity", 6) // idle after the first talk
			for k := i; k < len(evs); k++ {
				evs[k].At = evs[k].At.Add(3 * time.Second)
			}
			return slices.Insert(evs, i, (&journal{}).at(34).arrives("five", "T-9").joins("five", call.Requirement{Level: 4}).all...)
		}},
		{"an agent cannot do what is asked", audit.Conserving, func(t *testing.T, evs []call.Event) []call.Event {
			i := find(t, evs, "ben", "agent.set", 1)
			evs[i].Body = call.AgentSet{Name: "Ben", Device: "2002", Level: 1, Skills: map[string]int{"desk": 5}}
			return evs
		}},
		{"an activity that cannot follow", audit.AgentTime, func(t *testing.T, evs []call.Event) []call.Event {
			i := find(t, evs, "ana", "agent.activity", 1)
			return slices.Delete(evs, i, i+1)
		}},
		{"a talk longer than the agent talked", audit.AgentTime, func(t *testing.T, evs []call.Event) []call.Event {
			i := find(t, evs, "ana", "agent.activity", 5) // the wrap-up, long before the talk ends
			return shift(evs, i, find(t, evs, "one", "call.unheld", 1)+2)
		}},
		{"an abandon that is on no list", audit.LostOnce, func(t *testing.T, evs []call.Event) []call.Event {
			return slices.DeleteFunc(evs, func(e call.Event) bool {
				_, noted := e.Body.(call.CallerLost)
				return noted || e.Stream.Kind == call.StreamLost
			})
		}},
		{"an abandon in two items", audit.LostOnce, func(_ *testing.T, evs []call.Event) []call.Event {
			return append(evs, call.LostEvent(day.Add(61*time.Second), "l2", call.LostOpened{Call: "three"}))
		}},
		{"an abandon that only the item tells", audit.LostOnce, func(t *testing.T, evs []call.Event) []call.Event {
			i := find(t, evs, "three", "call.lost", 1)
			return slices.Delete(evs, i, i+1)
		}},
		{"one number on the list twice", audit.LostOnce, func(_ *testing.T, evs []call.Event) []call.Event {
			return append(evs, call.CallEvent(day.Add(61*time.Second), "two", call.CallerLost{}),
				call.LostEvent(day.Add(61*time.Second), "l2", call.LostOpened{Call: "two", Number: "+15550100"}))
		}},
		{"two who withhold their number as one", audit.LostOnce, func(t *testing.T, evs []call.Event) []call.Event {
			evs[find(t, evs, "three", "lost.opened", 1)].Body = call.LostOpened{Call: "three"}
			return append(evs, call.CallEvent(day.Add(61*time.Second), "two", call.CallerLost{}),
				call.LostEvent(day.Add(61*time.Second), "three", call.LostAgain{Call: "two"}))
		}},
		{"a lost caller who ends twice", audit.LostOnce, func(_ *testing.T, evs []call.Event) []call.Event {
			end := call.LostEvent(day.Add(61*time.Second), "three", call.LostEnded{End: call.LostResolved})
			return append(evs, end, end)
		}},
		{"a ticket that nobody opened", audit.OneTicket, func(t *testing.T, evs []call.Event) []call.Event {
			i := find(t, evs, "T-3", "ticket.opened", 1)
			return slices.Delete(evs, i, i+1)
		}},
		{"two calls on one ticket", audit.OneTicket, func(t *testing.T, evs []call.Event) []call.Event {
			i := find(t, evs, "three", "call.arrived", 1)
			b := evs[i].Body.(call.Arrived)
			b.Ticket = "T-1"
			evs[i].Body = b
			return evs
		}},
		{"two tickets for a call", audit.OneTicket, func(t *testing.T, evs []call.Event) []call.Event {
			return append(evs, call.TicketEvent(evs[len(evs)-1].At, "T-8", call.TicketOpened{Call: "three"}))
		}},
		{"no ticket", audit.OneTicket, func(t *testing.T, evs []call.Event) []call.Event {
			evs[find(t, evs, "three", "call.arrived", 1)].Body = call.Arrived{}
			return evs
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := check(numbered(c.do(t, aMorning().all)))
			if r.OK() || r.Broken[c.rule] == 0 {
				t.Errorf("not found out; what is told: %v", r.Violations)
			}
		})
	}
}

// crashed is a morning whose server dies while a phone rings, and comes back.
func crashed(closes bool) []call.Event {
	j := aMorning()
	id := call.ID("three")
	cut := slices.IndexFunc(j.all, func(e call.Event) bool { return e.Stream.ID == string(id) && e.Body.Type() == "queue.offer-ended" })
	j.all = j.all[:cut]
	j.at(40)
	j.all = append(j.all, call.SystemEvent(j.now, call.Started{Boot: "c"}))
	j.agent("ana", call.ActivityChanged{Activity: call.Idle})
	j.at(32.5) // the last sign of life
	if closes {
		j.call(id, call.OfferEnded{Offer: id.Entry(1).Offer(1), Agent: "ana", Result: call.OfferWithdrawn})
	}
	j.call(id, call.QueueLeft{Entry: id.Entry(1), Queue: "desk", Outcome: call.OutcomeSystemFailed, Wait: 18 * time.Second})
	j.call(id, call.CallerLost{Reason: "crash"}, call.Ended{Outcome: call.OutcomeSystemFailed, Stage: "wait", Restored: true}).lost(id)
	two, four := call.ID("two"), call.ID("four")
	j.call(two, call.Parted{Agent: "ben", By: call.SideSystem}, call.Ended{Outcome: call.OutcomeSystemFailed, Restored: true})
	j.call(four, call.QueueLeft{Entry: four.Entry(1), Queue: "desk", Outcome: call.OutcomeSystemFailed, Wait: 16 * time.Second})
	j.call(four, call.Ended{Outcome: call.OutcomeSystemFailed, Restored: true})
	j.all = append(j.all, call.CallbackEvent(j.now, "cb", call.CallbackAsked{Call: four})) // the server calls this one back itself
	return numbered(j.all)
}

func TestACrashThatIsClearedUpIsNoBrokenPromise(t *testing.T) {
	for _, v := range check(crashed(true)).Violations {
		t.Error(v)
	}
}

func TestAnOfferThatACrashLeftOpenIsFoundOut(t *testing.T) {
	if r := check(crashed(false)); r.Broken[audit.NoGhost] == 0 {
		t.Errorf("not found out; what is told: %v", r.Violations)
	}
}

func TestALostEventIsFoundOut(t *testing.T) {
	evs := numbered(aMorning().all)
	i := find(t, evs, "one", "call.answered", 1)
	if r := check(slices.Delete(evs, i, i+1)); r.Broken[audit.Sequence] == 0 {
		t.Errorf("not found out; what is told: %v", r.Violations)
	}
}

func TestViolationsOutsideThePeriodAreLeftOut(t *testing.T) {
	evs := aMorning().all
	i := find(t, evs, "three", "queue.left", 1)
	evs = numbered(slices.Insert(evs, i, evs[i]))
	c := audit.New(audit.Config{From: day.Add(40 * time.Second)})
	for _, e := range evs {
		c.Apply(e)
	}
	if r := c.Close(evs[len(evs)-1].At); r.Broken[audit.OneOutcome] != 0 {
		t.Errorf("told: %v", r.Violations)
	}
}

// boardOf is what the server's own fold shows, as the API would say it.
func boardOf(t *testing.T, evs []call.Event) *audit.Board {
	t.Helper()
	b := web.NewBoard(time.UTC)
	for _, e := range evs {
		if err := b.Apply(e); err != nil {
			t.Fatal(err)
		}
	}
	text, err := json.Marshal(b.View(evs[len(evs)-1].At))
	if err != nil {
		t.Fatal(err)
	}
	shown := &audit.Board{}
	if err := json.Unmarshal(text, shown); err != nil {
		t.Fatal(err)
	}
	return shown
}

func TestTheBoardIsTheFoldAtEveryEvent(t *testing.T) {
	evs := numbered(aMorning().all)
	c := audit.New(audit.Config{})
	for i, e := range evs {
		c.Apply(e)
		c.Compare(boardOf(t, evs[:i+1]))
	}
	for _, v := range c.Close(evs[len(evs)-1].At).Violations {
		t.Error(v)
	}
}

func TestADoctoredBoardIsFoundOut(t *testing.T) {
	for name, do := range map[string]func(*audit.Board){
		"an agent's state":    func(b *audit.Board) { b.Agents[0].State = "talking" },
		"an agent's call":     func(b *audit.Board) { b.Agents[1].Call = "" },
		"an agent is gone":    func(b *audit.Board) { b.Agents = b.Agents[1:] },
		"a call's state":      func(b *audit.Board) { b.Calls[0].State = "in-flow" },
		"a call is gone":      func(b *audit.Board) { b.Calls = b.Calls[1:] },
		"a call too many":     func(b *audit.Board) { b.Calls = append(b.Calls, b.Calls[0]); b.Calls[2].ID = "three" },
		"a queue's length":    func(b *audit.Board) { b.Queues[0].Waiting++ },
		"a queue's longest":   func(b *audit.Board) { b.Queues[0].LongestSince = day },
		"a queue is gone":     func(b *audit.Board) { b.Queues = nil },
		"another sequence":    func(b *audit.Board) { b.Seq-- },
		"a call's ticket":     func(b *audit.Board) { b.Calls[1].Ticket = "T-1" },
		"who is owed a call":  func(b *audit.Board) { b.Totals.LostOpen++ },
		"an agent's presence": func(b *audit.Board) { b.Agents[0].Presence = call.Available },
	} {
		t.Run(name, func(t *testing.T) {
			evs := numbered(aMorning().all)
			c := audit.New(audit.Config{})
			for _, e := range evs {
				c.Apply(e)
			}
			b := boardOf(t, evs)
			do(b)
			c.Compare(b)
			if r := c.Close(day); r.Broken[audit.BoardIsFold] == 0 {
				t.Error("not found out")
			}
		})
	}
}

func TestTheReportIsHeldToTheJournal(t *testing.T) {
	for name, c := range map[string]struct {
		abandoned int
		ok        bool
	}{"as it is": {1, true}, "one abandoned too many": {2, false}} {
		t.Run(name, func(t *testing.T) {
			r, err := audit.API{Base: fakeServer(t, c.abandoned), Token: "t"}.Run(t.Context(), audit.Config{})
			if err != nil {
				t.Fatal(err)
			}
			if r.OK() != c.ok || !c.ok && r.Broken[audit.AddsUp] == 0 {
				t.Errorf("ok %v: %v", r.OK(), r.Violations)
			}
		})
	}
}

// fakeServer serves the morning up to its end, with a report of its own making.
func fakeServer(t *testing.T, abandoned int) string {
	t.Helper()
	j := aMorning()
	two, four := call.ID("two"), call.ID("four")
	j.at(61).parts(two, "ben")
	j.at(62).call(four, call.QueueLeft{Entry: four.Entry(1), Queue: "desk", Outcome: call.OutcomeTimeoutOverflow, Wait: 46 * time.Second})
	j.call(four, call.CallerLost{Reason: "timeout-overflow"}, call.Ended{Outcome: call.OutcomeTimeoutOverflow, Stage: "wait"})
	j.all = append(j.all, call.LostEvent(j.now, "three", call.LostAgain{Call: four}))
	evs := numbered(j.all)
	answer := func(w http.ResponseWriter, v any) {
		if err := json.NewEncoder(w).Encode(v); err != nil {
			t.Error(err)
		}
	}
	mux := http.NewServeMux()
	mux.HandleFunc("/api/v1/events", func(w http.ResponseWriter, r *http.Request) {
		after, _ := strconv.Atoi(r.URL.Query().Get("after"))
		answer(w, map[string]any{"events": evs[after:min(after+10, len(evs))]})
	})
	mux.HandleFunc("/api/v1/board", func(w http.ResponseWriter, _ *http.Request) { answer(w, boardOf(t, evs)) })
	mux.HandleFunc("/api/v1/reports/sla", func(w http.ResponseWriter, _ *http.Request) {
		answer(w, map[string]any{"queues": []map[string]any{{
			"queue": "desk", "offered": 4, "answered": 2, "abandoned": abandoned, "abandoned_short": 0, "other": 1, "waiting": 0,
		}}})
	})
	s := httptest.NewServer(mux)
	t.Cleanup(s.Close)
	return s.URL
}
