package web

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"time"

	"firstline/call"
	"firstline/callqueue/agents"
	"firstline/callqueue/sla"
)

// Board is the state that the pages show, folded from events. It is pure: no
// clock, no I/O, no goroutine; whoever uses it from several guards it. It holds
// open calls, agents, and of each queue entry of a little over a day what figures
// need, up to the ledger's limit. What it says of a period is what a report of
// that period says: both ask a ledger.
type Board struct {
	location *time.Location
	rules    []QueueRule // of the active centre, in the order to show them
	seq      int64       // global sequence of the last event applied
	calls    map[call.ID]*call.Record
	agents   map[call.AgentID]*person
	ledger   *sla.Ledger
	lost     map[int64]int             // callers lost, by minute
	owed     map[call.LostID]time.Time // who is owed a call, by arrival
	backs    map[call.CallbackID]place // who asked to be called back
}

// person is one agent as the events tell.
type person struct {
	AgentRow
	activity call.Activity
}

// NewBoard returns an empty board whose day begins at midnight in loc.
func NewBoard(loc *time.Location) *Board {
	return &Board{
		location: loc,
		calls:    make(map[call.ID]*call.Record),
		agents:   make(map[call.AgentID]*person),
		ledger:   sla.New(sla.Config{}),
		lost:     make(map[int64]int),
		owed:     make(map[call.LostID]time.Time),
		backs:    make(map[call.CallbackID]place),
	}
}

// SetQueues tells the rules of the active centre.
func (b *Board) SetQueues(rules []QueueRule) { b.rules = rules }

// SetZone tells where the day begins.
func (b *Board) SetZone(loc *time.Location) { b.location = loc }

// Seq is the global sequence of the last event that was applied.
func (b *Board) Seq() int64 { return b.seq }

// Apply folds the next event in. An event that was applied before does nothing;
// one that does not fit its call's story is an error and leaves that call as it was.
func (b *Board) Apply(e call.Event) error {
	if e.Global != 0 {
		if e.Global <= b.seq {
			return nil
		}
		b.seq = e.Global
	}
	err := b.ledger.Apply(e)
	switch e.Stream.Kind {
	case call.StreamCall:
		err = errors.Join(err, b.applyCall(e))
	case call.StreamAgent:
		b.applyAgent(e)
	case call.StreamLost:
		b.applyLost(e)
	case call.StreamCallback:
		b.applyCallback(e)
	}
	if err != nil {
		return fmt.Errorf("board: %w", err)
	}
	return nil
}

func (b *Board) applyCall(e call.Event) error {
	id := call.ID(e.Stream.ID)
	r := b.calls[id]
	if _, arrived := e.Body.(call.Arrived); arrived && r == nil {
		r = new(call.Record)
		b.calls[id] = r
	}
	if _, lost := e.Body.(call.CallerLost); lost && (r == nil || !r.Test) {
		b.lost[minuteOf(e.At)]++ // its beginning may lie before where the board began to read
	}
	if r == nil {
		return nil
	}
	err := r.Apply(e)
	if _, ended := e.Body.(call.Ended); ended {
		delete(b.calls, id) // even when it does not fit: a gone call never stays on the board
	}
	return err
}

func (b *Board) applyAgent(e call.Event) {
	id := call.AgentID(e.Stream.ID)
	p := b.agents[id]
	if p == nil {
		p = &person{AgentRow: AgentRow{ID: id, Name: string(id), Presence: call.LoggedOut, State: AgentOffline, Since: e.At}}
		b.agents[id] = p
	}
	switch body := e.Body.(type) {
	case call.AgentSet:
		p.Name, p.Device, p.Level, p.Skills = cmp.Or(body.Name, string(id)), call.DeviceID(body.Device.Masked()), body.Level, body.Skills
	case call.AgentSeated:
		p.Device = call.DeviceID(body.Device.Masked())
	case call.AgentLeft:
		p.Device = ""
	case call.AgentRemoved:
		delete(b.agents, id)
		return
	case call.PresenceChanged:
		p.Presence, p.Reason = body.Presence, body.Reason
	case call.ActivityChanged:
		p.activity, p.Call, p.Until = body.Activity, body.Call, instant(body.Until)
	}
	if s := agentState(p.Presence, p.activity); s != p.State {
		p.State, p.Since = s, e.At
	}
}

