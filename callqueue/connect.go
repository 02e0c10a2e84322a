package callqueue

import (
	"context"
	"errors"
	"time"

	"go.uber.org/zap"

	"firstline/call"
)

// Waiting is a call that asks for an agent.
type Waiting struct {
	Entry          call.EntryID
	Queue          call.QueueID
	Need           call.Requirement // beside what the queue asks for, which is added
	Steps          []Step           // that the flow asks for in place of the queue's; nil for those
	Priority       int              // 0 means the queue's; what follows is added
	TicketPriority int              // points of it
	Unserved       int              // calls of this caller that nobody answered of late
	Set            bool             // Priority is a person's word of before a restart: it stands alone
	Joined         time.Time        // when the wait began; zero means now
	Came           time.Time        // from when the longest wait and PreferFor count, for a call that took an earlier one's place; zero means Joined
	Within         time.Duration    // the call's own target, where it is tighter than the queue's; 0 for none
	Client         string           // whose cap holds (Rules.Clients)
	Class          string           // for which agents may be kept (Rules.Reserves)
	// Prefer is the agent whom the caller should have, such as the ticket's
	// handler. Until PreferFor has passed since Came the call is kept for that
	// agent, while available; then it is everybody's.
	Prefer    call.AgentID
	PreferFor time.Duration
	Callback  call.CallbackID // the entry is a try of it: nobody is on the line
	Arrived   time.Time       // its place in the order, of a call that was handed on; zero means Joined
	Only      call.AgentID    // the one agent whom the call is for
	Sender    call.AgentID    // who handed the call on, and has it back when nobody answers within Patience
	Patience  time.Duration   // 30 s
	Back      bool            // comes back to Only, who sent it
	From      call.Party      // shown on the agent's phone
	Ticket    call.TicketID
	Test      bool
	Resumed   bool          // waited before a restart: its QueueJoined is in the journal
	Offers    int           // when Resumed: offers that the journal knows, whose ids are not used again
	Asks      call.Widening // when Resumed: what the journal says it asks for
}

// Result is how a call left its queue.
type Result struct {
	Outcome call.Outcome
	Agent   call.AgentID // of OutcomeAnswered, with the three below
	Device  call.DeviceID
	Leg     call.Leg // the agent's, answered; from here on the receiver's to hang up
	Offer   call.OfferID
	Wait    time.Duration // since Joined
	Exit    *Exit         // where a rule or a key of the queue sends the caller; nil when none did
}

// waiter is a call of Connect.
type waiter struct {
	Waiting
	gone func() bool         // whether the caller has hung up
	left func() call.Outcome // how the call leaves when that is so
	done chan ended
}

type ended struct {
	result Result
	err    error
}

// end answers Connect. It is called once for each waiter.
func (w *waiter) end(r Result, err error) { w.done <- ended{r, err} }

// Connect waits until an agent has answered, or the call has left its queue
// otherwise. It returns after the QueueLeft has been posted.
//
// The end of ctx means that the caller is gone: the call leaves as abandoned (as
// system-failed when the cause is ours), whoever is being rung is let be, and
// the error is ctx's cause. When the agent was quicker, the Result is as good as
// any and the leg is the receiver's. ErrUnknownQueue and ErrFull mean that the
// call did not join, ErrClosed that it waits on in the journal for another
// process.
func (d *Dispatcher) Connect(ctx context.Context, w Waiting) (Result, error) {
	if err := d.awaitRun(ctx); err != nil {
		return Result{}, err
	}
	if w.Joined.IsZero() {
		w.Joined = time.Now()
	}
	x := &waiter{
		Waiting: w, done: make(chan ended, 1),
		gone: func() bool { return ctx.Err() != nil },
		left: func() call.Outcome { return outcomeOf(ctx) },
	}
	if !d.submit(func(now time.Time) { d.join(now, x) }) {
		return Result{}, ErrClosed
	}
	select {
	case e := <-x.done:
		return e.result, e.err
	case <-ctx.Done():
	}
	d.submit(func(now time.Time) {
		if d.waiters[w.Entry] == x {
			_ = d.apply(now, Leave{w.Entry, x.left()})
		}
	})
	e := <-x.done
	if e.err == nil && e.result.Leg == nil {
		e.err = context.Cause(ctx)
	}
	return e.result, e.err
}

