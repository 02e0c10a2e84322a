package intake

import (
	"context"
	"errors"
	"fmt"
	"time"

	"go.uber.org/zap"

	"firstline/call"
	"firstline/callqueue"
)

// attempt is one try to bring the customer and an agent together: a call of its
// own, which we place.
func (b *callback) attempt(ctx context.Context) {
	j, at, err := b.begin(ctx)
	if err != nil {
		b.d.Log.Error("callback not tried", zap.String("callback", string(b.c.ID)), zap.Error(err))
		call.Pause(ctx, soon)
		return
	}
	line := j.call.Leg.(*absent)
	stop := context.AfterFunc(ctx, func() { line.cancel(call.Cause{Reason: call.Shutdown}) })
	expire := time.AfterFunc(time.Until(j.expires), func() {
		line.cancel(call.Cause{Reason: call.Completed, Text: "callback expired"})
	})
	b.d.serve(ctx, j, at)
	stop()
	expire.Stop()
	b.missed(ctx, j)
}

// begin opens the outgoing call and the attempt in one commit.
func (b *callback) begin(ctx context.Context) (*journey, Stage, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	now := call.Instant(time.Now())
	id, n := call.NewID(now), len(b.c.Attempts)+1
	c := &call.Call{
		ID: id, Origin: fmt.Sprintf("callback/%s/%d", b.c.ID, n), From: b.c.Customer, To: b.c.Line, Arrived: now, Test: b.c.Test,
		Leg: newAbsent(id.CallerLeg(), b.c.Customer),
	}
	j := b.d.newJourney(c)
	j.out, j.back, j.expires, j.ticket, j.opened, j.entered, j.outcome = true, b, b.c.Expires, b.c.Ticket, true, true, call.OutcomeNotReached
	j.log = j.log.With(zap.String("ticket", string(b.c.Ticket)), zap.String("callback", string(b.c.ID)))
	j.silent = b.c.Silent
	w := Recall{Wait: waitIn(j, b.c.Queue, b.c.Need, b.c.Priority)}
	w.Wait.Joined, w.Wait.Callback = b.c.Joined, b.c.ID
	if b.d.Problems != nil {
		j.ticket = b.d.Problems.Current(ctx, j.ticket)
	}
	stage, err := entry(id, w)
	if err != nil {
		return nil, nil, err
	}
	ticket, release := b.d.onTicket(j)
	defer release()
	opening := []call.Event{
		call.CallEvent(now, id, call.Arrived{Ticket: ticket, Origin: c.Origin, From: c.From, To: c.To, Test: c.Test, Out: true}),
		call.TicketEvent(now, ticket, call.TicketJoined{Call: id, Why: "callback"}),
	}
	if j.silent { // as they said in the call in which they asked
		opening = append(opening, call.CallEvent(now, id, call.Chose{Unrecorded: true}))
	}
	err = b.note(ctx, call.CallbackTried{Attempt: n, Call: id}, append(opening, stage)...)
	if err != nil {
		return nil, nil, err
	}
	b.line = c.Leg
	return j, w, nil
}

// missed takes note of an attempt that did not bring the two together.
func (b *callback) missed(ctx context.Context, j *journey) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.line, b.claimed = nil, false
	if !b.c.Open() {
		return
	}
	if b.redial != "" && j.ended.Reason == call.Hangup {
		how := call.CallbackClosed{End: call.CallbackRedialled, Call: b.redial}
		if err := b.note(ctx, how); err != nil {
			b.d.Log.Error("callback", zap.String("callback", string(b.c.ID)), zap.Error(err))
			return
		}
		b.d.callbacks.remove(b.c.ID)
		return
	}
	b.redial = ""
	again := soon
	if j.absent || b.c.Message != "" { // an agent who heard it and pressed nothing is not rung again at once
		again = b.rule().Every
	}
	err := b.note(ctx, call.CallbackMissed{
		Attempt: len(b.c.Attempts), Cause: j.ended, Counts: j.absent, Again: call.Instant(time.Now().Add(again)),
	})
	if err != nil {
		b.d.Log.Error("callback", zap.String("callback", string(b.c.ID)), zap.Error(err))
	}
}

