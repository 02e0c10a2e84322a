package callqueue_test

import (
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"firstline/call"
	"firstline/callqueue"
	"firstline/callqueue/agents"
)

// world is what an observer of inputs and effects knows, kept apart from the
// engine's own books.
type world struct {
	t        *rapid.T
	e, twin  *callqueue.Engine // the twin is given the same and has to do the same
	now      time.Time
	wake     time.Time
	queues   []callqueue.Queue
	roster   map[call.AgentID]agents.Agent
	unplug   map[call.DeviceID]bool
	n        int
	waiting  map[call.EntryID]callqueue.Join
	offers   map[call.OfferID]callqueue.Offer
	over     []call.OfferID // offers that have ended
	talks    map[call.AgentID]call.ID
	made     map[call.EntryID]int // offers so far
	joined   int
	outcomes map[call.Outcome]int
	records  map[call.ID]*call.Record
	activity map[call.AgentID]call.Activity // by the events
	presence map[call.AgentID]call.Presence // by the events
	people   map[call.AgentID]*agents.Record
	events   []call.Event
	ruled    []ruling
	said     map[call.EntryID]map[time.Time][]callqueue.Standing // by Explain
	fresh    []callqueue.Offer                                   // of the last step
	first    map[call.OfferID]bool                               // offers that were their entry's only one when made
	rules    callqueue.Rules
	serving  map[call.AgentID]string // the client for whose call each agent is away from the others
	reason   map[call.AgentID]string // of the break
	alone    map[call.EntryID]time.Time
	decided  []call.QueueDecided // of the last step
	changed  time.Time           // roster, queues or rules, the last time
	told     []told              // all inputs since the engine began
}

// told is an input with its instant, as a recorder would keep it.
type told struct {
	at time.Time
	in callqueue.Input
	fx []callqueue.Effect
}

func newWorld(t *rapid.T) *world {
	w := &world{
		t: t, now: time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC),
		roster: make(map[call.AgentID]agents.Agent), unplug: make(map[call.DeviceID]bool),
		waiting: make(map[call.EntryID]callqueue.Join), offers: make(map[call.OfferID]callqueue.Offer),
		talks: make(map[call.AgentID]call.ID), made: make(map[call.EntryID]int),
		outcomes: make(map[call.Outcome]int), records: make(map[call.ID]*call.Record),
		first: make(map[call.OfferID]bool), serving: make(map[call.AgentID]string), reason: make(map[call.AgentID]string),
		alone:    make(map[call.EntryID]time.Time),
		activity: make(map[call.AgentID]call.Activity), presence: make(map[call.AgentID]call.Presence),
		people: make(map[call.AgentID]*agents.Record), said: make(map[call.EntryID]map[time.Time][]callqueue.Standing),
	}
	w.queues = w.drawQueues()
	w.e, w.twin = callqueue.NewSeeded(7), callqueue.NewSeeded(7)
	w.must(callqueue.SetQueues{Queues: w.queues})
	w.must(callqueue.SetRules{Rules: w.rules})
	for i := range 5 {
		w.setAgent(call.AgentID(fmt.Sprint("p", i)))
	}
	return w
}

