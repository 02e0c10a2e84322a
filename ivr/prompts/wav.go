package prompts

import (
	"encoding/binary"
	"errors"
	"fmt"
	"time"
)

// Rate is the sampling rate of every recording here, in Hz: what G.711 carries.
const Rate = 8000

// ErrNotWAV says that bytes are no WAV file of 16-bit PCM samples.
var ErrNotWAV = errors.New("not a WAV of 16-bit PCM")

const (
	riffHeader  = 12 // "RIFF", size, "WAVE"
	chunkHeader = 8  // id, size
	pcm         = 1  // wFormatTag WAVE_FORMAT_PCM
)

// sound is mono audio, samples between -1 and 1.
type sound struct {
	rate    int // Hz
	samples []float64
}

func (s sound) duration() time.Duration {
	return time.Duration(len(s.samples)) * time.Second / time.Duration(s.rate)
}

// decodeWAV reads 16-bit PCM of any rate; several channels become their mean. A
// data chunk that claims more than there is ends where the file does, since a
// synthesiser that writes to a pipe cannot know the length beforehand.
func decodeWAV(b []byte) (sound, error) {
	if len(b) < riffHeader || string(b[:4]) != "RIFF" || string(b[8:12]) != "WAVE" {
		return sound{}, fmt.Errorf("%w: no RIFF header", ErrNotWAV)
	}
	var rate, channels int
	for b = b[riffHeader:]; len(b) >= chunkHeader; {
		id, size := string(b[:4]), int(binary.LittleEndian.Uint32(b[4:]))
		b = b[chunkHeader:]
		body := b[:min(size, len(b))]
		switch id {
		case "fmt ":
			if len(body) < 16 {
				return sound{}, fmt.Errorf("%w: format chunk of %d bytes", ErrNotWAV, len(body))
			}
			tag, bits := binary.LittleEndian.Uint16(body), binary.LittleEndian.Uint16(body[14:])
			channels = int(binary.LittleEndian.Uint16(body[2:]))
			rate = int(binary.LittleEndian.Uint32(body[4:]))
			if tag != pcm || bits != 16 || channels == 0 || rate < 1000 || rate > 384_000 {
				return sound{}, fmt.Errorf("%w: format %d, %d bits, %d channels, %d Hz", ErrNotWAV, tag, bits, channels, rate)
			}
		case "data":
			if rate == 0 {
				return sound{}, fmt.Errorf("%w: data before format", ErrNotWAV)
			}
			return sound{rate: rate, samples: mix(body, channels)}, nil
		}
		b = b[min(size+size%2, len(b)):] // chunks are padded to even length
	}
	return sound{}, fmt.Errorf("%w: no data", ErrNotWAV)
}

func mix(body []byte, channels int) []float64 {
	samples := make([]float64, len(body)/(2*channels))
	for i := range samples {
		for c := range channels {
			v := int16(binary.LittleEndian.Uint16(body[2*(i*channels+c):]))
			samples[i] += float64(v) / 32768 / float64(channels)
		}
	}
	return samples
}

// encodeWAV writes 16-bit mono PCM.
func encodeWAV(s sound) []byte {
	data := 2 * len(s.samples)
	b := make([]byte, 0, riffHeader+2*chunkHeader+16+data)
	u16, u32 := binary.LittleEndian.AppendUint16, binary.LittleEndian.AppendUint32
	b = append(b, "RIFF"...)
	b = u32(b, uint32(4+chunkHeader+16+chunkHeader+data))
	b = append(b, "WAVEfmt "...)
	b = u32(b, 16)
	b = u16(b, pcm)
	b = u16(b, 1)
	b = u32(b, uint32(s.rate))
	b = u32(b, uint32(2*s.rate)) // bytes per second
	b = u16(b, 2)                // bytes per frame
	b = u16(b, 16)               // bits per sample
	b = append(b, "data"...)
	b = u32(b, uint32(data))
	for _, v := range s.samples {
		b = u16(b, uint16(int16(max(-32768, min(32767, v*32768)))))
	}
	return b
}
