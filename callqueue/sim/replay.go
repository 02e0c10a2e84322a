package sim

import (
	"errors"
	"maps"
	"slices"
	"time"

	"firstline/call"
	"firstline/callqueue"
	"firstline/callqueue/agents"
	"firstline/callqueue/sla"
)

// ErrNoTalks means that a recorded day has no answered call, so that nobody knows
// how long calls take.
var ErrNoTalks = errors.New("sim: nobody was answered on that day")

// Recorder reads a recorded day from the journal: what came, how long it talked,
// when callers gave up, and who worked. It is for one goroutine.
//
// What it takes a day to be, which a replay rests on:
//
//   - A call is one arrival, in its first queue: the exits of the queues that serve it
//     again move it, not those that moved it then. A key that was pressed is pressed
//     at the same age. Whom a full queue refused never joined, and is only counted.
//   - Talk, wrap-up and pick-up time are the call's own. Who was never answered is
//     given those of an answered call of the same queue.
//   - Who gave up would have given up after the same wait. Who was answered, or left
//     otherwise, shows only that patience was longer than the wait (a censored
//     observation): the rest is drawn from an exponential distribution whose rate is
//     the queue's abandons by all the time waited.
//   - Agents log in, go on breaks and lose phones as they did. Phones that rang
//     unheard are picked up: misses belong to a person's minute, not to a call.
//   - Callers who hang up and phone again are two arrivals.
type Recorder struct {
	from, to time.Time
	calls    map[call.ID]*recorded
	order    []*recorded
	busy     map[call.AgentID]*recorded
	wraps    map[call.AgentID]time.Time
	people   map[call.AgentID]*worker
	shifts   []Shift
	ledger   *sla.Ledger
	staff    *sla.Staff
	missed   int
	refused  int
}

// recorded is one call as it was.
type recorded struct {
	to       string
	queue    call.QueueID
	need     call.Requirement
	priority int
	joined   time.Time
	left     time.Time
	outcome  call.Outcome
	key      string // the first that led out of a queue
	pressed  time.Time
	offered  time.Time
	pickup   time.Duration
	rang     time.Duration // of an offer that the caller did not wait for
	began    time.Time
	talk     time.Duration
	wrapUp   time.Duration
	wrapped  bool // the wrap-up is known
	test     bool
}

// worker is an agent as at the beginning of the day.
type worker struct {
	agents.Agent
	presence call.Presence
	reason   string
	gone     bool // no phone
}

// NewRecorder returns a Recorder of the calls that joined from one instant until
// before another. Roster is who was there when the reading begins, logged out
// unless a Shift says otherwise.
func NewRecorder(from, to time.Time, roster []agents.Agent, were []Shift) *Recorder {
	r := &Recorder{
		from: from, to: to, calls: make(map[call.ID]*recorded), busy: make(map[call.AgentID]*recorded),
		wraps: make(map[call.AgentID]time.Time), people: make(map[call.AgentID]*worker),
		ledger: sla.New(sla.Config{Keep: forever, Max: 1 << 40}), staff: sla.NewStaff(forever),
	}
	for _, a := range roster {
		r.people[a.ID] = &worker{Agent: a, presence: call.LoggedOut}
	}
	for _, s := range were {
		if w := r.people[s.Agent]; w != nil {
			w.presence, w.reason, w.gone = s.Presence, s.Reason, s.Phone == PhoneGoes
			r.staff.Apply(call.AgentEvent(s.At, s.Agent, call.PresenceChanged{Presence: s.Presence, Reason: s.Reason}))
			if w.gone {
				r.staff.Apply(call.AgentEvent(s.At, s.Agent, call.ActivityChanged{Activity: call.PhoneGone}))
			}
		}
	}
	return r
}

// Apply takes the journal's next event. Those before the day say who was at work
// when it began; read on after its end until its calls are over.
func (r *Recorder) Apply(ev call.Event) {
	r.staff.Apply(ev)
	_ = r.ledger.Apply(ev) // what contradicts the journal is in no figure
	switch ev.Stream.Kind {
	case call.StreamCall:
		r.call(call.ID(ev.Stream.ID), ev.Body, ev.At)
	case call.StreamAgent:
		r.agent(call.AgentID(ev.Stream.ID), ev.Body, ev.At)
	}
}

