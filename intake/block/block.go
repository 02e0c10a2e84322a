package block

import (
	"fmt"
	"time"

	"firstline/call"
)

// State is how far a block is.
type State string

// The states of a block. One that was approved and whose time is over stays
// Approved: see Block.Over.
const (
	Proposed State = "proposed"
	Approved State = "approved"
	Declined State = "declined"
	Lifted   State = "lifted"
)

// next is the one table of moves.
func (s State) next(to State) (State, error) {
	ok := false
	switch s {
	case "":
		ok = to == Proposed
	case Proposed:
		ok = to == Approved || to == Declined
	case Approved:
		ok = to == Approved || to == Lifted // approved once more: another end
	case Declined, Lifted:
	}
	if !ok {
		return s, fmt.Errorf("block: %q to %q", s, to)
	}
	return to, nil
}

// Block is one block, folded from its stream. The zero Block is ready for the
// first event.
type Block struct {
	ID       call.BlockID `json:"id"`
	Pattern  Pattern      `json:"number"`
	State    State        `json:"state"`
	Reason   string       `json:"reason"`
	Call     call.ID      `json:"call,omitempty"` // that gave cause
	Proposal Act          `json:"proposal"`
	Approval Act          `json:"approval,omitzero"`
	End      Act          `json:"end,omitzero"`    // declined or lifted
	From     time.Time    `json:"from,omitzero"`   // in force since
	Until    time.Time    `json:"until,omitzero"`  // the first instant at which callers are admitted again; zero: none
	Holds    time.Time    `json:"holds,omitzero"`  // a proposal keeps the caller out until then
	Refused  int          `json:"refused"`         // calls
	Latest   time.Time    `json:"latest,omitzero"` // call that was refused
}

// Act is what somebody did.
type Act struct {
	At   time.Time `json:"at"`
	By   string    `json:"by"`
	Note string    `json:"note,omitempty"`
}

// Holding reports whether the block keeps its callers out at an instant.
func (b *Block) Holding(at time.Time) bool {
	switch b.State {
	case Proposed:
		return at.Before(b.Holds)
	case Approved:
		return !at.Before(b.From) && !b.Over(at)
	}
	return false
}

// Over reports whether nothing can come of the block any more at an instant.
func (b *Block) Over(at time.Time) bool {
	switch b.State {
	case Proposed:
		return false
	case Approved:
		return !b.Until.IsZero() && !at.Before(b.Until)
	}
	return true
}

// Apply folds the next event of the block's stream in. An event that does not fit
// is an error and changes nothing.
func (b *Block) Apply(e call.Event) error {
	if e.Stream.Kind != call.StreamBlock {
		return fmt.Errorf("block: %s given a %s event", b.ID, e.Stream.Kind)
	}
	if _, opens := e.Body.(call.BlockProposed); !opens && b.ID == "" {
		return fmt.Errorf("block: %s was not proposed: %s", e.Stream.ID, e.Body.Type())
	}
	switch x := e.Body.(type) {
	case call.BlockProposed:
		if err := b.move(Proposed); err != nil {
			return err
		}
		*b = Block{
			ID: call.BlockID(e.Stream.ID), Pattern: Pattern(x.Number), State: Proposed, Reason: x.Reason, Call: x.Call,
			Proposal: Act{At: e.At, By: x.By}, Until: x.Until, Holds: x.Holds,
		}
	case call.BlockPressed:
		if b.State != Proposed {
			return fmt.Errorf("block: %s is %s: %s", b.ID, b.State, e.Body.Type())
		}
		b.Call, b.Holds = x.Call, x.Holds
	case call.BlockApproved:
		if err := b.move(Approved); err != nil {
			return err
		}
		b.Approval, b.From, b.Until = Act{At: e.At, By: x.By}, x.From, x.Until
	case call.BlockDeclined:
		return b.end(Declined, Act{At: e.At, By: x.By, Note: x.Reason})
	case call.BlockLifted:
		return b.end(Lifted, Act{At: e.At, By: x.By, Note: x.Reason})
	case call.BlockRefused:
		b.Refused, b.Latest = b.Refused+1, e.At
	case call.Unknown:
	default:
		return fmt.Errorf("block: %s cannot apply %s", b.ID, e.Body.Type())
	}
	return nil
}

func (b *Block) move(to State) error {
	next, err := b.State.next(to)
	if err != nil {
		return fmt.Errorf("%s: %w", b.ID, err)
	}
	b.State = next
	return nil
}

func (b *Block) end(as State, a Act) error {
	if err := b.move(as); err != nil {
		return err
	}
	b.End = a
	return nil
}
