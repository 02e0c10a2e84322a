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

// The events that the front end reads.
type (
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
	ChannelCreated struct {
		Head
		Channel Channel `json:"channel"`
	}
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
	ChannelHangupRequest struct {
		Head
		Cause     int     `json:"cause"`
		TechCause int     `json:"tech_cause"`
		Soft      bool    `json:"soft"`
		Channel   Channel `json:"channel"`
	}
	ChannelDtmfReceived struct {
		Head
		Digit    string  `json:"digit"`
		Duration int     `json:"duration_ms"`
		Channel  Channel `json:"channel"`
	}
	ChannelHold struct {
		Head
		Channel Channel `json:"channel"`
	}
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
	PlaybackStarted struct {
		Head
		Playback Playback `json:"playback"`
	}
	PlaybackFinished struct {
		Head
		Playback Playback `json:"playback"`
	}
	RecordingStarted struct {
		Head
		Recording LiveRecording `json:"recording"`
	}
	RecordingFinished struct {
		Head
		Recording LiveRecording `json:"recording"`
	}
	RecordingFailed struct {
		Head
		Recording LiveRecording `json:"recording"`
	}
	BridgeDestroyed struct {
		Head
		Bridge Bridge `json:"bridge"`
	}
	ChannelEnteredBridge struct {
		Head
		Bridge  Bridge  `json:"bridge"`
		Channel Channel `json:"channel"`
	}
	ChannelLeftBridge struct {
		Head
		Bridge  Bridge  `json:"bridge"`
		Channel Channel `json:"channel"`
	}
	EndpointStateChange struct {
		Head
		Endpoint Endpoint `json:"endpoint"`
	}
	PeerStatusChange struct {
		Head
		Endpoint Endpoint `json:"endpoint"`
		Peer     Peer     `json:"peer"`
	}
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
