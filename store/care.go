package store

import (
	"context"
	"fmt"
	"math"
	"time"

	"firstline/call"
	"firstline/intake/block"
	"firstline/intake/lost"
)

const (
	putBlocks = `INSERT INTO blocks (id, opened, ends, number, block) VALUES {rows}
ON CONFLICT (id) DO UPDATE SET ends = excluded.ends, number = excluded.number, block = excluded.block`

	putLostItems = `INSERT INTO lost_items (id, opened, ended, how, queue, number, item) VALUES {rows}
ON CONFLICT (id) DO UPDATE SET ended = excluded.ended, how = excluded.how, queue = excluded.queue,
number = excluded.number, item = excluded.item`

	oneBlock     = `SELECT id, opened, block FROM blocks WHERE id = $1`
	blockByID    = `SELECT block FROM blocks WHERE id = $1`
	selectBlocks = `SELECT opened, block FROM blocks`
	liveBlocks   = `SELECT opened, block FROM blocks WHERE ends > $1 ORDER BY opened`

	oneLostItem     = `SELECT id, opened, item FROM lost_items WHERE id = $1`
	lostItemByID    = `SELECT item FROM lost_items WHERE id = $1`
	selectLostItems = `SELECT opened, item FROM lost_items`
	lostInOrder     = `SELECT opened, item FROM lost_items WHERE ended = 0 ORDER BY opened`
)

// BlockFilter says which blocks are listed; zero fields do not filter.
type BlockFilter struct {
	Live   *bool // true: only proposals and blocks in force; false: only those that are over
	Number string
	Before int64 // a Page's Next
	Limit  int   // 100 when 0; at most 1,000
}

// Block returns a block, or ErrNotFound.
func (s *Store) Block(ctx context.Context, id call.BlockID) (block.Block, error) {
	return one[block.Block](ctx, s, "block "+string(id), nil, blockByID, key(string(id)))
}

// Blocks lists blocks, those proposed last first.
func (s *Store) Blocks(ctx context.Context, f BlockFilter) (Page[block.Block], error) {
	var w where
	if f.Live != nil {
		w.and(map[bool]string{true: "ends > ", false: "ends <= "}[*f.Live], time.Now().UnixMicro())
	}
	w.is("number", key(f.Number))
	return page[block.Block](ctx, s, "blocks", selectBlocks, w, f.Before, f.Limit)
}

// LiveBlocks returns every proposal and every block in force, in the order in which
// they were proposed.
func (s *Store) LiveBlocks(ctx context.Context) ([]block.Block, error) {
	all, _, err := list[block.Block](ctx, s, "live blocks", liveBlocks, time.Now().UnixMicro())
	return all, err
}

// LostFilter says which lost callers are listed; zero fields do not filter.
type LostFilter struct {
	Open   *bool // true: only who is owed a call; false: only those with an end
	End    call.LostEnd
	Queue  call.QueueID // of the first call
	Number string       // in its normal form
	Before int64        // a Page's Next
	Limit  int          // 100 when 0; at most 1,000
}

// LostItem returns a lost caller, or ErrNotFound.
func (s *Store) LostItem(ctx context.Context, id call.LostID) (lost.Item, error) {
	return one[lost.Item](ctx, s, "lost caller "+string(id), nil, lostItemByID, key(string(id)))
}

// LostItems lists lost callers, those lost last first.
func (s *Store) LostItems(ctx context.Context, f LostFilter) (Page[lost.Item], error) {
	var w where
	if f.Open != nil {
		w.conditions = append(w.conditions, map[bool]string{true: "ended = 0", false: "ended > 0"}[*f.Open])
	}
	w.is("how", key(string(f.End)))
	w.is("queue", key(string(f.Queue)))
	w.is("number", key(f.Number))
	return page[lost.Item](ctx, s, "lost callers", selectLostItems, w, f.Before, f.Limit)
}

// OpenLostItems returns every caller who is owed a call, in the order in which they
// came to the list.
func (s *Store) OpenLostItems(ctx context.Context) ([]lost.Item, error) {
	all, _, err := list[lost.Item](ctx, s, "open lost callers", lostInOrder)
	return all, err
}

// blockRow files a block under the instant from which nothing can come of it.
func blockRow(w *write, id string, x *folded[block.Block]) error {
	b := &x.thing
	ends := int64(math.MaxInt64)
	switch {
	case !b.End.At.IsZero():
		ends = b.End.At.UnixMicro()
	case b.State == block.Approved && !b.Until.IsZero():
		ends = b.Until.UnixMicro()
	}
	return put(w, b, id, x.opened, ends, key(string(b.Pattern)))
}

func lostRow(w *write, id string, x *folded[lost.Item]) error {
	it := &x.thing
	return put(w, it, id, x.opened, micros(it.Ended), key(string(it.End)), key(string(it.Queue)), key(it.Number))
}

// careFolds are the blocks and lost callers at hand.
type careFolds struct {
	blocks map[string]*folded[block.Block]
	lost   map[string]*folded[lost.Item]
}

func newCareFolds() careFolds {
	return careFolds{blocks: make(map[string]*folded[block.Block]), lost: make(map[string]*folded[lost.Item])}
}

func (f *careFolds) load(ctx context.Context, db *database, it item) error {
	if it.Stream.Kind == call.StreamBlock {
		return find(ctx, db, f.blocks, it, oneBlock)
	}
	return find(ctx, db, f.lost, it, oneLostItem)
}

func (f *careFolds) apply(it item) error {
	if it.Stream.Kind == call.StreamBlock {
		return f.blocks[it.Stream.ID].thing.Apply(it.Event)
	}
	return f.lost[it.Stream.ID].thing.Apply(it.Event)
}

// forget drops what was touched; it is looked up when it is touched again.
func (f *careFolds) forget(id string) {
	delete(f.blocks, id)
	delete(f.lost, id)
}

func (f *careFolds) row(blocks, items *write, at call.Stream) error {
	switch at.Kind {
	case call.StreamBlock:
		return blockRow(blocks, at.ID, f.blocks[at.ID])
	case call.StreamLost:
		return lostRow(items, at.ID, f.lost[at.ID])
	}
	return fmt.Errorf("no table of %ss", at.Kind)
}
