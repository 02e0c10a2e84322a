package sla

import (
	"maps"
	"slices"
	"time"

	"firstline/call"
)

// State is what a staffed agent's second is spent on. Every second between
// logging in and out is exactly one of them, so they add up to the staffed time.
type State string

// States of a staffed agent; there are no others.
const (
	StateReady       State = "ready"
	StateOffered     State = "offered" // reserved, and the phone rings
	StateTalking     State = "talking"
	StateHolding     State = "on-hold"
	StateWrapUp      State = "wrap-up"
	StateOutbound    State = "outbound"
	StateBreak       State = "break"
	StateUnreachable State = "unreachable" // available, but there is no phone
)

// StateOf is the state of who says the one and does the other; empty for who is
// not staffed. Who is on a break and still talks, talks; a break counts as such
// whether the phone is there or not.
func StateOf(p call.Presence, a call.Activity) State {
	if p == "" || p == call.LoggedOut {
		return ""
	}
	switch a {
	case call.Offering:
		return StateOffered
	case call.Talking:
		return StateTalking
	case call.Holding:
		return StateHolding
	case call.WrapUp:
		return StateWrapUp
	case call.Outbound:
		return StateOutbound
	}
	switch {
	case p == call.OnBreak:
		return StateBreak
	case a == call.PhoneGone:
		return StateUnreachable
	}
	return StateReady
}

// Staff keeps what agents did with their time. It is for one goroutine. The zero
// value is not ready; use NewStaff.
type Staff struct {
	keep   time.Duration
	agents map[call.AgentID]*timeline
	global int64
}

// NewStaff returns a Staff without anybody. It reaches back keep; 0 means 26 h.
func NewStaff(keep time.Duration) *Staff {
	if keep == 0 {
		keep = 26 * time.Hour
	}
	return &Staff{keep: keep, agents: make(map[call.AgentID]*timeline)}
}

// timeline is one agent's moments, oldest first: each lasts until the next.
type timeline struct {
	presence call.Presence
	reason   string
	activity call.Activity
	moments  []moment
}

type moment struct {
	from   time.Time
	state  State // empty: not staffed
	reason string
}

// Apply takes the journal's next event. Events that were applied before (by their
// global number) and events of no interest are passed over.
func (s *Staff) Apply(ev call.Event) {
	if ev.Stream.Kind != call.StreamAgent || ev.Global != 0 && ev.Global <= s.global {
		return
	}
	s.global = max(s.global, ev.Global)
	id := call.AgentID(ev.Stream.ID)
	a, ok := s.agents[id]
	if !ok {
		a = &timeline{presence: call.LoggedOut, activity: call.Idle}
		s.agents[id] = a
	}
	switch b := ev.Body.(type) {
	case call.PresenceChanged:
		a.presence, a.reason = b.Presence, b.Reason
	case call.ActivityChanged:
		a.activity = b.Activity
	case call.AgentRemoved:
		a.presence, a.activity = call.LoggedOut, call.Idle
	default:
		return
	}
	a.note(ev.At)
	a.trim(ev.At.Add(-s.keep))
}

// note begins a new moment when the state has changed.
func (a *timeline) note(at time.Time) {
	now := moment{from: at, state: StateOf(a.presence, a.activity)}
	if now.state == StateBreak {
		now.reason = a.reason
	}
	n := len(a.moments)
	if n > 0 && a.moments[n-1].state == now.state && a.moments[n-1].reason == now.reason {
		return
	}
	if n > 0 && at.Before(a.moments[n-1].from) {
		now.from = a.moments[n-1].from // clocks may step back; time spent does not
	}
	a.moments = append(a.moments, now)
}

// trim lets go of moments that ended before old.
func (a *timeline) trim(old time.Time) {
	n := 0
	for n+1 < len(a.moments) && !a.moments[n+1].from.After(old) {
		n++
	}
	if n > 64 || n > len(a.moments)/2 { // not one by one
		a.moments = slices.Delete(a.moments, 0, n)
	}
}

// StaffFigures is how a group of agents spent an interval. Staffed is the sum of
// States, and Breaks are StateBreak by reason.
type StaffFigures struct {
	Interval
	Agents    int                      `json:"agents"` // staffed at some time
	Staffed   time.Duration            `json:"staffed_ns"`
	States    map[State]time.Duration  `json:"states_ns"`
	Breaks    map[string]time.Duration `json:"breaks_ns"`
	Occupancy *float64                 `json:"occupancy"` // percent, nil when nobody was staffed
	Formula   string                   `json:"formula"`
}

const occupancyFormula = "(talking + on hold + wrap-up + outbound) / (staffed − breaks)"

// Figures returns how those whom of reports true for (nil: everybody) spent the
// span, by interval; what lasts counts until Now. ErrSpan when the span is none.
func (s *Staff) Figures(span Span, of func(call.AgentID) bool) ([]StaffFigures, error) {
	if err := span.Validate(); err != nil {
		return nil, err
	}
	var out []StaffFigures
	for _, part := range span.Intervals() {
		f := StaffFigures{
			Interval: part, States: make(map[State]time.Duration), Breaks: make(map[string]time.Duration),
			Formula: occupancyFormula,
		}
		for _, id := range slices.Sorted(maps.Keys(s.agents)) {
			if of == nil || of(id) {
				s.agents[id].spend(&f, span.Now)
			}
		}
		busy := f.States[StateTalking] + f.States[StateHolding] + f.States[StateWrapUp] + f.States[StateOutbound]
		if whole := f.Staffed - f.States[StateBreak]; whole > 0 {
			p := 100 * float64(busy) / float64(whole)
			f.Occupancy = &p
		}
		out = append(out, f)
	}
	return out, nil
}

// spend adds what of the agent's time lies within the interval and before now.
func (a *timeline) spend(f *StaffFigures, now time.Time) {
	end := f.To
	if now.Before(end) {
		end = now
	}
	first, _ := slices.BinarySearchFunc(a.moments, f.From, func(m moment, t time.Time) int { return m.from.Compare(t) })
	var staffed time.Duration
	for i := max(first-1, 0); i < len(a.moments) && a.moments[i].from.Before(end); i++ {
		m := a.moments[i]
		until := end
		if i+1 < len(a.moments) && a.moments[i+1].from.Before(end) {
			until = a.moments[i+1].from
		}
		from := m.from
		if from.Before(f.From) {
			from = f.From
		}
		d := until.Sub(from)
		if m.state == "" || d <= 0 {
			continue
		}
		staffed += d
		f.States[m.state] += d
		if m.state == StateBreak {
			f.Breaks[m.reason] += d
		}
	}
	f.Staffed += staffed
	if staffed > 0 {
		f.Agents++
	}
}
