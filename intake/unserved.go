package intake

import (
	"context"
	"time"

	"firstline/call"
	"firstline/intake/lost"
)

// lostList is the list of callers who left unserved and are owed a call: lost.List.
type lostList interface {
	// Left puts the caller on the list; story, which ends the call, is written in front, as one.
	Left(a lost.Abandon, story ...call.Event)
	// LeftBefore is Left of a call of the process before; it returns when durable.
	LeftBefore(ctx context.Context, a lost.Abandon, story ...call.Event) error
	// Answered says that a caller talks to an agent since an instant.
	Answered(number string, id call.ID, at time.Time)
}

// stay is a call's last time in a queue, or at the door of a full one.
type stay struct {
	queue   call.QueueID
	joined  time.Time
	left    time.Time
	outcome call.Outcome
}

// owed reports whether somebody should have answered a caller who left a queue so.
// Who left by a key, or was moved, wanted to or is somewhere else.
func (c *Centre) owed(out call.Outcome) bool {
	switch out {
	case call.OutcomeAbandoned, call.OutcomeTimeoutOverflow, call.OutcomeEmpty, call.OutcomeNoCapacity, call.OutcomeSystemFailed:
		return true
	case call.OutcomeAbandonedShort:
		return c.ShortAbandons
	}
	return false
}

// end writes the end of a call, and puts the caller on the list who left unserved.
func (d *Desk) end(j *journey, f Finish, q call.Quality) {
	now := time.Now()
	ended := call.CallEvent(now, j.call.ID, call.Ended{Outcome: f.Outcome, Cause: f.Cause, Stage: f.From, Quality: q})
	if j.call.Test || f.Elsewhere || !j.centre.owed(j.stay.outcome) {
		d.Journal.Post(ended)
		return
	}
	a := abandon(j, f.Cause)
	d.Lost.Left(a, call.CallEvent(now, j.call.ID, note(a)), ended)
}

// endBefore is end of a call that died with the last process, at an instant; story
// is what closes it.
func (d *Desk) endBefore(ctx context.Context, rec *call.Record, at time.Time, ended call.Ended, story []call.Event) error {
	j := d.newJourney(&call.Call{ID: rec.ID, From: rec.From, To: rec.To, Test: rec.Test})
	j.ticket, j.stay = rec.Ticket, stayOf(rec, at)
	last := call.CallEvent(at, rec.ID, ended)
	if rec.Test || !j.centre.owed(j.stay.outcome) {
		return d.Journal.Append(ctx, append(story, last)...)
	}
	a := abandon(j, ended.Cause)
	return d.Lost.LeftBefore(ctx, a, append(story, call.CallEvent(at, rec.ID, note(a)), last)...)
}

// abandon is what the list of lost callers has to know of a call.
func abandon(j *journey, cause call.Cause) lost.Abandon {
	reason := string(j.stay.outcome)
	if j.stay.outcome == call.OutcomeSystemFailed && cause.Text != "" {
		reason += ": " + cause.Text
	}
	return lost.Abandon{
		Call: j.call.ID, Ticket: j.ticket, From: j.call.From, Number: j.number, Client: j.centre.Numbers[j.call.To.Number].Client,
		Queue: j.stay.queue, Joined: j.stay.joined, Left: j.stay.left, Reason: reason,
	}
}

func note(a lost.Abandon) call.CallerLost {
	return call.CallerLost{Queue: a.Queue, Number: a.From.Number, Joined: a.Joined, Reason: a.Reason}
}

// stayOf is the last time in a queue of a call that another process left, by at.
func stayOf(rec *call.Record, at time.Time) stay {
	if was, err := stageOf(rec); err == nil {
		switch s := was.(type) {
		case Leave:
			return stay{s.From, s.Joined, rec.StageAt, s.Outcome}
		case Finish:
			switch {
			case s.Elsewhere:
				return stay{}
			case s.Outcome == call.OutcomeNoCapacity:
				return stay{joined: rec.Arrived, left: rec.StageAt, outcome: s.Outcome}
			}
		}
	}
	n := len(rec.Entries)
	if n == 0 {
		return stay{}
	}
	e := rec.Entries[n-1]
	switch {
	case e.Left.IsZero():
		return stay{e.Queue, e.Joined, at, call.OutcomeSystemFailed}
	case e.Outcome == call.OutcomeAnswered && !talkedSince(rec, e.Left):
		return stay{e.Queue, e.Joined, at, call.OutcomeSystemFailed} // a phone was picked up, and neither heard the other
	}
	return stay{e.Queue, e.Joined, e.Left, e.Outcome}
}

func talkedSince(rec *call.Record, t time.Time) bool {
	n := len(rec.Talks)
	return n > 0 && !rec.Talks[n-1].Began.Before(t)
}
