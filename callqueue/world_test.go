package callqueue_test

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"pgregory.net/rapid"

	"firstline/call"
	"firstline/callqueue"
)

// What the world draws, and its own reading of the rules.

// rule is a queue with its defaults, as an observer knows it.
type rule struct{ callqueue.Queue }

func (w *world) queue(id call.QueueID) rule {
	i := slices.IndexFunc(w.queues, func(q callqueue.Queue) bool { return q.ID == id })
	return rule{w.queues[i].Defaults()}
}

// ruleOf is the queue's rule with the steps that the call brought.
func (w *world) ruleOf(x call.EntryID) rule {
	in := w.waiting[x]
	q := w.queue(in.Queue)
	if in.Only != "" {
		q.Need, q.Window, q.Steps, q.SkipEmpty = call.Requirement{}, callqueue.Window{}, nil, false
	}
	if in.Steps != nil {
		q.Steps = in.Steps
	}
	return q
}

func (q rule) rings() bool {
	return q.Strategy == callqueue.RingAll || q.Strategy == callqueue.RingProgressively
}

func (q rule) step(n int) (call.Requirement, callqueue.Window) {
	if n == 0 {
		return q.Need, q.Window
	}
	return q.Steps[n-1].Need, q.Steps[n-1].Window
}

func (w *world) drawQueues() []callqueue.Queue {
	strategy := rapid.SampledFrom(callqueue.Strategies())
	x := func(n int) call.Requirement { return call.Requirement{Skills: map[string]int{"x": n}} }
	tiers := map[call.AgentID]int{}
	for i := range 6 {
		if t := rapid.IntRange(1, 3).Draw(w.t, "tier"); t > 1 {
			tiers[call.AgentID([]string{"p0", "p1", "p2", "p3", "p4", "p5"}[i])] = t
		}
	}
	a := callqueue.Queue{
		ID: "a", Misses: 2, WrapUp: 20 * time.Second, Strategy: strategy.Draw(w.t, "a"), Tiers: tiers,
		Window: callqueue.Window{Max: rapid.IntRange(1, 3).Draw(w.t, "widest")}, SkipEmpty: rapid.Bool().Draw(w.t, "skips"),
		Steps: []callqueue.Step{
			{After: 10 * time.Second, Need: x(rapid.IntRange(0, 2).Draw(w.t, "first step")), Window: callqueue.Window{Max: 2, Raise: 2}},
			{After: 40 * time.Second, Need: call.Requirement{Any: []call.Requirement{x(1), {Level: 2}}}},
		},
		Keys: map[string]callqueue.Exit{"1": {Outcome: call.OutcomeCallbackTaken}}, NoAnswerDelay: 3 * time.Second,
	}
	b := callqueue.Queue{
		ID: "b", Misses: 1, WrapUp: -1, MaxWait: 90 * time.Second, Strategy: strategy.Draw(w.t, "b"),
		Need: x(rapid.IntRange(1, 3).Draw(w.t, "b needs")), Target: call.Target{Within: 5 * time.Second},
	}
	c := callqueue.Queue{
		ID: "c", Priority: rapid.IntRange(1, 4).Draw(w.t, "c priority"), MaxLen: 4, Need: call.Requirement{Level: 2},
		Strategy: strategy.Draw(w.t, "c"), Steps: []callqueue.Step{{After: 30 * time.Second, Need: x(3)}},
		NoAgent: callqueue.NoAgentRule{Join: rapid.Bool().Draw(w.t, "joins"), Leave: rapid.Bool().Draw(w.t, "leaves"), Grace: 7 * time.Second},
	}
	if rapid.Bool().Draw(w.t, "overflows") {
		c.Overflow = &callqueue.Exit{To: callqueue.Destination{Kind: callqueue.ToQueue, Name: "a"}}
	}
	return []callqueue.Queue{a, b, c}
}

