package intake

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"go.uber.org/zap"

	"firstline/call"
	"firstline/callqueue"
	"firstline/ivr"
)

// Restored is what Restore did.
type Restored struct {
	Adopted int // calls that go on
	Closed  int // calls that died with the last process
	Swept   int // legs that the journal does not know, hung up
	// Recordings run on, and are not to be closed as left over.
	Recordings []call.RecordingID
}

// Restore takes up what the last process left: open are the calls without an
// end, alive is its last sign of life. Calls whose legs survived go on in the
// stage where they stood, with their times; the others are closed as
// system-failed at alive, and those who waited are put on the lost callers'
// list. It is called once, before new calls are served, and returns when every
// adopted call runs.
func (d *Desk) Restore(ctx context.Context, open []call.Record, alive time.Time) (Restored, error) {
	found, err := d.Switch.Adopt(ctx)
	if err != nil {
		return Restored{}, fmt.Errorf("adopt: %w", err)
	}
	var did Restored
	for _, r := range found.Recordings {
		did.Recordings = append(did.Recordings, r.ID())
	}
	for _, l := range found.Legs {
		d.lines.adopt(l)
	}
	known := map[call.LegID]bool{}
	var journeys []func()
	var waiting []call.EntryID
	for i := range open {
		rec := &open[i]
		leg, ok := found.Leg(rec.ID.CallerLeg())
		if rec.Out && rec.Talking() == nil {
			ok = false // the request to call back outlives its attempt
		}
		if !ok || leg.Context().Err() != nil {
			if err := d.close(ctx, rec, alive); err != nil {
				return did, err
			}
			did.Closed++
			continue
		}
		run, err := d.adopt(ctx, leg, rec, found, known)
		if err != nil {
			return did, err
		}
		journeys = append(journeys, run)
		if e := rec.Waiting(); e != nil {
			waiting = append(waiting, e.ID)
		}
		did.Adopted++
	}
	did.Swept = d.sweep(ctx, found, known)
	if err := d.Queue.Expect(ctx, waiting); err != nil {
		return did, fmt.Errorf("expect who waited: %w", err)
	}
	for _, run := range journeys {
		d.wg.Go(run)
	}
	return did, nil
}

// adopt prepares an open call to go on. The agent of a talk is marked busy here,
// before anything can be offered to him.
func (d *Desk) adopt(ctx context.Context, leg call.Leg, rec *call.Record, found call.Survivors, known map[call.LegID]bool) (func(), error) {
	j := d.newJourney(&call.Call{
		ID: rec.ID, Origin: rec.Origin, From: rec.From, To: rec.To, Trunk: rec.Trunk,
		Arrived: rec.Arrived, Leg: leg, Test: rec.Test,
	})
	j.ticket, j.opened, j.resumed = rec.Ticket, true, rec
	j.out = rec.Out
	j.entries, j.talks, j.stay = len(rec.Entries), len(rec.Talks), stayOf(rec, time.Now())
	j.log = j.log.With(zap.String("ticket", string(rec.Ticket)))
	if c := d.startedWith(ctx, j, rec); c != nil {
		j.centre = c
	}
	j.spoken, j.silent, j.level = rec.Language, rec.Unrecorded, ivr.Identity(rec.Identity)
	for _, s := range rec.Path {
		j.noticed = j.noticed || s.Notice != ""
	}
	if n := len(rec.Entries); n > 0 && rec.Entries[n-1].Outcome != "" {
		j.outcome = rec.Entries[n-1].Outcome
	}
	at, err := stageOf(rec)
	if err != nil {
		return nil, err
	}
	last := at
	at = goOn(j, rec, last, found)
	j.entered = at.Name() == last.Name() // goOn changes a stage's kind or leaves it alone
	known[leg.ID()] = true
	if t, ok := at.(Talk); ok {
		if agent, ok := found.Leg(t.Leg); ok {
			j.legs[t.Leg] = agent
			known[t.Leg] = true
		}
		if t.Agent != "" {
			d.Queue.TalkBegan(t.Agent, rec.ID)
		}
	}
	j.log.Info("call adopted", zap.String("stage", at.Name()))
	return func() { d.serve(leg.Context(), j, at) }, nil
}

