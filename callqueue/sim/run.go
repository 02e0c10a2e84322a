package sim

import (
	"cmp"
	"container/heap"
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"time"

	"firstline/call"
	"firstline/callqueue"
	"firstline/callqueue/sla"
)

// Result is what came of a Scenario.
type Result struct {
	Ledger *sla.Ledger // every entry
	Staff  *sla.Staff  // what the agents did
	Began  time.Time   // the first arrival or shift
	Ended  time.Time   // the last thing that happened
	Inputs int         // given to the engine
	Events int         // that it recorded, with those of the talks
	// Circles is how many calls were sent back, in no time, to a queue that they had
	// just left: its exits lead in a circle. They end as they left.
	Circles int
}

// Run simulates a scenario to the end: the last caller has left, or nobody comes
// any more who could change that. Who still waits then, waits in the Ledger too.
// The error matches ErrInvalid for a scenario that is none, is ctx's cause when
// that ended first, and anything else is a fault of the engine.
func Run(ctx context.Context, s Scenario) (Result, error) {
	if err := s.Validate(); err != nil {
		return Result{}, err
	}
	r := &run{
		scenario: s, engine: callqueue.NewEngine(), callers: make([]caller, len(s.Arrivals)), live: make(map[call.EntryID]int32),
		offers: make(map[call.OfferID]bool), wraps: make(map[call.QueueID]bool), phones: make(map[call.AgentID]call.DeviceID),
	}
	r.result.Ledger = sla.New(sla.Config{Keep: forever, Max: math.MaxInt, Client: s.Client})
	r.result.Staff = sla.NewStaff(forever)
	if err := r.begin(); err != nil {
		return Result{}, err
	}
	for n := 0; len(r.due) > 0; n++ {
		if n%1024 == 0 && ctx.Err() != nil {
			return Result{}, context.Cause(ctx)
		}
		e := heap.Pop(&r.due).(event)
		if err := errors.Join(r.happen(e), r.fault); err != nil {
			return Result{}, fmt.Errorf("sim: at %v: %w", e.at, err)
		}
	}
	return r.result, nil
}

const forever = 100 * 365 * 24 * time.Hour

// run is a simulation under way.
type run struct {
	scenario Scenario
	engine   *callqueue.Engine
	due      agenda
	seq      uint64
	callers  []caller               // by arrival
	live     map[call.EntryID]int32 // who waits
	offers   map[call.OfferID]bool  // that ring
	wraps    map[call.QueueID]bool  // has a wrap-up
	phones   map[call.AgentID]call.DeviceID
	tick     uint64 // the Tick asked for last
	result   Result
	fault    error // of the events recorded, and of where callers were sent
}

// caller is where a call is on its way through the queues.
type caller struct {
	entries int            // queues that it has joined
	queue   call.QueueID   // the last of them
	outcome call.Outcome   // of that one
	joined  time.Time      // when the wait began, in the first
	moved   time.Time      // when it left the one before
	passed  []call.QueueID // that it left at that instant
}

// event is one thing that will happen.
type event struct {
	at    time.Time
	seq   uint64 // ties go to what was planned first
	kind  kind
	call  int32 // index of the arrival, or of the shift
	agent call.AgentID
	offer call.OfferID
}

type kind uint8

const (
	arrives kind = iota
	givesUp
	picksUp
	hangsUp
	wrapsUp
	presses
	shifts
	ticks
	rings
)

// agenda is what will happen, soonest first.
type agenda []event

func (a agenda) Len() int      { return len(a) }
func (a agenda) Swap(i, j int) { a[i], a[j] = a[j], a[i] }
func (a *agenda) Push(x any)   { *a = append(*a, x.(event)) }
func (a *agenda) Pop() any     { e := (*a)[len(*a)-1]; *a = (*a)[:len(*a)-1]; return e }
func (a agenda) Less(i, j int) bool {
	if c := a[i].at.Compare(a[j].at); c != 0 {
		return c < 0
	}
	return a[i].seq < a[j].seq
}

func (r *run) plan(at time.Time, e event) uint64 {
	r.seq++
	e.at, e.seq = at, r.seq
	heap.Push(&r.due, e)
	return e.seq
}

// begin sets up queues and roster, and plans what is known beforehand: the next
// arrival plans the one after it, which keeps the agenda short.
func (r *run) begin() error {
	s := &r.scenario
	s.Arrivals = slices.SortedStableFunc(slices.Values(s.Arrivals), func(a, b Arrival) int { return a.At.Compare(b.At) })
	for i, p := range s.Shifts {
		r.plan(p.At, event{kind: shifts, call: int32(i)})
	}
	if len(s.Arrivals) > 0 {
		r.plan(s.Arrivals[0].At, event{kind: arrives})
	}
	if len(r.due) == 0 {
		return nil
	}
	r.result.Began = r.due[0].at
	for _, q := range s.Queues {
		r.wraps[q.ID] = q.Defaults().WrapUp > 0
	}
	if err := r.apply(r.result.Began, callqueue.SetQueues{Queues: s.Queues}); err != nil {
		return err
	}
	if err := r.apply(r.result.Began, callqueue.SetRules{Rules: s.Rules}); err != nil {
		return err
	}
	for _, a := range s.Agents {
		if a.Device == "" {
			a.Device = call.DeviceID("sim." + a.ID)
		}
		r.phones[a.ID] = a.Device
		if err := r.apply(r.result.Began, callqueue.AgentSet{Agent: a}); err != nil {
			return err
		}
	}
	return nil
}