func (w *world) changeRules() {
	w.rules = callqueue.Rules{Order: callqueue.Order{
		By:        rapid.SampledFrom([]callqueue.OrderBy{callqueue.OrderByPriority, callqueue.OrderBySlack}).Draw(w.t, "order"),
		PerMinute: rapid.SampledFrom([]float64{0, 2}).Draw(w.t, "ages"),
		Bound:     rapid.SampledFrom([]time.Duration{0, 8 * time.Second}).Draw(w.t, "bound"),
	}}
	if n := rapid.IntRange(0, 2).Draw(w.t, "cap"); n > 0 {
		w.rules.Clients = map[string]callqueue.Cap{"acme": {Agents: n, Share: float64(40 * rapid.IntRange(0, 1).Draw(w.t, "share"))}}
	}
	if n := rapid.IntRange(0, 2).Draw(w.t, "keep"); n > 0 {
		w.rules.Reserves = []callqueue.Reserve{{
			Name: "gold", Classes: []string{"gold"}, Keep: n, Need: call.Requirement{Level: rapid.IntRange(0, 2).Draw(w.t, "of level")},
		}}
	}
	if n := rapid.IntRange(0, 2).Draw(w.t, "breaks"); n > 0 {
		w.rules.Breaks = map[string]callqueue.BreakRule{"r": {Most: n}}
	}
	w.must(callqueue.SetRules{Rules: w.rules})
	clear(w.alone) // the time counts anew
}

func (w *world) press() {
	x := pick(w, w.waiting, "entry")
	if w.waiting[x].Queue != "a" || w.waiting[x].Only != "" {
		w.t.Skip("has no keys")
	}
	w.must(callqueue.Press{Entry: x, Key: "1"})
}

func (w *world) prioritize() {
	w.must(callqueue.Prioritize{
		Entry: pick(w, w.waiting, "entry"), Priority: rapid.IntRange(0, 3).Draw(w.t, "priority"), By: "supervisor:sue", Reason: "r",
	})
}

// can reports whether an agent has what an entry asks for just now.
func (w *world) can(id call.AgentID, v callqueue.EntryView) bool {
	in := w.waiting[v.Entry]
	if in.Only != "" {
		return v.Prefer == id
	}
	q := w.ruleOf(v.Entry)
	_, window := q.step(v.Step)
	tier := max(q.Tiers[id], 1)
	return w.roster[id].Meets(v.Need) && tier >= window.Min && (window.Max == 0 || tier <= window.Max)
}

// patience is how long a call that was handed on waits for an answer.
func patience(in callqueue.Join) time.Duration { return cmp.Or(in.Patience, callqueue.Patience) }

// may is can, unless a cap, a reserve or somebody asked for forbids it.
func (w *world) may(id call.AgentID, v callqueue.EntryView) bool {
	if in := w.waiting[v.Entry]; in.Only != "" {
		return w.can(id, v) && in.Joined.Add(patience(in)).Sub(w.now) >= 3*time.Second
	}
	return w.can(id, v) && (v.Prefer == "" || v.Prefer == id) && !w.capped(v.Client) && !w.kept(id, v.Class)
}

func (w *world) atWork(id call.AgentID) bool { return w.presence[id] == call.Available }

func (w *world) capped(client string) bool {
	limit, ok := w.rules.Clients[client]
	if !ok {
		return false
	}
	used, staff := 0, 0
	for id := range w.roster {
		if w.serving[id] == client {
			used++
		}
		if w.atWork(id) {
			staff++
		}
	}
	return limit.Agents > 0 && used >= limit.Agents || limit.Share > 0 && used >= max(1, int(limit.Share*float64(staff)/100))
}

func (w *world) kept(id call.AgentID, class string) bool {
	for _, r := range w.rules.Reserves {
		free := 0
		for _, a := range w.e.Agents(w.now) {
			if a.Ready && a.Meets(r.Need) {
				free++
			}
		}
		if w.roster[id].Meets(r.Need) && !slices.Contains(r.Classes, class) && free <= r.Keep {
			return true
		}
	}
	return false
}

// ahead is the one order, by the rules as they are written.
func (w *world) ahead(y, x callqueue.EntryView) bool {
	rank := func(v callqueue.EntryView) (int, time.Time) {
		in := w.waiting[v.Entry]
		switch o := w.rules.Order; {
		case o.By == callqueue.OrderBySlack:
			within := w.queue(in.Queue).Target.Within
			for _, tighter := range []time.Duration{in.Within, o.Bound} {
				if tighter > 0 {
					within = min(within, tighter)
				}
			}
			return 0, v.Arrived.Add(within)
		case o.PerMinute > 0:
			return 0, v.Arrived.Add(-time.Duration(float64(v.Priority) / o.PerMinute * float64(time.Minute)))
		}
		return v.Priority, v.Arrived
	}
	py, ty := rank(y)
	px, tx := rank(x)
	switch {
	case py != px:
		return py > px
	case !ty.Equal(tx):
		return ty.Before(tx)
	case !y.Arrived.Equal(x.Arrived):
		return y.Arrived.Before(x.Arrived)
	}
	return y.Entry < x.Entry
}

