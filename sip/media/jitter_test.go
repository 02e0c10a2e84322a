package media

import (
	"math"
	"testing"
	"time"
)

// buffered is a jitter buffer between a phone whose frame i is the constant mark(i) and a mixer that takes a frame
// every 20 ms, 5 ms after the phone would send one.
type buffered struct {
	jitter
	laws *laws
	took int // frames
}

func newBuffered() *buffered { return &buffered{laws: newLaws()} }

const firstStamp = 1<<32 - 700

// put lets frame i arrive late by so much.
func (b *buffered) put(i int, late time.Duration) { b.stamped(i, uint32(i)*frameSamples, late) }

func (b *buffered) stamped(i int, stamp uint32, late time.Duration) {
	at := samplesIn(time.Duration(i+1)*frameTime + late)
	b.jitter.put(at, 1, firstStamp+stamp, audio(mark(i)), b.laws.decoder(PCMU))
}

// next takes frame n of the mix, at 25 ms, 45 ms, … and returns which marks its samples have; 0 is none or a repeat.
func (b *buffered) next() (first, last int) {
	b.took++
	var frame [frameSamples]int16
	b.jitter.next(samplesIn(time.Duration(b.took)*frameTime+slotTime), &frame)
	of := func(v int16) int {
		if v == 0 {
			return -1
		}
		return int(linearToPCMU(v)) - 1
	}
	return of(frame[0]), of(frame[frameSamples-1])
}

func TestEvenPacketsWait20Milliseconds(t *testing.T) {
	b := newBuffered()
	for i := range 3000 {
		b.put(i, 0)
		// Frame 0 comes at 20 ms and is due at 40 ms, 15 ms into the mix's frame of 25 ms.
		if first, last := b.next(); i > 0 && (first != (i-1)%100 || last != i%100) {
			t.Fatalf("frame %d of the mix holds %d to %d", i, first, last)
		}
	}
	if b.wait != shortestWait {
		t.Errorf("waits for %v", durationOf(int64(b.wait)))
	}
}

func TestWaitGrowsWithUnevenPacketsTo60MillisecondsAndShrinksAgain(t *testing.T) {
	b := newBuffered()
	i := 0
	for _, c := range []struct {
		late time.Duration // of every other packet
		want time.Duration
	}{{0, 20 * time.Millisecond}, {10 * time.Millisecond, 20 * time.Millisecond}, {30 * time.Millisecond, 40 * time.Millisecond}, {45 * time.Millisecond, 60 * time.Millisecond}, {150 * time.Millisecond, 60 * time.Millisecond}, {0, 20 * time.Millisecond}} {
		for end := i + 500; i < end; i += 2 {
			b.put(i, 0)
			b.next()
			b.put(i+1, c.late)
			b.next()
		}
		if got := durationOf(int64(b.wait)); got != c.want {
			t.Errorf("every other packet %v late: waits for %v, want %v", c.late, got, c.want)
		}
	}
}

func TestALostFrameIsRepeatedHalfAsLoudEachTime(t *testing.T) {
	b := newBuffered()
	for i := range 10 {
		b.put(i, 0)
		b.next()
	}
	whole := pcmuToLinear(mark(9))
	var frame [frameSamples]int16
	for n := range 20 {
		b.took++
		b.jitter.next(samplesIn(time.Duration(b.took)*frameTime+slotTime), &frame)
		want := float64(whole) / math.Pow(2, float64(n+1))
		if got := float64(frame[frameSamples-1]); math.Abs(got-want) > 2 {
			t.Errorf("%d frames after the last: %v, want %v", n+1, got, want)
		}
	}
	if frame != [frameSamples]int16{} {
		t.Errorf("still %v after 400 ms", frame[0])
	}
}

func TestALongerWayAndANewClockAreFollowedWithin200Milliseconds(t *testing.T) {
	stamp := func(by int) func(*buffered, int) {
		return func(b *buffered, i int) { b.stamped(i, uint32(i*frameSamples+by), 0) }
	}
	late := func(by time.Duration) func(*buffered, int) {
		return func(b *buffered, i int) { b.put(i, by) }
	}
	for what, c := range map[string]struct {
		change func(b *buffered, i int)
		most   int // frames behind
		after  int // from this frame of the mix on
	}{
		"the way is 30 ms longer":       {late(30 * time.Millisecond), 4, 310},
		"the way is 300 ms longer":      {late(300 * time.Millisecond), 17, 310},
		"the clock jumped far ahead":    {stamp(3 * sampleRate), 2, 310},
		"the clock jumped far back":     {stamp(-3 * sampleRate), 2, 310},
		"the clock jumped a bit ahead":  {stamp(sampleRate / 2), 4, 310},
		"the clock stood for a second":  {stamp(-sampleRate), 2, 310},
		"the clock is another's":        {stamp(0x7654321), 2, 310},
		"all came at once after 500 ms": {burst, 4, 335},
	} {
		t.Run(what, func(t *testing.T) {
			b := newBuffered()
			for i := range 300 {
				b.put(i, 0)
				b.next()
			}
			behind := -1
			for i := 300; i < 400; i++ {
				c.change(b, i)
				_, last := b.next()
				if i < c.after {
					continue
				}
				if is := (i - last) % 100; last < 0 || is > c.most || behind >= 0 && is != behind {
					t.Fatalf("frame %d of the mix ends with %d, want at most %d behind, and %d as before", i, last, c.most, behind)
				} else {
					behind = is
				}
			}
		})
	}
}

// burst delivers nothing for half a second, then everything.
func burst(b *buffered, i int) {
	switch {
	case i < 325:
	case i == 325:
		for k := 300; k <= 325; k++ {
			b.put(k, time.Duration(325-k)*frameTime)
		}
	default:
		b.put(i, 0)
	}
}
