package callqueue

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"firstline/call"
)

// NoAgentRule says when a queue has nobody for a caller, and what then. It looks
// at all who could serve the caller now or at a later step.
type NoAgentRule struct {
	Join   bool          // callers who come leave at once
	Leave  bool          // callers who wait leave after Grace
	Grace  time.Duration // 5 s, negative means none: of a phone that registers anew, or an agent who changes places
	Counts []AgentState  // who is somebody: idle, ringing, talking, wrap-up
}

// AgentState is a group of states that a no-agent rule counts or does not.
type AgentState string

const (
	StateIdle        AgentState = "idle"        // with those left alone for a moment
	StateRinging     AgentState = "ringing"     //
	StateTalking     AgentState = "talking"     // or on hold, or calling out
	StateWrapUp      AgentState = "wrap-up"     //
	StateUnreachable AgentState = "unreachable" // available, without a phone
	StateBreak       AgentState = "break"       //
)

// AgentStates returns all groups.
func AgentStates() []AgentState {
	return []AgentState{StateIdle, StateRinging, StateTalking, StateWrapUp, StateUnreachable, StateBreak}
}

func (s AgentState) standings() uint32 {
	of := func(all ...standing) (m uint32) {
		for _, s := range all {
			m |= 1 << s
		}
		return m
	}
	switch s {
	case StateIdle:
		return of(free, restingBusy, restingDeclined, restingMissed)
	case StateRinging:
		return of(offered)
	case StateTalking:
		return of(talking, onHold, outbound)
	case StateWrapUp:
		return of(wrappingUp)
	case StateUnreachable:
		return of(unreachable)
	case StateBreak:
		return of(onBreak)
	}
	return 0
}

func (r NoAgentRule) defaults() NoAgentRule {
	if r.Grace == 0 {
		r.Grace = 5 * time.Second
	}
	if len(r.Counts) == 0 {
		r.Counts = []AgentState{StateIdle, StateRinging, StateTalking, StateWrapUp}
	}
	return r
}

func (r NoAgentRule) mask() (m uint32) {
	for _, s := range r.Counts {
		m |= s.standings()
	}
	return m
}

// staffed reports whether somebody who counts could serve a line's callers, now
// or at a later step.
func (e *Engine) staffed(l *line) bool {
	for _, b := range l.ever {
		if b.any(l.queue.counted) {
			return true
		}
	}
	return false
}

// staffedNow is staffed, of the line's own step.
func (e *Engine) staffedNow(l *line) bool {
	for i := range l.links {
		if l.links[i].bench.any(l.queue.counted) {
			return true
		}
	}
	return false
}

// any reports whether somebody stands as one of a set.
func (b *bench) any(set uint32) bool {
	for s := range b.count {
		if b.count[s] > 0 && set&(1<<s) != 0 {
			return true
		}
	}
	return false
}

func (e *Engine) guarded(l *line) bool {
	return !l.sole() && (l.queue.NoAgent.Leave || l.queue.SkipEmpty)
}

// lost is told that nobody on a bench stands as was any more, and gained that
// somebody does.
func (e *Engine) lost(b *bench, was standing) {
	for _, l := range b.ever {
		if l.all > 0 && e.guarded(l) && l.queue.counted&(1<<was) != 0 {
			e.suspect(l)
		}
	}
}

func (e *Engine) gained(b *bench, is standing) {
	for _, l := range b.ever {
		if l.all == 0 || l.queue.counted&(1<<is) == 0 {
			continue
		}
		e.disarm(&l.empty)
		if l.queue.SkipEmpty { // the next step may have somebody now
			e.suspect(l)
		}
	}
}

func (e *Engine) suspect(l *line) {
	if !l.suspect {
		l.suspect = true
		e.suspects = append(e.suspects, l)
	}
}

// guard looks at the lines that may have lost their last agent.
func (e *Engine) guard(now time.Time) {
	for len(e.suspects) > 0 {
		l := e.suspects[len(e.suspects)-1]
		e.suspects = e.suspects[:len(e.suspects)-1]
		l.suspect = false
		if l.queue.SkipEmpty && !e.staffedNow(l) {
			for _, x := range l.callersNow() {
				e.place(now, x)
			}
		}
		if l.all > 0 && l.queue.NoAgent.Leave && l.empty.place < 0 && !e.staffed(l) {
			if grace := l.queue.NoAgent.Grace; grace > 0 {
				e.arm(&l.empty, now.Add(grace))
			} else {
				e.emptied(now, l)
			}
		}
	}
}

// inheritGrace keeps the time running after which who moves from one line to
// another leaves.
func (e *Engine) inheritGrace(from, to *line) {
	if from.empty.place < 0 || !to.queue.NoAgent.Leave || e.staffed(to) {
		return
	}
	if to.empty.place < 0 || from.empty.at.Before(to.empty.at) {
		e.arm(&to.empty, from.empty.at)
	}
}

func (l *line) callersNow() []*entry {
	return append(append([]*entry(nil), l.waiting.items...), l.ringing.items...)
}

// onTheLine is how many of a line's callers hold a phone.
func (l *line) onTheLine() int {
	n := l.all
	for _, x := range l.callersNow() {
		if x.absent() {
			n--
		}
	}
	return n
}

// emptied lets those go whom nobody could serve for as long as Grace.
func (e *Engine) emptied(now time.Time, l *line) {
	if e.staffed(l) {
		return
	}
	for _, x := range inOrder(slices.Values(l.waiting.items)) {
		if !x.absent() {
			e.exit(now, x, exitNoAgent, "", l.queue.Empty)
		}
	}
}

// lastOut refuses a log-out after which callers would wait whom nobody else
// could serve. Whoever is on break or about to leave is nobody.
func (e *Engine) lastOut(a *agent) error {
	if a.standing == loggedOut {
		return nil
	}
	for _, l := range a.bench.ever {
		if n := l.onTheLine(); n > 0 && !e.served(l, a) {
			return fmt.Errorf("%w: %d in queue %q", ErrLast, n, l.queue.ID)
		}
	}
	return nil
}

const atWork = 1<<free | 1<<restingBusy | 1<<restingDeclined | 1<<restingMissed | 1<<offered |
	1<<talking | 1<<onHold | 1<<outbound | 1<<wrappingUp | 1<<unreachable

// served reports whether somebody other than one could serve a line.
func (e *Engine) served(l *line, but *agent) bool {
	for _, b := range l.ever {
		n := 0
		for s := range b.count {
			if atWork&(1<<s) != 0 {
				n += b.count[s]
			}
		}
		if b == but.bench && atWork&(1<<but.standing) != 0 {
			n--
		}
		if n > 0 {
			return true
		}
	}
	return false
}

// byOthers reports whether somebody else than the person says where they stand
// ("supervisor:sue", "system:missed"): they are not refused what a person is.
func byOthers(by string) bool {
	role, _, ok := strings.Cut(by, ":")
	return ok && role != "agent"
}

// allowed refuses what a person may not say of themselves just now.
func (e *Engine) allowed(a *agent, in PresenceSet) error {
	if byOthers(in.By) {
		return nil
	}
	switch in.Presence {
	case call.LoggedOut, call.Finishing:
		if a.presence != call.Finishing {
			return e.lastOut(a)
		}
	case call.OnBreak:
		return e.breakFull(a, in.Reason)
	}
	return nil
}