func (r *Recorder) call(id call.ID, b call.Body, at time.Time) {
	if a, ok := b.(call.Arrived); ok {
		r.calls[id] = &recorded{to: a.To.Number, test: a.Test}
		return
	}
	c := r.calls[id]
	if c == nil {
		return // came before the reading began
	}
	switch b := b.(type) {
	case call.QueueJoined:
		if c.queue == "" {
			c.queue, c.need, c.priority, c.joined = b.Queue, b.Need, b.Parts.Brought(), b.Joined
			if !c.test && !c.joined.Before(r.from) && c.joined.Before(r.to) {
				r.order = append(r.order, c)
			}
		}
	case call.Offered:
		c.offered = at
	case call.OfferEnded:
		switch b.Result {
		case call.OfferAnswered:
			c.pickup = at.Sub(c.offered)
		case call.OfferWithdrawn:
			c.rang = at.Sub(c.offered)
		case call.OfferMissed, call.OfferRejected:
			r.missed++
		}
	case call.QueueExited:
		if b.Key != "" && c.key == "" {
			c.key, c.pressed = b.Key, at
		}
	case call.QueueLeft:
		c.left, c.outcome = at, b.Outcome
	case call.Connected:
		if b.Agent != "" {
			c.began = at
		}
	case call.Parted:
		if !c.began.IsZero() {
			c.talk += at.Sub(c.began)
			c.began = time.Time{}
		}
	case call.Ended:
		if b.Outcome == call.OutcomeNoCapacity && c.queue == "" && !c.test && !at.Before(r.from) && at.Before(r.to) {
			r.refused++
		}
		delete(r.calls, id)
	}
}

func (r *Recorder) agent(id call.AgentID, b call.Body, at time.Time) {
	w := r.people[id]
	if w == nil {
		w = &worker{Agent: agents.Agent{ID: id}, presence: call.LoggedOut}
		r.people[id] = w
	}
	switch b := b.(type) {
	case call.AgentSet:
		w.Agent = agents.Agent{ID: id, Name: b.Name, Device: b.Device, Level: b.Level, Skills: b.Skills}
	case call.PresenceChanged:
		// What the queue itself says (two misses, finished) it will say again.
		if b.By == "system:missed" || b.By == "system:finished" {
			return
		}
		if at.Before(r.from) {
			w.presence, w.reason = b.Presence, b.Reason
		} else if at.Before(r.to) {
			r.shifts = append(r.shifts, Shift{At: at, Agent: id, Presence: b.Presence, Reason: b.Reason})
		}
	case call.ActivityChanged:
		r.activity(id, w, b, at)
	}
}

func (r *Recorder) activity(id call.AgentID, w *worker, b call.ActivityChanged, at time.Time) {
	if began, ok := r.wraps[id]; ok && b.Activity != call.WrapUp {
		r.busy[id].wrapUp += at.Sub(began)
		delete(r.wraps, id)
	}
	gone := b.Activity == call.PhoneGone
	if gone != w.gone && (gone || b.Activity == call.Idle) {
		w.gone = gone
		if !at.Before(r.from) && at.Before(r.to) {
			move := PhoneComes
			if gone {
				move = PhoneGoes
			}
			r.shifts = append(r.shifts, Shift{At: at, Agent: id, Phone: move})
		}
	}
	switch b.Activity {
	case call.Talking, call.Holding:
		if c := r.calls[b.Call]; c != nil {
			r.busy[id] = c
		}
	case call.WrapUp:
		if _, on := r.wraps[id]; !on && r.busy[id] != nil {
			r.wraps[id] = at
			r.busy[id].wrapped = true
		}
	default:
		if c := r.busy[id]; c != nil {
			c.wrapped = true
			delete(r.busy, id)
		}
	}
}

// Day is a recorded day, ready to be run again.
type Day struct {
	Scenario  Scenario    // without Queues and what else the centre says
	Ledger    *sla.Ledger // what really happened
	Staff     *sla.Staff
	Answered  int
	GivenUp   int
	Otherwise int // left in another way
	Missed    int // offers, which a replay picks up
	Refused   int // by full queues; not among the arrivals, for nobody knows of which queue
}

