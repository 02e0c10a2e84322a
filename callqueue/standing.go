package callqueue

import (
	"cmp"
	"slices"
	"time"

	"firstline/call"
)

// standing is where an agent stands towards any call: presence, activity and
// rest in one, the one that is said first when asked why.
type standing uint8

const (
	loggedOut standing = iota
	onBreak
	finishing
	offered
	free
	restingBusy
	restingDeclined
	restingMissed
	unreachable
	talking
	onHold
	wrappingUp
	outbound
	standings
)

func (s standing) String() string {
	switch s {
	case loggedOut:
		return "logged out"
	case onBreak:
		return "on break"
	case finishing:
		return "finishing"
	case offered:
		return "offered another call"
	case free:
		return "free" // for the others who are before it
	case restingBusy:
		return string(restBusy)
	case restingDeclined:
		return string(restDeclined)
	case restingMissed:
		return string(restMissed)
	case unreachable:
		return string(call.PhoneGone)
	case talking:
		return string(call.Talking)
	case onHold:
		return string(call.Holding)
	case wrappingUp:
		return string(call.WrapUp)
	}
	return string(call.Outbound)
}

// atWork reports whether one who stands so will serve again without logging in
// or coming back.
func (s standing) atWork() bool { return atWork&(1<<s) != 0 }

func (a *agent) stands() standing {
	switch a.presence {
	case call.LoggedOut:
		return loggedOut
	case call.OnBreak:
		return onBreak
	case call.Finishing:
		return finishing
	}
	switch a.activity {
	case call.Offering:
		return offered
	case call.Talking:
		return talking
	case call.Holding:
		return onHold
	case call.WrapUp:
		return wrappingUp
	case call.Outbound:
		return outbound
	case call.PhoneGone:
		return unreachable
	}
	switch a.rest {
	case restBusy:
		return restingBusy
	case restDeclined:
		return restingDeclined
	case restMissed:
		return restingMissed
	case restUnreachable:
		return unreachable
	}
	return free
}

// stood is agent-time by standing.
type stood [standings]time.Duration

func (t *stood) add(u stood) {
	for s := range t {
		t[s] += u[s]
	}
}

func (t *stood) sub(u stood) {
	for s := range t {
		t[s] -= u[s]
	}
}

// stood is the bench's agent-time up to now.
func (b *bench) stood(now time.Time) stood {
	if by := now.Sub(b.at); by > 0 {
		for s, n := range b.count {
			if n > 0 {
				b.past[s] += time.Duration(n) * by
			}
		}
		b.at = now
	}
	return b.past
}

// stood is the agent-time of all who could serve a line, up to now.
func (l *line) stood(now time.Time) stood {
	sum := l.past
	for i := range l.links {
		b := l.links[i].bench
		b.stood(now)
		for s := range sum {
			sum[s] += b.past[s]
		}
	}
	return sum
}

// count keeps the books after an agent may have changed. Every change of
// presence, activity or rest passes here.
func (e *Engine) count(now time.Time, a *agent) {
	was, is := a.standing, a.stands()
	if was == is {
		return
	}
	a.standing = is
	e.tally(now, a.bench, was, -1)
	e.tally(now, a.bench, is, +1)
	if was.atWork() != is.atWork() {
		e.staff(is.atWork())
	}
}

// tally counts one more or one less on a bench.
func (e *Engine) tally(now time.Time, b *bench, s standing, by int) {
	b.stood(now)
	b.count[s] += by
	switch {
	case by < 0 && b.count[s] == 0:
		e.lost(b, s)
	case by > 0 && b.count[s] == 1:
		e.gained(b, s)
	}
}

// staff counts who is at work, of which clients may have a share.
func (e *Engine) staff(more bool) {
	if !more {
		e.atWork--
		return
	}
	e.atWork++
	for _, c := range e.shares {
		e.stirClient(c)
	}
}

// decided records how everybody stands towards an entry: eligible could be
// chosen, and the others are kept from it by what is named. It ends the interval
// since the decision before. Who they were, Hindsight tells from the journal.
func (e *Engine) decided(now time.Time, x *entry, o call.OfferID, eligible int) {
	l := x.line
	stood := l.stood(now)
	body := call.QueueDecided{
		Entry: x.id, Offer: o, Step: x.step, Since: call.Instant(x.since), Eligible: eligible,
		Excluded: make([]call.Exclusion, 0, 8),
	}
	for s := range standings {
		spent := (stood[s] - x.stood[s]).Truncate(time.Microsecond)
		if s == free {
			body.Excluded = e.keeps(body.Excluded, l, eligible, spent)
			continue
		}
		n := 0
		for i := range l.links {
			n += l.links[i].bench.count[s]
		}
		if n > 0 || spent > 0 {
			body.Excluded = append(body.Excluded, call.Exclusion{Reason: s.String(), Agents: n, Time: spent})
		}
	}
	body.Excluded = append(body.Excluded, l.lacking()...)
	slices.SortStableFunc(body.Excluded, func(a, b call.Exclusion) int { return cmp.Compare(b.Agents, a.Agents) })
	x.since, x.stood = now, stood
	e.record(call.CallEvent(now, x.id.Call(), body))
}

// keeps adds the free agents who are kept from a line to all, by what keeps them.
// The time that all of them were free goes with the first.
func (e *Engine) keeps(all []call.Exclusion, l *line, eligible int, spent time.Duration) []call.Exclusion {
	first, open := len(all), -eligible
	for i := range l.links {
		b := l.links[i].bench
		p := l.keeper(b)
		if p == nil || b.count[free] == 0 {
			open += b.count[free]
			continue
		}
		at := first
		for at < len(all) && all[at].Reason != p.why {
			at++
		}
		if at == len(all) {
			all = append(all, call.Exclusion{Reason: p.why})
		}
		all[at].Agents += b.count[free]
	}
	if open > 0 || spent > 0 && len(all) == first {
		all = append(all, call.Exclusion{Reason: e.limits(l), Agents: open})
	}
	if len(all) > first {
		all[first].Time = spent
	}
	return all
}

// lacking counts those who cannot serve a line, by what they lack.
func (l *line) lacking() []call.Exclusion {
	var all []call.Exclusion
	for _, o := range l.outs {
		n := 0
		for _, b := range o.benches {
			n += b.all
		}
		if n > 0 {
			all = append(all, call.Exclusion{Reason: o.reason, Agents: n})
		}
	}
	slices.SortFunc(all, func(a, b call.Exclusion) int { return cmp.Compare(a.Reason, b.Reason) })
	return all
}
