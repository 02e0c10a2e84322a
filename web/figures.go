package web

import (
	"time"

	"firstline/call"
	"firstline/callqueue/sla"
)

// Formula names how a service level is computed where only one is stated
// (sla.LevelOurs).
const Formula = "answered within target / (answered + abandoned), percent; " +
	"an entry counts in the period in which it joined the queue; short abandons and other exits do not count"

// figures are those of each queue that had a caller since an instant, as known at now.
func (b *Board) figures(now, from time.Time) map[call.QueueID]sla.Figures {
	by := make(map[call.QueueID]sla.Figures)
	// The clock that stamps events may be a little ahead of the board's.
	all, _ := b.ledger.Figures(sla.Span{Now: now, From: from, To: now.Add(time.Minute)}) // from is before now: it cannot be refused
	for _, f := range all {
		by[f.Queue] = f
	}
	return by
}

func (q *QueueRow) setFigures(halfHour, today sla.Figures) {
	q.ServiceLevel30m, q.ServiceLevelToday = halfHour.Level(sla.LevelOurs).Percent, today.Level(sla.LevelOurs).Percent
	q.OfferedToday = today.Offered - today.Waiting
	q.AnsweredToday = today.Outcomes[call.OutcomeAnswered]
	q.AbandonedToday = today.Outcomes[call.OutcomeAbandoned]
	q.ShortToday = today.Outcomes[call.OutcomeAbandonedShort]
	q.OtherToday = q.OfferedToday - q.AnsweredToday - q.AbandonedToday - q.ShortToday
	q.WaitAverageMs = milliseconds(today.ASA)
	q.CallbacksTaken, q.CallbacksReached = today.Callbacks.Asked, today.Callbacks.Ends[call.CallbackReached]
}

func (t *Totals) setFigures(halfHour, today map[call.QueueID]sla.Figures) {
	t.ServiceLevel30m, t.ServiceLevelToday = levelOf(halfHour), levelOf(today)
	t.Complete = true
	for _, f := range today {
		t.Complete = t.Complete && f.Complete
		t.AnsweredToday += f.Outcomes[call.OutcomeAnswered]
		t.CallbacksReached += f.Callbacks.Ends[call.CallbackReached]
		if f.Abandonment != nil {
			t.AbandonedToday += f.Abandonment.Part
			t.LeftToday += f.Abandonment.Whole
		}
	}
	t.AbandonedPercent = percent(t.AbandonedToday, t.LeftToday)
}

// levelOf is the service level over several queues, each entry against its own target.
func levelOf(queues map[call.QueueID]sla.Figures) *float64 {
	part, whole := 0, 0
	for _, f := range queues {
		l := f.Level(sla.LevelOurs)
		part, whole = part+l.Part, whole+l.Whole
	}
	return percent(part, whole)
}

func percent(part, whole int) *float64 {
	if whole == 0 {
		return nil
	}
	return new(100 * float64(part) / float64(whole))
}

func minuteOf(t time.Time) int64 { return t.Unix() / 60 }
