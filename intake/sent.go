package intake

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"firstline/call"
	"firstline/callqueue"
)

// Place is what a call keeps wherever agents hand it on.
type Place struct {
	Arrived  time.Time        `json:"arrived,omitzero"` // in the queues first: its age, and its place in their order
	Priority int              `json:"priority,omitempty"`
	Need     call.Requirement `json:"need"`            // that the call itself brought
	Paused   time.Time        `json:"paused,omitzero"` // its recording is, until then
}

// Sent is by whom a call was handed on, and where it goes when nobody answers.
type Sent struct {
	By    call.AgentID     `json:"by"`
	Queue call.QueueID     `json:"queue"` // that the call came from
	Need  call.Requirement `json:"need"`  // that it brought there
	Back  bool             `json:"back,omitempty"`
}

// place is what a waiting call keeps when it is answered.
func (w Wait) place(q callqueue.Queue) Place {
	p := Place{Arrived: w.since(), Priority: brought(q, w.Priority, w.Unserved), Need: w.Need, Paused: w.Paused}
	if w.Sent != nil {
		p.Need = w.Sent.Need
	}
	return p
}

// since is when the call came to the queues first.
func (w Wait) since() time.Time {
	if w.Arrived.IsZero() {
		return w.Joined
	}
	return w.Arrived
}

// handed is the wait of a call that somebody handed on, at the place that it keeps.
func handed(j *journey, q call.QueueID, s *Sent, p Place) Wait {
	w := waitIn(j, q, call.Requirement{}, p.Priority)
	w.Arrived, w.Paused, w.Sent = p.Arrived, p.Paused, s
	return w
}

// to is the wait for one agent alone.
func (w Wait) to(agent call.AgentID) Wait {
	w.Only = agent
	return w
}

// recalled is the wait of a call that nobody has answered where it was handed on to:
// for the sender, and then in the queue that it came from.
func (s Sent) recalled(j *journey, p Place) Wait {
	if s.Back || s.By == "" {
		w := waitIn(j, s.Queue, s.Need, p.Priority)
		w.Arrived, w.Paused = p.Arrived, p.Paused
		return w
	}
	s.Back = true
	return handed(j, s.Queue, &s, p).to(s.By)
}

// unheard is the stage of a call that was handed on and that nobody answered; false
// when it left its queue otherwise, as any call does.
func (w Wait) unheard(j *journey, out call.Outcome) (Stage, bool) {
	if w.Sent == nil {
		return nil, false
	}
	p := w.place(j.centre.Queues[w.Queue])
	switch {
	case out == call.OutcomeMoved:
		return w.Sent.recalled(j, p), true
	case w.Only != "" && (out == call.OutcomeTimeoutOverflow || out == call.OutcomeEmpty):
		return w.Sent.recalled(j, p), true
	}
	return nil, false
}

// home is the queue that a call counts as coming from which came from none.
func (c *Centre) home(number string) call.QueueID {
	var first call.QueueID
	if ids := slices.Sorted(maps.Keys(c.Queues)); len(ids) > 0 {
		first = ids[0]
	}
	return cmp.Or(c.Numbers[number].Queue, first)
}
