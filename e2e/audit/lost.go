package audit

import (
	"time"

	"firstline/call"
)

// lostBook holds calls that nobody answered to the list of lost callers.
type lostBook struct {
	due    map[call.ID]call.Outcome // ended so that the caller has to be on the list
	noted  map[call.ID]int          // the call says that its caller was lost
	listed map[call.ID]int          // items that have the call
	asked  map[call.ID]bool         // is called back in place of that
	open   map[call.LostID]string   // items without an end, by number
	ended  map[call.LostID]bool
	of     map[string]call.LostID // the open item of a number
}

func newLostBook() lostBook {
	return lostBook{
		due: map[call.ID]call.Outcome{}, noted: map[call.ID]int{}, listed: map[call.ID]int{}, asked: map[call.ID]bool{},
		open: map[call.LostID]string{}, ended: map[call.LostID]bool{}, of: map[string]call.LostID{},
	}
}

// ends takes note of a call's end. Test calls, those that we placed, and callers
// who were handed on to a number are owed nothing.
func (b *lostBook) ends(id call.ID, p *phoned, e call.Ended) {
	if p.test || p.out || e.Cause.Reason == call.Completed && e.Cause.Text == "transferred" {
		return
	}
	switch p.outcome {
	case call.OutcomeAbandoned, call.OutcomeTimeoutOverflow, call.OutcomeEmpty, call.OutcomeSystemFailed:
		b.due[id] = p.outcome
	}
}

func (c *Checker) applyLost(e call.Event) {
	id, b := call.LostID(e.Stream.ID), &c.lost
	_, open := b.open[id]
	opened, opens := e.Body.(call.LostOpened)
	switch {
	case opens && (open || b.ended[id]):
		c.broke(LostOnce, "lost caller %s comes to the list twice", id)
		return
	case !opens && !open:
		c.broke(LostOnce, "lost caller %s is not on the list: %s", id, e.Body.Type())
		return
	}
	switch body := e.Body.(type) {
	case call.LostOpened:
		if other, twice := b.of[opened.Number]; twice && opened.Number != "" {
			c.broke(LostOnce, "lost callers %s and %s are one number, and both on the list", other, id)
		}
		b.open[id], b.of[opened.Number] = opened.Number, id
		b.listed[body.Call]++
	case call.LostAgain:
		if b.open[id] == "" {
			c.broke(LostOnce, "lost caller %s withheld the number, and is taken for the one of call %s", id, body.Call)
		}
		b.listed[body.Call]++
	case call.LostEnded:
		delete(b.of, b.open[id])
		delete(b.open, id)
		b.ended[id] = true
	}
}

// checkLost is done at the end: a call's own word and the item's are written
// together, and may be told in either order.
func (c *Checker) checkLost() {
	b := &c.lost
	for id, outcome := range b.due {
		if b.listed[id] != 1 && !b.asked[id] {
			c.broke(LostOnce, "call %s ended as %s, and is on the list %d times", id, outcome, b.listed[id])
		}
	}
	for id, n := range b.listed {
		if n != 1 || b.noted[id] != 1 {
			c.broke(LostOnce, "call %s is on the list %d times, and says so %d times", id, n, b.noted[id])
		}
	}
	for id := range b.noted {
		if b.listed[id] == 0 {
			c.broke(LostOnce, "call %s says that its caller was lost, and is not on the list", id)
		}
	}
}

// compareLost holds the board's count of those who are owed a call to the fold.
func (c *Checker) compareLost(b *Board, at time.Time) {
	if b.Totals.LostOpen != len(c.lost.open) {
		c.brokeAt(at, BoardIsFold, "%d callers are to be called back on the board, and %d", b.Totals.LostOpen, len(c.lost.open))
	}
}
