package asterisk

import (
	"encoding/json"
	"time"
)

// Event is what Asterisk says happened: one of the types below by value, or Unknown.
type Event interface {
	Kind() string    // "StasisStart"
	When() time.Time // by Asterisk's clock
}

// Head is what every event has.
type Head struct {
	Type        string `json:"type"`
	Application string `json:"application"`
	Timestamp   Time   `json:"timestamp"`
	AsteriskID  string `json:"asterisk_id"`
}

// Kind is the event's type.
func (h Head) Kind() string { return h.Type }

// When is the event's instant by Asterisk's clock.
func (h Head) When() time.Time { return h.Timestamp.Time }

type (
	// StasisStart says that a channel has come into the application.
	StasisStart struct {
		Head
		Args    []string `json:"args"`
		Channel Channel  `json:"channel"`
	}
	// StasisEnd is the last event of a snoop channel: no ChannelDestroyed follows.
	StasisEnd struct {
		Head
		Channel Channel `json:"channel"`
	}
	// ChannelCreated is told of the channels of an endpoint that is subscribed to.
	ChannelCreated struct {
		Head
		Channel Channel `json:"channel"`
	}
	// ChannelStateChange says that a channel rings, is up, …
	ChannelStateChange struct {
		Head
		Channel Channel `json:"channel"`
	}
	// ChannelDestroyed carries the Q.850 cause, and the technology's own: of
	// PJSIP the SIP status, where there was one.
	ChannelDestroyed struct {
		Head
		Cause     int     `json:"cause"`
		CauseText string  `json:"cause_txt"`
		TechCause int     `json:"tech_cause"`
		Channel   Channel `json:"channel"`
	}
	// ChannelHangupRequest says that somebody ends a channel. Several may come for one.
	ChannelHangupRequest struct {
		Head
		Cause     int     `json:"cause"`
		TechCause int     `json:"tech_cause"`
		Soft      bool    `json:"soft"`
		Channel   Channel `json:"channel"`
	}
	// ChannelDtmfReceived is a key that was let go.
	ChannelDtmfReceived struct {
		Head
		Digit    string  `json:"digit"`
		Duration int     `json:"duration_ms"`
		Channel  Channel `json:"channel"`
	}
	// ChannelHold says that the phone put us on hold.
	ChannelHold struct {
		Head
		Channel Channel `json:"channel"`
	}
	// ChannelUnhold ends ChannelHold.
	ChannelUnhold struct {
		Head
		Channel Channel `json:"channel"`
	}
	// Dial is about the channel that is dialled (Peer).
	Dial struct {
		Head
		Status string  `json:"dialstatus"` // "", "RINGING", "PROGRESS", "ANSWER", "BUSY", "NOANSWER", "CONGESTION", "CHANUNAVAIL", "CANCEL"
		Peer   Channel `json:"peer"`
	}
	// ChannelTransfer is a REFER from the phone that the application has to serve.
	ChannelTransfer struct {
		Head
		State      string     `json:"state"`
		ReferTo    ReferTo    `json:"refer_to"`
		ReferredBy ReferredBy `json:"referred_by"`
	}
	// PlaybackStarted comes for the first of several media.
	PlaybackStarted struct {
		Head
		Playback Playback `json:"playback"`
	}
	// PlaybackFinished says by the state whether it was played: "done", or "failed" when there is no such media.
	PlaybackFinished struct {
		Head
		Playback Playback `json:"playback"`
	}
	// RecordingStarted says that the time line begins.
	RecordingStarted struct {
		Head
		Recording LiveRecording `json:"recording"`
	}
	// RecordingFinished says that the file is whole.
	RecordingFinished struct {
		Head
		Recording LiveRecording `json:"recording"`
	}
	// RecordingFailed says why in Recording.Cause.
	RecordingFailed struct {
		Head
		Recording LiveRecording `json:"recording"`
	}
	// BridgeDestroyed is told of bridges in which one of our channels is.
	BridgeDestroyed struct {
		Head
		Bridge Bridge `json:"bridge"`
	}
	// ChannelEnteredBridge is told of visible bridges.
	ChannelEnteredBridge struct {
		Head
		Bridge  Bridge  `json:"bridge"`
		Channel Channel `json:"channel"`
	}
	// ChannelLeftBridge ends ChannelEnteredBridge.
	ChannelLeftBridge struct {
		Head
		Bridge  Bridge  `json:"bridge"`
		Channel Channel `json:"channel"`
	}
	// EndpointStateChange also comes with each channel that an endpoint gets or loses.
	EndpointStateChange struct {
		Head
		Endpoint Endpoint `json:"endpoint"`
	}
	// PeerStatusChange says that a phone has registered, or is gone.
	PeerStatusChange struct {
		Head
		Endpoint Endpoint `json:"endpoint"`
		Peer     Peer     `json:"peer"`
	}
	// ContactStatusChange is the same of one of its registrations.
	ContactStatusChange struct {
		Head
		Endpoint Endpoint `json:"endpoint"`
		Contact  Contact  `json:"contact_info"`
	}
	// DeviceStateChanged is what a subscription to "deviceState:…" tells.
	DeviceStateChanged struct {
		Head
		Device DeviceState `json:"device_state"`
	}
	// ApplicationReplaced says that somebody else reads this application's
	// events now: whoever gets it must act no more.
	ApplicationReplaced struct{ Head }
	// Unknown is an event of a type that is not listed here, unread; or one of a
	// type that is, whose content is not as Asterisk's description has it.
	Unknown struct {
		Head
		Raw json.RawMessage `json:"-"`
		Err error           `json:"-"` // of a type that is listed: what did not fit
	}
)
