package intake

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"go.uber.org/zap"

	"firstline/call"
	"firstline/callqueue/estimate"
	"firstline/ivr"
)

// line is a call as its flow sees it.
func (d *Desk) line(ctx context.Context, j *journey, f Flow) ivr.Line {
	unserved := 0
	if d.Callers != nil {
		unserved = d.Callers.Unserved(j.number, j.call.Arrived.Add(-unservedFor))
	}
	facts := j.centre.facts(j.call, j.number, j.ticket, unserved)
	facts.Identity = j.level
	return ivr.Line{
		Leg: j.call.Leg, Flows: j.centre.Flows,
		Facts: facts,
		Queue: func(id string) ivr.QueueFacts { return d.standing(ctx, j, call.QueueID(id)) },
		Heard: j.centre.heard, Lookup: d.lookup(j),
		Open: j.centre.open(j.call.Arrived),
		Tell: func(h ivr.Happening) { d.tell(j, f, h) },
	}
}

// unservedFor is how far back a flow looks for calls that nobody answered.
const unservedFor = 24 * time.Hour

// facts is what a flow may ask about a call.
func (c *Centre) facts(k *call.Call, number string, ticket call.TicketID, unserved int) ivr.Facts {
	dialled := c.Numbers[k.To.Number]
	return ivr.Facts{
		Caller: ivr.Caller{Number: number, Name: k.From.Name, Withheld: k.From.Number == "", Calls: unserved},
		Called: k.To.Number, Client: dialled.Client, Greeting: dialled.Greeting, Class: dialled.Class, Ticket: string(ticket),
		At: k.Arrived.In(cmp.Or(dialled.Zone, time.UTC)),
	}
}

// heard is the language whose recordings callers of a language hear.
func (c *Centre) heard(language string) string {
	if len(c.Recorded) == 0 || slices.Contains(c.Recorded, language) {
		return language
	}
	return c.Recorded[0]
}

// open tells a flow which calendars were open when the call came.
func (c *Centre) open(at time.Time) func(calendar string) bool {
	return func(calendar string) bool {
		h := c.Calendars[calendar]
		if h == nil {
			return true
		}
		open, _ := h.Open(at)
		return open
	}
}

// standing is how a queue stands for a flow. One that cannot be asked just now is
// as an empty one with nobody at work, and a log line.
func (d *Desk) standing(ctx context.Context, j *journey, q call.QueueID) ivr.QueueFacts {
	s, err := d.Queue.Load(ctx, q)
	if err != nil {
		j.log.Warn("a flow asked for a queue", zap.String("queue", string(q)), zap.Error(err))
		return ivr.QueueFacts{}
	}
	f := ivr.QueueFacts{Waiting: s.Waiting, Longest: s.Longest, Agents: s.Staffed, Free: s.Ready}
	if d.Forecast == nil {
		return f
	}
	at := estimate.Place{Ahead: s.Waiting, Servers: s.Staffed, Idle: s.Ready}
	if r, _, ok := d.Forecast.Estimate(time.Now(), q, at); ok {
		f.Estimate = r.High
	}
	return f
}

// heard takes note of what a flow decided and what the caller chose in it.
func (d *Desk) heard(j *journey, h ivr.Happening) {
	now, id := time.Now(), j.call.ID
	switch h := h.(type) {
	case ivr.Spoken:
		j.spoken = h.Language
		d.Journal.Post(call.CallEvent(now, id, call.Chose{Node: h.Node, Language: h.Language}))
	case ivr.Declined:
		j.silent = true
		d.Journal.Post(call.CallEvent(now, id, call.Chose{Node: h.Node, Unrecorded: true}))
	case ivr.Identified:
		d.Journal.Post(call.CallEvent(now, id, call.Identified{Node: h.Node, Level: string(h.Identity), Evidence: h.Evidence}))
		d.writeTicket(j, now, call.TicketNoted{
			Note: call.NewUUID(now), Author: "system", Text: fmt.Sprintf("Caller %s: %s", h.Identity, h.Evidence), Call: id,
		})
		if h.Identity == ivr.Verified {
			d.verified(j, h.Evidence)
		}
	case ivr.Classified:
		d.writeTicket(j, now, call.TicketClassified{Class: h.Class, By: "caller", Why: "keyed in the flow"})
	case ivr.Decided:
		j.log.Debug("flow branched", zap.String("node", h.Node), zap.String("why", h.Why))
	case ivr.Troubled:
		j.log.Warn("flow node", zap.String("node", h.Node), zap.String("why", h.Why))
	}
}

// lookups ask other systems about callers.
type lookups interface {
	// Ask returns within its own budget.
	Ask(ctx context.Context, name string, ask map[string]string) (answer map[string]any, found ivr.Found)
}

// lookup asks for a flow, and logs how it went: never what was asked or answered.
func (d *Desk) lookup(j *journey) func(context.Context, string, map[string]string) (map[string]any, ivr.Found) {
	if d.Lookups == nil && d.Problems == nil {
		return nil
	}
	return func(ctx context.Context, name string, ask map[string]string) (map[string]any, ivr.Found) {
		if answer, found, ours := d.builtIn(ctx, j, name, ask); ours || d.Lookups == nil {
			return answer, found
		}
		began := time.Now()
		answer, found := d.Lookups.Ask(ctx, name, ask)
		j.looked = namedIn(answer)
		j.log.Info("looked up", zap.String("lookup", name), zap.Duration("took", time.Since(began)), zap.Bool("found", found == ivr.LookupFound), zap.Bool("failed", found == ivr.LookupFailed))
		return answer, found
	}
}

// language is what the caller hears: the one chosen, else the number's.
func (j *journey) language() string {
	return cmp.Or(j.spoken, j.centre.language(j.call.To.Number))
}
