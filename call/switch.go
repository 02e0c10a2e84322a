package call

import (
	"context"
	"time"
)

// Call is an incoming call as a front end hands it to the journey: an INVITE
// that passed validation, admission, number and codec checks. Nothing above 100
// has been sent yet.
type Call struct {
	ID      ID
	Origin  string // the front end's own stable key (Call-ID and From tag): the same when the INVITE is sent again after a restart
	From    Party
	To      Party    // the number dialled
	Trunk   string   // name of the trunk, or of the device for an internal call
	Device  DeviceID // our own phone that proved to be calling; empty for everybody else
	Arrived time.Time
	Leg     Leg
	Test    bool // marked by the caller's tool; kept out of figures
}

// Handler serves calls. ServeCall owns the call until it returns; ctx ends when
// the caller is gone. The front end hangs up whatever leg is left afterwards.
type Handler interface {
	ServeCall(ctx context.Context, c *Call)
}

// Endpoint says whom to reach: a device of ours, or a number through a trunk.
// Exactly one of Device and Number is set; an empty Trunk lets number policy choose.
type Endpoint struct {
	Device DeviceID `json:"device,omitempty"`
	Number string   `json:"number,omitempty"`
	Trunk  string   `json:"trunk,omitempty"`
}

// Originate asks for an outgoing leg.
type Originate struct {
	ID      LegID
	To      Endpoint
	From    Party             // shown on the phone
	Ring    time.Duration     // give up with NoAnswer after so long; 0 means 60 s
	Headers map[string]string // extra SIP headers, for example X-Firstline-Ticket
}

// Caps declares what a front end can do beyond the verbs.
type Caps struct {
	Record       bool // Bridge.Record writes stereo
	Tap          bool // Bridge.Tap listens, whispers and barges
	Adopt        bool // legs survive a restart of this process
	EarlyMedia   bool // prompts before the answer
	DTMFStart    bool // a digit is reported when it begins
	ReferByPhone bool // LegTransfer is reported
	Transfer     bool // Leg.Transfer asks the far end to go elsewhere
	RecordGrows  bool // Recording.File is there and playable while the recording runs
	Continue     bool // legs are Continuers
	Message      bool // legs are Recorders
}

// Continuer is a leg that can be handed back to the dialplan of the exchange it
// came from, where Caps.Continue says so. Its context ends as Completed then.
type Continuer interface {
	Continue(ctx context.Context, to Dialplan) error
}

// Recorder is a leg of which a recording can be made by itself, where Caps.Message says
// so: what its far end says, on the left; nothing else is recorded. A second one with
// the same id returns the first. It goes on with silence after the leg's end, until it
// is stopped.
type Recorder interface {
	Record(ctx context.Context, id RecordingID) (Recording, error)
}

// Attentive is a Recording that knows when something was said last: how long after its
// beginning, and whether anything was at all. It is a second or so behind.
type Attentive interface {
	Said() (last time.Duration, ever bool)
}

// Dialplan is a place in an exchange's dialplan. An empty Exten is the number that
// was dialled, an empty Context the one that the call came from; Priority 0 is 1.
type Dialplan struct {
	Context  string `json:"context,omitempty"`
	Exten    string `json:"exten,omitempty"`
	Priority int    `json:"priority,omitempty"`
}

// Switch makes legs and joins them.
type Switch interface {
	// Originate starts an outgoing leg and returns when the request is on its
	// way; LegRinging and LegUp follow as events, a failure ends the leg's
	// context. An error means that nothing was sent (Cause{Unreachable} when the
	// device has no registration). Ending ctx afterwards does not end the leg.
	Originate(ctx context.Context, o Originate) (Leg, error)
	// Bridge joins two answered legs and stops what plays to them. While one
	// side's phone is on hold the other hears b.Music.
	Bridge(ctx context.Context, b BridgeSpec) (Bridge, error)
	// Adopt lists what survived while this process was away. An adopted leg's
	// first event says whether its phone holds (LegHeld or LegUnheld). Bridge and
	// Record with the id of something adopted return it as it is.
	Adopt(ctx context.Context) (Survivors, error)
	Caps() Caps
}

// BridgeSpec is what Switch.Bridge joins. Caller is recorded left, Agent right.
type BridgeSpec struct {
	ID     BridgeID
	Caller Leg
	Agent  Leg
	Music  Media
}

// Bridge is two joined legs. It ends with Close or with either leg; the legs
// stay up when only the bridge is closed.
type Bridge interface {
	ID() BridgeID
	// Record starts a recording; a second one with the same id returns the first.
	Record(ctx context.Context, id RecordingID) (Recording, error)
	// Tap lets a third leg, answered and in no bridge, listen, whisper or barge;
	// several may. Tapping again with the same leg changes its mode: what it said
	// in one mode is never heard by those who hear it in the next. Its end removes
	// it; closing the bridge leaves it up and silent. Barging is recorded on both
	// sides, a whisper on neither.
	Tap(ctx context.Context, who Leg, mode TapMode) error
	// Close parts the legs and leaves both up.
	Close(ctx context.Context) error
}

// TapMode is how a supervisor is on a bridge.
type TapMode string

const (
	Listen  TapMode = "listen"  // hears both, heard by none
	Whisper TapMode = "whisper" // hears both, heard by the agent
	Barge   TapMode = "barge"   // hears both, heard by both
)

// Recording is a recording under way.
type Recording interface {
	ID() RecordingID
	// File is the path of the audio, relative to the recordings folder. With
	// Caps.RecordGrows it grows while the recording runs and is playable at any
	// time; else it is there when Stop has returned.
	File() string
	// Pause writes digital silence into both channels until Resume; the time
	// line goes on. Pausing a paused recording does nothing.
	Pause(ctx context.Context) error
	Resume(ctx context.Context) error
	// Stop ends the recording. Stopping again returns the same result. ErrHandedOver:
	// it goes on, and another process ends it.
	Stop(ctx context.Context) (Recorded, error)
}

// Recorded is a finished recording.
type Recorded struct {
	File     string        `json:"file"` // relative to the recordings folder
	Duration time.Duration `json:"duration_ns"`
	Bytes    int64         `json:"bytes"`
}

// Survivors is what Switch.Adopt found. Legs and bridges carry the ids that we
// gave them; what the journal does not know is hung up by the caller of Adopt.
type Survivors struct {
	Legs       []Leg
	Bridges    []Bridge
	Recordings []Recording
}

// Leg finds a surviving leg by id.
func (s Survivors) Leg(id LegID) (Leg, bool) {
	for _, l := range s.Legs {
		if l.ID() == id {
			return l, true
		}
	}
	return nil, false
}

// Bridge finds a surviving bridge by id.
func (s Survivors) Bridge(id BridgeID) (Bridge, bool) {
	for _, b := range s.Bridges {
		if b.ID() == id {
			return b, true
		}
	}
	return nil, false
}

// Recording finds a surviving recording by id.
func (s Survivors) Recording(id RecordingID) (Recording, bool) {
	for _, r := range s.Recordings {
		if r.ID() == id {
			return r, true
		}
	}
	return nil, false
}
