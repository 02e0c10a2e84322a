package call

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"
	"time"
)

type (
	// ID names one call: a UUIDv7, so ids sort by arrival.
	ID string
	// LegID names one leg; made by ID.CallerLeg, ID.TapLeg and OfferID.AgentLeg.
	LegID string
	// BridgeID names one bridge; made by ID.Bridge.
	BridgeID string
	// RecordingID names one recording: a UUIDv7, and the stem of its file name.
	RecordingID string
	// EntryID names one stay of a call in one queue; made by ID.Entry.
	EntryID string
	// OfferID names one offer of a waiting call to one agent; made by EntryID.Offer.
	OfferID string
	// AgentID names a person who takes calls, by the roster's key.
	AgentID string
	// DeviceID names a phone by its SIP user.
	DeviceID string
	// QueueID names a queue by its key in the centre's files.
	QueueID string
	// TicketID names a ticket by its human number ("T-100001").
	TicketID string
)

// NewID returns a call id for a call that arrived at now.
func NewID(now time.Time) ID { return ID(NewUUID(now)) }

// NewRecordingID returns a recording id for a recording begun at now.
func NewRecordingID(now time.Time) RecordingID { return RecordingID(NewUUID(now)) }

// NewUUID returns a UUIDv7 (RFC 9562 section 5.7) whose time part is now.
func NewUUID(now time.Time) string {
	var b [16]byte
	rand.Read(b[:]) // never fails since Go 1.24
	return uuid7(now, b)
}

// DerivedID returns the id of a call that arrived at at and that its front end
// knows by key: the same one whenever it is asked for, so that a call which
// outlived us finds its record again.
func DerivedID(at time.Time, key string) ID {
	sum := sha256.Sum256([]byte(key))
	return ID(uuid7(at, [16]byte(sum[:16])))
}

// uuid7 puts the instant and the version into b (RFC 9562 section 5.7).
func uuid7(at time.Time, b [16]byte) string {
	ms := uint64(at.UnixMilli())
	for i := range 6 {
		b[i] = byte(ms >> (40 - 8*i))
	}
	b[6] = b[6]&0x0f | 0x70
	b[8] = b[8]&0x3f | 0x80
	h := hex.EncodeToString(b[:])
	return h[:8] + "-" + h[8:12] + "-" + h[12:16] + "-" + h[16:20] + "-" + h[20:]
}

// CallerLeg is the leg on which the call came in.
func (id ID) CallerLeg() LegID { return LegID(id + ".caller") }

// TapLeg is the nth leg of a supervisor on the call, counted from 1.
func (id ID) TapLeg(n int) LegID { return LegID(fmt.Sprintf("%s.s%d", id, n)) }

// AgentLeg is the leg towards the agent who places the call.
func (id ID) AgentLeg() LegID { return LegID(id + ".agent") }

// OutsideLeg is the leg of the nth number outside that is rung for the call, counted
// from 1.
func (id ID) OutsideLeg(n int) LegID { return LegID(fmt.Sprintf("%s.x%d", id, n)) }

// Bridge is the call's nth bridge, counted from 1.
func (id ID) Bridge(n int) BridgeID { return BridgeID(fmt.Sprintf("%s.b%d", id, n)) }

// Entry is the call's nth stay in a queue, counted from 1.
func (id ID) Entry(n int) EntryID { return EntryID(fmt.Sprintf("%s.q%d", id, n)) }

// Call is the call that the entry belongs to.
func (e EntryID) Call() ID { return callOf(string(e)) }

// Offer is the entry's nth offer, counted from 1.
func (e EntryID) Offer(n int) OfferID { return OfferID(fmt.Sprintf("%s.o%d", e, n)) }

// Call is the call that is offered.
func (o OfferID) Call() ID { return callOf(string(o)) }

// Entry is the queue entry that is offered.
func (o OfferID) Entry() EntryID {
	if i := strings.LastIndexByte(string(o), '.'); i > 0 {
		return EntryID(o[:i])
	}
	return EntryID(o)
}

// AgentLeg is the leg towards the agent whom the offer rings.
func (o OfferID) AgentLeg() LegID { return LegID(o + ".agent") }

// Call is the call that the leg belongs to.
func (l LegID) Call() ID { return callOf(string(l)) }

func callOf(s string) ID {
	id, _, _ := strings.Cut(s, ".")
	return ID(id)
}

// UUIDTime is the instant in a UUIDv7 that NewUUID made, in milliseconds.
func UUIDTime(id string) (time.Time, error) {
	b, err := hex.DecodeString(strings.ReplaceAll(id, "-", ""))
	if err != nil || len(b) != 16 || len(id) != 36 || b[6]>>4 != 7 {
		return time.Time{}, fmt.Errorf("call: %q is not a UUIDv7", id)
	}
	var ms int64
	for _, x := range b[:6] {
		ms = ms<<8 | int64(x)
	}
	return time.UnixMilli(ms).UTC(), nil
}