// somebody reports whether anybody but one could serve an entry now or later,
// of those whom is says yes to.
func (w *world) somebody(x call.EntryID, step int, but call.AgentID, is func(call.AgentID) bool) bool {
	in := w.waiting[x]
	q := w.ruleOf(x)
	for id, a := range w.roster {
		if id == but || !is(id) || !a.Meets(in.Need) {
			continue
		}
		for n := step; n <= len(q.Steps); n++ {
			need, window := q.step(n)
			tier := max(q.Tiers[id], 1)
			if a.Meets(need) && tier >= window.Min && (window.Max == 0 || tier <= window.Max) {
				return true
			}
		}
	}
	return false
}

func (w *world) counts(id call.AgentID) bool {
	return w.presence[id] == call.Available && w.activity[id] != call.PhoneGone
}

// isLast reports whether callers would wait whom nobody else at work could serve.
func (w *world) isLast(id call.AgentID) bool {
	if w.presence[id] == call.LoggedOut || w.presence[id] == call.Finishing {
		return false
	}
	for _, q := range w.e.Queues(w.now) {
		for _, v := range q.Calls {
			if v.Only {
				continue // goes back where it came from
			}
			mine := func(other call.AgentID) bool { return other == id }
			if w.somebody(v.Entry, v.Step, "", mine) && !w.somebody(v.Entry, v.Step, id, w.atWork) {
				return true
			}
		}
	}
	return false
}

func (w *world) breakFull(id call.AgentID) bool {
	limit, ok := w.rules.Breaks["r"]
	if !ok || w.presence[id] == call.OnBreak && w.reason[id] == "r" {
		return false
	}
	n := 0
	for other := range w.roster {
		if w.presence[other] == call.OnBreak && w.reason[other] == "r" {
			n++
		}
	}
	return n >= limit.Most
}

// handOver makes some of those who join calls that an agent handed on.
func (w *world) handOver(in *callqueue.Join) {
	how := rapid.IntRange(0, 11).Draw(w.t, "handed on")
	if how > 3 {
		return
	}
	in.Arrived = w.now.Add(-rapid.SampledFrom([]time.Duration{0, 12 * time.Second, 5 * time.Minute}).Draw(w.t, "talked before"))
	in.Patience = rapid.SampledFrom([]time.Duration{0, 10 * time.Second}).Draw(w.t, "patience")
	who := w.anyAgent()
	if how == 2 {
		in.Sender = who
		return
	}
	in.Steps, in.Prefer, in.PreferFor = nil, "", 0
	in.Only, in.Need, in.Back = who, call.Requirement{}, how == 3
	if in.Back {
		if _, talks := w.talks[who]; talks { // who hands a call on is finished with it
			id := w.talks[who]
			in.Entry = id.Entry(w.entries(id) + 1)
			w.must(callqueue.TalkEnded{Agent: who, Call: id, At: w.now})
			w.forgetGone()
		}
	}
}

func (w *world) entries(id call.ID) int {
	if r := w.records[id]; r != nil {
		return len(r.Entries)
	}
	return 0
}

// callsOut has an agent place a call, who must have had nothing else to do.
func (w *world) callsOut() {
	a := w.anyAgent()
	if rapid.IntRange(0, 3).Draw(w.t, "rarely") > 0 {
		w.t.Skip("rarely")
	}
	w.n++
	in := callqueue.CallOut{Agent: a, Call: call.ID(fmt.Sprint("out", w.n)), Client: rapid.SampledFrom([]string{"", "acme"}).Draw(w.t, "client"), Page: rapid.Bool().Draw(w.t, "page")}
	was, talks := w.activity[a], w.talks[a]
	if w.do(in) != nil {
		return
	}
	free := was == call.Idle || was == call.WrapUp || in.Page && was == call.PhoneGone
	if talks != "" || !free || w.activity[a] != call.Outbound {
		w.t.Fatalf("%+v: was %s in %q, is %s", in, was, talks, w.activity[a])
	}
	w.talks[a], w.serving[a] = in.Call, in.Client
}

// moves has an agent go on in another call, and wants nothing offered in between.
func (w *world) moves() {
	a := pick(w, w.talks, "agent")
	if w.activity[a] == call.Outbound {
		w.t.Skip("placed the call")
	}
	w.n++
	in := callqueue.TalkMoved{Agent: a, From: w.talks[a], To: call.ID(fmt.Sprint("moved", w.n))}
	client := w.serving[a]
	w.must(in)
	w.talks[a], w.serving[a] = in.To, client
	if len(w.fresh) > 0 && w.fresh[0].Agent == a {
		w.t.Fatalf("%+v: is offered a call", in)
	}
}
