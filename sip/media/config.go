package media

import (
	"cmp"
	"errors"
	"fmt"
	"net/netip"
	"runtime"
	"time"
)

// Errors that callers match with errors.Is.
var (
	ErrNoPorts  = errors.New("media: no free RTP port pair")
	ErrClosed   = errors.New("media: closed")
	ErrRemote   = errors.New("media: remote address must not be sent to") // multicast, broadcast, port 0, our own socket
	ErrParams   = errors.New("media: parameters not usable")
	ErrNoDTMF   = errors.New("media: telephone-event was not negotiated")
	ErrNotSends = errors.New("media: direction does not allow sending")
	ErrDigit    = errors.New("media: not a digit")
	ErrBridged  = errors.New("media: stream is already bridged")
	ErrFormat   = errors.New("media: WAV format not supported")
)

// Config of an Engine. The zero value listens on loopback, ports 20000 to 39999.
type Config struct {
	IP               netip.Addr    // address the sockets bind to; default 127.0.0.1
	PortMin, PortMax uint16        // inclusive; both 0 means 20000 to 39999. RTP takes the even, RTCP the odd port
	Quarantine       time.Duration // a released pair is not given out for this long, so late RTP of one call is not heard in the next; default 8 s
	Shards           int           // pacer goroutines; default GOMAXPROCS
	LockWindow       time.Duration // after Configure a source other than the SDP address may prove itself for this long; default 5 s
	LockSilence      time.Duration // the locked source may be replaced after this much silence; default 10 s
	MediaTimeout     time.Duration // silence until MediaLost; default 15 s; negative: never
	FirstTimeout     time.Duration // the same before the first packet ever, for peers that only listen; default MediaTimeout
	FlushEvery       time.Duration // how often a recording is written to its file; default 500 ms

	// Unanswered stops the stream towards an address from which nothing came for this long after our first packet, so
	// that an SDP cannot aim us at a third party; it goes on with the first packet from there. 0: never stop. An
	// address that signalled for itself (Params.SignallingSource) is no third party: a peer may listen without sending.
	Unanswered time.Duration

	// Forbidden reports further destinations that must never be sent to, such as our own SIP or database port.
	Forbidden func(netip.AddrPort) bool
	// OnDrop, when set, is told of every received packet that is dropped. It runs on the receive path: it must
	// not block (a counter's Inc is what it is for).
	OnDrop func(Drop)
}

// Drop says why a received packet went nowhere.
type Drop uint8

// The reasons for a Drop.
const (
	DropForeign   Drop = iota // not from the locked source
	DropMalformed             // not RTP or RTCP by its lengths and version
	DropPayload               // payload type that was not negotiated
	DropSequence              // sequence number far outside the window (RFC 3550 A.1)
	DropEarly                 // before the first Configure
)

// String returns the reason as a metric label.
func (d Drop) String() string {
	names := [...]string{"foreign", "malformed", "payload", "sequence", "early"}
	if int(d) < len(names) {
		return names[d]
	}
	return fmt.Sprintf("drop %d", uint8(d))
}

// Validate returns all faults of c at once; the zero value has none.
func (c Config) Validate() error {
	c = c.withDefaults()
	var faults []error
	if c.IP.IsMulticast() {
		faults = append(faults, fmt.Errorf("media: ip %s is multicast", c.IP))
	}
	if c.PortMax <= c.PortMin {
		faults = append(faults, fmt.Errorf("media: port range %d-%d is empty", c.PortMin, c.PortMax))
	} else if c.pairs() < 1 {
		faults = append(faults, fmt.Errorf("media: port range %d-%d holds no even/odd pair", c.PortMin, c.PortMax))
	}
	if c.PortMin < 1024 {
		faults = append(faults, fmt.Errorf("media: port %d is below 1024", c.PortMin))
	}
	if c.Shards < 0 {
		faults = append(faults, fmt.Errorf("media: %d pacer shards", c.Shards))
	}
	for _, d := range []struct {
		name string
		d    time.Duration
	}{{"quarantine", c.Quarantine}, {"lock window", c.LockWindow}, {"lock silence", c.LockSilence}, {"unanswered", c.Unanswered}} {
		if d.d < 0 {
			faults = append(faults, fmt.Errorf("media: %s %v is negative", d.name, d.d))
		}
	}
	if c.FlushEvery < 10*time.Millisecond || c.FlushEvery > 700*time.Millisecond {
		faults = append(faults, fmt.Errorf("media: flush interval %v is not within 10 ms to 700 ms", c.FlushEvery))
	}
	return errors.Join(faults...)
}

func (c Config) withDefaults() Config {
	if !c.IP.IsValid() {
		c.IP = netip.AddrFrom4([4]byte{127, 0, 0, 1})
	}
	c.IP = c.IP.Unmap()
	if c.PortMin == 0 && c.PortMax == 0 {
		c.PortMin, c.PortMax = 20000, 39999
	}
	c.Quarantine = cmp.Or(c.Quarantine, 8*time.Second)
	c.Shards = cmp.Or(c.Shards, runtime.GOMAXPROCS(0))
	c.LockWindow = cmp.Or(c.LockWindow, 5*time.Second)
	c.LockSilence = cmp.Or(c.LockSilence, 10*time.Second)
	c.MediaTimeout = cmp.Or(c.MediaTimeout, 15*time.Second)
	c.FlushEvery = cmp.Or(c.FlushEvery, 500*time.Millisecond)
	return c
}

// firstPort is the first even port of the range.
func (c Config) firstPort() int { return (int(c.PortMin) + 1) &^ 1 }

// pairs counts the even/odd pairs that lie wholly inside the range.
func (c Config) pairs() int { return (int(c.PortMax) - c.firstPort() + 1) / 2 }
