package callqueue

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"firstline/call"
	"firstline/callqueue/agents"
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
	if reason := unfit(a.Agent, l.parts, l.window, x.queue.tier(a.ID)); reason != "" {
		return reason
	}
	if a.standing != free {
		return a.standing.String()
	}
	if p := l.keeper(a.bench); p != nil {
		return p.why
	}
	return e.limits(l)
}

// unfit says why somebody of a tier could not be given a call even if they were
// free; empty when they could.
func unfit(a agents.Agent, parts []call.Requirement, w Window, tier int) string {
	for _, part := range parts {
		if !a.Meets(part) {
			return lacks(part)
		}
	}
	if _, ok := w.admits(tier); !ok {
		return notAsked(tier)
	}
	return ""
}

// limits says what keeps all free agents from a line that could be given to them.
func (e *Engine) limits(l *line) string {
	switch {
	case l.client != nil && l.client.used >= e.mostFor(l.client):
		return capped(l.client.name, l.client.used)
	case l.only != nil:
		return askedFor(l.only.ID)
	}
	return free.String()
}

// The words for what keeps agents from a call beside where they stand.
func lacks(part call.Requirement) string { return "lacks " + agents.Text(part) }
func notAsked(tier int) string           { return fmt.Sprintf("tier %d is not asked", tier) }
func keptFor(reserve string) string      { return "free, but kept for " + reserve }
func capped(client string, has int) string {
	return fmt.Sprintf("free, but client %s has its %d", client, has)
}
func askedFor(id call.AgentID) string { return fmt.Sprintf("free, but %s is asked for", id) }

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
