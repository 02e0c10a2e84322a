package call

import (
	"context"
	"errors"
	"time"
)

// Party is one side of a call as the signalling names it. Number is E.164 or an
// extension, empty when withheld; Name is the display name. Both are text from
// outside: bounded and stripped of control characters by the front end, escaped
// by whoever shows them.
type Party struct {
	Number string `json:"number,omitempty"`
	Name   string `json:"name,omitempty"`
}

// Media names something to play by its key, never by a path: "prompt:en/welcome",
// "music:default", "tone:beep". Each front end maps keys to what it can play.
type Media string

// Errors that callers of a leg or switch can match.
var (
	// ErrUnsupported means that the front end lacks the ability; Caps says so beforehand.
	ErrUnsupported = errors.New("call: not supported by this front end")
	// ErrNoMedia means that a media key is unknown.
	ErrNoMedia = errors.New("call: no such media")
	// ErrState means that the verb does not fit the leg's state (a prompt before the answer).
	ErrState = errors.New("call: wrong state for this verb")
)

// Leg is one party's connection to the switch. Verbs are repeatable and safe for
// use by one goroutine at a time, except Hangup, which anybody may call at any
// time. A verb on a leg that is gone returns the leg's Cause.
type Leg interface {
	ID() LegID
	Remote() Party
	// Context ends when the leg is gone; context.Cause is the Cause.
	Context() context.Context
	// Events carries what happens by itself. It has one reader. A reader that
	// lags loses digits before it loses anything else.
	Events() <-chan LegEvent

	// Ring tells the caller that it rings (180). Only before Answer.
	Ring(ctx context.Context) error
	// Answer takes an incoming call. Answering an answered leg does nothing.
	Answer(ctx context.Context) error
	// Play plays media in order and returns when the last is done. Digits do not
	// interrupt it; they are kept for the next Collect (type-ahead).
	Play(ctx context.Context, media ...Media) error
	// Collect plays prompts and gathers digits; see Collect.
	Collect(ctx context.Context, c Collect) (Collected, error)
	// Hold starts music that loops until the next Play, Collect, Hold, Quiet or
	// Switch.Bridge, and returns at once. The music's position is a common clock:
	// a caller does not hear its start again after each announcement.
	Hold(ctx context.Context, music Media) error
	// Quiet stops music.
	Quiet(ctx context.Context) error
	// SendDTMF sends digits (0-9, *, #, A-D) and returns when they are sent.
	SendDTMF(ctx context.Context, digits string) error
	// Transfer hands the far end to another target blindly (REFER).
	Transfer(ctx context.Context, to Endpoint) error
	// Hangup ends the leg: a final response when it is not answered (by the
	// cause's SIP status, else by its reason), a BYE or CANCEL otherwise. It
	// returns when the leg's context has ended; it never blocks on the far end.
	Hangup(ctx context.Context, c Cause) error
}

// Collect says what to gather. The zero values of the times mean 5 s to the
// first digit and 3 s between digits.
type Collect struct {
	Prompts       []Media       // played first; a digit stops them (barge-in)
	Max           int           // done after so many digits; 0 means 1
	Terminator    byte          // ends the input and is not part of it; 0 means none
	First         time.Duration // from the end of the prompts to the first digit
	Between       time.Duration // between two digits
	Fresh         bool          // discard digits keyed before this call
	Uninterrupted bool          // prompts play to their end; digits keyed meanwhile count
}

// Collected is what was gathered. Digits is empty after a timeout.
type Collected struct {
	Digits   string
	TimedOut bool // ended by time, not by Max or Terminator
}

// LegEventKind says what happened on a leg by itself.
type LegEventKind string

const (
	LegRinging   LegEventKind = "ringing"    // an originated leg rings (180, 183)
	LegUp        LegEventKind = "up"         // an originated leg answered
	LegDigit     LegEventKind = "digit"      // a digit was keyed; it is also kept for Collect
	LegHeld      LegEventKind = "held"       // the phone put its far end on hold; the switch plays music to the other side of the bridge
	LegUnheld    LegEventKind = "unheld"     // and took it back
	LegTransfer  LegEventKind = "transfer"   // the phone asked for a transfer (REFER); Target says where
	LegMediaLost LegEventKind = "media-lost" // no RTP for a while although some is due
	LegMediaBack LegEventKind = "media-back"
	LegQuality   LegEventKind = "quality" // figures of the leg, at its end and now and then
)

// LegEvent is one happening on a leg.
type LegEvent struct {
	At       time.Time
	Kind     LegEventKind
	Digit    byte          // LegDigit
	Press    time.Duration // LegDigit: how long it was held, 0 when unknown
	Target   string        // LegTransfer: the number or user asked for
	Replaces LegID         // LegTransfer: the phone's other leg, whose far end is to take this one's place (RFC 3891); empty for a blind one
	Quality  Quality       // LegQuality
}

// Quality is what RTP and RTCP say of one leg.
type Quality struct {
	Codec    string        `json:"codec,omitempty"`   // "PCMU", "PCMA"
	Sent     uint64        `json:"sent"`              // RTP packets
	Received uint64        `json:"received"`          // RTP packets
	Lost     uint64        `json:"lost"`              // RTP packets that never came (RFC 3550 appendix A.3)
	Foreign  uint64        `json:"foreign,omitempty"` // RTP packets dropped by the source lock
	Jitter   time.Duration `json:"jitter_ns"`         // RFC 3550 section 6.4.1
	RTT      time.Duration `json:"rtt_ns,omitempty"`  // from RTCP, 0 when unknown
}

// AwaitAnswer reads the events of an originated leg until it answers (nil) or
// ends (its Cause), or until ctx ends (its cause; the leg is left as it is).
// onRing, when not nil, is called once at the first ringing.
func AwaitAnswer(ctx context.Context, l Leg, onRing func(at time.Time)) error {
	for {
		select {
		case e := <-l.Events():
			switch e.Kind {
			case LegRinging:
				if onRing != nil {
					onRing(e.At)
					onRing = nil
				}
			case LegUp:
				return nil
			}
		case <-l.Context().Done():
			return context.Cause(l.Context())
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}
