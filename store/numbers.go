package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"sync"
	"time"

	"go.uber.org/zap"

	"firstline/call"
)

const (
	numberBlock = 200
	// numberReserve is what is kept at hand: at five calls a second it lasts for
	// more than three minutes without the database.
	numberReserve = 1000
)

// Numbers gives out ticket numbers from blocks reserved in the database. A number
// is given out once; those of a process that crashed are left out.
type Numbers struct {
	lease *lease
	log   *zap.Logger
	low   chan struct{} // has room for one; filled when a block should be fetched

	mu     sync.Mutex // guards what follows
	blocks []span
}

// span is the numbers from next up to, not including, end.
type span struct{ next, end int64 }

func newNumbers(ctx context.Context, l *lease, log *zap.Logger) (*Numbers, error) {
	n := &Numbers{lease: l, log: log, low: make(chan struct{}, 1)}
	if err := n.reserve(ctx, numberReserve+numberBlock); err != nil {
		return nil, err
	}
	return n, nil
}

// Next gives out a number ("T-100001") without waiting. It fails when none is
// left, which takes a database that has been away for more than a thousand tickets.
func (n *Numbers) Next() (call.TicketID, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.left() <= numberReserve+numberBlock/2 {
		nudge(n.low)
	}
	if len(n.blocks) == 0 {
		return "", errors.New("no ticket number is left in reserve")
	}
	b := &n.blocks[0]
	id := call.TicketID(fmt.Sprintf("T-%d", b.next))
	if b.next++; b.next == b.end {
		n.blocks = n.blocks[1:]
	}
	return id, nil
}

// left counts what is at hand; the lock is held.
func (n *Numbers) left() (sum int64) {
	for _, b := range n.blocks {
		sum += b.end - b.next
	}
	return sum
}

const reserveNumbers = `UPDATE numbers SET next = next + $1 WHERE name = 'ticket' RETURNING next`

func (n *Numbers) reserve(ctx context.Context, count int64) error {
	var end int64
	err := n.lease.fenced(ctx, func(tx *sql.Tx) error { return tx.QueryRowContext(ctx, reserveNumbers, count).Scan(&end) })
	if err != nil {
		return fmt.Errorf("reserve ticket numbers: %w", err)
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if last := len(n.blocks) - 1; last >= 0 && n.blocks[last].end == end-count {
		n.blocks[last].end = end
	} else {
		n.blocks = append(n.blocks, span{end - count, end})
	}
	return nil
}

// run fetches blocks in the background.
func (n *Numbers) run(ctx context.Context) {
	for {
		select {
		case <-n.low:
		case <-ctx.Done():
			return
		}
		for n.short() {
			// Seen through at the end as well: a block of unknown fate is a gap.
			attempt, cancel := reading(context.WithoutCancel(ctx))
			err := n.reserve(attempt, numberBlock)
			cancel()
			if err == nil {
				continue
			}
			n.log.Warn("ticket numbers", zap.Error(err))
			if !call.Pause(ctx, time.Second) {
				return
			}
		}
	}
}

func (n *Numbers) short() bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.left() <= numberReserve+numberBlock/2
}

const returnNumbers = `UPDATE numbers SET next = $1 WHERE name = 'ticket' AND next = $2`

// giveBack returns what was not used, so that an orderly restart leaves no gap.
// When it does not work there is a gap, and no harm.
func (n *Numbers) giveBack() {
	n.mu.Lock()
	defer n.mu.Unlock()
	if len(n.blocks) != 1 {
		return
	}
	ctx, cancel := reading(context.Background())
	defer cancel()
	if err := n.lease.exec(ctx, returnNumbers, n.blocks[0].next, n.blocks[0].end); err != nil {
		n.log.Info("unused ticket numbers are left out", zap.Error(err))
	}
	n.blocks = nil
}
