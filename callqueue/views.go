package callqueue

import (
	"iter"
	"maps"
	"slices"
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
	Arrived  time.Time        `json:"arrived"` // its place in the order, and its age
	Wait     time.Duration    `json:"wait_ns"`
	Offer    call.OfferID     `json:"offer,omitempty"` // while a phone rings
	Agent    call.AgentID     `json:"agent,omitempty"`
	Ringing  []call.AgentID   `json:"ringing,omitempty"` // all whose phones ring for it, Agent first
	Step     int              `json:"step,omitempty"`    // of the queue's, that it has reached
	Client   string           `json:"client,omitempty"`
	Class    string           `json:"class,omitempty"`
	Prefer   call.AgentID     `json:"prefer,omitempty"` // for whom it is kept just now
	Only     bool             `json:"only,omitempty"`   // for nobody else at any time
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
	for _, q := range e.order {
		v := QueueView{ID: q.ID, Name: q.Name, Waiting: len(q.entries), Target: q.Target, Calls: make([]EntryView, 0, len(q.entries))}
		for _, x := range q.inOrder() {
			xv := x.view(now)
			v.Calls = append(v.Calls, xv)
			v.Longest = max(v.Longest, xv.Wait)
			if len(x.live) > 0 {
				v.Offered++
			}
		}
		v.Staffed, v.Ready = e.serving(q)
		views = append(views, v)
	}
	return views
}

// serving is how many agents are logged in who meet a queue's own requirement, and
// how many of them are free for an offer.
func (e *Engine) serving(q *queue) (staffed, ready int) {
	for _, b := range e.benchList {
		if b.like.Meets(q.Need) {
			staffed += b.all - b.count[loggedOut]
			ready += b.ready.len()
		}
	}
	return staffed, ready
}

func (q *queue) inOrder() []*entry { return inOrder(maps.Values(q.entries)) }

// inOrder sorts entries by the order of service.
func inOrder(all iter.Seq[*entry]) []*entry {
	return slices.SortedFunc(all, func(a, b *entry) int {
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
		Entry: x.id, Call: x.id.Call(), Priority: x.priority, Need: x.line.need, Joined: x.joined, Arrived: x.arrived, Wait: x.wait(now),
		Step: x.step, Client: x.client, Class: x.class, Only: x.sole,
	}
	if x.line.only != nil {
		v.Prefer = x.line.only.ID
	}
	if len(x.live) > 0 {
		v.Offer, v.Agent = x.live[0].id, x.live[0].agent.ID
	}
	for _, o := range x.live {
		v.Ringing = append(v.Ringing, o.agent.ID)
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
			Misses: a.misses, Ready: a.ready(), Rest: string(a.rest),
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