// View is the board at now. Windows of figures end at now.
func (b *Board) View(now time.Time) BoardView {
	v := BoardView{Seq: b.seq, At: call.Instant(now), Queues: []QueueRow{}, Agents: []AgentRow{}, Calls: []CallRow{}}
	v.Agents = b.agentRows()
	v.Calls = b.callRows()
	y, m, d := now.In(b.location).Date()
	midnight := sla.Midnight(y, m, d, b.location)
	today := b.figures(now, midnight)
	halfHour := b.figures(now, now.Truncate(time.Minute).Add(-29*time.Minute)) // with the present minute, thirty
	waits := b.waits()
	for _, rule := range b.shown(today, halfHour) {
		row := QueueRow{
			ID: rule.ID, Name: cmp.Or(rule.Name, string(rule.ID)),
			TargetPercent: rule.Target.Percent, TargetMs: rule.Target.Within.Milliseconds(),
		}
		row.setFigures(halfHour[rule.ID], today[rule.ID])
		if w, some := waits[rule.ID]; some {
			row.Waiting, row.LongestSince = w.n, instant(w.since)
		}
		row.CallbacksOpen = b.askedBack(rule.ID).n
		for _, a := range v.Agents {
			if qualifies(a, rule.Need) {
				row.Agents.add(a.State)
			}
		}
		v.Queues = append(v.Queues, row)
	}
	v.Totals = b.totals(v, minuteOf(midnight))
	v.Totals.setFigures(halfHour, today)
	v.Totals.Zone = b.location.String()
	return v
}

// waiting is how many wait, and since when the first of them does.
type waiting struct {
	n     int
	since time.Time
}

func (w *waiting) add(joined time.Time) {
	if w.n++; w.n == 1 || joined.Before(w.since) {
		w.since = joined
	}
}

func (b *Board) waits() map[call.QueueID]waiting {
	by := make(map[call.QueueID]waiting)
	for _, r := range b.calls {
		e := r.Waiting()
		if e == nil || e.Callback != "" {
			continue // nobody is on the line
		}
		w := by[e.Queue]
		w.add(e.Joined)
		by[e.Queue] = w
	}
	return by
}

func (b *Board) totals(v BoardView, midnight int64) Totals {
	backs := b.askedBack("")
	t := Totals{LostOpen: len(b.owed), LostSince: b.oldestOwed(), CallbacksOpen: backs.n, CallbacksSince: instant(backs.since)}
	for _, q := range v.Queues {
		t.Waiting += q.Waiting
		if q.LongestSince != nil && (t.LongestSince == nil || q.LongestSince.Before(*t.LongestSince)) {
			t.LongestSince = q.LongestSince
		}
	}
	for _, a := range v.Agents {
		t.Agents.add(a.State)
	}
	for m, n := range b.lost {
		if m < midnight {
			delete(b.lost, m)
			continue
		}
		t.LostToday += n
	}
	return t
}

// shown is the queues of the centre, then those that only calls name, up or counted
// in any window.
func (b *Board) shown(windows ...map[call.QueueID]sla.Figures) []QueueRule {
	shown := slices.Clone(b.rules)
	known := make(map[call.QueueID]bool)
	for _, r := range b.rules {
		known[r.ID] = true
	}
	var others []QueueRule
	add := func(id call.QueueID, target call.Target) {
		if !known[id] {
			known[id] = true
			others = append(others, QueueRule{ID: id, Name: string(id), Target: target})
		}
	}
	for _, r := range b.calls {
		for _, e := range r.Entries {
			add(e.Queue, e.Target)
		}
	}
	for _, p := range b.backs {
		add(p.queue, call.Target{})
	}
	for _, figures := range windows {
		for id, f := range figures {
			if f.Offered+f.Callbacks.Asked > 0 {
				add(id, f.Target)
			}
		}
	}
	slices.SortFunc(others, func(a, b QueueRule) int { return cmp.Compare(a.ID, b.ID) })
	return append(shown, others...)
}

