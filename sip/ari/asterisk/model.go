package asterisk

import (
	"strings"
	"time"
)

// Time is an instant as ARI writes it: "2026-11-24T08:00:00.123+0000".
type Time struct{ time.Time }

const timeLayout = "2006-01-02T15:04:05.000-0700"

// UnmarshalJSON reads ARI's layout.
func (t *Time) UnmarshalJSON(b []byte) error {
	s := strings.Trim(string(b), `"`)
	if s == "" || s == "null" {
		return nil
	}
	at, err := time.Parse(timeLayout, s)
	if err != nil {
		return err
	}
	t.Time = at.UTC()
	return nil
}

// Channel is a channel as ARI describes it.
type Channel struct {
	ID           string            `json:"id"`
	ProtocolID   string            `json:"protocol_id"` // the SIP Call-ID
	Name         string            `json:"name"`        // "PJSIP/trunk-00000001"; of our own making only in Snoop/ and Local/
	State        string            `json:"state"`       // "Ring", "Ringing", "Up", "Down", …
	Caller       CallerID          `json:"caller"`
	Connected    CallerID          `json:"connected"`
	AccountCode  string            `json:"accountcode"`
	Dialplan     Dialplan          `json:"dialplan"`
	CreationTime Time              `json:"creationtime"`
	Language     string            `json:"language"`
	Variables    map[string]string `json:"channelvars"` // those that ari.conf lists
	TenantID     string            `json:"tenantid"`
}

// CallerID is text from outside.
type CallerID struct {
	Name   string `json:"name"`
	Number string `json:"number"`
}

// Dialplan is where a channel is in the dialplan.
type Dialplan struct {
	Context  string `json:"context"`
	Exten    string `json:"exten"`
	Priority int    `json:"priority"`
	AppName  string `json:"app_name"` // "Stasis" while it is ours
	AppData  string `json:"app_data"` // "firstline,arg"
}

// Bridge is a bridge as ARI describes it.
type Bridge struct {
	ID         string   `json:"id"`
	Name       string   `json:"name"`
	Type       string   `json:"bridge_type"` // "mixing", "holding"
	Technology string   `json:"technology"`
	Channels   []string `json:"channels"`
	Creation   Time     `json:"creationtime"`
}

// Playback is something that plays, or has played.
type Playback struct {
	ID     string `json:"id"`
	Media  string `json:"media_uri"`
	Target string `json:"target_uri"` // "channel:<id>"
	State  string `json:"state"`      // "queued", "playing", "continuing", "done", "failed"
}

// LiveRecording is a recording under way, or in the event of its end.
type LiveRecording struct {
	Name     string `json:"name"`
	Format   string `json:"format"`
	Target   string `json:"target_uri"`
	State    string `json:"state"` // "queued", "recording", "paused", "done", "failed", "canceled"
	Duration int    `json:"duration"`
	Cause    string `json:"cause"`
}

// Endpoint is a phone or a trunk that Asterisk knows.
type Endpoint struct {
	Technology string   `json:"technology"` // "PJSIP"
	Resource   string   `json:"resource"`   // "desk1"
	State      string   `json:"state"`      // "online", "offline", "unknown"
	Channels   []string `json:"channel_ids"`
}

// Application is a Stasis application and what it is subscribed to.
type Application struct {
	Name      string   `json:"name"`
	Channels  []string `json:"channel_ids"`
	Bridges   []string `json:"bridge_ids"`
	Endpoints []string `json:"endpoint_ids"`
	Devices   []string `json:"device_names"`
}

// Info is which Asterisk this is.
type Info struct {
	System struct {
		Version  string `json:"version"`
		EntityID string `json:"entity_id"`
	} `json:"system"`
	Status struct {
		Started  Time `json:"startup_time"` // a later one than before: Asterisk was restarted
		Reloaded Time `json:"last_reload_time"`
	} `json:"status"`
}

// ReferTo is where a phone wants a call sent.
type ReferTo struct {
	Requested   Requested `json:"requested_destination"`
	Destination *Channel  `json:"destination_channel"` // attended: the call that is to be joined, when it is here
	Connected   *Channel  `json:"connected_channel"`   // whom that one talks with
	Bridge      *Bridge   `json:"bridge"`
}

// Requested is the content of Refer-To. It is text from outside.
type Requested struct {
	ProtocolID  string `json:"protocol_id"` // attended: the SIP Call-ID in Replaces
	Destination string `json:"destination"` // blind: the user part of the address
}

// ReferredBy is who asked for the transfer.
type ReferredBy struct {
	Source    Channel  `json:"source_channel"`    // the phone that sent REFER
	Connected *Channel `json:"connected_channel"` // whom it talks with
	Bridge    *Bridge  `json:"bridge"`
}

// Contact is one registration of a phone.
type Contact struct {
	URI    string `json:"uri"`
	Status string `json:"contact_status"` // "Reachable", "NonQualified", "Unreachable", "Removed", …
	AOR    string `json:"aor"`
}

// Peer is the state of a phone's registration.
type Peer struct {
	Status string `json:"peer_status"` // "Reachable", "Unreachable", …
	Cause  string `json:"cause"`
}

// DeviceState is whether a device is in use, for Asterisk.
type DeviceState struct {
	Name  string `json:"name"`  // "PJSIP/desk1"
	State string `json:"state"` // "NOT_INUSE", "INUSE", "RINGING", "ONHOLD", "UNAVAILABLE", …
}

// RTPStats is what Asterisk knows of a channel's audio: what comes from the far
// end as Asterisk counts it, and what goes there as the far end reports it (RTCP).
// The averages are named because Asterisk fills its txjitter with what it measured
// itself, and its rxjitter with what was reported.
type RTPStats struct {
	Sent      uint64  `json:"txcount"`
	Received  uint64  `json:"rxcount"`
	Lost      uint64  `json:"rxploss"`             // on the way to Asterisk
	FarLost   uint64  `json:"txploss"`             // on the way from it
	Jitter    float64 `json:"local_normdevjitter"` // average on the way to Asterisk, in seconds
	FarJitter float64 `json:"remote_normdevjitter"`
	RTT       float64 `json:"rtt"` // seconds
}