// awaitRun waits for Run to begin. Once it has, the end of ctx is no matter: a
// caller who is gone already joins and leaves, so a resumed entry is closed.
func (d *Dispatcher) awaitRun(ctx context.Context) error {
	select {
	case <-d.started:
		return nil
	default:
	}
	select {
	case <-d.started:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// Leave takes a call out of its queue with an outcome, for which its Connect
// then returns. ErrUnknownEntry means that it does not wait.
func (d *Dispatcher) Leave(ctx context.Context, entry call.EntryID, out call.Outcome) error {
	return d.ask(ctx, func(now time.Time) error { return d.apply(now, Leave{entry, out}) })
}

// Press tells the queue that the caller pressed a key: Connect then returns with
// the Exit of that key. ErrUnknownKey when the queue has none for it,
// ErrUnknownEntry when the call does not wait.
func (d *Dispatcher) Press(ctx context.Context, entry call.EntryID, key string) error {
	return d.ask(ctx, func(now time.Time) error { return d.apply(now, Press{entry, key}) })
}

// SetPriority changes the priority of a call that waits; by and reason go to the
// journal and may not be empty. ErrUnknownEntry, ErrInvalid.
func (d *Dispatcher) SetPriority(ctx context.Context, entry call.EntryID, priority int, by, reason string) error {
	return d.ask(ctx, func(now time.Time) error { return d.apply(now, Prioritize{entry, priority, by, reason}) })
}

// outcomeOf is how a call leaves whose context has ended. A caller who is cut
// off by us has not given up.
func outcomeOf(ctx context.Context) call.Outcome {
	if c, ok := errors.AsType[call.Cause](context.Cause(ctx)); ok {
		switch c.Reason {
		case call.Shutdown, call.SwitchGone, call.Failed, call.LimitPassed:
			return call.OutcomeSystemFailed
		}
	}
	return call.OutcomeAbandoned
}

func (d *Dispatcher) join(now time.Time, w *waiter) {
	if other := d.waiters[w.Entry]; other != nil {
		w.end(Result{}, ErrBusy)
		return
	}
	d.waiters[w.Entry] = w
	err := d.apply(now, Join{
		Entry: w.Entry, Queue: w.Queue, Need: w.Need, Steps: w.Steps, Joined: w.Joined, Came: w.Came,
		Priority: w.Priority, TicketPriority: w.TicketPriority, Unserved: w.Unserved, Set: w.Set,
		Within: w.Within, Client: w.Client, Class: w.Class, Prefer: w.Prefer, PreferFor: w.PreferFor,
		Arrived: w.Arrived, Only: w.Only, Sender: w.Sender, Patience: w.Patience, Back: w.Back,
		Callback: w.Callback, Resume: w.Resumed, Offers: w.Offers, Asks: w.Asks,
	})
	if err != nil && d.waiters[w.Entry] == w {
		delete(d.waiters, w.Entry)
		w.end(Result{}, err)
	}
}

// connected hands an answered leg to the Connect that waits for it.
func (d *Dispatcher) connected(c Connected) {
	w, r := d.waiters[c.Entry], d.rings[c.Offer]
	d.log.Info("connected", zap.String("call", string(c.Entry.Call())), zap.String("queue", string(c.Queue)),
		zap.String("agent", string(c.Agent)), zap.Duration("wait", c.Wait))
	delete(d.waiters, c.Entry)
	d.talks[c.Agent] = c.Offer
	context.AfterFunc(r.leg.Context(), func() {
		lost := call.CauseOf(r.leg.Context()).Reason == call.MediaLost
		d.submit(func(now time.Time) { d.legGone(now, c, lost) })
	})
	w.end(Result{
		Outcome: call.OutcomeAnswered, Agent: c.Agent, Device: c.Device, Leg: r.leg, Offer: c.Offer, Wait: c.Wait,
	}, nil)
}

// legGone ends a talk whose agent's leg is gone, should nobody else have said so:
// no agent stays reserved for a call that is no more. Lost is that of its media.
func (d *Dispatcher) legGone(now time.Time, c Connected, lost bool) {
	if d.talks[c.Agent] != c.Offer {
		return
	}
	delete(d.talks, c.Agent)
	if lost {
		_ = d.apply(now, TalkSilent{c.Agent, true}) // before the agent is free for the next call
	}
	_ = d.apply(now, TalkEnded{c.Agent, c.Entry.Call(), now}) // refused when the talk ended and another began
}