func (b *Board) agentRows() []AgentRow {
	rows := make([]AgentRow, 0, len(b.agents))
	for _, p := range b.agents {
		row := p.AgentRow
		if c := b.calls[row.Call]; c != nil {
			row.Ticket = c.Ticket
		}
		rows = append(rows, row)
	}
	slices.SortFunc(rows, func(a, b AgentRow) int { return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.ID, b.ID)) })
	return rows
}

func (b *Board) callRows() []CallRow {
	rows := make([]CallRow, 0, len(b.calls))
	for _, r := range b.calls {
		rows = append(rows, callRow(r))
	}
	slices.SortFunc(rows, func(a, b CallRow) int { return cmp.Compare(a.ID, b.ID) })
	return rows
}

func callRow(r *call.Record) CallRow {
	s := stateOf(r)
	row := CallRow{
		ID: r.ID, Ticket: r.Ticket, Number: maskNumber(r.From.Number), Name: r.From.Name, To: r.To.Number,
		State: s.state, Stage: r.Stage, Since: s.since, Agent: s.agent, Test: r.Test,
	}
	if n := len(r.Entries); n > 0 {
		e := r.Entries[n-1]
		row.Queue, row.Joined, row.Callback = e.Queue, instant(e.Joined), e.Callback != ""
		row.TargetMs = e.Target.Within.Milliseconds()
		if !e.Left.IsZero() {
			row.WaitMs = r.Wait(e.Left).Milliseconds()
		}
	}
	return row
}

// standing is where a call stands: the state, since when, and with whom.
type standing struct {
	state CallState
	since time.Time
	agent call.AgentID
}

func stateOf(r *call.Record) standing {
	if !r.Open() {
		return standing{CallEnded, r.Ended, ""}
	}
	if t := r.Talking(); t != nil {
		if n := len(t.Holds); n > 0 && slices.ContainsFunc(t.Holds, func(s call.Span) bool { return s.To.IsZero() }) {
			return standing{CallOnHold, t.Holds[n-1].From, t.Agent}
		}
		return standing{CallTalking, t.Began, t.Agent}
	}
	if e := r.Waiting(); e != nil {
		if n := len(e.Offers); n > 0 && e.Offers[n-1].Ended.IsZero() {
			return standing{CallRinging, e.Offers[n-1].At, e.Offers[n-1].Agent}
		}
		return standing{CallWaiting, e.Joined, ""}
	}
	since := r.StageAt
	if since.IsZero() {
		since = r.Arrived
	}
	return standing{CallInFlow, since, ""}
}

// agentState joins what the person says and what the system sees into the one
// word that the board shows.
func agentState(p call.Presence, a call.Activity) AgentState {
	switch a {
	case call.Offering:
		return AgentRinging
	case call.Talking, call.Outbound:
		return AgentTalking
	case call.Holding:
		return AgentOnHold
	case call.WrapUp:
		return AgentWrapUp
	}
	switch {
	case p == call.OnBreak:
		return AgentOnBreak
	case p == call.LoggedOut || p == call.Finishing:
		return AgentOffline
	case a == call.PhoneGone:
		return AgentUnreachable
	}
	return AgentAvailable
}

func qualifies(a AgentRow, need call.Requirement) bool {
	return agents.Agent{Level: a.Level, Skills: a.Skills}.Meets(need)
}

// maskNumber leaves the last three digits. A number of three or fewer, an
// extension, shows only its last.
func maskNumber(n string) string {
	keep := 3
	if len(n) <= keep {
		keep = min(1, len(n))
	}
	if n == "" {
		return ""
	}
	return "…" + n[len(n)-keep:]
}
