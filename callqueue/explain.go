package callqueue

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"firstline/call"
)

// Why says why a call waits.
type Why struct {
	Entry    call.EntryID     `json:"entry"`
	Queue    call.QueueID     `json:"queue"`
	Need     call.Requirement `json:"need"`
	Step     int              `json:"step,omitempty"` // of the queue's, that it has reached
	Wait     time.Duration    `json:"wait_ns"`
	Position int              `json:"position"`          // from 1, among those with the same requirement
	Agent    call.AgentID     `json:"agent,omitempty"`   // whose phone rings for it
	Offer    call.OfferID     `json:"offer,omitempty"`   //
	Reasons  []Reason         `json:"reasons,omitempty"` // why each of the others does not get it
	Each     []Standing       `json:"each,omitempty"`    // the same by agent, in order of id
	Text     string           `json:"text"`              // all this in one line
}

// Reason counts the agents whom one thing keeps from a call.
type Reason struct {
	Reason string `json:"reason"` // "on break", "talking", "lacks printer ≥ 2"
	Agents int    `json:"agents"`
}

// Standing is what keeps one agent from a call.
type Standing struct {
	Agent  call.AgentID `json:"agent"`
	Reason string       `json:"reason"`
}

// Explain says why an entry waits, or whose phone rings for it. ErrUnknownEntry
// means that it does not wait.
func (e *Engine) Explain(now time.Time, id call.EntryID) (Why, error) {
	x, ok := e.entries[id]
	if !ok {
		return Why{}, fmt.Errorf("%w: %s", ErrUnknownEntry, id)
	}
	w := Why{Entry: x.id, Queue: x.queue.ID, Need: x.line.need, Step: x.step, Wait: x.wait(now), Position: 1}
	for _, other := range e.entries {
		if other.line.needKey == x.line.needKey && other.before(x) {
			w.Position++
		}
	}
	if len(x.live) > 0 {
		w.Agent, w.Offer = x.live[0].agent.ID, x.live[0].id
	}
	counts := make(map[string]int)
	for _, a := range slices.Sorted(maps.Keys(e.agents)) {
		reason := e.excludes(e.agents[a], x)
		if reason != ringsForIt {
			counts[reason]++
		}
		w.Each = append(w.Each, Standing{a, reason})
	}
	for _, r := range slices.Sorted(maps.Keys(counts)) {
		w.Reasons = append(w.Reasons, Reason{r, counts[r]})
	}
	slices.SortStableFunc(w.Reasons, func(a, b Reason) int { return cmp.Compare(b.Agents, a.Agents) })
	w.Text = w.text()
	return w, nil
}

const ringsForIt = "rings for it"

// excludes names the first thing that keeps a from an entry.
func (e *Engine) excludes(a *agent, x *entry) string {
	if a.offer != nil && a.offer.entry == x {
		return ringsForIt
	}
	l := x.line
	if i := slices.IndexFunc(l.parts, func(part call.Requirement) bool { return !a.Meets(part) }); i >= 0 {
		return l.outs[i].reason
	}
	tier := x.queue.tier(a.ID)
	if _, ok := l.window.admits(tier); !ok {
		return notAsked(tier)
	}
	if a.standing != free {
		return a.standing.String()
	}
	if p := l.keeper(a.bench); p != nil {
		return "free, but kept for " + p.Name
	}
	return e.keeps(l)
}

func notAsked(tier int) string { return fmt.Sprintf("tier %d is not asked", tier) }

func (w Why) text() string {
	if w.Agent != "" {
		return "ringing " + string(w.Agent)
	}
	if len(w.Reasons) == 0 {
		return "there is no agent"
	}
	parts := make([]string, len(w.Reasons))
	for i, r := range w.Reasons {
		parts[i] = fmt.Sprintf("%d %s", r.Agents, r.Reason)
	}
	return strings.Join(parts, ", ")
}
