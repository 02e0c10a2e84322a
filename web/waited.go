package web

import (
	"time"

	"firstline/call"
	"firstline/callqueue"
)

// Waited is how every agent stood towards a call during one stay in a queue.
type Waited struct {
	Entry  call.EntryID `json:"entry"`
	Queue  call.QueueID `json:"queue"`
	From   time.Time    `json:"from" doc:"when it joined the queue"`
	To     time.Time    `json:"to" doc:"when it left, or now"`
	Agents []AgentStood `json:"agents" doc:"who were on the roster at some time of it"`
	Offers []Choice     `json:"offers"`
	Note   string       `json:"note,omitempty" doc:"what could not be told"`
}

// AgentStood is how one agent stood towards a call: spans without a gap while the
// agent was on the roster.
type AgentStood struct {
	Agent call.AgentID `json:"agent"`
	Spans []StoodSpan  `json:"spans"`
}

// StoodSpan is a time during which one thing kept an agent from a call.
type StoodSpan struct {
	From   time.Time `json:"from"`
	To     time.Time `json:"to"`
	Reason string    `json:"reason" doc:"talking, on break, lacks printer ≥ 2, rings for it, …"`
}

// Choice is who could have had a call when it was offered to one of them.
type Choice struct {
	Offer    call.OfferID   `json:"offer"`
	At       time.Time      `json:"at"`
	Agent    call.AgentID   `json:"agent"`
	Eligible []call.AgentID `json:"eligible"`
}

func waits(all []callqueue.Hindsight) []Waited {
	views := make([]Waited, 0, len(all))
	for _, h := range all {
		v := Waited{Entry: h.Entry, Queue: h.Queue, From: h.From, To: h.To, Agents: []AgentStood{}, Offers: []Choice{}}
		for _, a := range h.Agents {
			stood := AgentStood{Agent: a.Agent}
			for _, s := range a.Spans {
				stood.Spans = append(stood.Spans, StoodSpan(s))
			}
			v.Agents = append(v.Agents, stood)
		}
		for _, c := range h.Offers {
			v.Offers = append(v.Offers, Choice(c))
		}
		if h.Unruled {
			v.Note = "rules that were in force cannot be read any more: tiers, limits and reserves may be missing"
		}
		views = append(views, v)
	}
	return views
}