// do applies an input and writes down what comes of it. It returns the refusal.
func (w *world) do(in callqueue.Input) error {
	if in, ok := in.(callqueue.TalkEnded); ok {
		delete(w.talks, in.Agent)
	}
	before := len(w.e.Agents(w.now))
	switch in.(type) {
	case callqueue.SetQueues, callqueue.SetRules:
		w.ruled = append(w.ruled, ruling{len(w.events), w.now, w.queues, w.rules})
	}
	fx := w.e.Apply(w.now, in)
	if again := w.twin.Apply(w.now, in); !reflect.DeepEqual(fx, again) {
		w.t.Fatalf("%+v: not the same effects twice:\n%+v\n%+v", in, fx, again)
	}
	w.fresh, w.decided = nil, nil
	w.told = append(w.told, told{w.now, in, fx})
	switch in.(type) {
	case callqueue.SetQueues, callqueue.SetRules, callqueue.AgentSet, callqueue.AgentGone, callqueue.TalkEnded:
		w.changed = w.now
	}
	var refused error
	for _, f := range fx {
		switch f := f.(type) {
		case callqueue.Refused:
			refused = errors.Join(refused, f.Err)
			var te *agents.TransitionError
			if errors.As(f.Err, &te) && te.Axis == "activity" {
				w.t.Fatalf("%+v: illegal move: %v", in, f.Err)
			}
		case callqueue.WakeAt:
			w.wake = f.At
		case callqueue.Offer:
			w.offered(f)
		case callqueue.Connected:
			w.talks[f.Agent] = f.Entry.Call()
			w.left(f.Entry, call.OutcomeAnswered)
		case callqueue.LeftQueue:
			w.leftBy(f)
			w.left(f.Entry, f.Outcome)
		case callqueue.Record:
			w.journal(f.Event)
		}
	}
	all := len(w.e.Agents(w.now))
	for _, d := range w.decided {
		sum := d.Eligible
		for _, x := range d.Excluded {
			sum += x.Agents
			if x.Time < 0 || x.Agents < 0 {
				w.t.Fatalf("%+v counts below nothing", d)
			}
		}
		if sum != all && sum != before { // decided before or after somebody came or went
			w.t.Fatalf("%+v: %d agents are told of, %d were there and %d are", d, sum, before, all)
		}
		w.checkTimes(d)
	}
	return refused
}

func (w *world) offered(o callqueue.Offer) {
	if _, ok := w.waiting[o.Entry]; !ok {
		w.t.Fatalf("%s is offered and does not wait", o.Entry)
	}
	w.first[o.ID] = true
	for _, other := range w.offers {
		if other.Entry == o.Entry {
			w.first[o.ID] = false
		}
		if other.Agent == o.Agent || other.Device == o.Device || other.Entry == o.Entry && !w.queue(w.waiting[o.Entry].Queue).rings() {
			w.t.Fatalf("%+v beside %+v", o, other)
		}
	}
	w.serving[o.Agent] = w.waiting[o.Entry].Client
	if c, talks := w.talks[o.Agent]; talks {
		w.t.Fatalf("%s is offered %s in call %s", o.Agent, o.Entry, c)
	}
	w.offers[o.ID] = o
	w.made[o.Entry]++
	w.fresh = append(w.fresh, o)
}

func (w *world) endOffer(id call.OfferID) {
	if _, ok := w.offers[id]; !ok {
		w.t.Fatalf("offer %s ends and is not live", id)
	}
	delete(w.offers, id)
	w.over = append(w.over, id)
}

func (w *world) left(x call.EntryID, out call.Outcome) {
	if _, ok := w.waiting[x]; !ok {
		w.t.Fatalf("%s leaves as %s and does not wait", x, out)
	}
	w.retrace(x)
	delete(w.waiting, x)
	delete(w.alone, x)
	w.outcomes[out]++
}

func (w *world) journal(ev call.Event) {
	ev.Global = int64(len(w.events) + 1)
	w.events = append(w.events, ev)
	if ev.Stream.Kind == call.StreamAgent {
		id := call.AgentID(ev.Stream.ID)
		if w.people[id] == nil {
			w.people[id] = new(agents.Record)
		}
		if err := w.people[id].Apply(ev); err != nil {
			w.t.Fatalf("%+v: %v", ev, err)
		}
	}
	switch b := ev.Body.(type) {
	case call.ActivityChanged:
		w.activity[call.AgentID(ev.Stream.ID)] = b.Activity
		if b.Activity == call.Idle || b.Activity == call.PhoneGone {
			delete(w.serving, call.AgentID(ev.Stream.ID))
		}
	case call.PresenceChanged:
		w.presence[call.AgentID(ev.Stream.ID)], w.reason[call.AgentID(ev.Stream.ID)] = b.Presence, b.Reason
	case call.AgentSet, call.AgentRemoved, call.AgentRested:
	default:
		if b, ok := b.(call.QueueJoined); ok && w.records[b.Entry.Call()] == nil {
			w.records[b.Entry.Call()] = &call.Record{ID: b.Entry.Call()}
		}
		if err := w.records[call.ID(ev.Stream.ID)].Apply(ev); err != nil {
			w.t.Fatalf("%+v: %v", ev, err)
		}
		switch b := b.(type) {
		case call.OfferEnded:
			w.endOffer(b.Offer)
		case call.QueueDecided:
			w.decided = append(w.decided, b)
		}
	}
}

