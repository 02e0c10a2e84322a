package web

import (
	"cmp"
	"slices"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"firstline/call"
	"firstline/callqueue/sla"
)

// anyJournal is some calls of the last 40 hours, each with one or two stays in
// queues, as far as they have come at now.
func anyJournal(t *rapid.T, now time.Time) []call.Event {
	within := func(label string, most time.Duration) time.Duration {
		return time.Duration(rapid.Int64Range(0, int64(most/time.Millisecond)).Draw(t, label)) * time.Millisecond
	}
	outcomes := []call.Outcome{
		call.OutcomeAnswered, call.OutcomeAnswered, call.OutcomeAbandoned, call.OutcomeAbandonedShort,
		call.OutcomeTimeoutOverflow, call.OutcomeExitKey, call.OutcomeMoved, call.OutcomeSystemFailed,
	}
	var evs []call.Event
	for range rapid.IntRange(0, 40).Draw(t, "calls") {
		at := now.Add(-within("ago", 40*time.Hour))
		id := call.NewID(at)
		tell := func(b call.Body) { evs = append(evs, call.CallEvent(at, id, b)) }
		tell(call.Arrived{Ticket: "T-1", Test: rapid.IntRange(0, 9).Draw(t, "test") == 0})
		var out call.Outcome
		for n := range rapid.IntRange(1, 2).Draw(t, "stays") {
			at = at.Add(within("flow", time.Hour/2))
			joined, entry := at, id.Entry(n+1)
			queue := rapid.SampledFrom([]call.QueueID{"q", "other"}).Draw(t, "queue")
			tell(call.QueueJoined{Entry: entry, Queue: queue, Joined: joined, Target: call.Target{
				Within: time.Duration(rapid.IntRange(10, 30).Draw(t, "target")) * time.Second, Percent: 80,
			}})
			at = at.Add(within("wait", time.Minute))
			out = rapid.SampledFrom(outcomes).Draw(t, "outcome")
			tell(call.QueueLeft{Entry: entry, Queue: queue, Outcome: out, Wait: at.Sub(joined)})
			if out != call.OutcomeMoved {
				break
			}
		}
		if out == call.OutcomeAnswered {
			tell(call.Connected{Agent: "ana", Leg: "l", Bridge: "b"})
			at = at.Add(within("talk", 2*time.Hour))
			tell(call.Parted{Agent: "ana", By: call.SideCaller})
		}
		if rapid.IntRange(0, 4).Draw(t, "lost") == 0 {
			tell(call.CallerLost{})
		}
		tell(call.Ended{Outcome: out})
	}
	slices.SortStableFunc(evs, func(a, b call.Event) int { return cmp.Compare(a.At.UnixMicro(), b.At.UnixMicro()) })
	evs = slices.DeleteFunc(evs, func(e call.Event) bool { return e.At.After(now) })
	for i := range evs {
		evs[i].Global = int64(i + 1)
	}
	return evs
}

// told is what the board says in numbers.
type told struct {
	Queues map[call.QueueID]figuresTold
	Totals figuresTold
	Lost   int
	Open   int
}

type figuresTold struct {
	Waiting, Answered, Abandoned, Short, Other int
	Within, Counted                            int // of today's service level
	Within30, Counted30                        int
	Waited                                     time.Duration // by the answered
}

// recount says the same from the records of the calls, which are another fold.
func recount(t *rapid.T, evs []call.Event, now time.Time) told {
	records := make(map[call.ID]*call.Record)
	out := told{Queues: make(map[call.QueueID]figuresTold)}
	for _, e := range evs {
		id := call.ID(e.Stream.ID)
		if records[id] == nil {
			records[id] = new(call.Record)
		}
		if err := records[id].Apply(e); err != nil {
			t.Fatal(err)
		}
	}
	midnight := time.Date(now.Year(), now.Month(), now.Day(), 0, 0, 0, 0, now.Location())
	for _, r := range records {
		if r.Open() {
			out.Open++
		}
		if r.Lost != nil && !r.Test && !r.Lost.At.Before(midnight) {
			out.Lost++
		}
		for _, e := range r.Entries {
			q := out.Queues[e.Queue]
			q.entry(e, r.Test, midnight, now)
			out.Queues[e.Queue] = q
		}
	}
	for _, q := range out.Queues {
		out.Totals.add(q)
	}
	return out
}

func (f *figuresTold) entry(e call.Entry, test bool, midnight, now time.Time) {
	if e.Left.IsZero() {
		f.Waiting++ // who waits is shown, also on a test
		return
	}
	if test {
		return
	}
	wait := e.Left.Sub(e.Joined)
	within, counted := 0, 0
	switch e.Outcome {
	case call.OutcomeAnswered:
		counted = 1
		if wait <= e.Target.Within {
			within = 1
		}
	case call.OutcomeAbandoned:
		counted = 1
	}
	if !e.Joined.Before(now.Truncate(time.Minute).Add(-29 * time.Minute)) {
		f.Within30, f.Counted30 = f.Within30+within, f.Counted30+counted
	}
	if e.Joined.Before(midnight) {
		return
	}
	f.Within, f.Counted = f.Within+within, f.Counted+counted
	switch e.Outcome {
	case call.OutcomeAnswered:
		f.Answered++
		f.Waited += wait
	case call.OutcomeAbandoned:
		f.Abandoned++
	case call.OutcomeAbandonedShort:
		f.Short++
	default:
		f.Other++
	}
}

func (f *figuresTold) add(g figuresTold) {
	f.Waiting += g.Waiting
	f.Answered += g.Answered
	f.Abandoned += g.Abandoned
	f.Short += g.Short
	f.Other += g.Other
	f.Within, f.Counted = f.Within+g.Within, f.Counted+g.Counted
	f.Within30, f.Counted30 = f.Within30+g.Within30, f.Counted30+g.Counted30
}

