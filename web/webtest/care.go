package webtest

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"firstline/call"
	"firstline/intake/block"
	"firstline/intake/incident"
	"firstline/intake/lost"
	"firstline/intake/number"
	"firstline/intake/spoken"
	"firstline/web"
)

// region is where numbers without a country code are from.
const region = "DE"

// Append implements call.Journal. Reject is its answer when not nil.
func (w *World) Append(_ context.Context, evs ...call.Event) error {
	if w.Reject != nil {
		return w.Reject
	}
	w.Add(evs...)
	return nil
}

// Post implements call.Journal.
func (w *World) Post(evs ...call.Event) { w.Add(evs...) }

// care is the lists of callers: the domain's own on this journal, and what is kept
// of them.
type care struct {
	w      *World
	lost   *lost.List
	blocks *block.List
	known  *incident.List
	spoken []spoken.Prompt // the newest last

	items map[call.LostID]*lost.Item // guarded by World.mu, as the next is
	all   map[call.BlockID]*block.Block
}

func newCare(w *World) *care {
	return &care{
		w: w, lost: lost.New(lost.Config{Journal: w}, nil), blocks: block.New(block.Config{Journal: w}, nil),
		known: incident.New(incident.Config{Journal: w, Ticket: numbered()}, nil),
		items: make(map[call.LostID]*lost.Item), all: make(map[call.BlockID]*block.Block),
	}
}

// fold keeps an event of one of the lists; others are left alone.
func (c *care) fold(e call.Event) error {
	switch e.Stream.Kind {
	case call.StreamLost:
		return of(c.items, call.LostID(e.Stream.ID)).Apply(e)
	case call.StreamBlock:
		return of(c.all, call.BlockID(e.Stream.ID)).Apply(e)
	}
	return nil
}

// of is the thing with an id, made when it is new.
func of[K comparable, T any](all map[K]*T, id K) *T {
	if all[id] == nil {
		all[id] = new(T)
	}
	return all[id]
}

// Lose is a caller who left unserved at an instant, after a minute in the queue.
func (w *World) Lose(at time.Time, c *Caller, from call.Party) call.LostID {
	w.care.lost.Left(lost.Abandon{
		Call: c.ID, Ticket: c.Ticket, From: from, Number: number.Normal(from.Number, region), Queue: "service-desk",
		Joined: at.Add(-time.Minute), Left: at, Reason: "abandoned",
	}, call.CallEvent(at, c.ID, call.CallerLost{Queue: "service-desk", Number: from.Number, Joined: at.Add(-time.Minute), Reason: "abandoned"}))
	open := w.care.lost.Open()
	i := slices.IndexFunc(open, func(it lost.Item) bool {
		return slices.ContainsFunc(it.Calls, func(x lost.Call) bool { return x.ID == c.ID })
	})
	return open[i].ID
}

// Propose is a block that an agent proposed, or, with forever, a supervisor decided.
func (w *World) Propose(p block.Pattern, by string, forever bool) call.BlockID {
	proposal := block.Proposal{Pattern: p, Reason: "threats", By: by, Supervisor: forever}
	if !forever {
		proposal.Until = time.Now().Add(24 * time.Hour)
	}
	b, err := w.care.blocks.Propose(context.Background(), proposal)
	if err != nil {
		panic(err) // the test's script is wrong
	}
	return b.ID
}

// Panic implements web.Talks: the call goes on, for whoever presses next.
func (w *World) Panic(ctx context.Context, id call.ID, by, reason string) (block.Block, error) {
	if err := w.tellRecorder("panic", id, by); err != nil {
		return block.Block{}, err
	}
	r, err := w.Call(ctx, id)
	if err != nil {
		return block.Block{}, err
	}
	return w.care.blocks.Pressed(ctx, block.Press{Number: number.Normal(r.From.Number, region), Call: id, By: by, Reason: reason})
}

type worldLost struct{ *care }

// LostItems implements web.Lost, as the methods below do.
func (c worldLost) LostItems(_ context.Context, f web.LostFilter) ([]lost.Item, error) {
	c.w.mu.Lock()
	defer c.w.mu.Unlock()
	var out []lost.Item
	for _, it := range c.items {
		if (f.Open == nil || *f.Open == it.Open()) && (f.End == "" || f.End == it.End) && (f.Queue == "" || f.Queue == it.Queue) && (f.Before == "" || it.ID < f.Before) {
			out = append(out, *it)
		}
	}
	slices.SortFunc(out, func(a, b lost.Item) int { return cmp.Compare(b.ID, a.ID) })
	return out[:min(len(out), f.Limit)], nil
}