func (w *world) setAgent(id call.AgentID) {
	a := agents.Agent{ID: id, Device: call.DeviceID(id), Level: rapid.IntRange(1, 2).Draw(w.t, "level")}
	if n := rapid.IntRange(0, 3).Draw(w.t, "x"); n > 0 {
		a.Skills = map[string]int{"x": n}
	}
	if rapid.IntRange(0, 9).Draw(w.t, "seat") == 0 {
		a.Device = ""
	}
	if _, ok := w.roster[id]; !ok {
		w.activity[id], w.presence[id] = call.Idle, call.LoggedOut
	}
	w.journal(call.AgentEvent(w.now, id, call.AgentSet{Name: a.Name, Device: a.Device, Level: a.Level, Skills: a.Skills}))
	w.must(callqueue.AgentSet{Agent: a})
	w.roster[id] = a
}

func (w *world) must(in callqueue.Input) {
	if err := w.do(in); err != nil {
		w.t.Fatalf("%+v: %v", in, err)
	}
}

func (w *world) anyAgent() call.AgentID {
	return call.AgentID(fmt.Sprint("p", rapid.IntRange(0, 5).Draw(w.t, "agent")))
}

func pick[K ~string, V any](w *world, m map[K]V, label string) K {
	if len(m) == 0 {
		w.t.Skip("none")
	}
	return rapid.SampledFrom(slices.Sorted(maps.Keys(m))).Draw(w.t, label)
}

func (w *world) actions() map[string]func(*rapid.T) {
	return map[string]func(*rapid.T){
		"":           func(*rapid.T) { w.check() },
		"join":       func(*rapid.T) { w.join() },
		"join again": func(*rapid.T) { w.join() }, // as likely as all that takes callers away
		"leave": func(*rapid.T) {
			w.must(callqueue.Leave{Entry: pick(w, w.waiting, "entry"), Outcome: call.OutcomeAbandoned})
		},
		"rings":     func(*rapid.T) { w.must(callqueue.OfferRang{Offer: pick(w, w.offers, "offer")}) },
		"answers":   func(*rapid.T) { w.done(call.OfferAnswered) },
		"talk ends": func(*rapid.T) { w.talkEnds() },
		"does not": func(*rapid.T) {
			w.done(rapid.SampledFrom([]call.OfferResult{call.OfferMissed, call.OfferRejected, call.OfferBusy, call.OfferUnreachable}).Draw(w.t, "result"))
		},
		"too late": func(*rapid.T) { w.tooLate() },
		"hold": func(*rapid.T) {
			w.must(callqueue.TalkHeld{Agent: pick(w, w.talks, "agent"), Held: rapid.Bool().Draw(w.t, "held")})
		},
		"adopts":    func(*rapid.T) { w.adopts() },
		"calls out": func(*rapid.T) { w.callsOut() },
		"moves":     func(*rapid.T) { w.moves() },
		"says":      func(*rapid.T) { w.says() },
		"available": func(*rapid.T) {
			_ = w.do(callqueue.PresenceSet{Agent: w.anyAgent(), Presence: call.Available, By: "self"})
		},
		"phone":       func(*rapid.T) { w.plug() },
		"roster":      func(*rapid.T) { w.setAgent(w.anyAgent()) },
		"off roster":  func(*rapid.T) { w.offRoster() },
		"wrap-up":     func(*rapid.T) { _ = w.do(callqueue.WrapUpEnded{Agent: w.anyAgent()}) },
		"time passes": func(*rapid.T) { w.pass() },
		"queues":      func(*rapid.T) { w.changeQueues() },
		"restart":     func(*rapid.T) { w.restart() },
		"rules":       func(*rapid.T) { w.changeRules() },
		"key":         func(*rapid.T) { w.press() },
		"priority":    func(*rapid.T) { w.prioritize() },
	}
}

