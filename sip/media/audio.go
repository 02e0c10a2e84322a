package media

import (
	"io"
	"time"
)

// Audio is a prompt or music: 8 kHz mono, encoded once to PCMU and PCMA and shared by all streams. It does not
// change after it was made.
type Audio struct{}

// DecodeWAV reads 8 kHz mono 16-bit PCM; anything else is an ErrFormat that says what was found.
func DecodeWAV(r io.Reader) (*Audio, error) { return nil, ErrFormat }

// NewAudio encodes samples; the last frame is filled up with silence.
func NewAudio(samples []int16) *Audio { return nil }

// Tone is the sum of sines at freqs in Hz, at a quarter of full scale in total, for d.
func Tone(d time.Duration, freqs ...float64) *Audio { return nil }

// Concat joins audios with frame granularity.
func Concat(parts ...*Audio) *Audio { return nil }

// Duration of the audio, a multiple of 20 ms.
func (a *Audio) Duration() time.Duration { return 0 }

// Samples decodes the PCMU form: what a listener hears.
func (a *Audio) Samples() []int16 { return nil }

// EncodeWAV writes samples as 8 kHz mono 16-bit PCM.
func EncodeWAV(w io.Writer, samples []int16) error { return nil }

// ReadWAV reads 8 kHz 16-bit PCM with one or two channels.
func ReadWAV(r io.Reader) (channels [][]int16, err error) { return nil, ErrFormat }

// Goertzel returns the amplitude of freq Hz in 8 kHz samples, 1 for a sine at full scale.
func Goertzel(samples []int16, freq float64) float64 { return 0 }

// EncodePCMU appends the mu-law form of samples to dst.
func EncodePCMU(dst []byte, samples []int16) []byte { return dst }

// EncodePCMA appends the A-law form of samples to dst.
func EncodePCMA(dst []byte, samples []int16) []byte { return dst }

// DecodePCMU appends the samples of a mu-law payload to dst.
func DecodePCMU(dst []int16, payload []byte) []int16 { return dst }

// DecodePCMA appends the samples of an A-law payload to dst.
func DecodePCMA(dst []int16, payload []byte) []int16 { return dst }
