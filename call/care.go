package call

import "time"

// Two streams about callers rather than calls: who is kept out, and who left
// unserved and is owed a call.

const (
	StreamBlock StreamKind = "block"
	StreamLost  StreamKind = "lost"
)

type (
	// BlockID names one block of a number: a UUIDv7.
	BlockID string
	// LostID names one caller on the list of lost callers, from an abandon to its
	// one end: a UUIDv7.
	LostID string
)

// BlockEvent is an event of a block at an instant.
func BlockEvent(at time.Time, id BlockID, b Body) Event {
	return newEvent(at, StreamBlock, string(id), b)
}

// LostEvent is an event of a lost caller at an instant.
func LostEvent(at time.Time, id LostID, b Body) Event {
	return newEvent(at, StreamLost, string(id), b)
}

// The block stream.

type (
	// BlockProposed opens a block, which keeps nobody out yet but until Holds.
	BlockProposed struct {
		Number string    `json:"number"` // E.164; with * at the end for all that begin so; "withheld"
		Reason string    `json:"reason"`
		By     string    `json:"by"` // "agent:<name>", "supervisor:<name>"
		Until  time.Time `json:"until,omitzero"`
		Call   ID        `json:"call,omitempty"` // that gave cause
		Holds  time.Time `json:"holds,omitzero"` // proposed by the panic button: in force until then, or the decision
	}
	// BlockPressed says that the panic button was pressed in another call of the
	// same caller while nobody had decided.
	BlockPressed struct {
		By    string    `json:"by"`
		Call  ID        `json:"call"`
		Holds time.Time `json:"holds,omitzero"`
	}
	// BlockApproved brings a block into force, or changes until when it is.
	BlockApproved struct {
		By    string    `json:"by"`
		From  time.Time `json:"from"`
		Until time.Time `json:"until,omitzero"` // the first instant at which callers are admitted again; zero: none
	}
	// BlockDeclined ends a proposal.
	BlockDeclined struct {
		By     string `json:"by"`
		Reason string `json:"reason"`
	}
	// BlockLifted ends a block before its time.
	BlockLifted struct {
		By     string `json:"by"`
		Reason string `json:"reason"`
	}
	// BlockRefused says that a call was kept out.
	BlockRefused struct {
		Call ID `json:"call"`
	}
)

// LostEnd is the one end of a lost caller.
type LostEnd string

// The ends of a lost caller.
const (
	LostCalledBack  LostEnd = "called-back"
	LostCalledAgain LostEnd = "called-again-and-answered"
	LostResolved    LostEnd = "resolved-elsewhere"
	LostUnreachable LostEnd = "unreachable" // after so many tries
	LostDeclined    LostEnd = "declined"
)

// LostEnds returns all ends.
func LostEnds() []LostEnd {
	return []LostEnd{LostCalledBack, LostCalledAgain, LostResolved, LostUnreachable, LostDeclined}
}

// The lost stream.

type (
	// LostOpened puts a caller on the list: the first call that nobody answered.
	LostOpened struct {
		Call   ID        `json:"call"`
		Ticket TicketID  `json:"ticket"`
		From   Party     `json:"from"`
		Number string    `json:"number,omitempty"` // From's in E.164; empty when withheld
		Client string    `json:"client,omitempty"`
		Queue  QueueID   `json:"queue,omitempty"`
		Joined time.Time `json:"joined"` // the original arrival in the queue
		Reason string    `json:"reason"`
	}
	// LostAgain says that the same caller phoned again, and nobody answered.
	LostAgain struct {
		Call   ID        `json:"call"`
		Ticket TicketID  `json:"ticket"`
		Queue  QueueID   `json:"queue,omitempty"`
		Joined time.Time `json:"joined"`
		Reason string    `json:"reason"`
	}
	// LostTried is one try to call back. Call is set where the server placed it.
	LostTried struct {
		By      string `json:"by"`
		Reached bool   `json:"reached"`
		Call    ID     `json:"call,omitempty"`
		Note    string `json:"note,omitempty"`
	}
	// LostEnded takes the caller off the list. Call is the one that was answered.
	LostEnded struct {
		End  LostEnd `json:"end"`
		By   string  `json:"by"` // "system" for an answered redial
		Call ID      `json:"call,omitempty"`
		Note string  `json:"note,omitempty"`
	}
)

// In the streams of the call and of its recording.

type (
	// Panicked says that an agent ended the conversation by the panic button.
	Panicked struct {
		By     string `json:"by"`
		Reason string `json:"reason,omitempty"`
	}
	// RecordingFlagged marks a recording as one to keep, and says why.
	RecordingFlagged struct {
		By     string `json:"by"`
		Reason string `json:"reason"`
	}
)

func (BlockProposed) Type() string    { return "block.proposed" }
func (BlockPressed) Type() string     { return "block.pressed" }
func (BlockApproved) Type() string    { return "block.approved" }
func (BlockDeclined) Type() string    { return "block.declined" }
func (BlockLifted) Type() string      { return "block.lifted" }
func (BlockRefused) Type() string     { return "block.refused" }
func (LostOpened) Type() string       { return "lost.opened" }
func (LostAgain) Type() string        { return "lost.again" }
func (LostTried) Type() string        { return "lost.tried" }
func (LostEnded) Type() string        { return "lost.ended" }
func (Panicked) Type() string         { return "call.panicked" }
func (RecordingFlagged) Type() string { return "recording.flagged" }

func careDecoder(name string) (func([]byte) (Body, error), bool) {
	switch name {
	case BlockProposed{}.Type():
		return decodeAs[BlockProposed], true
	case BlockPressed{}.Type():
		return decodeAs[BlockPressed], true
	case BlockApproved{}.Type():
		return decodeAs[BlockApproved], true
	case BlockDeclined{}.Type():
		return decodeAs[BlockDeclined], true
	case BlockLifted{}.Type():
		return decodeAs[BlockLifted], true
	case BlockRefused{}.Type():
		return decodeAs[BlockRefused], true
	case LostOpened{}.Type():
		return decodeAs[LostOpened], true
	case LostAgain{}.Type():
		return decodeAs[LostAgain], true
	case LostTried{}.Type():
		return decodeAs[LostTried], true
	case LostEnded{}.Type():
		return decodeAs[LostEnded], true
	case Panicked{}.Type():
		return decodeAs[Panicked], true
	case RecordingFlagged{}.Type():
		return decodeAs[RecordingFlagged], true
	}
	return nil, false
}
