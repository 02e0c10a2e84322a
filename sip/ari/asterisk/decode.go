package asterisk

import (
	"bytes"
	"encoding/json"
)

// Decode reads one event. It cannot fail: what is of no type that is listed here,
// or does not fit its type, is Unknown with the text as it came.
func Decode(b []byte) Event {
	kind := kindOf(b)
	decode := decoder(kind)
	if decode == nil {
		return unknown(b, nil)
	}
	e, err := decode(b)
	if err != nil || e.Kind() != kind {
		return unknown(b, err)
	}
	return e
}

// kindOf is the event's type. Asterisk writes it first, so that nearly always the
// text need not be read twice.
func kindOf(b []byte) string {
	if rest, ok := bytes.CutPrefix(b, []byte(`{"type":"`)); ok {
		if kind, _, ok := bytes.Cut(rest, []byte(`"`)); ok && !bytes.Contains(kind, []byte(`\`)) {
			return string(kind)
		}
	}
	var head struct {
		Type string `json:"type"`
	}
	_ = json.Unmarshal(b, &head) // what cannot be read has no type
	return head.Type
}

func unknown(b []byte, err error) Unknown {
	u := Unknown{Raw: b, Err: err}
	if headErr := json.Unmarshal(b, &u.Head); err == nil {
		u.Err = headErr
	}
	return u
}

func as[E Event](b []byte) (Event, error) {
	var e E
	err := json.Unmarshal(b, &e)
	return e, err
}

// decoder returns nil for a type that is not listed.
func decoder(kind string) func([]byte) (Event, error) {
	switch kind {
	case "StasisStart":
		return as[StasisStart]
	case "StasisEnd":
		return as[StasisEnd]
	case "ChannelCreated":
		return as[ChannelCreated]
	case "ChannelStateChange":
		return as[ChannelStateChange]
	case "ChannelDestroyed":
		return as[ChannelDestroyed]
	case "ChannelHangupRequest":
		return as[ChannelHangupRequest]
	case "ChannelDtmfReceived":
		return as[ChannelDtmfReceived]
	case "ChannelHold":
		return as[ChannelHold]
	case "ChannelUnhold":
		return as[ChannelUnhold]
	case "Dial":
		return as[Dial]
	case "ChannelTransfer":
		return as[ChannelTransfer]
	case "PlaybackStarted":
		return as[PlaybackStarted]
	case "PlaybackFinished":
		return as[PlaybackFinished]
	case "RecordingStarted":
		return as[RecordingStarted]
	case "RecordingFinished":
		return as[RecordingFinished]
	case "RecordingFailed":
		return as[RecordingFailed]
	case "BridgeDestroyed":
		return as[BridgeDestroyed]
	case "ChannelEnteredBridge":
		return as[ChannelEnteredBridge]
	case "ChannelLeftBridge":
		return as[ChannelLeftBridge]
	case "EndpointStateChange":
		return as[EndpointStateChange]
	case "PeerStatusChange":
		return as[PeerStatusChange]
	case "ContactStatusChange":
		return as[ContactStatusChange]
	case "DeviceStateChanged":
		return as[DeviceStateChanged]
	case "ApplicationReplaced":
		return as[ApplicationReplaced]
	}
	return nil
}
