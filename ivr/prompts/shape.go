package prompts

import "math"

// What a recording sounds like when it is done. Loudness is the mean level of the
// frames that hold speech, so a pause in the text does not make the rest louder.
const (
	loudness = -20.0 // dBFS
	slack    = 1.45  // dB too quiet that are let be
	ceiling  = -3.5  // dBFS; no sample is above it, so that G.711 never clips
	knee     = 6.0   // dB below the ceiling, where rounding off begins

	frame    = Rate / 100 // 10 ms
	silence  = -40.0      // dB below the loudest frame: not speech
	leadIn   = 2 * frame  // kept before the first speech, the soft onset of an f or h
	leadOut  = 6 * frame  // kept after the last; separates digits that are joined
	fade     = frame / 2
	lowCut   = 200.0      // Hz; below it a telephone carries nothing
	presence = 0.8        // first-order lift of the treble, see tilt
	breath   = 28 * frame // the longest pause that a synthesiser may make between sentences
)

// forTelephone turns what a synthesiser made into what a telephone carries well:
// 8 kHz, no rumble, the consonants lifted, no silence around it, one loudness.
func forTelephone(s sound) sound {
	x := resample(s.samples, s.rate, Rate)
	x = highPass(x, lowCut, Rate)
	x = tilt(x, presence)
	x = shorten(trim(x))
	level(x)
	return sound{rate: Rate, samples: x}
}

// resample changes the rate by a sinc kernel under a Blackman window, cut off a
// little below the lower of the two Nyquist frequencies.
func resample(x []float64, from, to int) []float64 {
	if from == to {
		return append([]float64(nil), x...)
	}
	const lobes = 32
	ratio := float64(from) / float64(to)
	cutoff := 0.95 * min(1, 1/ratio) // as a share of the source's Nyquist frequency
	width := lobes / cutoff          // half the kernel, in source samples
	out := make([]float64, int(float64(len(x))/ratio))
	for n := range out {
		at := float64(n) * ratio
		first, last := max(0, int(math.Ceil(at-width))), min(len(x)-1, int(math.Floor(at+width)))
		for i := first; i <= last; i++ {
			d := float64(i) - at
			out[n] += x[i] * cutoff * sinc(cutoff*d) * blackman(d/width)
		}
	}
	return out
}

func sinc(x float64) float64 {
	if x == 0 {
		return 1
	}
	return math.Sin(math.Pi*x) / (math.Pi * x)
}

// blackman is the window over -1 to 1.
func blackman(x float64) float64 {
	return 0.42 + 0.5*math.Cos(math.Pi*x) + 0.08*math.Cos(2*math.Pi*x)
}

// highPass is a second-order Butterworth filter.
func highPass(x []float64, corner float64, rate int) []float64 {
	k := math.Tan(math.Pi * corner / float64(rate))
	norm := 1 / (1 + math.Sqrt2*k + k*k)
	a1, a2 := 2*(k*k-1)*norm, (1-math.Sqrt2*k+k*k)*norm
	out := make([]float64, len(x))
	var x1, x2, y1, y2 float64
	for i, v := range x {
		y := norm*(v-2*x1+x2) - a1*y1 - a2*y2
		x1, x2, y1, y2 = v, x1, y, y1
		out[i] = y
	}
	return out
}

// tilt lifts the treble: a share of 0.8 gives about 15 dB more at 3,400 Hz than at
// 300 Hz. Voices made for loudspeakers fall off about as much over that range, and
// what is left up there is what makes an f differ from an s.
func tilt(x []float64, share float64) []float64 {
	out := make([]float64, len(x))
	var before float64
	for i, v := range x {
		out[i] = v - share*before
		before = v
	}
	return out
}

// trim cuts the silence around the speech, and fades what is left in and out.
func trim(x []float64) []float64 {
	levels := frameLevels(x)
	threshold := loudest(levels) * gain(silence)
	first, last := -1, -1
	for i, l := range levels {
		if l > threshold {
			if first < 0 {
				first = i
			}
			last = i
		}
	}
	if first < 0 {
		return nil
	}
	out := append([]float64(nil), x[max(0, first*frame-leadIn):min(len(x), (last+1)*frame+leadOut)]...)
	for i := range min(fade, len(out)/2) {
		share := float64(i) / fade
		out[i] *= share
		out[len(out)-1-i] *= share
	}
	return out
}

// shorten leaves no pause longer than a breath: a synthesiser reads a menu as if it
// were a page, and a caller waits for the key to press.
func shorten(x []float64) []float64 {
	levels := frameLevels(x)
	threshold := loudest(levels) * gain(silence)
	out := make([]float64, 0, len(x))
	quiet := 0
	for i := 0; i < len(x); i += frame {
		if n := i / frame; n < len(levels) && levels[n] <= threshold {
			quiet += frame
		} else {
			quiet = 0
		}
		if quiet <= breath {
			out = append(out, x[i:min(i+frame, len(x))]...)
		}
	}
	return out
}

// level brings the speech to the wanted loudness, whatever its peaks: those that
// would pass the ceiling are rounded off, so that joined recordings are equally loud.
// Speech that is mostly peaks is lifted again for what the rounding took.
func level(x []float64) {
	for again := range 4 {
		l := speechLevel(x)
		if l == 0 || again > 0 && l > gain(loudness-slack) {
			return
		}
		lift(x, gain(loudness)/l)
	}
}

// lift makes x louder by a factor, up to the ceiling.
func lift(x []float64, by float64) {
	knee, top := gain(ceiling-knee), gain(ceiling)
	for i := range x {
		v := x[i] * by
		if over := math.Abs(v) - knee; over > 0 {
			v = math.Copysign(knee+(top-knee)*math.Tanh(over/(top-knee)), v)
		}
		x[i] = v
	}
}

// speechLevel is the root mean square over the frames that hold speech.
func speechLevel(x []float64) float64 {
	levels := frameLevels(x)
	threshold := loudest(levels) * gain(silence)
	var sum float64
	var n int
	for _, l := range levels {
		if l > threshold {
			sum += l * l
			n++
		}
	}
	if n == 0 {
		return 0
	}
	return math.Sqrt(sum / float64(n))
}

// frameLevels is the root mean square of each whole frame.
func frameLevels(x []float64) []float64 {
	levels := make([]float64, len(x)/frame)
	for i := range levels {
		var sum float64
		for _, v := range x[i*frame : (i+1)*frame] {
			sum += v * v
		}
		levels[i] = math.Sqrt(sum / frame)
	}
	return levels
}

func loudest(levels []float64) float64 {
	var l float64
	for _, v := range levels {
		l = max(l, v)
	}
	return l
}

// gain is the factor of so many decibels.
func gain(db float64) float64 { return math.Pow(10, db/20) }