// holds compares a view with what was counted.
func (w told) holds(t *rapid.T, v BoardView) {
	same := func(what string, got *float64, part, whole int) {
		if want := percent(part, whole); (got == nil) != (want == nil) || got != nil && *got != *want {
			t.Fatalf("%s: %v, want %d of %d", what, got, part, whole)
		}
	}
	for _, q := range v.Queues {
		f := w.Queues[q.ID]
		got := [6]int{q.Waiting, q.AnsweredToday, q.AbandonedToday, q.ShortToday, q.OtherToday, q.OfferedToday}
		want := [6]int{f.Waiting, f.Answered, f.Abandoned, f.Short, f.Other, f.Answered + f.Abandoned + f.Short + f.Other}
		if got != want {
			t.Fatalf("queue %s: %v, want %v", q.ID, got, want)
		}
		same("today's level of "+string(q.ID), q.ServiceLevelToday, f.Within, f.Counted)
		same("half an hour's level of "+string(q.ID), q.ServiceLevel30m, f.Within30, f.Counted30)
		if (q.WaitAverageMs == nil) != (f.Answered == 0) || f.Answered > 0 && *q.WaitAverageMs != (f.Waited/time.Duration(f.Answered)).Milliseconds() {
			t.Fatalf("queue %s: ASA %v, want %v of %d", q.ID, q.WaitAverageMs, f.Waited, f.Answered)
		}
		delete(w.Queues, q.ID)
	}
	for id, f := range w.Queues {
		if f != (figuresTold{}) {
			t.Fatalf("queue %s is not on the board: %+v", id, f)
		}
	}
	all := w.Totals
	got := [5]int{v.Totals.Waiting, v.Totals.AnsweredToday, v.Totals.AbandonedToday, v.Totals.LostToday, len(v.Calls)}
	if want := [5]int{all.Waiting, all.Answered, all.Abandoned, w.Lost, w.Open}; got != want || !v.Totals.Complete {
		t.Fatalf("totals %v, want %v (complete: %v)", got, want, v.Totals.Complete)
	}
	same("today's level", v.Totals.ServiceLevelToday, all.Within, all.Counted)
	same("half an hour's level", v.Totals.ServiceLevel30m, all.Within30, all.Counted30)
	same("abandonment", v.Totals.AbandonedPercent, all.Abandoned, all.Answered+all.Abandoned+all.Other)
}

// Whatever came, in whatever order, the board says what the journal says: read
// from its beginning, from where the board needs it, or twice.
func TestBoardEqualsTheFoldOfTheJournal(t *testing.T) {
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	rapid.Check(t, func(t *rapid.T) {
		now := time.Date(2026, 3, 29, rapid.IntRange(0, 23).Draw(t, "hour"), rapid.IntRange(0, 59).Draw(t, "minute"), 20, 0, berlin)
		evs := anyJournal(t, now)
		want := recount(t, evs, now)
		late := slices.DeleteFunc(slices.Clone(evs), func(e call.Event) bool {
			return e.At.Before(now.Add(-26*time.Hour)) && want.gone(evs, e)
		})
		for _, journal := range [][]call.Event{evs, late, append(slices.Clone(evs), evs...)} {
			b := NewBoard(berlin)
			for _, e := range journal {
				if err := b.Apply(e); err != nil {
					t.Fatal(err)
				}
			}
			recount(t, evs, now).holds(t, b.View(now))
		}
	})
}

// gone reports whether a call is over, so that the board needs nothing of it from
// before its reach; of the others it gets the beginning (Config.BoardSeed).
func (told) gone(evs []call.Event, of call.Event) bool {
	return slices.ContainsFunc(evs, func(e call.Event) bool {
		_, ended := e.Body.(call.Ended)
		return ended && e.Stream == of.Stream
	})
}

// A supervisor who looks at the board and a manager who asks for a report of the
// same hours read the same numbers.
func TestBoardAndReportSayTheSame(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		now := noon.Add(time.Duration(rapid.IntRange(0, 600).Draw(t, "later")) * time.Minute)
		evs := anyJournal(t, now)
		b, ledger := NewBoard(time.UTC), sla.New(sla.Config{Keep: 72 * time.Hour})
		for _, e := range evs {
			if err := cmp.Or(b.Apply(e), ledger.Apply(e)); err != nil {
				t.Fatal(err)
			}
		}
		rep, err := SLABooks{ledger, sla.NewStaff(0), func(string) *time.Location { return time.UTC }}.Report(SLAFilter{
			From: Edge{now.Truncate(24 * time.Hour), true}, To: At(now.Add(time.Second)),
		}, now)
		if err != nil {
			t.Fatal(err)
		}
		type row struct {
			Offered, Answered, Abandoned, Short, Other int
			Level                                      *float64
			ASA                                        *int64
		}
		shown, reported := make(map[call.QueueID]row), make(map[call.QueueID]row)
		for _, q := range b.View(now).Queues {
			if q.OfferedToday > 0 {
				shown[q.ID] = row{q.OfferedToday, q.AnsweredToday, q.AbandonedToday, q.ShortToday, q.OtherToday, q.ServiceLevelToday, q.WaitAverageMs}
			}
		}
		for _, q := range rep.Queues {
			if q.Offered > q.Waiting {
				reported[q.Queue] = row{q.Offered - q.Waiting, q.Answered, q.Abandoned, q.AbandonedShort, q.Other, q.ServiceLevel, q.WaitAverageMs}
			}
		}
		if d := gocmp.Diff(reported, shown); d != "" {
			t.Fatalf("board (-report +board):\n%s", d)
		}
	})
}
