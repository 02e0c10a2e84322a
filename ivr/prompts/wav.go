package prompts

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math/bits"
	"time"
)

// Rate is the sampling rate of every recording here, in Hz: what G.711 carries.
const Rate = 8000

// ErrNotWAV says that bytes are no WAV file of 16-bit PCM or mu-law samples.
var ErrNotWAV = errors.New("not a WAV of 16-bit PCM or mu-law")

const (
	riffHeader  = 12 // "RIFF", size, "WAVE"
	chunkHeader = 8  // id, size
	pcm         = 1  // wFormatTag WAVE_FORMAT_PCM
	mulaw       = 7  // WAVE_FORMAT_MULAW
)

// sound is mono audio, samples between -1 and 1.
type sound struct {
	rate    int // Hz
	samples []float64
}

func (s sound) duration() time.Duration {
	return time.Duration(len(s.samples)) * time.Second / time.Duration(s.rate)
}

// decodeWAV reads 16-bit PCM or mu-law of any rate; several channels become their mean. A
// data chunk that claims more than there is ends where the file does, since a
// synthesiser that writes to a pipe cannot know the length beforehand.
func decodeWAV(b []byte) (sound, error) {
	if len(b) < riffHeader || string(b[:4]) != "RIFF" || string(b[8:12]) != "WAVE" {
		return sound{}, fmt.Errorf("%w: no RIFF header", ErrNotWAV)
	}
	var rate, channels, width int // width is of a sample, in bytes
	for b = b[riffHeader:]; len(b) >= chunkHeader; {
		id, size := string(b[:4]), int(binary.LittleEndian.Uint32(b[4:]))
		b = b[chunkHeader:]
		body := b[:min(size, len(b))]
		switch id {
		case "fmt ":
			if len(body) < 16 {
				return sound{}, fmt.Errorf("%w: format chunk of %d bytes", ErrNotWAV, len(body))
			}
			tag, depth := binary.LittleEndian.Uint16(body), binary.LittleEndian.Uint16(body[14:])
			channels = int(binary.LittleEndian.Uint16(body[2:]))
			rate = int(binary.LittleEndian.Uint32(body[4:]))
			width = int(depth) / 8
			if (tag != pcm || depth != 16) && (tag != mulaw || depth != 8) || channels == 0 || rate < 1000 || rate > 384_000 {
				return sound{}, fmt.Errorf("%w: format %d, %d bits, %d channels, %d Hz", ErrNotWAV, tag, depth, channels, rate)
			}
		case "data":
			if rate == 0 {
				return sound{}, fmt.Errorf("%w: data before format", ErrNotWAV)
			}
			return sound{rate: rate, samples: mix(body, channels, width)}, nil
		}
		b = b[min(size+size%2, len(b)):] // chunks are padded to even length
	}
	return sound{}, fmt.Errorf("%w: no data", ErrNotWAV)
}

func mix(body []byte, channels, width int) []float64 {
	samples := make([]float64, len(body)/(width*channels))
	for i := range samples {
		for c := range channels {
			at := body[width*(i*channels+c):]
			v := 0
			if width == 1 {
				v = fromMulaw(at[0])
			} else {
				v = int(int16(binary.LittleEndian.Uint16(at)))
			}
			samples[i] += float64(v) / 32768 / float64(channels)
		}
	}
	return samples
}

// encodeWAV writes mono mu-law: what goes over the line as PCMU, in half the bytes of
// 16-bit PCM.
func encodeWAV(s sound) []byte {
	data := len(s.samples)
	b := make([]byte, 0, riffHeader+2*chunkHeader+16+data+1)
	u16, u32 := binary.LittleEndian.AppendUint16, binary.LittleEndian.AppendUint32
	b = append(b, "RIFF"...)
	b = u32(b, uint32(4+chunkHeader+16+chunkHeader+data+data%2))
	b = append(b, "WAVEfmt "...)
	b = u32(b, 16)
	b = u16(b, mulaw)
	b = u16(b, 1)
	b = u32(b, uint32(s.rate))
	b = u32(b, uint32(s.rate)) // bytes per second
	b = u16(b, 1)              // bytes per frame
	b = u16(b, 8)              // bits per sample
	b = append(b, "data"...)
	b = u32(b, uint32(data))
	for _, v := range s.samples {
		b = append(b, toMulaw(int(max(-32768, min(32767, v*32768)))))
	}
	return append(b, make([]byte, data%2)...) // chunks are padded to even length
}

// The law is ITU-T G.711's: sign, segment and step of a sample of 14 bits, inverted.
const (
	lawBias = 132
	lawClip = 32635
)

func toMulaw(v int) byte {
	sign := byte(0)
	if v < 0 {
		sign, v = 0x80, -v
	}
	v = min(v, lawClip) + lawBias
	segment := bits.Len(uint(v)) - 8
	return ^(sign | byte(segment<<4) | byte(v>>(segment+3)&0x0F))
}

func fromMulaw(b byte) int {
	b = ^b
	v := (int(b&0x0F)<<3+lawBias)<<(b>>4&7) - lawBias
	if b&0x80 != 0 {
		return -v
	}
	return v
}
