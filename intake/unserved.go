package intake

import (
	"context"
	"time"

	"firstline/call"
	"firstline/intake/lost"
	"firstline/intake/number"
)

// lostList is the list of callers who left unserved and are owed a call: lost.List.
type lostList interface {
	// Left puts the caller on the list; story, which ends the call, is written in front, as one.
	Left(a lost.Abandon, story ...call.Event)
	// LeftDurably is Left that returns when it is durable; an error means that nothing has changed.
	LeftDurably(ctx context.Context, a lost.Abandon, story ...call.Event) error
	// Answered says that a caller talks to an agent since an instant, CalledBack that
	// it was we who called.
	Answered(number string, id call.ID, at time.Time)
	CalledBack(number string, id call.ID, at time.Time)
}

// stay is a call's last time in a queue, or at the door of a full one.
type stay struct {
	ask     AskCallback // which queue, since when, and what for
	left    time.Time
	outcome call.Outcome
	owed    string // why the caller is owed a call all the same; empty: the outcome says it
}

// unserved reports whether somebody should have answered a caller who left a queue
// so. Who left by a key, or was moved, wanted to or is somewhere else.
func (s stay) unserved(c *Centre) bool {
	switch s.outcome {
	case call.OutcomeAbandoned, call.OutcomeTimeoutOverflow, call.OutcomeEmpty, call.OutcomeNoCapacity, call.OutcomeSystemFailed:
		return true
	case call.OutcomeAbandonedShort:
		return c.ShortAbandons
	}
	return s.owed != ""
}

// served takes note of a caller who talks to an agent since an instant.
func (d *Desk) served(j *journey, since time.Time) {
	j.stay.outcome, j.stay.owed = call.OutcomeAnswered, ""
	switch {
	case j.call.Test:
	case j.out:
		d.Lost.CalledBack(j.number, j.call.ID, since)
	default:
		d.Lost.Answered(j.number, j.call.ID, since)
	}
}

// end writes the end of a call. Who leaves unserved is owed a call: by the server
// itself where it was our fault and the queue calls back, else by somebody who
// looks at the list.
func (d *Desk) end(j *journey, f Finish, q call.Quality) {
	now := time.Now()
	ended := call.CallEvent(now, j.call.ID, call.Ended{Outcome: f.Outcome, Cause: f.Cause, Stage: f.From, Quality: q})
	if j.call.Test || f.Elsewhere || j.out || !j.stay.unserved(j.centre) {
		d.Journal.Post(ended)
		return
	}
	a := abandon(j, f.Cause)
	if asked, back := d.owed(j.record(), j.stay.ask, a.Reason); back && j.stay.outcome == call.OutcomeSystemFailed {
		d.owe(ended, asked)
		return
	}
	d.Lost.Left(a, call.CallEvent(now, j.call.ID, note(a)), ended)
}

// endBefore is end of a call that died with the last process, at an instant; story
// is what closes it.
func (d *Desk) endBefore(ctx context.Context, rec *call.Record, at time.Time, ended call.Ended, story []call.Event) error {
	j := d.newJourney(&call.Call{ID: rec.ID, From: rec.From, To: rec.To, Test: rec.Test})
	j.ticket, j.stay = rec.Ticket, stayOf(rec, at)
	last := call.CallEvent(at, rec.ID, ended)
	if rec.Test || rec.Out || !j.stay.unserved(j.centre) {
		return d.Journal.Append(ctx, append(story, last)...)
	}
	a := abandon(j, ended.Cause)
	if asked, back := d.owed(rec, j.stay.ask, a.Reason); back && j.stay.outcome == call.OutcomeSystemFailed {
		return d.Journal.Append(ctx, append(story, last, asked)...)
	}
	return d.Lost.LeftDurably(ctx, a, append(story, call.CallEvent(at, rec.ID, note(a)), last)...)
}

// abandon is what the list of lost callers has to know of a call.
func abandon(j *journey, cause call.Cause) lost.Abandon {
	reason := string(j.stay.outcome)
	switch {
	case j.stay.owed != "":
		reason = j.stay.owed
	case j.stay.outcome == call.OutcomeSystemFailed && cause.Text != "":
		reason += ": " + cause.Text
	}
	return lost.Abandon{
		Call: j.call.ID, Ticket: j.ticket, From: j.call.From, Number: j.number, Client: j.centre.Numbers[j.call.To.Number].Client,
		Queue: j.stay.ask.From, Joined: j.stay.ask.Joined, Left: j.stay.left, Reason: reason,
	}
}

// afterCallback is what it has to know of a request to be called back that came to
// nothing.
func (d *Desk) afterCallback(c *call.Callback, end call.CallbackEnd) lost.Abandon {
	line := d.centre.Load().Numbers[c.Line.Number]
	return lost.Abandon{
		Call: c.Call, Ticket: c.Ticket, From: c.Customer, Number: number.Normal(c.Customer.Number, line.Region), Client: line.Client,
		Queue: c.Queue, Joined: c.Joined, Left: call.Instant(time.Now()), Reason: "callback " + string(end),
	}
}

func note(a lost.Abandon) call.CallerLost {
	return call.CallerLost{Queue: a.Queue, Number: a.From.Number, Joined: a.Joined, Reason: a.Reason}
}

// stayOf is the last time in a queue of a call that another process left, by at.
func stayOf(rec *call.Record, at time.Time) stay {
	if was, err := stageOf(rec); err == nil {
		switch s := was.(type) {
		case HandOut:
			if s.Sent != nil {
				return s.stay(rec.StageAt)
			}
		case Leave:
			return s.stay(rec.StageAt)
		case AskCallback:
			return stay{ask: s, left: rec.StageAt, outcome: call.OutcomeSystemFailed} // of a request that was not taken
		case LeaveMessage:
			return stay{ask: AskCallback(s), left: rec.StageAt, outcome: call.OutcomeSystemFailed}
		case ReadBack, TakeMessage:
			return stay{} // owed nothing but the call back
		case Finish:
			switch {
			case s.Elsewhere:
				return stay{}
			case s.Outcome == call.OutcomeNoCapacity:
				return stay{ask: AskCallback{Joined: rec.Arrived}, left: rec.StageAt, outcome: s.Outcome}
			}
		}
	}
	n := len(rec.Entries)
	if n == 0 {
		return stay{}
	}
	e := rec.Entries[n-1]
	in := stay{ask: AskCallback{From: e.Queue, Need: e.Need, Priority: e.Opening.Parts.Brought(), Joined: e.Joined}, left: e.Left, outcome: e.Outcome}
	switch {
	case e.Left.IsZero():
		in.left, in.outcome = at, call.OutcomeSystemFailed
	case e.Outcome == call.OutcomeAnswered && !talkedSince(rec, e.Left): // a phone was picked up, and neither heard the other
		in.left, in.outcome = at, call.OutcomeSystemFailed
	}
	return in
}

func talkedSince(rec *call.Record, t time.Time) bool {
	n := len(rec.Talks)
	return n > 0 && !rec.Talks[n-1].Began.Before(t)
}