func (c worldLost) LostItem(_ context.Context, id call.LostID) (lost.Item, error) {
	c.w.mu.Lock()
	defer c.w.mu.Unlock()
	if it := c.items[id]; it != nil {
		return *it, nil
	}
	return lost.Item{}, web.ErrNotFound
}

func (c worldLost) Try(ctx context.Context, id call.LostID, t lost.Try) (lost.Item, error) {
	return c.lost.Try(ctx, id, t)
}

func (c worldLost) Resolve(ctx context.Context, id call.LostID, by, note string) (lost.Item, error) {
	return c.lost.Resolve(ctx, id, by, note)
}

func (c worldLost) Decline(ctx context.Context, id call.LostID, by, reason string) (lost.Item, error) {
	return c.lost.Decline(ctx, id, by, reason)
}

// numbered gives each incident a ticket of its own.
func numbered() func() (call.TicketID, error) {
	n := 0
	return func() (call.TicketID, error) {
		n++
		return call.TicketID(fmt.Sprintf("T-9%05d", n)), nil
	}
}

// Know declares an incident on a queue.
func (w *World) Know(q call.QueueID) call.IncidentID {
	i, err := w.care.known.Declare(context.Background(), incident.Declaration{Queue: q, Title: "VPN", By: "supervisor:sue"})
	if err != nil {
		panic(err) // the test's script is wrong
	}
	return i.ID
}

// Over ends an incident.
func (w *World) Over(id call.IncidentID) {
	if _, err := w.care.known.End(context.Background(), id, "supervisor:sue", ""); err != nil {
		panic(err) // the test's script is wrong
	}
}

type worldIncidents struct{ *incident.List }

// Incidents implements web.Incidents.
func (l worldIncidents) Incidents() []incident.Incident { return l.All() }

// Tell implements web.Incidents.
func (l worldIncidents) Tell(ctx context.Context, id call.IncidentID, prompt string, message call.RecordingID, by string) (incident.Incident, error) {
	return l.List.Tell(ctx, id, prompt, message, by)
}

type worldBlocks struct{ *care }

// Blocks implements web.Blocks, as the methods below do.
func (c worldBlocks) Blocks(_ context.Context, f web.BlockFilter) ([]block.Block, error) {
	c.w.mu.Lock()
	defer c.w.mu.Unlock()
	var out []block.Block
	for _, b := range c.all {
		if (f.Live == nil || *f.Live != b.Over(time.Now())) && (f.Before == "" || b.ID < f.Before) {
			out = append(out, *b)
		}
	}
	slices.SortFunc(out, func(a, b block.Block) int { return cmp.Compare(b.ID, a.ID) })
	return out[:min(len(out), f.Limit)], nil
}

func (c worldBlocks) Block(_ context.Context, id call.BlockID) (block.Block, error) {
	c.w.mu.Lock()
	defer c.w.mu.Unlock()
	if b := c.all[id]; b != nil {
		return *b, nil
	}
	return block.Block{}, web.ErrNotFound
}

func (c worldBlocks) Propose(ctx context.Context, p web.BlockProposal) (block.Block, error) {
	asked := block.Proposal{Reason: p.Reason, Until: p.Until, By: p.By, Supervisor: p.Supervisor}
	if p.Call != nil {
		asked.Call, asked.Pattern = p.Call.ID, block.Of(number.Normal(p.Call.From.Number, region))
	}
	if p.Number != "" {
		var err error
		if asked.Pattern, err = block.Parse(p.Number, region); err != nil {
			return block.Block{}, err
		}
	}
	return c.blocks.Propose(ctx, asked)
}

func (c worldBlocks) Approve(ctx context.Context, id call.BlockID, a block.Approval) (block.Block, error) {
	return c.blocks.Approve(ctx, id, a)
}

func (c worldBlocks) Decline(ctx context.Context, id call.BlockID, by, reason string) (block.Block, error) {
	return c.blocks.Decline(ctx, id, by, reason)
}

func (c worldBlocks) Lift(ctx context.Context, id call.BlockID, by, reason string) (block.Block, error) {
	return c.blocks.Lift(ctx, id, by, reason)
}
