package main

import (
	"context"
	"fmt"
	"time"

	"firstline/call"
	"firstline/intake/block"
	"firstline/intake/lost"
	"firstline/intake/number"
	"firstline/store"
	"firstline/web"
)

// mayEdit is the API's 503 while the database is away: what a person edits is not
// spooled behind their back.
func (s *server) mayEdit() error {
	if st := s.journal.Status(); st.Mode != store.Direct {
		return fmt.Errorf("%w: the database has been away since %s", web.ErrUnavailable, st.Since.Format(time.RFC3339))
	}
	return nil
}

// webLost reads lost callers from the store and has the list change them.
type webLost struct{ s *server }

func (w webLost) LostItems(ctx context.Context, f web.LostFilter) ([]lost.Item, error) {
	before, err := w.s.store.Position(ctx, call.StreamLost, string(f.Before))
	if err != nil {
		return nil, away(err)
	}
	p, err := w.s.store.LostItems(ctx, store.LostFilter{Open: f.Open, End: f.End, Queue: f.Queue, Before: before, Limit: f.Limit})
	return p.Items, away(err)
}

func (w webLost) LostItem(ctx context.Context, id call.LostID) (lost.Item, error) {
	it, err := w.s.store.LostItem(ctx, id)
	return it, away(err)
}

func (w webLost) Try(ctx context.Context, id call.LostID, t lost.Try) (lost.Item, error) {
	return edit(w.s, func() (lost.Item, error) { return w.s.lost.Try(ctx, id, t) })
}

func (w webLost) Resolve(ctx context.Context, id call.LostID, by, note string) (lost.Item, error) {
	return edit(w.s, func() (lost.Item, error) { return w.s.lost.Resolve(ctx, id, by, note) })
}

func (w webLost) Decline(ctx context.Context, id call.LostID, by, reason string) (lost.Item, error) {
	return edit(w.s, func() (lost.Item, error) { return w.s.lost.Decline(ctx, id, by, reason) })
}

// edit has a person's change made, where it may be.
func edit[T any](s *server, do func() (T, error)) (T, error) {
	if err := s.mayEdit(); err != nil {
		var none T
		return none, err
	}
	v, err := do()
	return v, away(err)
}

// webBlocks reads blocks from the store and has the list change them.
type webBlocks struct{ s *server }

func (w webBlocks) Blocks(ctx context.Context, f web.BlockFilter) ([]block.Block, error) {
	before, err := w.s.store.Position(ctx, call.StreamBlock, string(f.Before))
	if err != nil {
		return nil, away(err)
	}
	p, err := w.s.store.Blocks(ctx, store.BlockFilter{Live: f.Live, Before: before, Limit: f.Limit})
	return p.Items, away(err)
}

func (w webBlocks) Block(ctx context.Context, id call.BlockID) (block.Block, error) {
	b, err := w.s.store.Block(ctx, id)
	return b, away(err)
}

// Propose reads the number as the centre's own country writes it, and that of a
// call as the line gave it.
func (w webBlocks) Propose(ctx context.Context, p web.BlockProposal) (block.Block, error) {
	c := w.s.centre.now()
	asked := block.Proposal{Reason: p.Reason, Until: p.Until, By: p.By, Supervisor: p.Supervisor}
	if p.Call != nil {
		region := c.Region(c.Numbers[p.Call.To.Number])
		asked.Call, asked.Pattern = p.Call.ID, block.Of(number.Normal(p.Call.From.Number, region))
	}
	if p.Number != "" {
		var err error
		if asked.Pattern, err = block.Parse(p.Number, c.Callers.Region); err != nil {
			return block.Block{}, err
		}
	}
	return edit(w.s, func() (block.Block, error) { return w.s.blocks.Propose(ctx, asked) })
}

func (w webBlocks) Approve(ctx context.Context, id call.BlockID, a block.Approval) (block.Block, error) {
	return edit(w.s, func() (block.Block, error) { return w.s.blocks.Approve(ctx, id, a) })
}

func (w webBlocks) Decline(ctx context.Context, id call.BlockID, by, reason string) (block.Block, error) {
	return edit(w.s, func() (block.Block, error) { return w.s.blocks.Decline(ctx, id, by, reason) })
}

func (w webBlocks) Lift(ctx context.Context, id call.BlockID, by, reason string) (block.Block, error) {
	return edit(w.s, func() (block.Block, error) { return w.s.blocks.Lift(ctx, id, by, reason) })
}

// Panic works while the database is away too.
func (w webTalks) Panic(ctx context.Context, id call.ID, by, reason string) (block.Block, error) {
	b, err := w.s.desk.Panic(ctx, id, by, reason)
	return b, conflict(err)
}