func (r *run) happen(e event) error {
	switch e.kind {
	case arrives:
		return r.arrive(e.at, e.call)
	case givesUp:
		if id, waits := r.waits(e.call); waits {
			return r.apply(e.at, callqueue.Leave{Entry: id, Outcome: call.OutcomeAbandoned})
		}
	case presses:
		return r.press(e)
	case rings:
		if !r.offers[e.offer] {
			return nil
		}
		return r.apply(e.at, callqueue.OfferRang{Offer: e.offer})
	case picksUp:
		if !r.offers[e.offer] {
			return nil // withdrawn, or rung out
		}
		return r.apply(e.at, callqueue.OfferDone{Offer: e.offer, Result: call.OfferAnswered})
	case hangsUp:
		return r.hangUp(e)
	case wrapsUp:
		err := r.apply(e.at, callqueue.WrapUpEnded{Agent: e.agent})
		if errors.Is(err, callqueue.ErrNotTalking) {
			return nil // the shift ended first
		}
		return err
	case shifts:
		return r.shift(e.at, r.scenario.Shifts[e.call])
	case ticks:
		if e.seq != r.tick {
			return nil // another was asked for since
		}
		return r.apply(e.at, callqueue.Tick{})
	}
	return nil
}

// callID names the nth call; ids sort by arrival.
func callID(n int32) call.ID { return call.ID(fmt.Sprintf("sim%08d", n)) }

// waits is the entry by which a caller waits.
func (r *run) waits(n int32) (call.EntryID, bool) {
	id := callID(n).Entry(r.callers[n].entries)
	_, waits := r.live[id]
	return id, waits
}

func (r *run) arrive(now time.Time, n int32) error {
	if next := int(n) + 1; next < len(r.scenario.Arrivals) {
		r.plan(r.scenario.Arrivals[next].At, event{kind: arrives, call: int32(next)})
	}
	a := &r.scenario.Arrivals[n]
	id := callID(n)
	r.note(call.CallEvent(now, id, call.Arrived{Origin: string(id), To: call.Party{Number: a.To}}))
	r.callers[n].joined = call.Instant(now)
	if err := r.join(now, n, a.Queue, a.Priority); err != nil {
		return err
	}
	if _, waits := r.waits(n); !waits {
		return nil
	}
	if a.Patience > 0 {
		r.plan(now.Add(a.Patience), event{kind: givesUp, call: n})
	}
	if a.Key != "" {
		r.plan(now.Add(a.PressAt), event{kind: presses, call: n})
	}
	return nil
}

// join puts a call into a queue, with the age that it has.
func (r *run) join(now time.Time, n int32, q call.QueueID, priority int) error {
	a, c := &r.scenario.Arrivals[n], &r.callers[n]
	c.entries++
	c.queue = q
	entry := callID(n).Entry(c.entries)
	r.live[entry] = n
	in := callqueue.Join{Entry: entry, Queue: q, Need: a.Need, Priority: priority, Joined: c.joined}
	arrived := call.Arrived{To: call.Party{Number: a.To}}
	if r.scenario.Client != nil {
		in.Client = r.scenario.Client(arrived)
	}
	if r.scenario.Class != nil {
		in.Class = r.scenario.Class(arrived)
	}
	err := r.apply(now, in)
	if errors.Is(err, callqueue.ErrFull) { // it never joined
		delete(r.live, entry)
		c.entries--
		r.end(now, n, cmp.Or(c.outcome, call.OutcomeNoCapacity))
		return nil
	}
	return err
}

func (r *run) end(now time.Time, n int32, out call.Outcome) {
	r.note(call.CallEvent(now, callID(n), call.Ended{Outcome: out}))
}

func (r *run) press(e event) error {
	id, waits := r.waits(e.call)
	if !waits {
		return nil
	}
	err := r.apply(e.at, callqueue.Press{Entry: id, Key: r.scenario.Arrivals[e.call].Key})
	if errors.Is(err, callqueue.ErrUnknownKey) {
		return nil // it waits on
	}
	return err
}

