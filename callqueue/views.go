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

// QueueView is a queue as it is at one instant.
type QueueView struct {
	ID      call.QueueID  `json:"id"`
	Name    string        `json:"name"`
	Waiting int           `json:"waiting"` // with those being offered
	Offered int           `json:"offered"`
	Longest time.Duration `json:"longest_ns"` // wait of who waits longest
	Staffed int           `json:"staffed"`    // agents logged in who meet the queue's own requirement
	Ready   int           `json:"ready"`      // of those, free for an offer now
	Target  call.Target   `json:"target"`
	Calls   []EntryView   `json:"calls"` // in the order of service
}

// EntryView is a waiting call. The Dispatcher fills in From, Ticket and Test.
type EntryView struct {
	Entry    call.EntryID     `json:"entry"`
	Call     call.ID          `json:"call"`
	Priority int              `json:"priority"`
	Need     call.Requirement `json:"need"`
	Joined   time.Time        `json:"joined"`
	Wait     time.Duration    `json:"wait_ns"`
	Offer    call.OfferID     `json:"offer,omitempty"` // while a phone rings
	Agent    call.AgentID     `json:"agent,omitempty"`
	From     call.Party       `json:"from,omitzero"`
	Ticket   call.TicketID    `json:"ticket,omitempty"`
	Test     bool             `json:"test,omitempty"`
}

// AgentView is a person as they are at one instant.
type AgentView struct {
	agents.Agent
	Presence      call.Presence `json:"presence"`
	Reason        string        `json:"reason,omitempty"`
	PresenceSince time.Time     `json:"presence_since"`
	Activity      call.Activity `json:"activity"`
	ActivitySince time.Time     `json:"activity_since"`
	Call          call.ID       `json:"call,omitempty"`
	Queue         call.QueueID  `json:"queue,omitempty"` // that the talk came from
	Until         time.Time     `json:"until,omitzero"`  // end of the offer, the wrap-up or the rest
	Misses        int           `json:"misses,omitempty"`
	Ready         bool          `json:"ready"`
	Rest          string        `json:"rest,omitempty"` // why no offer comes for a short while
}

// Queues returns all queues in the order of their configuration.
func (e *Engine) Queues(now time.Time) []QueueView {
	views := make([]QueueView, 0, len(e.order))
	staffed := make(map[*bench]int)
	for _, a := range e.agents {
		if a.presence != call.LoggedOut {
			staffed[a.bench]++
		}
	}
	for _, q := range e.order {
		v := QueueView{ID: q.ID, Name: q.Name, Waiting: len(q.entries), Target: q.Target, Calls: make([]EntryView, 0, len(q.entries))}
		for _, x := range q.inOrder() {
			xv := x.view(now)
			v.Calls = append(v.Calls, xv)
			v.Longest = max(v.Longest, xv.Wait)
			if x.offer != nil {
				v.Offered++
			}
		}
		for _, b := range e.benchList {
			if b.like.Meets(q.Need) {
				v.Staffed += staffed[b]
				v.Ready += b.ready.len()
			}
		}
		views = append(views, v)
	}
	return views
}

func (q *queue) inOrder() []*entry {
	return slices.SortedFunc(maps.Values(q.entries), func(a, b *entry) int {
		switch {
		case a.before(b):
			return -1
		case b.before(a):
			return 1
		}
		return 0
	})
}

func (x *entry) view(now time.Time) EntryView {
	v := EntryView{
		Entry: x.id, Call: x.id.Call(), Priority: x.priority, Need: x.line.need, Joined: x.joined, Wait: x.wait(now),
	}
	if x.offer != nil {
		v.Offer, v.Agent = x.offer.id, x.offer.agent.ID
	}
	return v
}

// Agents returns everybody on the roster, in order of id.
func (e *Engine) Agents(time.Time) []AgentView {
	views := make([]AgentView, 0, len(e.agents))
	for _, id := range slices.Sorted(maps.Keys(e.agents)) {
		a := e.agents[id]
		v := AgentView{
			Agent: a.Agent, Presence: a.presence, Reason: a.reason, PresenceSince: a.said,
			Activity: a.activity, ActivitySince: a.since, Call: a.call, Queue: a.queue,
			Misses: a.misses, Ready: a.place >= 0, Rest: string(a.rest),
		}
		switch {
		case a.offer != nil:
			v.Until = a.offer.deadline.at
		case a.due.place >= 0:
			v.Until = a.due.at
		}
		v.Skills = maps.Clone(a.Skills)
		views = append(views, v)
	}
	return views
}

// Why says why a call waits.
type Why struct {
	Entry    call.EntryID     `json:"entry"`
	Queue    call.QueueID     `json:"queue"`
	Need     call.Requirement `json:"need"`
	Wait     time.Duration    `json:"wait_ns"`
	Position int              `json:"position"`          // from 1, among those with the same requirement
	Agent    call.AgentID     `json:"agent,omitempty"`   // whose phone rings for it
	Offer    call.OfferID     `json:"offer,omitempty"`   //
	Reasons  []Reason         `json:"reasons,omitempty"` // why each of the others does not get it
	Text     string           `json:"text"`              // all this in one line
}

// Reason counts the agents whom one thing keeps from a call.
type Reason struct {
	Reason string `json:"reason"` // "on break", "talking", "lacks printer ≥ 2"
	Agents int    `json:"agents"`
}

// Explain says why an entry waits, or whose phone rings for it. ErrUnknownEntry
// means that it does not wait.
func (e *Engine) Explain(now time.Time, id call.EntryID) (Why, error) {
	x, ok := e.entries[id]
	if !ok {
		return Why{}, fmt.Errorf("%w: %s", ErrUnknownEntry, id)
	}
	w := Why{Entry: x.id, Queue: x.queue.ID, Need: x.line.need, Wait: x.wait(now), Position: 1}
	for _, other := range e.entries {
		if other.line == x.line && other.before(x) {
			w.Position++
		}
	}
	counts := make(map[string]int)
	for _, a := range e.agents {
		if x.offer != nil && x.offer.agent == a {
			w.Agent, w.Offer = a.ID, x.offer.id
			continue
		}
		counts[e.excludes(a, x.line.need)]++
	}
	for _, r := range slices.Sorted(maps.Keys(counts)) {
		w.Reasons = append(w.Reasons, Reason{r, counts[r]})
	}
	slices.SortStableFunc(w.Reasons, func(a, b Reason) int { return cmp.Compare(b.Agents, a.Agents) })
	w.Text = w.text()
	return w, nil
}

// excludes names the first thing that keeps a from a call that asks for need.
func (e *Engine) excludes(a *agent, need call.Requirement) string {
	if lacks := a.Lacks(need); lacks != "" {
		return "lacks " + lacks
	}
	switch a.presence {
	case call.LoggedOut:
		return "logged out"
	case call.OnBreak:
		return "on break"
	case call.Finishing:
		return "finishing"
	}
	switch a.activity {
	case call.Offering:
		return "offered another call"
	case call.Idle:
		if a.rest != restNone {
			return string(a.rest)
		}
		return "free" // for the others who are before it
	default:
		return string(a.activity)
	}
}

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
