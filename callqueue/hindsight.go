package callqueue

import (
	"maps"
	"slices"
	"strings"
	"time"

	"firstline/call"
	"firstline/callqueue/agents"
)

// Hindsight is how every agent stood towards one entry while it waited, told from
// the journal afterwards: what Explain said then.
type Hindsight struct {
	Entry  call.EntryID
	Queue  call.QueueID
	From   time.Time // when it joined its queue
	To     time.Time // when it left, or the last event that was read
	Agents []Stood   // who were known at some time of it, in order of id
	Offers []Choice
	// Unruled says that rules which were in force are not to be had any more:
	// tiers, limits and reserves may be told as they were before, or not at all.
	Unruled bool
}

// Stood is how one agent stood towards an entry: spans in order, without overlap.
// There is none while the agent was not on the roster.
type Stood struct {
	Agent call.AgentID
	Spans []Span
}

// Span is a time [From, To) during which one thing kept an agent from a call.
type Span struct {
	From, To time.Time
	Reason   string // as in Explain: "talking", "lacks printer ≥ 2", "rings for it"
}

// Choice is who could have been offered a call when it was offered to one of them.
type Choice struct {
	Offer    call.OfferID
	At       time.Time
	Agent    call.AgentID
	Eligible []call.AgentID // in order of id
}

// Retracer makes the Hindsight of one entry from the journal. It is given events in
// their order, those of agents from before the entry on, and in between the rules
// that were in force. The Engine writes what the Retracer reads, so that nothing
// has to be kept for each agent of each call. It is for one goroutine.
type Retracer struct {
	told   Hindsight
	people map[call.AgentID]*past
	queues []Queue
	rules  Rules

	at     time.Time // the instant whose events are being read
	waits  bool
	over   bool
	parts  []call.Requirement
	window Window
	only   call.AgentID
	sole   bool // for only at any time: no limit and no reserve counts
	client string
	class  string

	stirred []*past // may stand otherwise at this instant
	all     bool    // everybody may
	limits  limited // as of the last instant
}

// past is an agent as the journal has them at one instant.
type past struct {
	agents.Record
	standing standing
	stirred  bool
	spans    []Span // the last is open while its To is zero
}

// limited is what limits all at once how free agents may be chosen.
type limited struct {
	used, most int    // of the client
	kept       string // reserves that keep all that are free, one letter for each
}

// NewRetracer returns a Retracer that knows no rules and nobody yet.
func NewRetracer(entry call.EntryID) *Retracer {
	return &Retracer{told: Hindsight{Entry: entry}, people: make(map[call.AgentID]*past)}
}

// Rules says what is in force from an instant on.
func (r *Retracer) Rules(at time.Time, queues []Queue, rules Rules) {
	r.advance(at)
	r.queues, r.rules, r.all = queues, rules, true
}

// Unruled says that rules came into force that nobody knows any more.
func (r *Retracer) Unruled() { r.told.Unruled = r.told.Unruled || !r.over }

// Apply takes the journal's next event. Those of other calls and of no interest are
// passed over, and so is everything after the entry has left.
func (r *Retracer) Apply(e call.Event) error {
	if r.over || e.Stream.Kind != call.StreamAgent && e.Stream != (call.Stream{Kind: call.StreamCall, ID: string(r.told.Entry.Call())}) {
		return nil
	}
	r.advance(e.At)
	if e.Stream.Kind == call.StreamAgent {
		return r.agent(e)
	}
	switch b := e.Body.(type) {
	case call.QueueJoined:
		if b.Entry == r.told.Entry {
			r.join(b)
		}
	case call.QueueWidened:
		if b.Entry == r.told.Entry {
			r.asks(b.Need, b.Tiers, b.For)
		}
	case call.QueueDecided:
		if b.Entry == r.told.Entry && b.Offer != "" {
			r.told.Offers = append(r.told.Offers, Choice{Offer: b.Offer, At: e.At, Eligible: r.eligible()})
		}
	case call.Offered:
		for i := range r.told.Offers {
			if r.told.Offers[i].Offer == b.Offer {
				r.told.Offers[i].Agent = b.Agent
			}
		}
	case call.QueueLeft:
		if b.Entry == r.told.Entry {
			r.leave()
		}
	}
	return nil
}

// advance goes on to another instant; clocks may step back, what was told does not.
func (r *Retracer) advance(to time.Time) {
	if to = call.Instant(to); to.After(r.at) {
		r.settle()
		r.at = to
	}
}

func (r *Retracer) join(b call.QueueJoined) {
	r.told.Queue, r.told.From, r.waits = b.Queue, r.at, true
	r.client, r.class, r.sole = b.Client, b.Class, b.Only
	r.asks(b.Need, b.Tiers, b.For)
}

func (r *Retracer) asks(need call.Requirement, tiers call.Tiers, only call.AgentID) {
	r.parts, r.window, r.only, r.all = agents.Parts(need), Window(tiers), only, true
}

func (r *Retracer) leave() {
	r.waits, r.over = false, true
	r.close()
}

// close ends all spans at the present instant.
func (r *Retracer) close() {
	for _, p := range r.people {
		p.say(r.at, "")
	}
}

