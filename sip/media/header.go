package media

import "encoding/binary"

const headerSize = 12 // RFC 3550 section 5.1, without CSRCs

// header is what the media path needs of an RTP header.
type header struct {
	payloadType uint8
	marker      bool
	seq         uint16
	ts          uint32
	ssrc        uint32
}

// parse reads the RTP header of b and returns where the payload lies in it: at least 12 bytes from the start, so
// that a new header fits before it. ok is false when version or lengths are wrong (RFC 3550 A.1).
func (h *header) parse(b []byte) (from, to int, ok bool) {
	if len(b) < headerSize || b[0]>>6 != 2 {
		return 0, 0, false
	}
	from, to = headerSize+4*int(b[0]&0x0F), len(b)
	if b[0]&0x10 != 0 { // extension: profile, length in words, words
		if from+4 > to {
			return 0, 0, false
		}
		from += 4 + 4*int(binary.BigEndian.Uint16(b[from+2:]))
	}
	if from > to {
		return 0, 0, false
	}
	if b[0]&0x20 != 0 { // the last byte of padding says how many there are
		n := int(b[to-1])
		if n == 0 || n > to-from {
			return 0, 0, false
		}
		to -= n
	}
	h.payloadType, h.marker = b[1]&0x7F, b[1]&0x80 != 0
	h.seq = binary.BigEndian.Uint16(b[2:])
	h.ts = binary.BigEndian.Uint32(b[4:])
	h.ssrc = binary.BigEndian.Uint32(b[8:])
	return from, to, true
}

// put writes h into the first 12 bytes of b.
func (h *header) put(b []byte) {
	b[0], b[1] = 2<<6, h.payloadType
	if h.marker {
		b[1] |= 0x80
	}
	binary.BigEndian.PutUint16(b[2:], h.seq)
	binary.BigEndian.PutUint32(b[4:], h.ts)
	binary.BigEndian.PutUint32(b[8:], h.ssrc)
}
