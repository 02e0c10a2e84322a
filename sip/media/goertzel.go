package media

import (
	"math"
	"time"
)

// Goertzel returns the amplitude of freq Hz in 8 kHz samples, 1 for a sine at full scale. Take whole periods, or
// 100 ms and more, for an exact figure.
func Goertzel(samples []int16, freq float64) float64 {
	if len(samples) == 0 {
		return 0
	}
	w := 2 * math.Pi * freq / sampleRate
	coeff := 2 * math.Cos(w)
	var s1, s2 float64
	for _, x := range samples {
		s1, s2 = float64(x)+coeff*s1-s2, s1
	}
	power := max(0, s1*s1+s2*s2-coeff*s1*s2)
	return 2 * math.Sqrt(power) / float64(len(samples)) / math.MaxInt16
}

// Heard returns how long freq Hz was in the 8 kHz samples, in steps of 20 ms: frames in which its amplitude
// reaches threshold (0.05 suits a Tone).
func Heard(samples []int16, freq, threshold float64) time.Duration {
	frames := 0
	for len(samples) >= frameSamples {
		if Goertzel(samples[:frameSamples], freq) >= threshold {
			frames++
		}
		samples = samples[frameSamples:]
	}
	return time.Duration(frames) * frameTime
}
