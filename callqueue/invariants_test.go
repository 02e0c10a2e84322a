package callqueue_test

import (
	"maps"
	"reflect"
	"slices"
	"strings"
	"time"

	"firstline/call"
	"firstline/callqueue"
	"firstline/callqueue/agents"
)

// What has to hold after every step of the world.

// check is what has to hold after every step.
func (w *world) check() {
	var views []callqueue.EntryView
	for _, q := range w.e.Queues(w.now) {
		views = append(views, q.Calls...)
	}
	sum := len(views)
	for _, n := range w.outcomes {
		sum += n
	}
	if sum != w.joined || len(views) != len(w.waiting) {
		w.t.Fatalf("%d joined; %d wait (%d by the effects), left: %v", w.joined, len(views), len(w.waiting), w.outcomes)
	}
	if !w.wake.IsZero() && !w.wake.After(w.now) {
		w.t.Fatalf("wakes at %v, now is %v", w.wake, w.now)
	}
	for _, a := range w.e.Agents(w.now) {
		w.checkAgent(a, views)
	}
	for _, o := range w.fresh {
		w.checkOrder(o, views)
	}
	for _, v := range views {
		in := w.waiting[v.Entry]
		since := in.Arrived
		if since.IsZero() {
			since = in.Joined
		}
		if !v.Joined.Equal(in.Joined) || !v.Arrived.Equal(since) {
			w.t.Fatalf("%s lost its place: joined %v, now %v; came %v, now %v", v.Entry, in.Joined, v.Joined, since, v.Arrived)
		}
		if _, live := w.offers[v.Offer]; v.Offer != "" != live && v.Offer != "" {
			w.t.Fatalf("%s is held by offer %s, which is over", v.Entry, v.Offer)
		}
		w.checkEntry(v)
		why, err := w.e.Explain(w.now, v.Entry)
		if err != nil || why.Text == "" {
			w.t.Fatalf("%s: %+v, %v", v.Entry, why, err)
		}
		if w.said[v.Entry] == nil {
			w.said[v.Entry] = make(map[time.Time][]callqueue.Standing)
		}
		w.said[v.Entry][call.Instant(w.now)] = why.Each
	}
}

func (w *world) checkAgent(a callqueue.AgentView, views []callqueue.EntryView) {
	if a.Activity != w.activity[a.ID] || a.Presence != w.presence[a.ID] {
		w.t.Fatalf("%s is %s and %s, by the journal %s and %s", a.ID, a.Presence, a.Activity, w.presence[a.ID], w.activity[a.ID])
	}
	_, talks := w.talks[a.ID]
	if agents.Busy(a.Activity) != talks {
		w.t.Fatalf("%s is %s, talks: %v", a.ID, a.Activity, talks)
	}
	offered := slices.ContainsFunc(slices.Collect(maps.Values(w.offers)), func(o callqueue.Offer) bool { return o.Agent == a.ID })
	if (a.Activity == call.Offering) != offered || offered && a.Presence != call.Available {
		w.t.Fatalf("%s is %s and %s, offered: %v", a.ID, a.Presence, a.Activity, offered)
	}
	able := a.Presence == call.Available && !talks && !offered && a.Activity != call.WrapUp &&
		a.Device != "" && !w.unplug[a.Device] && a.Rest == ""
	if a.Ready != able {
		w.t.Fatalf("%+v: ready %v, want %v", a, a.Ready, able)
	}
	for _, v := range views { // work conservation
		if a.Ready && v.Offer == "" && w.may(a.ID, v) {
			w.t.Fatalf("%s is free while %+v waits", a.ID, v)
		}
	}
}

// checkOrder holds a new offer against everybody who still waits and whom the
// same agent could have served: all of them are behind.
func (w *world) checkOrder(o callqueue.Offer, views []callqueue.EntryView) {
	i := slices.IndexFunc(views, func(v callqueue.EntryView) bool { return v.Entry == o.Entry })
	if i < 0 {
		return
	}
	x := views[i]
	if !w.can(o.Agent, x) || x.Prefer != "" && x.Prefer != o.Agent {
		w.t.Fatalf("%s is offered %+v", o.Agent, x)
	}
	if in := w.waiting[o.Entry]; in.Back {
		return // the sender was with this call until now
	}
	for _, y := range views {
		if y.Offer == "" && (w.ahead(y, x) || !w.first[o.ID]) && w.may(o.Agent, y) {
			w.t.Fatalf("%s is offered %s before %s", o.Agent, x.Entry, y.Entry)
		}
	}
}

