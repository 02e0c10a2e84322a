package prompts

import (
	"errors"
	"fmt"
	"math"
	"time"
)

// ErrSilent says that nothing is said in a recording.
var ErrSilent = errors.New("nothing is said")

const (
	quietest = -50.0 // dBFS; a recording whose loudest frame is below it holds the noise of the line alone
	briefest = 300 * time.Millisecond
)

// Spoken makes a prompt of what was recorded by phone: a WAV of 16-bit PCM or mu-law
// becomes one of 8 kHz mono mu-law without silence around it, as loud as the prompts that
// come with the program. ErrNotWAV, ErrSilent.
func Spoken(wav []byte) (prompt []byte, length time.Duration, err error) {
	s, err := decodeWAV(wav)
	if err != nil {
		return nil, 0, fmt.Errorf("spoken prompt: %w", err)
	}
	if peak := loudest(frameLevels(s.samples)); peak < gain(quietest) || math.IsNaN(peak) {
		return nil, 0, ErrSilent
	}
	if s = spoken(s); s.duration() < briefest {
		return nil, 0, ErrSilent
	}
	return encodeWAV(s), s.duration(), nil
}