func (w *world) join() {
	w.n++
	in := callqueue.Join{
		Entry: call.ID(fmt.Sprintf("c%04d", w.n)).Entry(1), Joined: w.now,
		Queue:    rapid.SampledFrom([]call.QueueID{"a", "b", "c"}).Draw(w.t, "queue"),
		Priority: rapid.IntRange(0, 2).Draw(w.t, "priority"),
		Client:   rapid.SampledFrom([]string{"", "acme", "free"}).Draw(w.t, "client"),
		Class:    rapid.SampledFrom([]string{"", "gold"}).Draw(w.t, "class"),
		Within:   rapid.SampledFrom([]time.Duration{0, 10 * time.Second}).Draw(w.t, "within"),
	}
	if n := rapid.IntRange(0, 8).Draw(w.t, "brings steps"); n > 5 {
		in.Steps = []callqueue.Step{{After: 5 * time.Second, Need: call.Requirement{Level: n - 6}}}
	}
	if rapid.IntRange(0, 4).Draw(w.t, "asks for somebody") == 0 {
		in.Prefer, in.PreferFor = w.anyAgent(), 25*time.Second
	}
	if n := rapid.IntRange(0, 3).Draw(w.t, "need"); n > 1 {
		in.Need = call.Requirement{Skills: map[string]int{"x": n}}
	}
	w.handOver(&in)
	w.waiting[in.Entry] = in
	switch err := w.do(in); {
	case err == nil:
		w.joined++
	case errors.Is(err, callqueue.ErrUnknownAgent):
		if _, known := w.roster[in.Only]; known {
			w.t.Fatal(err)
		}
		delete(w.waiting, in.Entry)
	case errors.Is(err, callqueue.ErrFull) && len(w.waiting) > 4:
		delete(w.waiting, in.Entry)
	default:
		w.t.Fatal(err)
	}
}

func (w *world) done(r call.OfferResult) {
	o := w.offers[pick(w, w.offers, "offer")]
	w.must(callqueue.OfferDone{Offer: o.ID, Result: r})
}

func (w *world) tooLate() {
	if len(w.over) == 0 {
		w.t.Skip("none")
	}
	in := callqueue.OfferDone{Offer: rapid.SampledFrom(w.over).Draw(w.t, "offer"), Result: call.OfferAnswered}
	if err := w.do(in); !errors.Is(err, callqueue.ErrUnknownOffer) {
		w.t.Fatalf("%+v: %v", in, err)
	}
}

func (w *world) talkEnds() {
	a := pick(w, w.talks, "agent")
	w.must(callqueue.TalkEnded{Agent: a, Call: w.talks[a], At: w.now})
	w.forgetGone()
}

func (w *world) adopts() {
	a := w.anyAgent()
	if _, talks := w.talks[a]; talks || rapid.IntRange(0, 3).Draw(w.t, "rarely") > 0 {
		w.t.Skip("talks or rarely")
	}
	w.n++
	in := callqueue.TalkBegan{Agent: a, Call: call.ID(fmt.Sprint("adopted", w.n))}
	if w.do(in) == nil {
		w.talks[a] = in.Call
	}
}