// startedWith is the centre that a call came under, when it is another than the one
// in force and still to be had.
func (d *Desk) startedWith(ctx context.Context, j *journey, rec *call.Record) *Centre {
	if d.Version == nil || rec.Config == "" || rec.Config == j.centre.Hash {
		return nil
	}
	c, err := d.Version(ctx, rec.Config)
	if err != nil {
		j.log.Warn("the call goes on under the centre in force", zap.String("config", rec.Config), zap.Error(err))
		return nil
	}
	return c
}

// stageOf is the stage that a call entered last.
func stageOf(rec *call.Record) (Stage, error) {
	switch rec.Stage {
	case Route{}.Name():
		return Route{}, nil
	case Refuse{}.Name():
		return inputOf[Refuse](rec)
	case Shut{}.Name():
		return inputOf[Shut](rec)
	case Warn{}.Name():
		return inputOf[Warn](rec)
	case Flow{}.Name():
		return inputOf[Flow](rec)
	case Wait{}.Name():
		return inputOf[Wait](rec)
	case Inform{}.Name():
		return inputOf[Inform](rec)
	case Requeue{}.Name():
		return inputOf[Requeue](rec)
	case AskCallback{}.Name():
		return inputOf[AskCallback](rec)
	case ReadBack{}.Name():
		return inputOf[ReadBack](rec)
	case LeaveMessage{}.Name():
		return inputOf[LeaveMessage](rec)
	case TakeMessage{}.Name():
		return inputOf[TakeMessage](rec)
	case Leave{}.Name():
		return inputOf[Leave](rec)
	case Dial{}.Name():
		return inputOf[Dial](rec)
	case HandOut{}.Name():
		return inputOf[HandOut](rec)
	case Talk{}.Name():
		return inputOf[Talk](rec)
	case Finish{}.Name():
		return inputOf[Finish](rec)
	}
	return nil, fmt.Errorf("call %s: stage %q is not known to this version", rec.ID, rec.Stage)
}

func inputOf[S Stage](rec *call.Record) (Stage, error) {
	var s S
	if err := json.Unmarshal(rec.StageInput, &s); err != nil {
		return nil, fmt.Errorf("call %s: stage %s: %w", rec.ID, rec.Stage, err)
	}
	return s, nil
}

// goOn corrects the stage that was entered last by what happened in it: the
// process may have died after a stage's work and before the next entry.
func goOn(j *journey, rec *call.Record, at Stage, found call.Survivors) Stage {
	switch s := at.(type) {
	case Inform:
		j.entries++ // as it will be in the queue
	case Wait:
		if n := len(rec.Entries); n == 0 || rec.Entries[n-1].ID != s.Entry {
			j.entries++ // entered, and not yet in the queue
			return s
		}
		if rec.Waiting() != nil {
			return s
		}
		return afterWait(j, s, &rec.Entries[len(rec.Entries)-1], found)
	case Talk:
		n := len(rec.Talks)
		if n > 0 && rec.Talks[n-1].Leg == s.Leg && !rec.Talks[n-1].Ended.IsZero() {
			return afterTalk(j, s, &rec.Talks[n-1])
		}
		if n == 0 || rec.Talks[n-1].Leg != s.Leg {
			j.talks++ // entered, and not yet connected
		}
	}
	return at
}

// afterWait is where a call goes whose entry e was over when the process died.
// One that was answered by an agent who is gone waits again, at its old place.
func afterWait(j *journey, w Wait, e *call.Entry, found call.Survivors) Stage {
	if next, sent := w.unheard(j, e.Outcome); sent {
		return next
	}
	if e.Outcome != call.OutcomeAnswered {
		return exit(w, callqueue.Result{Outcome: e.Outcome, Exit: ruleOf(j.centre.Queues[w.Queue], e.Exit)})
	}
	for _, o := range e.Offers {
		if leg, ok := found.Leg(o.ID.AgentLeg()); ok && o.Result == call.OfferAnswered && leg.Context().Err() == nil {
			return talkWith(j, w, callqueue.Result{Agent: o.Agent, Leg: leg}, j.centre.Queues[w.Queue].Record && j.noticed)
		}
	}
	return Requeue{Wait: w}
}

// afterTalk is where a call goes whose talk was over when the process died: where the
// agent handed it on to, or nowhere.
func afterTalk(j *journey, s Talk, t *call.Talk) Stage {
	if n := len(t.Transfers); n > 0 && t.Transfers[n-1].Refused == "" && t.Cause == transferred() {
		to, ok := targetOf(t.Transfers[n-1].To)
		if !ok {
			to.Queue = j.centre.Numbers[t.Transfers[n-1].To].Queue
		}
		if ok || to.Queue != "" {
			return s.onwards(j, to, time.Time{})
		}
	}
	return Finish{Outcome: j.outcome, Cause: t.Cause, From: s.Name()}
}

