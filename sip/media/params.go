package media

import (
	"fmt"
	"net/netip"
	"time"
)

// Codec is a G.711 law by its static payload type (RFC 3551 table 4).
type Codec uint8

// The codecs of the native front end.
const (
	PCMU Codec = 0
	PCMA Codec = 8
)

// String returns the rtpmap name.
func (c Codec) String() string {
	switch c {
	case PCMU:
		return "PCMU"
	case PCMA:
		return "PCMA"
	}
	return fmt.Sprintf("codec %d", uint8(c))
}

// Direction is ours, not the peer's: SendOnly means that we send and ignore what comes.
type Direction uint8

// The SDP directions (RFC 8866 section 6.7), seen from our side.
const (
	SendRecv Direction = iota
	SendOnly
	RecvOnly
	Inactive
)

// String returns the SDP attribute name.
func (d Direction) String() string {
	names := [...]string{"sendrecv", "sendonly", "recvonly", "inactive"}
	if int(d) < len(names) {
		return names[d]
	}
	return fmt.Sprintf("direction %d", uint8(d))
}

func (d Direction) sends() bool    { return d == SendRecv || d == SendOnly }
func (d Direction) receives() bool { return d == SendRecv || d == RecvOnly }

// Params is what one offer/answer exchange agreed on.
type Params struct {
	Remote           netip.AddrPort // peer's RTP address from SDP; the unspecified address (RFC 2543 hold) means: send nothing
	RemoteRTCP       netip.AddrPort // zero: Remote's port + 1
	Codec            Codec
	PayloadType      uint8 // of Codec in both directions; 0 with PCMA means 8
	OtherLaw         bool  // both laws were agreed on: the peer may also send the other one with its static payload type
	DTMFPayload      uint8 // telephone-event at 8000 Hz; 0: not negotiated
	Direction        Direction
	SignallingSource netip.Addr // where the SIP message came from; a source with this address may prove itself, zero: unknown
}

// Kind says what an Event reports.
type Kind uint8

// The kinds of Event.
const (
	DigitStart Kind = iota + 1 // a digit was seen for the first time; act on this one
	DigitEnd                   // it ended; Duration is its length
	MediaLost                  // nothing received for Config.MediaTimeout though the direction expects audio
	MediaBack                  // audio again after MediaLost
)

// String names the kind for logs.
func (k Kind) String() string {
	names := [...]string{"none", "digit-start", "digit-end", "media-lost", "media-back"}
	if int(k) < len(names) {
		return names[k]
	}
	return fmt.Sprintf("kind %d", uint8(k))
}

// Event is something that the peer did by itself.
type Event struct {
	Kind     Kind
	Digit    byte          // '0'-'9', '*', '#', 'A'-'D' for digits
	Duration time.Duration // of a DigitEnd, from the telephone-event; of MediaBack, the silence
	At       time.Time
}

// Stats of a stream since Open.
type Stats struct {
	PacketsSent, BytesSent         uint64 // RTP payload bytes, as in a sender report
	PacketsReceived, BytesReceived uint64
	Lost                           int64         // expected - received (RFC 3550 A.3); may be negative with duplicates
	Jitter                         time.Duration // interarrival jitter (RFC 3550 A.8)
	RTT                            time.Duration // from the peer's last report about us; 0: unknown
	RemoteLost                     int64         // packets of ours that the peer says it lost
	RemoteJitter                   time.Duration // as the peer reports it
	Foreign                        uint64        // dropped: not from the locked source
	Malformed, UnknownPayload      uint64        // dropped: not RTP/RTCP; payload type not negotiated
	OutOfWindow, Early             uint64        // dropped: sequence jump; before Configure
	SendErrors, EventsDropped      uint64        // writes the kernel refused; events that nobody read
	Source                         netip.AddrPort
	Locked                         bool
	MOS                            float64 // 1 to 4.4, estimated from loss, jitter and RTT (simplified ITU-T G.107); 0: unknown
}
