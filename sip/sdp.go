package sip

import (
	"errors"
	"net/netip"
	"time"

	"firstline/sip/media"
)

// Errors of offer and answer that callers match; statusOfError maps them.
var (
	errSDP     = errors.New("sip: session description not readable")
	errNoCodec = errors.New("sip: no common codec")
	errAddress = errors.New("sip: media address must not be sent to")
)

// audioCodec is one G.711 law with the payload type that the peer gave it.
type audioCodec struct {
	Codec media.Codec
	PT    uint8
}

// remoteMedia is what the peer's session description says, as far as we use it.
// Direction is the peer's own, not turned round.
type remoteMedia struct {
	Addr      netip.AddrPort // RTP; unspecified address: RFC 2543 hold
	RTCP      netip.AddrPort // zero: Addr's port + 1
	Codecs    []audioCodec   // in the peer's order, never empty
	DTMF      uint8          // telephone-event/8000, 0 when not offered
	PTime     time.Duration  // 0 when not named
	Direction media.Direction
	Version   uint64 // of the o= line
}

// Held reports whether the peer put us on hold: it does not want our audio, or
// none at all (a=sendonly, a=inactive, c=0.0.0.0).
func (r *remoteMedia) Held() bool { return false }

// params is what the media stream is configured with, for the codec chosen.
func (r *remoteMedia) params(signalling netip.Addr) media.Params { return media.Params{} }

// localMedia is our side of one leg's session description. Its o= version grows
// by one with each description that differs from the one before (RFC 3264 section 8).
type localMedia struct{}

// newLocalMedia describes the RTP socket at addr, as the peer is to see it.
func newLocalMedia(addr netip.AddrPort) *localMedia { return &localMedia{} }

// parseOffer reads an offer.
func parseOffer(body []byte) (*remoteMedia, error) { return nil, errSDP }

// parseAnswer reads the answer to our offer.
func (l *localMedia) parseAnswer(body []byte) (*remoteMedia, error) { return nil, errSDP }

// offer is our offer with the direction d.
func (l *localMedia) offer(d media.Direction) []byte { return nil }

// answer answers r; hold keeps our side from sending whatever r allows.
func (l *localMedia) answer(r *remoteMedia) []byte { return nil }
