package media

import (
	"fmt"
	"io"
	"math"
	"slices"
	"time"
)

const frameTime = 20 * time.Millisecond

// Audio is a prompt or music: 8 kHz mono, encoded once to PCMU and PCMA and shared by all streams. It does not
// change after it was made.
type Audio struct {
	pcmu, pcma []byte // same length, a multiple of frameSamples
}

// DecodeWAV reads 8 kHz mono 16-bit PCM or mu-law; anything else is an ErrFormat that says what was found.
func DecodeWAV(r io.Reader) (*Audio, error) {
	channels, err := ReadWAV(r)
	if err != nil {
		return nil, err
	}
	if len(channels) != 1 {
		return nil, fmt.Errorf("%w: %d channels, want mono", ErrFormat, len(channels))
	}
	if len(channels[0]) == 0 {
		return nil, fmt.Errorf("%w: no audio", ErrFormat)
	}
	return NewAudio(channels[0]), nil
}

// NewAudio encodes samples; the last frame is filled up with silence.
func NewAudio(samples []int16) *Audio {
	n := (len(samples) + frameSamples - 1) / frameSamples * frameSamples
	a := &Audio{
		pcmu: EncodePCMU(make([]byte, 0, n), samples),
		pcma: EncodePCMA(make([]byte, 0, n), samples),
	}
	for len(a.pcmu) < n {
		a.pcmu = append(a.pcmu, silencePCMU)
		a.pcma = append(a.pcma, silencePCMA)
	}
	return a
}

// Tone is the sum of sines at freqs in Hz, at a quarter of full scale in total, for d. Without freqs it is silence.
func Tone(d time.Duration, freqs ...float64) *Audio {
	samples := make([]int16, samplesIn(d))
	for i := range samples {
		var v float64
		for _, f := range freqs {
			v += math.Sin(2 * math.Pi * f * float64(i) / sampleRate)
		}
		if len(freqs) > 0 {
			v /= float64(len(freqs))
		}
		samples[i] = int16(math.MaxInt16 / 4 * v)
	}
	return NewAudio(samples)
}

// Concat joins audios with frame granularity.
func Concat(parts ...*Audio) *Audio {
	a := &Audio{}
	for _, p := range parts {
		a.pcmu = append(a.pcmu, p.pcmu...)
		a.pcma = append(a.pcma, p.pcma...)
	}
	a.pcmu, a.pcma = slices.Clip(a.pcmu), slices.Clip(a.pcma)
	return a
}

// Duration of the audio, a multiple of 20 ms.
func (a *Audio) Duration() time.Duration { return time.Duration(a.frames()) * frameTime }

// Samples decodes the PCMU form: what a listener hears.
func (a *Audio) Samples() []int16 { return DecodePCMU(make([]int16, 0, len(a.pcmu)), a.pcmu) }

func (a *Audio) frames() int { return len(a.pcmu) / frameSamples }

// frame returns the i-th 160 bytes in codec c; the caller must not change them.
func (a *Audio) frame(c Codec, i int) []byte {
	b := a.pcmu
	if c == PCMA {
		b = a.pcma
	}
	return b[i*frameSamples : (i+1)*frameSamples]
}

// at is the frame of the loop that has run for d.
func (a *Audio) at(c Codec, d time.Duration) []byte {
	return a.frame(c, max(0, int(d/frameTime)%a.frames()))
}

// samplesIn converts a duration to 8 kHz samples, rounding down.
func samplesIn(d time.Duration) int64 { return int64(d / (time.Second / sampleRate)) }

// durationOf converts 8 kHz samples to a duration.
func durationOf(samples int64) time.Duration {
	return time.Duration(samples) * (time.Second / sampleRate)
}