// ruleOf is the queue's exit by which an entry left; nil when it left by none, or
// the queue has changed.
func ruleOf(q callqueue.Queue, by *call.EntryExit) *callqueue.Exit {
	if by == nil {
		return nil
	}
	switch by.Rule {
	case "overflow":
		return q.Overflow
	case "timeout":
		return q.Timeout
	case "no-agent":
		return q.Empty
	}
	if x, ok := q.Keys[by.Key]; ok {
		return &x
	}
	return nil
}

// Requeue puts a call back into its queue at its old place.
type Requeue struct {
	Wait Wait `json:"wait"`
}

func (Requeue) Name() string { return "requeue" }

func (r Requeue) Run(_ context.Context, _ *Desk, j *journey) (Stage, error) {
	w := waitIn(j, r.Wait.Queue, r.Wait.Need, r.Wait.Priority)
	w.Unserved, w.Arrived, w.Only, w.Sent, w.Paused = r.Wait.Unserved, r.Wait.Arrived, r.Wait.Only, r.Wait.Sent, r.Wait.Paused
	if w.Sent == nil { // whose patience begins anew
		w.Joined = r.Wait.Joined
	}
	return w, nil
}

// sweep hangs up what the journal does not know: offers that rang when the
// process died, and calls that had ended.
func (d *Desk) sweep(ctx context.Context, found call.Survivors, known map[call.LegID]bool) int {
	n := 0
	for _, l := range found.Legs {
		if known[l.ID()] || l.Context().Err() != nil {
			continue
		}
		n++
		if err := l.Hangup(ctx, call.Cause{Reason: call.SwitchGone, Text: "left over from before a restart"}); err != nil {
			d.Log.Warn("sweep", zap.String("leg", string(l.ID())), zap.Error(err))
		}
	}
	return n
}

// close ends a call that died with the last process, at its last sign of life.
func (d *Desk) close(ctx context.Context, rec *call.Record, alive time.Time) error {
	at := lastKnown(rec, alive)
	cause := call.Cause{Reason: call.SwitchGone, Text: "the server stopped"}
	var evs []call.Event
	add := func(b call.Body) { evs = append(evs, call.CallEvent(at, rec.ID, b)) }
	outcome := call.OutcomeSystemFailed
	if n := len(rec.Entries); n > 0 && rec.Entries[n-1].Outcome != "" {
		outcome = rec.Entries[n-1].Outcome
	}
	if rec.Out && outcome == call.OutcomeAnswered && len(rec.Talks) == 0 { // by an agent, and not by the customer
		outcome = call.OutcomeNotReached
	}
	if e := rec.Waiting(); e != nil {
		for _, o := range e.Offers {
			if o.Ended.IsZero() {
				add(call.OfferEnded{Offer: o.ID, Agent: o.Agent, Result: call.OfferWithdrawn, Cause: cause})
			}
		}
		add(call.QueueLeft{Entry: e.ID, Queue: e.Queue, Outcome: call.OutcomeSystemFailed, Wait: at.Sub(e.Joined)})
	}
	if t := rec.Talking(); t != nil {
		add(call.Parted{Agent: t.Agent, By: call.SideSystem, Cause: cause})
	}
	ended := call.Ended{Outcome: outcome, Cause: cause, Stage: rec.Stage, Restored: true}
	if err := d.endBefore(ctx, rec, at, ended, evs); err != nil {
		return fmt.Errorf("close call %s: %w", rec.ID, err)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.crashed[rec.Origin] = rec.Ticket
	return nil
}

// lastKnown is the later of the process's last sign of life and the call's last event.
func lastKnown(rec *call.Record, alive time.Time) time.Time {
	at := rec.Arrived
	later := func(t time.Time) {
		if t.After(at) {
			at = t
		}
	}
	later(alive)
	later(rec.Answered)
	later(rec.StageAt)
	for _, s := range rec.Path {
		later(s.At)
	}
	for _, e := range rec.Entries {
		later(e.Left)
		for _, o := range e.Offers {
			later(o.At)
			later(o.Ended)
		}
	}
	for _, t := range rec.Talks {
		later(t.Began)
		later(t.Ended)
		for _, h := range t.Holds {
			later(h.From)
			later(h.To)
		}
	}
	return at
}