// Recall waits for an agent, or for the customer's turn, with nobody on the line.
type Recall struct {
	Wait Wait `json:"wait"`
}

// Name is the stage's name in the journal.
func (Recall) Name() string { return "recall" }

// Run ends when an agent is on the line, or the attempt is called off.
func (s Recall) Run(ctx context.Context, d *Desk, j *journey) (Stage, error) {
	if j.back.first() == call.CustomerFirst {
		if err := d.turn(ctx, s.Wait); err != nil {
			return nil, err
		}
		return Reach{Wait: s.Wait}, nil
	}
	r, err := d.Queue.Connect(ctx, s.Wait.waiting(j))
	switch {
	case err != nil && r.Leg == nil:
		return nil, fmt.Errorf("queue %s: %w", s.Wait.Queue, err)
	case r.Leg == nil:
		return nil, call.Cause{Reason: call.Completed, Text: "callback taken out of the queue"}
	}
	j.legs[r.Leg.ID()] = r.Leg
	return Reach{Wait: s.Wait, Agent: r.Agent, Leg: r.Leg.ID()}, nil
}

// turnEvery is how often it is looked whether a customer's turn has come.
const turnEvery = 2 * time.Second

// turn waits until nobody who arrived before the customer waits.
func (d *Desk) turn(ctx context.Context, w Wait) error {
	tick := time.NewTicker(turnEvery)
	defer tick.Stop()
	for {
		n, err := d.Queue.Earlier(ctx, w.Queue, w.Joined)
		if err != nil || n == 0 {
			return err
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// Reach rings the customer's phone. Leg is the agent's who is on the line
// already; empty when the customer comes first, who then waits at the old place.
type Reach struct {
	Wait  Wait         `json:"wait"`
	Agent call.AgentID `json:"agent,omitempty"`
	Leg   call.LegID   `json:"leg,omitempty"`
}

// Name is the stage's name in the journal.
func (Reach) Name() string { return "reach" }

// Run joins the two when the customer answers, and lets the agent go otherwise.
func (s Reach) Run(ctx context.Context, d *Desk, j *journey) (Stage, error) {
	agent := j.legs[s.Leg]
	if message := j.back.message(); message != "" && agent != nil {
		settled, err := d.hear(ctx, j, agent, message)
		switch {
		case err != nil:
			d.letGo(j, s.Agent, agent)
			return nil, fmt.Errorf("hear the message: %w", err)
		case settled:
			return d.settle(ctx, j, s, agent)
		}
	}
	leg, err := d.reach(ctx, j, s, agent)
	if err != nil {
		d.letGo(j, s.Agent, agent)
		return nil, fmt.Errorf("reach the customer: %w", err)
	}
	j.call.Leg, j.answered = leg, true
	d.Journal.Post(call.CallEvent(time.Now(), j.call.ID, call.Answered{}))
	j.absent = true // who hangs up before an agent is there was not reached
	if agent == nil {
		return s.Wait, nil
	}
	q := j.centre.Queues[s.Wait.Queue]
	noticed := d.notice(leg.Context(), j, q)
	if leg.Context().Err() != nil {
		d.letGo(j, s.Agent, agent)
		return nil, context.Cause(leg.Context())
	}
	j.outcome = call.OutcomeAnswered
	return talkWith(j, s.Wait, callqueue.Result{Agent: s.Agent, Leg: agent}, q.Record && noticed), nil
}

// reach rings the customer until an answer, the attempt's end, or the agent's
// hang-up, and leaves no leg behind that did not answer.
func (d *Desk) reach(ctx context.Context, j *journey, s Reach, agent call.Leg) (call.Leg, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	if agent != nil {
		stop := context.AfterFunc(agent.Context(), func() { cancel(call.CauseOf(agent.Context())) })
		defer stop()
		if err := agent.Hold(ctx, j.centre.Queues[s.Wait.Queue].Music); err != nil {
			j.log.Warn("agent waits in silence", zap.Error(err))
		}
	}
	leg, err := d.dial(ctx, call.Originate{
		ID: j.call.ID.CallerLeg(), To: call.Endpoint{Number: j.call.From.Number}, From: j.call.To, Ring: j.back.rule().Ring,
	})
	if err != nil {
		return nil, err
	}
	err = call.AwaitAnswer(ctx, leg, nil)
	switch {
	case err == nil && j.back.claim():
		return leg, nil
	case err == nil:
		err = call.Cause{Reason: call.Completed, Text: "callback called off"}
	case leg.Context().Err() != nil:
		j.absent = customersOwn(call.CauseOf(leg.Context()))
		return nil, err
	}
	return nil, errors.Join(err, leg.Hangup(context.WithoutCancel(ctx), call.AsCause(err)))
}

// customersOwn reports whether a customer's leg ended by the customer's doing or
// absence, rather than by a fault on our side.
func customersOwn(c call.Cause) bool {
	switch c.Reason {
	case call.SwitchGone, call.Failed, call.Shutdown, call.NoCapacity:
		return false
	}
	return true
}

// settle ends a request whose message an agent has dealt with, who may write that down.
func (d *Desk) settle(ctx context.Context, j *journey, s Reach, agent call.Leg) (Stage, error) {
	err := j.back.end(ctx, call.CallbackClosed{End: call.CallbackSettled, By: "agent:" + string(s.Agent), Call: j.call.ID})
	d.hangUpAgent(j, s.Agent, agent)
	if err != nil {
		return nil, err
	}
	return Finish{Outcome: j.outcome, Cause: call.Cause{Reason: call.Completed, Text: "message settled"}, From: s.Name()}, nil
}

func (d *Desk) hangUpAgent(j *journey, agent call.AgentID, leg call.Leg) {
	if leg != nil {
		if err := leg.Hangup(context.Background(), call.Cause{Reason: call.Completed}); err != nil {
			j.log.Warn("hang up agent", zap.String("agent", string(agent)), zap.Error(err))
		}
	}
	d.Queue.TalkEnded(agent, j.call.ID, time.Now())
}

// letGo sets an agent free of an attempt that came to nothing; leg is nil when the
// phone did not answer either. Without an agent there is nobody to set free.
func (d *Desk) letGo(j *journey, agent call.AgentID, leg call.Leg) {
	if agent == "" {
		return
	}
	d.hangUpAgent(j, agent, leg)
	ctx, cancel := context.WithTimeout(context.Background(), closeTimeout)
	defer cancel()
	if err := d.Queue.EndWrapUp(ctx, agent); err != nil { // there is nothing to write down
		j.log.Debug("wrap-up goes on", zap.Error(err))
	}
}

// absent is the leg of a customer who is not on the line yet: hanging it up calls
// the attempt off.
type absent struct {
	id     call.LegID
	remote call.Party
	ctx    context.Context //nolint:containedctx // a leg is its context: call.Leg.Context
	cancel context.CancelCauseFunc
}

func newAbsent(id call.LegID, remote call.Party) *absent {
	a := &absent{id: id, remote: remote}
	a.ctx, a.cancel = context.WithCancelCause(context.Background())
	return a
}

func (a *absent) ID() call.LegID                                { return a.id }
func (a *absent) Remote() call.Party                            { return a.remote }
func (a *absent) Context() context.Context                      { return a.ctx }
func (a *absent) Events() <-chan call.LegEvent                  { return nil }
func (a *absent) Ring(context.Context) error                    { return call.ErrState }
func (a *absent) Answer(context.Context) error                  { return call.ErrState }
func (a *absent) Play(context.Context, ...call.Media) error     { return call.ErrState }
func (a *absent) Hold(context.Context, call.Media) error        { return call.ErrState }
func (a *absent) Quiet(context.Context) error                   { return call.ErrState }
func (a *absent) SendDTMF(context.Context, string) error        { return call.ErrState }
func (a *absent) Transfer(context.Context, call.Endpoint) error { return call.ErrState }

func (a *absent) Collect(context.Context, call.Collect) (call.Collected, error) {
	return call.Collected{}, call.ErrState
}

func (a *absent) Hangup(_ context.Context, c call.Cause) error {
	a.cancel(c)
	return nil
}

var _ call.Leg = (*absent)(nil)
