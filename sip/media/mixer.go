package media

import (
	"fmt"
	"slices"
	"sync"
	"time"
)

// TapMode says who hears a stream that taps a bridge. All taps hear the caller, the agent, and each other's barging.
type TapMode uint8

// The modes of a tap.
const (
	Listen  TapMode = iota // heard by none
	Whisper                // heard by the agent
	Barge                  // heard by all, and recorded on both sides
)

// String names the mode for logs and errors.
func (m TapMode) String() string {
	names := [...]string{"listen", "whisper", "barge"}
	if int(m) < len(names) {
		return names[m]
	}
	return fmt.Sprintf("tap mode %d", uint8(m))
}

// tapGuard is how long a tap is not heard after its mode was set, besides the round trip that its phone reports: what
// was said in one mode, and is still on its way, must never be heard by those who hear the next.
const tapGuard = 200 * time.Millisecond

// mixer joins a bridge's legs and its taps: every 20 ms each hears the sum of the others. It is on the wheel of the
// caller's shard and has no goroutine. A bridge has one only while it is tapped.
type mixer struct {
	engine *Engine
	shard  *shard
	slot   uint8
	id     uint32 // the source of what it records, among the ids of streams

	mu     sync.Mutex // guards all below and the seats; taken inside engine.joins, before a stream's mutexes
	closed bool
	seats  []*seat // caller, agent, then the taps

	sum [frameSamples]int32 // what follows belongs to tick
	mix [frameSamples]int16
	law [frameSamples]byte
}

// seat is one who hears the mix, and may be heard in it.
type seat struct {
	mixer  *mixer
	stream *Stream
	role   role

	held  bool      // its phone put us on hold: what it sends is no talk, and music, if any, is heard in its place
	music *Audio    // nil: silence
	since time.Time // of a tap: what arrived before was said in another mode
	rec   *Recorder // of a leg
	in    jitter
	frame [frameSamples]int16 // what it says in this tick
}

// role decides who hears whom.
type role uint8

const (
	caller role = iota
	agent
	listening
	whispering
	barging
)

func (m TapMode) role() role { return listening + role(m) }

// hears reports whether what s says is in l's mix.
func (l role) hears(s role) bool {
	switch s {
	case listening:
		return false
	case whispering:
		return l == agent
	default:
		return true
	}
}

// newMixer seats the two legs; they are in no mix before start.
func newMixer(b *Bridge) *mixer {
	m := &mixer{engine: b.engine, shard: b.legs[0].shard, slot: b.legs[0].slot, id: b.engine.ids.Add(1)}
	for i, s := range b.legs {
		m.seats = append(m.seats, &seat{mixer: m, stream: s, role: caller + role(i)})
	}
	return m
}

// start begins to mix with the next turn of the wheel.
func (m *mixer) start() { m.shard.add(m, m.slot) }

// stop ends it: no frame is sent or recorded after it.
func (m *mixer) stop() {
	m.mu.Lock()
	m.closed = true
	m.mu.Unlock()
	m.shard.remove(m, m.slot)
}

// seat is that of s, nil when it has none. Seats change only with engine.joins held.
func (m *mixer) seat(s *Stream) *seat {
	for _, x := range m.seats {
		if x.stream == s {
			return x
		}
	}
	return nil
}

// tap seats s or gives it another mode; what arrives before since is not for those who hear it then.
func (m *mixer) tap(since time.Time, s *Stream, mode TapMode) {
	m.mu.Lock()
	defer m.mu.Unlock()
	x := m.seat(s)
	switch {
	case x == nil:
		x = &seat{mixer: m, stream: s}
		m.seats = append(m.seats, x)
	case x.role == mode.role():
		return
	}
	x.role, x.since = mode.role(), since
	x.in.reset()
}

// leave frees the seat of a tap.
func (m *mixer) leave(s *Stream) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.seats = slices.DeleteFunc(m.seats, func(x *seat) bool { return x.stream == s })
}

// hold sets what is heard in place of s while its phone holds.
func (x *seat) hold(held bool, music *Audio) {
	x.mixer.mu.Lock()
	defer x.mixer.mu.Unlock()
	x.held, x.music = held, music
	x.in.reset()
}

// heard reports whether anybody hears what the seat's stream sends; engine.joins is held.
func (x *seat) heard() bool { return !x.held && x.role != listening }

// recordTo says where a leg is recorded, nil for nowhere.
func (x *seat) recordTo(rec *Recorder) {
	x.mixer.mu.Lock()
	defer x.mixer.mu.Unlock()
	x.rec = rec
}

// hear takes an accepted audio packet of the seat's stream. It runs on the receive path.
func (x *seat) hear(now time.Time, p *packet, payload []byte) {
	m := x.mixer
	m.mu.Lock()
	defer m.mu.Unlock()
	if now.Before(x.since) {
		return
	}
	x.in.put(samplesIn(now.Sub(m.engine.epoch)), p.epoch, p.ts, payload, m.engine.laws.decoder(p.codec))
}

// tick mixes and sends 20 ms.
func (m *mixer) tick(at time.Time, buf []byte) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.closed {
		return
	}
	now := samplesIn(at.Sub(m.engine.epoch))
	for _, x := range m.seats {
		x.say(at, now)
	}
	for _, x := range m.seats {
		m.mixFor(x)
		x.stream.mixed(at, &m.mix, buf)
	}
	m.record(at, now)
}

// say fetches the seat's frame.
func (x *seat) say(at time.Time, now int64) {
	switch {
	case x.role == listening:
	case !x.held:
		x.in.next(now, &x.frame)
	case x.music == nil:
		clear(x.frame[:])
	default:
		linear := x.mixer.engine.laws.decoder(PCMU)
		for i, code := range x.music.at(PCMU, at.Sub(x.mixer.engine.epoch)) {
			x.frame[i] = linear[code]
		}
	}
}

// mixFor sums up what l hears.
func (m *mixer) mixFor(l *seat) {
	clear(m.sum[:])
	for _, x := range m.seats {
		if x != l && l.role.hears(x.role) {
			m.add(x)
		}
	}
	m.saturate()
}

func (m *mixer) add(x *seat) {
	for i, v := range x.frame {
		m.sum[i] += int32(v)
	}
}

func (m *mixer) saturate() {
	for i, v := range m.sum {
		m.mix[i] = saturated(v)
	}
}

// record adds what the barging say to both sides of the recording. What the two legs say is recorded as it arrives,
// tapped or not, and is not touched; what is whispered never comes here.
func (m *mixer) record(at time.Time, now int64) {
	clear(m.sum[:])
	barged := false
	for _, x := range m.seats {
		if x.role == barging && !x.held {
			m.add(x)
			barged = true
		}
	}
	if !barged {
		return
	}
	m.saturate()
	m.engine.laws.encode(PCMU, m.law[:], &m.mix)
	p := packet{header: header{ts: uint32(now)}, codec: PCMU}
	for i, x := range m.seats[:2] {
		if x.rec != nil {
			x.rec.put(at, overLeft+Channel(i), uint64(m.id)<<32, &p, m.law[:])
		}
	}
}
