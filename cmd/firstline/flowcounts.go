package main

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"firstline/call"
	"firstline/ivr"
	"firstline/ivr/traffic"
	"firstline/store"
	"firstline/web"
)

// flowCounts follows the journal and counts the calls at each node of the flows. It is
// made again at the start from the events of the day: nobody in the flow calls it.
type flowCounts struct {
	journal *store.Journal
	after   int64

	mu   sync.Mutex // guards book
	book *traffic.Book
}

// newFlowCounts counts from the events behind a global sequence.
func newFlowCounts(j *store.Journal, after int64, zone func() *time.Location) *flowCounts {
	return &flowCounts{journal: j, after: after, book: traffic.New(zone)}
}

// run follows the journal until ctx ends.
func (c *flowCounts) run(ctx context.Context) error {
	for cursor := c.journal.Read(c.after); ; {
		evs, err := cursor.Next(ctx)
		if err != nil {
			if ctx.Err() != nil {
				return nil
			}
			return err
		}
		c.apply(evs)
	}
}

func (c *flowCounts) apply(evs []call.Event) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, e := range evs {
		c.book.Apply(e)
	}
}

func (c *flowCounts) counts(now time.Time) map[ivr.Place]ivr.Count {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.book.Counts(now)
}

// webFlows draws the flows of the centre in force.
type webFlows struct{ s *server }

// Flows implements web.Flows.
func (w webFlows) Flows(now time.Time) []web.FlowRow {
	centre, counts := w.s.centre.now(), w.s.flows.counts(now)
	numbers := make(map[string][]string)
	for _, n := range slices.Sorted(maps.Keys(centre.Numbers)) {
		to := centre.Numbers[n]
		numbers[to.Flow] = append(numbers[to.Flow], n)
	}
	var rows []web.FlowRow
	for _, id := range slices.Sorted(maps.Keys(centre.Flows)) {
		rows = append(rows, web.FlowRowOf(centre.Flows[id], numbers[id], counts))
	}
	return rows
}

// Picture implements web.Flows.
func (w webFlows) Picture(flow string, now time.Time) (ivr.Picture, error) {
	f := w.s.centre.now().Flows[flow]
	if f == nil {
		return ivr.Picture{}, fmt.Errorf("%w: flow %s", web.ErrNotFound, flow)
	}
	return ivr.Draw([]*ivr.Flow{f}).Counted(w.s.flows.counts(now)), nil
}

// Versions implements web.Flows.
func (w webFlows) Versions(ctx context.Context) ([]web.CentreVersion, error) {
	kept, err := w.s.store.Centres(ctx)
	if err != nil {
		return nil, away(err)
	}
	var all []web.CentreVersion
	for _, c := range kept {
		all = append(all, web.CentreVersion{Hash: c.Hash, Stored: c.Stored, Now: c.Hash == w.s.centre.now().Hash})
	}
	return all, nil
}