// Day makes a scenario of what was recorded. Queues are those that were in force:
// what a call asked for beside its queue follows from them. The seed draws what
// was not seen; the same seed gives the same day.
func (r *Recorder) Day(seed uint64, queues []callqueue.Queue) (Day, error) {
	d := Day{Ledger: r.ledger, Staff: r.staff, Missed: r.missed, Refused: r.refused}
	needs := make(map[call.QueueID]callqueue.Queue)
	for _, q := range queues {
		needs[q.ID] = q
	}
	rates, seen := r.learn()
	if len(seen[""]) == 0 && len(r.order) > 0 {
		return d, ErrNoTalks
	}
	rng := source(seed, streamReplay)
	for _, c := range r.order {
		q := needs[c.queue]
		a := Arrival{
			At: c.joined, Queue: c.queue, Need: Asked(c.need, q.Need), Priority: c.priority, To: c.to,
			Talk: c.talk, Pickup: c.pickup, WrapUp: c.wrapUp, Key: c.key,
		}
		if c.key != "" {
			a.PressAt = max(c.pressed.Sub(c.joined), 0)
		}
		if c.wrapped && c.wrapUp == 0 {
			a.WrapUp = -1
		}
		if a.Priority == q.Priority {
			a.Priority = 0
		}
		like := seen[c.queue]
		if len(like) == 0 {
			like = seen[""]
		}
		// Drawn for every call, so that one caller more or less changes no other.
		other, rest := like[rng.IntN(len(like))], rng.ExpFloat64()
		switch c.outcome {
		case call.OutcomeAnswered:
			d.Answered++
		case call.OutcomeAbandoned, call.OutcomeAbandonedShort:
			d.GivenUp++
		default:
			d.Otherwise++
		}
		if c.outcome != call.OutcomeAnswered || c.talk <= 0 {
			a.Talk, a.Pickup, a.WrapUp = other.talk, other.pickup, other.wrapUp
			if c.rang > 0 { // the phone was not picked up so long
				a.Pickup = max(a.Pickup, c.rang+time.Millisecond)
			}
		}
		a.Patience = patience(c, rates[c.queue], rest)
		d.Scenario.Arrivals = append(d.Scenario.Arrivals, a)
	}
	r.work(&d)
	return d, nil
}

// patience is a caller's whole patience: the wait for who gave up, and the wait
// with a rest drawn for all others. The rate is per second.
func patience(c *recorded, rate, rest float64) time.Duration {
	wait := max(c.left.Sub(c.joined), time.Microsecond)
	switch {
	case c.outcome == call.OutcomeAbandoned, c.outcome == call.OutcomeAbandonedShort:
		return wait
	case rate == 0:
		return 0
	case c.left.IsZero():
		wait = 0
	}
	return wait + max(time.Duration(rest/rate*float64(time.Second)), time.Millisecond)
}

// learn finds each queue's rate of giving up, and its answered calls; those of all
// queues are under "".
func (r *Recorder) learn() (rates map[call.QueueID]float64, seen map[call.QueueID][]*recorded) {
	rates, seen = make(map[call.QueueID]float64), make(map[call.QueueID][]*recorded)
	waited := make(map[call.QueueID]float64)
	for _, c := range r.order {
		if !c.left.IsZero() {
			waited[c.queue] += c.left.Sub(c.joined).Seconds()
		}
		switch {
		case c.outcome == call.OutcomeAbandoned, c.outcome == call.OutcomeAbandonedShort:
			rates[c.queue]++
		case c.outcome == call.OutcomeAnswered && c.talk > 0:
			seen[c.queue], seen[""] = append(seen[c.queue], c), append(seen[""], c)
		}
	}
	for q := range rates {
		rates[q] /= max(waited[q], 1e-3)
	}
	return rates, seen
}

// work is who is there and when. Whoever was at work when the day began logs in
// at its first instant.
func (r *Recorder) work(d *Day) {
	for _, id := range slices.Sorted(maps.Keys(r.people)) {
		w := r.people[id]
		d.Scenario.Agents = append(d.Scenario.Agents, w.Agent)
		first := Shift{At: r.from, Agent: id}
		if w.presence != call.LoggedOut && w.presence != call.Finishing {
			first.Presence, first.Reason = w.presence, w.reason
		}
		if i := slices.IndexFunc(r.shifts, func(s Shift) bool { return s.Agent == id && s.Phone != PhoneStays }); i >= 0 && r.shifts[i].Phone == PhoneComes || i < 0 && w.gone {
			first.Phone = PhoneGoes // it was gone until then
		}
		if first.Presence != "" || first.Phone != PhoneStays {
			d.Scenario.Shifts = append(d.Scenario.Shifts, first)
		}
	}
	d.Scenario.Shifts = append(d.Scenario.Shifts, r.shifts...)
	slices.SortStableFunc(d.Scenario.Shifts, func(a, b Shift) int { return a.At.Compare(b.At) })
	// A device may have changed hands during the day; here everybody has a phone.
	for i := range d.Scenario.Agents {
		d.Scenario.Agents[i].Device = ""
	}
}

// Asked is what a call asked for beside its queue, from the two together. What a
// call asked as the queue does cannot be told from what it did not ask.
func Asked(need, queue call.Requirement) call.Requirement {
	out := call.Requirement{}
	if need.Level > queue.Level {
		out.Level = need.Level
	}
	for skill, n := range need.Skills {
		if n > queue.Skills[skill] {
			if out.Skills == nil {
				out.Skills = make(map[string]int)
			}
			out.Skills[skill] = n
		}
	}
	return out
}
