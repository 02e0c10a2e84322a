package store

import (
	"fmt"
	"testing"
	"time"
)

// look is what a standby sees at an instant, in seconds from the beginning.
type look struct {
	at   float64
	s    sight
	fail bool
	want bool // the owner is gone
}

func TestAnOwnerIsGoneOnlyAfterTheSilenceThatFitsWhatIsSeen(t *testing.T) {
	const mine, his = "mine", "his"
	owner := func(beat int64, holder int) sight {
		return sight{known: true, epoch: 7, owner: "a:1", folder: his, beat: beat, holder: holder}
	}
	dead := func(s sight) sight { s.folder = mine; return s }
	left := func(s sight) sight { s.owner = ""; return s }
	for rule, looks := range map[string][]look{
		"a living owner is left alone": {
			{at: 0, s: owner(1, 9)}, {at: 9, s: owner(2, 9)}, {at: 18, s: owner(3, 9)}, {at: 27, s: owner(4, 9)},
		},
		"one whose connection is gone has three seconds": {
			{at: 0, s: owner(1, 9)}, {at: 1, s: owner(2, 9)}, {at: 2, s: owner(2, 0)}, {at: 3.9, s: owner(2, 0)}, {at: 4, s: owner(2, 0), want: true},
		},
		"one who lost his connection alone beats on": {
			{at: 0, s: owner(1, 9)}, {at: 1, s: owner(2, 0)}, {at: 3, s: owner(3, 0)}, {at: 5, s: owner(4, 0)}, {at: 7, s: owner(4, 11)}, {at: 10, s: owner(4, 11)},
		},
		"a frozen one has ten": {
			{at: 0, s: owner(1, 9)}, {at: 1, s: owner(2, 9)}, {at: 10.9, s: owner(2, 9)}, {at: 11, s: owner(2, 9), want: true},
		},
		"after an outage he has fifteen from its end": {
			{at: 0, s: owner(1, 9)},
			{at: 1, s: owner(2, 9)},
			{at: 2, fail: true},
			{at: 60, fail: true},
			{at: 61, s: owner(2, 0)},
			{at: 75.9, s: owner(2, 0)},
			{at: 76, s: owner(2, 0), want: true},
		},
		"and keeps what is his when he comes back": {
			{at: 0, s: owner(1, 9)},
			{at: 1, s: owner(2, 9)},
			{at: 2, fail: true},
			{at: 60, s: owner(2, 0)},
			{at: 74, s: owner(3, 10)},
			{at: 83.9, s: owner(3, 10)},
			{at: 84, s: owner(3, 10), want: true},
		},
		"each outage begins the fifteen anew": {
			{at: 0, s: owner(1, 9)},
			{at: 1, s: owner(2, 9)},
			{at: 2, fail: true},
			{at: 10, s: owner(2, 0)},
			{at: 20, fail: true},
			{at: 21, s: owner(2, 0)},
			{at: 35.9, s: owner(2, 0)},
			{at: 36, s: owner(2, 0), want: true},
		},
		"a beat from before the outage's end does not say that he is back": {
			{at: 0, s: owner(1, 9)},
			{at: 1, s: owner(2, 9)},
			{at: 2, fail: true},
			{at: 10, s: owner(3, 0)},
			{at: 24.9, s: owner(3, 0)},
			{at: 25, s: owner(3, 0), want: true},
		},
		"who has just begun to look does not know of an outage before": {
			{at: 0, s: owner(1, 0)}, {at: 14.9, s: owner(1, 0)}, {at: 15, s: owner(1, 0), want: true},
		},
		"who left in order leaves at once":              {{at: 0, s: owner(1, 9)}, {at: 1, s: left(owner(1, 9))}, {at: 1.1, s: left(owner(1, 0)), want: true}},
		"a process of the same folder is dead":          {{at: 0, s: dead(owner(1, 0)), want: true}},
		"its connection may live on for a moment":       {{at: 0, s: dead(owner(1, 9))}, {at: 2.9, s: dead(owner(1, 9))}, {at: 3, s: dead(owner(1, 9)), want: true}},
		"nobody ever owned an empty database":           {{at: 0, s: sight{}, want: true}},
		"unless he is about to make the tables":         {{at: 0, s: sight{holder: 9}}, {at: 60, s: sight{holder: 9}}},
		"another standby that took over is a new owner": {{at: 0, s: owner(1, 9)}, {at: 9, s: sight{known: true, epoch: 8, owner: "b:1", folder: "other", beat: 1, holder: 9}}, {at: 12, s: sight{known: true, epoch: 8, owner: "b:1", folder: "other", beat: 1, holder: 9}}},
	} {
		t.Run(rule, func(t *testing.T) {
			w := &watch{limits: limits{}.defaults(), folder: mine, away: true}
			begin := time.Now()
			for _, l := range looks {
				now := begin.Add(time.Duration(l.at * float64(time.Second)))
				if l.fail {
					w.blind()
					continue
				}
				w.see(now, l.s)
				if got := w.free(now); got != l.want {
					t.Errorf("after %v s: gone %v, want %v", l.at, got, l.want)
				}
			}
		})
	}
}

// A standby that was frozen itself has not watched: it decides by the instant at
// which it began to look.
func TestSilenceIsNotCountedWhileNobodyLooked(t *testing.T) {
	w := &watch{limits: limits{}.defaults()}
	begin := time.Now()
	s := sight{known: true, owner: "a:1", folder: "his", holder: 9}
	for i := range 5 {
		s.beat = int64(i)
		now := begin.Add(time.Duration(i) * time.Hour)
		w.see(now, s)
		if w.free(now) {
			t.Errorf("look %d: gone", i)
		}
	}
}

func TestWhoDoesNotStandByGivesUpSoon(t *testing.T) {
	begin := time.Now()
	for _, c := range []struct {
		s     sight
		after time.Duration
	}{
		{sight{known: true, owner: "a:1", folder: "his", holder: 9}, 2 * time.Second},
		{sight{known: true, owner: "a:1", folder: "his"}, 5 * time.Second},
		{sight{known: true, owner: "a:1", folder: "mine", holder: 9}, 5 * time.Second}, // a dead process: it will be ended
	} {
		t.Run(fmt.Sprintf("%+v", c.s), func(t *testing.T) {
			w := &watch{limits: limits{}.defaults(), folder: "mine"}
			w.see(begin, c.s)
			if w.hopeless(begin, begin.Add(c.after-time.Millisecond)) || !w.hopeless(begin, begin.Add(c.after)) {
				t.Errorf("does not give up after %v", c.after)
			}
		})
	}
}
