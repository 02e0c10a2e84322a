package tickets

import (
	"fmt"
	"slices"
)

// State is how far a problem is.
type State string

// The states of a ticket. While it waits, its clocks stand.
const (
	New             State = "new" // nobody has talked to the customer about it
	Open            State = "open"
	WaitingCustomer State = "waiting-customer"
	WaitingThird    State = "waiting-third-party"
	Resolved        State = "resolved"
	Closed          State = "closed" // settled: it is opened again within a time only
	Merged          State = "merged" // it goes on in another
)

// States are all of them, in the order of a life.
func States() []State {
	return []State{New, Open, WaitingCustomer, WaitingThird, Resolved, Closed, Merged}
}

// Waits reports whether it is somebody else's turn.
func (s State) Waits() bool { return s == WaitingCustomer || s == WaitingThird }

// Over reports whether nobody works on it any more.
func (s State) Over() bool { return s == Resolved || s == Closed || s == Merged }

// Next are the states that may follow.
func (s State) Next() []State {
	switch s {
	case New:
		return []State{Open, WaitingCustomer, WaitingThird, Resolved}
	case Open:
		return []State{WaitingCustomer, WaitingThird, Resolved}
	case WaitingCustomer:
		return []State{Open, WaitingThird, Resolved}
	case WaitingThird:
		return []State{Open, WaitingCustomer, Resolved}
	case Resolved:
		return []State{Open, Closed}
	case Closed:
		return []State{Open}
	}
	return nil
}

// To returns an error that matches ErrInvalid when a state may not follow.
func (s State) To(next State) error {
	if !slices.Contains(States(), next) {
		return fmt.Errorf("%w: %q is no state of a ticket; there are %v", ErrInvalid, next, States())
	}
	if !slices.Contains(s.Next(), next) {
		return fmt.Errorf("%w: after %s may come %v, not %s", ErrInvalid, s, s.Next(), next)
	}
	return nil
}