// checkEntry holds an entry against its age, and against the want of agents.
func (w *world) checkEntry(v callqueue.EntryView) {
	in := w.waiting[v.Entry]
	q := w.ruleOf(v.Entry)
	step := 0
	for step < len(q.Steps) && !v.Arrived.Add(q.Steps[step].After).After(w.now) {
		step++
	}
	if v.Step < step || v.Step > step && !q.SkipEmpty {
		w.t.Fatalf("%s is at step %d, by its age at %d", v.Entry, v.Step, step)
	}
	need, _ := q.step(v.Step)
	if want := agents.Merge(in.Need, need); agents.NeedOf(want) != agents.NeedOf(v.Need) {
		w.t.Fatalf("%s asks for %+v, want %+v", v.Entry, v.Need, want)
	}
	if in.Only != "" {
		w.checkSole(v, in)
		return
	}
	if end := v.Joined.Add(patience(in)); in.Sender != "" && v.Offer == "" && w.now.Equal(end) && w.idle(in.Sender) {
		w.t.Fatalf("%s is not given back to %s", v.Entry, in.Sender)
	}
	if v.Prefer != "" && (v.Prefer != in.Prefer || !w.now.Before(v.Joined.Add(in.PreferFor)) || w.presence[v.Prefer] != call.Available) {
		w.t.Fatalf("%s is kept for %s", v.Entry, v.Prefer)
	}
	if v.Prefer != "" && w.activity[v.Prefer] == call.PhoneGone {
		w.t.Fatalf("%s is kept for %s, who has no phone", v.Entry, v.Prefer)
	}
	if !q.NoAgent.Leave || v.Offer != "" || w.somebody(v.Entry, v.Step, "", w.counts) {
		delete(w.alone, v.Entry)
		return
	}
	since, ok := w.alone[v.Entry]
	if !ok {
		w.alone[v.Entry] = w.now
		since = w.now
	}
	if w.now.Sub(since) > q.NoAgent.Grace {
		w.t.Fatalf("%s waits since %v though nobody can serve it", v.Entry, since)
	}
}

// checkSole holds a call for one agent alone against who that is, and its patience.
func (w *world) checkSole(v callqueue.EntryView, in callqueue.Join) {
	if v.Prefer != in.Only || v.Agent != "" && v.Agent != in.Only {
		w.t.Fatalf("%+v is for %s alone", v, in.Only)
	}
	if w.presence[in.Only] != call.Available || w.activity[in.Only] == call.PhoneGone {
		w.t.Fatalf("%s waits for %s, who is %s and %s", v.Entry, in.Only, w.presence[in.Only], w.activity[in.Only])
	}
	if over := w.now.Sub(in.Joined.Add(patience(in))); over >= 0 {
		w.t.Fatalf("%s waits %v longer than its patience", v.Entry, over)
	}
}

// idle reports whether an agent could be offered a call that came just now.
func (w *world) idle(id call.AgentID) bool {
	return slices.ContainsFunc(w.e.Agents(w.now), func(a callqueue.AgentView) bool { return a.ID == id && a.Ready })
}

// checkTimes holds the agent-time of an interval against its length: everybody
// who could serve the entry all the while is told of for all the while.
func (w *world) checkTimes(d call.QueueDecided) {
	length := w.now.Sub(d.Since)
	if !d.Since.After(w.changed) || length < time.Millisecond {
		return
	}
	agents, spent := d.Eligible, time.Duration(0)
	for _, x := range d.Excluded {
		if !strings.HasPrefix(x.Reason, "lacks") && !strings.HasPrefix(x.Reason, "tier") {
			agents += x.Agents
		}
		spent += x.Time
	}
	if off := time.Duration(agents)*length - spent; off < -time.Millisecond || off > time.Millisecond {
		w.t.Fatalf("%+v: %d agents over %v are %v of agent-time", d, agents, length, spent)
	}
}

// leftBy checks who is sent away for want of agents.
func (w *world) leftBy(f callqueue.LeftQueue) {
	q := w.ruleOf(f.Entry)
	if in := w.waiting[f.Entry]; in.Only != "" || f.Outcome == call.OutcomeMoved {
		if f.Exit != nil || in.Only == "" && in.Sender == "" {
			w.t.Fatalf("%+v by a rule of its queue", f)
		}
		return
	}
	if f.Outcome == call.OutcomeEmpty && (!q.NoAgent.Join && !q.NoAgent.Leave || w.somebody(f.Entry, len(q.Steps), "", w.counts)) {
		w.t.Fatalf("%+v leaves for want of agents", f)
	}
	if (f.Exit != nil) != (f.Outcome == call.OutcomeEmpty || f.Outcome == call.OutcomeTimeoutOverflow || f.Outcome == call.OutcomeCallbackTaken) {
		w.t.Fatalf("%+v", f)
	}
}

// replay gives what was recorded to another engine, which has to answer the same.
func (w *world) replay() {
	again := callqueue.NewSeeded(7)
	for _, one := range w.told {
		if fx := again.Apply(one.at, one.in); !reflect.DeepEqual(fx, one.fx) {
			w.t.Fatalf("%+v: replayed\n%+v, was\n%+v", one.in, fx, one.fx)
		}
	}
	for x := range w.waiting {
		w.retrace(x)
		then, err := w.e.Explain(w.now, x)
		now, err2 := again.Explain(w.now, x)
		if err != nil || err2 != nil || !reflect.DeepEqual(then, now) {
			w.t.Fatalf("%s: why replayed %+v (%v), was %+v (%v)", x, now, err2, then, err)
		}
	}
}
