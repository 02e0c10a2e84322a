package media

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

const (
	wavHeaderSize = 44
	maxWAV        = 64 << 20 // bytes; a prompt of half an hour has 29 MB
)

// wavHeader is the canonical 44 bytes before dataBytes of 8 kHz 16-bit PCM.
func wavHeader(channels int, dataBytes uint32) [wavHeaderSize]byte {
	var h [wavHeaderSize]byte
	le := binary.LittleEndian
	frame := uint16(2 * channels)
	copy(h[0:], "RIFF")
	le.PutUint32(h[4:], wavHeaderSize-8+dataBytes)
	copy(h[8:], "WAVEfmt ")
	le.PutUint32(h[16:], 16)
	le.PutUint16(h[20:], 1) // PCM
	le.PutUint16(h[22:], frame/2)
	le.PutUint32(h[24:], sampleRate)
	le.PutUint32(h[28:], sampleRate*uint32(frame))
	le.PutUint16(h[32:], frame)
	le.PutUint16(h[34:], 16)
	copy(h[36:], "data")
	le.PutUint32(h[40:], dataBytes)
	return h
}

// EncodeWAV writes samples as 8 kHz mono 16-bit PCM.
func EncodeWAV(w io.Writer, samples []int16) error {
	h := wavHeader(1, uint32(2*len(samples)))
	b := append(make([]byte, 0, len(h)+2*len(samples)), h[:]...)
	for _, s := range samples {
		b = binary.LittleEndian.AppendUint16(b, uint16(s))
	}
	if _, err := w.Write(b); err != nil {
		return fmt.Errorf("write wav: %w", err)
	}
	return nil
}

// ReadWAV reads 8 kHz 16-bit PCM or mu-law with one or two channels, at most 64 MB. A data chunk that says more than there
// is gives what is there, as a file does that is still being recorded.
func ReadWAV(r io.Reader) (channels [][]int16, err error) {
	b, err := io.ReadAll(io.LimitReader(r, maxWAV+1))
	if err != nil {
		return nil, fmt.Errorf("read wav: %w", err)
	}
	if len(b) > maxWAV {
		return nil, fmt.Errorf("%w: larger than %d MB", ErrFormat, maxWAV>>20)
	}
	if len(b) < 12 || string(b[:4]) != "RIFF" || string(b[8:12]) != "WAVE" {
		return nil, fmt.Errorf("%w: no RIFF/WAVE header", ErrFormat)
	}
	var f format // without channels until the fmt chunk was seen
	for b = b[12:]; len(b) >= 8; {
		id, size := string(b[:4]), int(binary.LittleEndian.Uint32(b[4:]))
		b = b[8:]
		body := b[:min(size, len(b))]
		switch id {
		case "fmt ":
			if f, err = parseFormat(body); err != nil {
				return nil, err
			}
		case "data":
			if f.channels == 0 {
				return nil, fmt.Errorf("%w: data before fmt", ErrFormat)
			}
			return f.deinterleave(body), nil
		}
		b = b[min(size+size&1, len(b)):] // chunks are padded to even length
	}
	return nil, fmt.Errorf("%w: no data chunk", ErrFormat)
}

// format is how samples are laid out.
type format struct {
	channels int
	mulaw    bool // a byte each; else two
}

const (
	tagPCM   = 1
	tagMulaw = 7 // WAVE_FORMAT_MULAW
)

// parseFormat reads a fmt chunk, or says all that is wrong with it.
func parseFormat(b []byte) (format, error) {
	if len(b) < 16 {
		return format{}, fmt.Errorf("%w: fmt chunk of %d bytes", ErrFormat, len(b))
	}
	le := binary.LittleEndian
	var faults []error
	tag := le.Uint16(b)
	if tag != tagPCM && tag != tagMulaw {
		faults = append(faults, fmt.Errorf("%w: encoding %d, want 1 (PCM) or 7 (mu-law)", ErrFormat, tag))
	}
	n := int(le.Uint16(b[2:]))
	if n != 1 && n != 2 {
		faults = append(faults, fmt.Errorf("%w: %d channels, want 1 or 2", ErrFormat, n))
	}
	if rate := le.Uint32(b[4:]); rate != sampleRate {
		faults = append(faults, fmt.Errorf("%w: %d Hz, want 8000", ErrFormat, rate))
	}
	want := map[bool]uint16{false: 16, true: 8}[tag == tagMulaw]
	if depth := le.Uint16(b[14:]); depth != want {
		faults = append(faults, fmt.Errorf("%w: %d bit, want %d", ErrFormat, depth, want))
	}
	return format{channels: n, mulaw: tag == tagMulaw}, errors.Join(faults...)
}

func (f format) deinterleave(b []byte) [][]int16 {
	n := f.channels
	channels := make([][]int16, n)
	if f.mulaw {
		for i, v := range b[:len(b)/n*n] {
			channels[i%n] = append(channels[i%n], pcmuToLinear(v))
		}
		return channels
	}
	frames := len(b) / (2 * n)
	for c := range channels {
		channels[c] = make([]int16, frames)
		for i := range frames {
			channels[c][i] = int16(binary.LittleEndian.Uint16(b[2*(i*n+c):]))
		}
	}
	return channels
}