func (r *Retracer) agent(e call.Event) error {
	id := call.AgentID(e.Stream.ID)
	p := r.people[id]
	if p == nil {
		p = new(past)
		r.people[id] = p
	}
	if err := p.Apply(e); err != nil {
		return err
	}
	p.standing = (&agent{presence: p.Presence, activity: p.Activity, rest: rest(p.Rest)}).stands()
	if !p.stirred {
		p.stirred = true
		r.stirred = append(r.stirred, p)
	}
	return nil
}

// settle says of the instant that is over how everybody stood at its end.
func (r *Retracer) settle() {
	if !r.waits {
		return
	}
	if now := r.limit(); now != r.limits {
		r.limits, r.all = now, true
	}
	if r.all {
		for _, p := range r.people {
			p.say(r.at, r.reason(p))
		}
	}
	for _, p := range r.stirred {
		p.stirred = false
		p.say(r.at, r.reason(p))
	}
	r.stirred, r.all = r.stirred[:0], false
}

// say begins a span unless the one that is open says the same. No reason ends it.
func (p *past) say(at time.Time, reason string) {
	if n := len(p.spans) - 1; n >= 0 && p.spans[n].To.IsZero() {
		if p.spans[n].Reason == reason {
			return
		}
		p.spans[n].To = at
	}
	if reason != "" {
		p.spans = append(p.spans, Span{From: at, Reason: reason})
	}
}

// reason is what Explain says of an agent; empty for who is not known any more.
func (r *Retracer) reason(p *past) string {
	q := r.queue()
	if !p.Here() {
		return ""
	}
	if p.Activity == call.Offering && p.Call == r.told.Entry.Call() {
		return ringsForIt
	}
	if reason := unfit(p.Agent(), r.parts, r.window, q.tier(p.ID)); reason != "" {
		return reason
	}
	if p.standing != free {
		return p.standing.String()
	}
	if k := r.keeper(p); k != nil {
		return keptFor(k.Name)
	}
	switch {
	case r.limits.used >= r.limits.most && !r.sole:
		return capped(r.client, r.limits.used)
	case r.only != "":
		return askedFor(r.only)
	}
	return free.String()
}

func (r *Retracer) queue() Queue {
	i := slices.IndexFunc(r.queues, func(q Queue) bool { return q.ID == r.told.Queue })
	if i < 0 {
		return Queue{}
	}
	return r.queues[i]
}

// limit is how the client's limit and the reserves stand now.
func (r *Retracer) limit() limited {
	now := limited{most: unlimited}
	if limit, ok := r.rules.Clients[r.client]; ok && r.client != "" {
		staff := 0
		for _, p := range r.people {
			if !p.Here() {
				continue
			}
			if p.Client == r.client {
				now.used++
			}
			if p.standing.atWork() {
				staff++
			}
		}
		now.most = limit.most(staff)
	}
	var kept strings.Builder
	for i := range r.rules.Reserves {
		if r.keeps(&r.rules.Reserves[i]) {
			kept.WriteByte('k')
		} else {
			kept.WriteByte('-')
		}
	}
	now.kept = kept.String()
	return now
}

// keeps reports whether a reserve keeps all that are free for other classes.
func (r *Retracer) keeps(k *Reserve) bool {
	if slices.Contains(k.Classes, r.class) {
		return false
	}
	n := 0
	for _, p := range r.people {
		if p.Here() && p.standing == free && p.Agent().Meets(k.Need) {
			n++
		}
	}
	return n <= k.Keep
}

// keeper is the reserve that keeps an agent from the entry; nil when none does.
func (r *Retracer) keeper(p *past) *Reserve {
	for i := range r.rules.Reserves {
		if r.sole {
			break
		}
		if k := &r.rules.Reserves[i]; r.limits.kept[i] == 'k' && p.Agent().Meets(k.Need) {
			return k
		}
	}
	return nil
}

// eligible is who could be offered the entry just now: the best tier of those who
// may be chosen, or all of them where tiers only weigh.
func (r *Retracer) eligible() []call.AgentID {
	r.limits = r.limit()
	r.all = true // the next settle compares with what was said before
	q := r.queue()
	best := 0
	byTier := make(map[int][]call.AgentID)
	for _, id := range slices.Sorted(maps.Keys(r.people)) {
		p := r.people[id]
		if !p.Here() || p.standing != free || unfit(p.Agent(), r.parts, r.window, q.tier(id)) != "" || r.keeper(p) != nil {
			continue
		}
		if r.only != "" && r.only != id {
			continue
		}
		tier, _ := r.window.admits(q.tier(id))
		if q.Strategy == WeightedRandom {
			tier = 1
		}
		if byTier[tier] = append(byTier[tier], id); best == 0 || tier < best {
			best = tier
		}
	}
	return byTier[best]
}

// Hindsight is what has been told so far. When the entry still waits, it ends at
// an instant.
func (r *Retracer) Hindsight(until time.Time) Hindsight {
	if !r.over {
		r.advance(until)
		r.close()
	}
	told := r.told
	told.To = r.at
	for _, id := range slices.Sorted(maps.Keys(r.people)) {
		spans := slices.DeleteFunc(r.people[id].spans, func(s Span) bool { return s.From.Equal(s.To) })
		if len(spans) > 0 {
			told.Agents = append(told.Agents, Stood{id, spans})
		}
	}
	return told
}
