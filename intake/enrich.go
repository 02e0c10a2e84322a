package intake

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"
	"unicode/utf8"

	"firstline/call"
	"firstline/ivr"
)

// Limits of what another system may say of a caller.
const (
	mostFacts   = 20
	longestFact = 200 // characters
)

// enrich asks the system that the centre names about a caller, while the call goes
// on: what it says within its budget is on the ticket before the call is in a queue.
func (d *Desk) enrich(j *journey) {
	name := j.centre.Enrich
	if name == "" || d.Lookups == nil || j.number == "" {
		return
	}
	done := make(chan struct{})
	j.enriched = done
	ask := map[string]string{"number": j.number, "client": j.client(), "called": j.call.To.Number}
	id, ticket := j.call.ID, j.ticket
	d.wg.Go(func() {
		defer close(done)
		answer, found := d.Lookups.Ask(context.WithoutCancel(j.call.Leg.Context()), name, ask)
		body := call.TicketEnriched{Lookup: name, Call: id}
		switch found {
		case ivr.LookupFound:
			body.Facts = factsOf(answer)
		case ivr.LookupFailed:
			body.Failed = "it did not answer in time, or not in our words"
		}
		if d.Problems != nil {
			is, release := d.Problems.Hold(id, ticket)
			defer release()
			ticket = is
		}
		d.Journal.Post(call.TicketEvent(time.Now(), ticket, body))
	})
}

// factsOf is what a system said, as text that a person reads; what is too long or too
// much is left out.
func factsOf(answer map[string]any) map[string]string {
	facts := make(map[string]string)
	for _, k := range slices.Sorted(maps.Keys(answer)) {
		text := fmt.Sprint(answer[k])
		if len(facts) < mostFacts && utf8.RuneCountInString(text) <= longestFact && utf8.RuneCountInString(k) <= longestFact {
			facts[k] = text
		}
	}
	return facts
}

// awaitFacts waits for what another system says of the caller, which is bounded by its
// budget: the agent has it before the phone rings.
func (j *journey) awaitFacts(ctx context.Context) {
	if j.enriched == nil {
		return
	}
	select {
	case <-j.enriched:
	case <-ctx.Done():
	}
}
