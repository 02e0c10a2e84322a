package webtest

import (
	"context"
	"fmt"
	"time"

	"firstline/call"
	"firstline/ivr"
	"firstline/ivr/traffic"
	"firstline/web"
)

// supportFlow is the one flow of a World.
const supportFlow = `name: Support line
start: welcome
nodes:
  welcome: {type: prompt, play: welcome, next: main}
  main:
    type: menu
    play: menu-main
    digits: {1: technical, 2: account, "*": main}
    default: desk
  technical: {type: classify, kind: technical-failure, next: desk}
  account: {type: branch, cases: [{if: 'caller.withheld', next: desk}], default: accounts}
  desk: {type: queue, queue: service-desk}
  accounts: {type: queue, queue: service-desk, priority: 5}
`

func (w *World) flow() *ivr.Flow {
	f, faults := ivr.Parse("flows/support.yaml", "support", []byte(supportFlow))
	if len(faults) > 0 {
		panic(faults.Err())
	}
	return f
}

func (w *World) counts(now time.Time) map[ivr.Place]ivr.Count {
	book := traffic.New(w.Zone)
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, e := range w.events {
		book.Apply(e)
	}
	return book.Counts(now)
}

// Flows implements web.Flows with the flow "support".
func (w *World) Flows(now time.Time) []web.FlowRow {
	f := w.flow()
	return []web.FlowRow{web.FlowRowOf(f, []string{"1000"}, w.counts(now))}
}

// Picture implements web.Flows.
func (w *World) Picture(flow string, now time.Time) (ivr.Picture, error) {
	if flow != "support" {
		return ivr.Picture{}, web.ErrNotFound
	}
	return ivr.Draw([]*ivr.Flow{w.flow()}).Counted(w.counts(now)), nil
}

// Versions implements web.Flows. It knows the two that GoBack and Reload name.
func (w *World) Versions(context.Context) ([]web.CentreVersion, error) {
	at := time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)
	return []web.CentreVersion{{Hash: "0123abcd", Stored: at.Add(time.Hour), Now: true}, {Hash: "4567", Stored: at}}, nil
}

// At brings the caller to nodes of the flow, one after the other.
func (c *Caller) At(nodes ...string) *Caller {
	for _, n := range nodes {
		c.add(call.StageEntered{Stage: "flow", Input: fmt.Appendf(nil, `{"flow":"support","state":{"flow":"support","node":%q}}`, n)})
	}
	return c
}

// GiveUp hangs up in the flow.
func (c *Caller) GiveUp() *Caller {
	c.add(call.Ended{Outcome: call.OutcomeEndedInFlow, Cause: call.Cause{Reason: call.Hangup}, Stage: "flow"})
	return c
}
