package prompts

import "math"

// The music while waiting is composed here, so nobody else holds a right to it:
// eight slow chords with a few bell notes above, all within what a telephone
// carries. Notes ring past the end into the beginning, so that it loops without
// a seam.
const (
	bar        = 4 * Rate // samples
	musicLevel = -24.0    // dBFS; below speech, since people listen past it for minutes
)

// chord is MIDI notes from low to high, and the bell's notes by eighth of the bar.
type chord struct {
	pad  []int
	bell map[int]int
}

func progression() []chord {
	return []chord{
		{[]int{60, 64, 67, 71}, map[int]int{1: 79, 3: 76, 6: 83}}, // C major 7
		{[]int{57, 64, 67, 72}, map[int]int{2: 76, 5: 81}},        // A minor 7
		{[]int{62, 65, 69, 72}, map[int]int{1: 81, 4: 77, 6: 74}}, // D minor 7
		{[]int{59, 65, 67, 74}, map[int]int{2: 79, 5: 74}},        // G 7
		{[]int{64, 67, 71, 74}, map[int]int{1: 83, 3: 79, 6: 86}}, // E minor 7
		{[]int{57, 64, 67, 72}, map[int]int{2: 84, 5: 76}},        // A minor 7
		{[]int{65, 69, 72, 76}, map[int]int{1: 84, 4: 81, 6: 77}}, // F major 7
		{[]int{62, 67, 71, 74}, map[int]int{2: 79, 4: 83, 6: 74}}, // G 6
	}
}

// music is 32 s that end where they begin.
func music() sound {
	chords := progression()
	x := make([]float64, len(chords)*bar)
	for i, c := range chords {
		for v, note := range c.pad {
			// Each voice enters a little after the one below.
			add(x, i*bar+v*Rate/12, pad(pitch(note)))
		}
		for eighth, note := range c.bell {
			add(x, i*bar+eighth*bar/8, bell(pitch(note)))
		}
	}
	scale(x, musicLevel)
	return sound{rate: Rate, samples: x}
}

// beep is the tone before a message: 1,000 Hz, 400 ms.
func beep() sound {
	x := make([]float64, 4*Rate/10)
	for i := range x {
		edge := min(1, float64(min(i, len(x)-1-i))/(2*frame))
		x[i] = edge * math.Sin(2*math.Pi*1000*float64(i)/Rate)
	}
	scale(x, loudness)
	return sound{rate: Rate, samples: x}
}

// pitch is a MIDI note's frequency in Hz.
func pitch(note int) float64 { return 440 * math.Pow(2, float64(note-69)/12) }

// pad swells over a second and dies away into the next bar.
func pad(hz float64) []float64 {
	x := make([]float64, bar+bar/2)
	for i := range x {
		t := float64(i) / float64(len(x))
		swell := math.Pow(math.Sin(math.Pi*math.Pow(t, 0.6)), 2)
		// Two strings a little apart, which drift in and out of step.
		x[i] = swell * 0.5 * (partials(hz, i, 1, 0.35, 0.15, 0.06) + partials(hz*1.002, i, 1, 0.35, 0.15, 0.06))
	}
	return x
}

func bell(hz float64) []float64 {
	x := make([]float64, 2*Rate)
	for i := range x {
		t := float64(i) / Rate
		decay := math.Exp(-3*t) * min(1, t/0.01) * min(1, (2-t)/0.05)
		x[i] = 0.5 * decay * partials(hz, i, 1, 0.2, 0.1)
	}
	return x
}

func partials(hz float64, i int, strengths ...float64) float64 {
	var v float64
	for p, s := range strengths {
		if f := hz * float64(p+1); f < 3400 {
			v += s * math.Sin(2*math.Pi*f*float64(i)/Rate)
		}
	}
	return v
}

// add mixes note into x from sample at; what rings past the end goes to the beginning.
func add(x []float64, at int, note []float64) {
	for i, v := range note {
		x[(at+i)%len(x)] += v
	}
}

// scale brings the whole to a level in dBFS.
func scale(x []float64, db float64) {
	var sum float64
	for _, v := range x {
		sum += v * v
	}
	g := gain(db) / math.Sqrt(sum/float64(len(x)))
	for i := range x {
		x[i] *= g
	}
}