// leave goes with a caller where the exit leads, or ends the call.
func (r *run) leave(now time.Time, n int32, f callqueue.LeftQueue) error {
	c := &r.callers[n]
	c.outcome = f.Outcome
	if f.Exit == nil || f.Exit.To.Kind != callqueue.ToQueue {
		r.end(now, n, f.Outcome)
		return nil
	}
	if !c.moved.Equal(now) {
		c.moved, c.passed = now, nil
	}
	c.passed = append(c.passed, f.Queue)
	to := call.QueueID(f.Exit.To.Name)
	if slices.Contains(c.passed, to) {
		r.result.Circles++
		r.end(now, n, f.Outcome)
		return nil
	}
	return r.join(now, n, to, f.Exit.Priority)
}

func (r *run) hangUp(e event) error {
	id := callID(e.call)
	r.note(call.CallEvent(e.at, id, call.Parted{Agent: e.agent, By: call.SideCaller, Cause: call.Cause{Reason: call.Hangup}}))
	r.note(call.CallEvent(e.at, id, call.Ended{Outcome: call.OutcomeAnswered, Cause: call.Cause{Reason: call.Hangup}}))
	if err := r.apply(e.at, callqueue.TalkEnded{Agent: e.agent, Call: id, At: e.at}); err != nil {
		return err
	}
	a := r.scenario.Arrivals[e.call]
	if a.WrapUp == 0 || !r.wraps[r.callers[e.call].queue] {
		return nil
	}
	if a.WrapUp < 0 {
		return r.happen(event{at: e.at, kind: wrapsUp, agent: e.agent})
	}
	err := r.apply(e.at, callqueue.WrapUpExtended{Agent: e.agent, Until: e.at.Add(a.WrapUp)})
	if errors.Is(err, callqueue.ErrNotTalking) {
		return nil // the shift ended with the call
	}
	return err
}

// shift changes a presence as the person would: who talks and goes home finishes.
func (r *run) shift(now time.Time, p Shift) error {
	if p.Phone != PhoneStays {
		in := callqueue.DeviceReachable{Device: r.phones[p.Agent], Reachable: p.Phone == PhoneComes}
		if err := r.apply(now, in); err != nil {
			return err
		}
	}
	if p.Presence == "" {
		return nil
	}
	// The plan is a fact: the queue may refuse a wish of the agent's own.
	const by = "supervisor:plan"
	err := r.apply(now, callqueue.PresenceSet{Agent: p.Agent, Presence: p.Presence, Reason: p.Reason, By: by})
	if errors.Is(err, callqueue.ErrTalking) {
		err = r.apply(now, callqueue.PresenceSet{Agent: p.Agent, Presence: call.Finishing, By: by})
	}
	return err
}

// apply gives the engine one input and plays callers, phones and agents to what
// it decides. The error is the engine's refusal of the input.
func (r *run) apply(now time.Time, in callqueue.Input) error {
	r.result.Inputs++
	r.result.Ended = now
	var refused error
	var left []callqueue.LeftQueue
	for _, f := range r.engine.Apply(now, in) {
		switch f := f.(type) {
		case callqueue.Record:
			r.note(f.Event)
		case callqueue.Offer:
			r.ring(now, f)
		case callqueue.WithdrawOffer:
			delete(r.offers, f.ID)
		case callqueue.Connected:
			n := r.live[f.Entry]
			delete(r.live, f.Entry)
			delete(r.offers, f.Offer)
			r.note(call.CallEvent(now, f.Entry.Call(), call.Connected{Agent: f.Agent, Leg: f.Offer.AgentLeg()}))
			r.plan(now.Add(r.scenario.Arrivals[n].Talk), event{kind: hangsUp, call: n, agent: f.Agent})
		case callqueue.LeftQueue:
			left = append(left, f)
		case callqueue.WakeAt:
			r.tick = 0
			if !f.At.IsZero() {
				r.tick = r.plan(f.At, event{kind: ticks})
			}
		case callqueue.Refused:
			refused = errors.Join(refused, f.Err)
		}
	}
	for _, f := range left { // once all that was decided is noted
		n := r.live[f.Entry]
		delete(r.live, f.Entry)
		r.fault = errors.Join(r.fault, r.leave(now, n, f))
	}
	return refused
}

// ring plays the phone: it rings, and is picked up when the call says so. What is
// not picked up within the ring time is missed, which the engine sees to.
func (r *run) ring(now time.Time, o callqueue.Offer) {
	n := r.live[o.Entry]
	r.offers[o.ID] = true
	pickup := r.scenario.Arrivals[n].Pickup
	if pickup > 0 {
		r.plan(now, event{kind: rings, offer: o.ID})
	}
	if pickup < o.Ring {
		r.plan(now.Add(pickup), event{kind: picksUp, offer: o.ID})
	}
}

func (r *run) note(ev call.Event) {
	r.result.Events++
	ev.Global = int64(r.result.Events)
	r.fault = errors.Join(r.fault, r.result.Ledger.Apply(ev))
	r.result.Staff.Apply(ev)
	if r.scenario.Tap != nil {
		r.scenario.Tap(ev)
	}
}
