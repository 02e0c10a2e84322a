package web

import (
	"time"

	"firstline/call"
)

// Formula names how every service level here is computed.
const Formula = "answered within target / (answered + abandoned), percent; " +
	"an entry counts in the period in which it joined the queue; short abandons and other exits do not count"

// figures counts queue entries by how they ended.
type figures struct {
	answered, within, abandoned, short, other int
	waited                                    time.Duration // by the answered
}

func (f *figures) add(g figures) {
	f.answered += g.answered
	f.within += g.within
	f.abandoned += g.abandoned
	f.short += g.short
	f.other += g.other
	f.waited += g.waited
}

func (f figures) offered() int { return f.answered + f.abandoned + f.short + f.other }

// serviceLevel is in percent, nil when nothing counts.
func (f figures) serviceLevel() *float64 { return percent(f.within, f.answered+f.abandoned) }

func (f figures) abandonedPercent() *float64 { return percent(f.abandoned, f.answered+f.abandoned) }

func percent(part, whole int) *float64 {
	if whole == 0 {
		return nil
	}
	return new(100 * float64(part) / float64(whole))
}

// tally keeps a queue's figures by the minute in which entries joined.
type tally struct {
	minutes map[int64]*figures
	target  call.Target // of the last entry counted
}

func (t *tally) count(at time.Time, left call.QueueLeft, target call.Target) {
	t.target = target
	m := minuteOf(at.Add(-left.Wait))
	f := t.minutes[m]
	if f == nil {
		f = new(figures)
		t.minutes[m] = f
	}
	switch left.Outcome {
	case call.OutcomeAnswered:
		f.answered++
		f.waited += left.Wait
		if left.Wait <= target.Within {
			f.within++
		}
	case call.OutcomeAbandoned:
		f.abandoned++
	case call.OutcomeAbandonedShort:
		f.short++
	default:
		f.other++
	}
}

func (t *tally) since(minute int64) figures {
	var sum figures
	for m, f := range t.minutes {
		if m >= minute {
			sum.add(*f)
		}
	}
	return sum
}

// forget drops what no window can reach any more.
func (t *tally) forget(before int64) {
	for m := range t.minutes {
		if m < before {
			delete(t.minutes, m)
		}
	}
}

func minuteOf(t time.Time) int64 { return t.Unix() / 60 }

func dayBegin(now time.Time, loc *time.Location) time.Time {
	y, m, d := now.In(loc).Date()
	return time.Date(y, m, d, 0, 0, 0, 0, loc)
}