func (w *world) says() {
	p := rapid.SampledFrom([]call.Presence{call.LoggedOut, call.OnBreak, call.Finishing}).Draw(w.t, "presence")
	a := w.anyAgent()
	in := callqueue.PresenceSet{Agent: a, Presence: p, Reason: "r", By: rapid.SampledFrom([]string{"self", "supervisor:sue"}).Draw(w.t, "by")}
	_, known := w.roster[a]
	last, full := w.isLast(a), w.breakFull(a)
	err := w.do(in)
	if in.By != "self" || !known {
		return
	}
	if out := p != call.OnBreak; out && err == nil && last || !out && err == nil && full {
		w.t.Fatalf("%+v: is not refused", in)
	}
	if errors.Is(err, callqueue.ErrLast) && !last || errors.Is(err, callqueue.ErrBreakFull) && !full {
		w.t.Fatalf("%+v: %v", in, err)
	}
}

func (w *world) plug() {
	dev := call.DeviceID(w.anyAgent())
	w.unplug[dev] = !w.unplug[dev]
	w.must(callqueue.DeviceReachable{Device: dev, Reachable: !w.unplug[dev]})
}

func (w *world) offRoster() {
	id := w.anyAgent()
	if rapid.IntRange(0, 3).Draw(w.t, "rarely") > 0 {
		w.t.Skip("rarely")
	}
	if _, known := w.roster[id]; known {
		w.journal(call.AgentEvent(w.now, id, call.AgentRemoved{By: "roster"}))
	}
	_ = w.do(callqueue.AgentGone{Agent: id})
	w.forgetGone()
}

func (w *world) forgetGone() {
	have := make(map[call.AgentID]bool)
	for _, v := range w.e.Agents(w.now) {
		have[v.ID] = true
	}
	for id := range w.roster {
		if !have[id] {
			delete(w.roster, id)
			if c, talks := w.talks[id]; talks {
				w.t.Fatalf("%s went off the roster in call %s", id, c)
			}
		}
	}
}

func (w *world) pass() {
	by := rapid.SampledFrom([]time.Duration{1, time.Millisecond, 3 * time.Second, 15 * time.Second, time.Minute}).Draw(w.t, "by")
	to := w.now.Add(by)
	for !w.wake.IsZero() && !w.wake.After(to) {
		w.now = w.wake
		w.must(callqueue.Tick{})
		w.check()
	}
	w.now = to
	w.must(callqueue.Tick{})
}

func (w *world) changeQueues() {
	w.queues = w.drawQueues()
	w.must(callqueue.SetQueues{Queues: w.queues})
	clear(w.alone) // the time counts anew
}

// restart ends the engine as Run does, and builds the next one from the journal
// and the roster, as a start does.
func (w *world) restart() {
	people := w.e.Agents(w.now)
	w.must(callqueue.Close{})
	if len(w.offers) > 0 {
		w.t.Fatalf("offers survive the end: %+v", w.offers)
	}
	w.replay()
	w.e, w.twin, w.wake, w.told = callqueue.NewSeeded(7), callqueue.NewSeeded(7), time.Time{}, nil
	clear(w.alone)
	w.must(callqueue.SetQueues{Queues: w.queues})
	w.must(callqueue.SetRules{Rules: w.rules})
	for _, dev := range slices.Sorted(maps.Keys(w.unplug)) {
		w.must(callqueue.DeviceReachable{Device: dev, Reachable: !w.unplug[dev]})
	}
	for _, p := range people {
		was := *w.people[p.ID]
		if was.Activity == "" {
			was.Activity = call.Idle
		}
		if !was.Here() {
			w.t.Fatalf("%s is off the roster by the journal", p.ID)
		}
		w.activity[p.ID], w.serving[p.ID] = was.Activity, was.Client
		w.must(callqueue.AgentRestored{Record: was})
	}
	for _, a := range slices.Sorted(maps.Keys(w.talks)) {
		w.must(callqueue.TalkBegan{Agent: a, Call: w.talks[a]})
	}
	for _, x := range slices.Sorted(maps.Keys(w.waiting)) {
		in := w.waiting[x]
		in.Resume, in.Offers, in.Asks = true, w.made[x], w.records[x.Call()].Waiting().Asks()
		w.must(in)
	}
}

func TestInvariantsHoldWhateverHappens(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := newWorld(t)
		t.Repeat(w.actions())
		w.replay()
	})
}
