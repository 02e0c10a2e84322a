package intake

import (
	"cmp"
	"context"
	"fmt"
	"time"

	"go.uber.org/zap"

	"firstline/call"
	"firstline/callqueue"
)

// side is the call by which somebody is asked during another: with a story of its
// own, in the same ticket, and in no figure of callers.
type side struct {
	d      *Desk
	id     call.ID
	to     Target
	wait   callqueue.Waiting // for an agent
	dial   call.Originate    // of a number
	log    *zap.Logger
	ctx    context.Context //nolint:containedctx // ends with the question, as a leg's does
	cancel context.CancelCauseFunc

	hunt    *hunt         // for whoever of a group takes the call; nil: of to
	via     call.Leg      // the agent's phone by which it is asked; nil: by the leg of the conversation
	settled chan struct{} // closed when the ringing is over and all that follows from it is done

	// of the goroutine of the conversation, once there is an answer
	leg    call.Leg
	agent  call.AgentID // empty for a number
	bridge call.Bridge  // with the agent who asks
	heard  bool         // the ringing is over
	out    call.Outcome // then
}

// answer is how the ringing ended; leg is nil when nobody answered.
type answer struct {
	line  *side
	leg   call.Leg
	agent call.AgentID
	out   call.Outcome // of the queue entry, if it was one
	to    Target       // whom a hunt has found outside; zero: as it was asked for
	err   error
}

// openSide makes the question's call durable.
func (d *Desk) openSide(ctx context.Context, k *talk, to Target) (*side, error) {
	j, now := k.j, call.Instant(time.Now())
	id := call.NewID(now)
	s := &side{d: d, id: id, to: to, log: j.log.With(zap.String("consult", string(id)))}
	from := k.t.Queue
	if _, known := j.centre.Queues[from]; !known {
		from = j.centre.home(j.call.To.Number)
	}
	s.wait = callqueue.Waiting{
		Entry: id.Entry(1), Queue: from, Only: to.Agent, Joined: now, Arrived: k.t.Place.Arrived, Priority: k.t.Place.Priority,
		Patience: j.centre.Patience, Client: j.centre.Numbers[j.call.To.Number].Client, From: j.call.From, Ticket: j.ticket, Test: j.call.Test,
	}
	if to.Queue != "" {
		s.wait.Queue = to.Queue
	}
	s.dial = call.Originate{ID: id.OutsideLeg(1), To: call.Endpoint{Number: to.Number}, From: j.call.To, Ring: j.centre.Outbound.ring()}
	ticket, release := d.onTicket(j)
	defer release()
	stage, err := entry(id, consulting{Call: j.call.ID, To: to.String()})
	if err != nil {
		return nil, err
	}
	err = d.Journal.Append(context.WithoutCancel(ctx),
		call.CallEvent(now, id, call.Arrived{
			Ticket: ticket, Origin: fmt.Sprintf("consult/%s/%s", j.call.ID, id), From: j.call.From, To: j.call.To, Test: j.call.Test, Out: true, Consult: j.call.ID,
		}),
		call.TicketEvent(now, ticket, call.TicketJoined{Call: id, Why: "consultation"}), stage)
	if err != nil {
		return nil, fmt.Errorf("consult: %w", err)
	}
	s.ctx, s.cancel = context.WithCancelCause(context.Background())
	s.settled = make(chan struct{})
	return s, nil
}

// reach rings until somebody answers, and says so.
func (s *side) reach(answers chan<- answer) {
	a := answer{line: s}
	if s.hunt != nil {
		answers <- s.hunt.find(s)
		return
	}
	if s.to.Number != "" {
		a.leg, a.err = s.d.reachOutside(s.ctx, s.dial)
	} else {
		var r callqueue.Result
		r, a.err = s.d.Queue.Connect(s.ctx, s.wait)
		a.leg, a.agent, a.out = r.Leg, r.Agent, r.Outcome
		if a.leg == nil && a.err == nil {
			a.err = fmt.Errorf("queue %s: %s", s.wait.Queue, r.Outcome)
		}
	}
	answers <- a
}

// taken takes note of how the ringing ended, and of who has answered.
func (s *side) taken(a answer) {
	s.heard, s.leg, s.agent, s.out = true, a.leg, a.agent, cmp.Or(a.out, call.OutcomeNotReached)
	if a.to != (Target{}) {
		s.to = a.to
	}
	if a.leg != nil {
		s.out = call.OutcomeAnswered
		s.d.Journal.Post(call.CallEvent(time.Now(), s.id, call.Connected{Agent: a.agent, Number: s.to.Number, Leg: a.leg.ID(), Bridge: s.id.Bridge(1)}))
	}
}

// end lets the one asked go, or stops the ringing: then it is closed when that is
// over.
func (s *side) end(c call.Cause) {
	s.cancel(c)
	if s.heard {
		s.close(c)
	}
}

// close writes the end, once the ringing is over.
func (s *side) close(c call.Cause) {
	if s.leg == nil {
		s.ended(c)
		return
	}
	s.d.Journal.Post(call.CallEvent(time.Now(), s.id, call.Parted{Agent: s.agent, By: call.SideSystem, Cause: c}))
	if err := s.leg.Hangup(context.Background(), c); err != nil {
		s.log.Warn("hang up", zap.Error(err))
	}
	if s.agent != "" {
		s.d.Queue.TalkEnded(s.agent, s.id, time.Now())
		ctx, cancel := context.WithTimeout(context.Background(), closeTimeout)
		defer cancel()
		if err := s.d.Queue.EndWrapUp(ctx, s.agent); err != nil { // there is nothing to write down
			s.log.Debug("wrap-up goes on", zap.Error(err))
		}
	}
	s.ended(c)
}

// moved ends the question's call as its leg goes on in another.
func (s *side) moved(to call.ID) {
	c := transferred()
	s.cancel(c)
	s.d.Journal.Post(call.CallEvent(time.Now(), s.id, call.Parted{Agent: s.agent, By: call.SideSystem, Cause: c}))
	if s.agent != "" {
		s.d.Queue.TalkMoved(s.agent, s.id, to)
	}
	s.ended(c)
}

func (s *side) ended(c call.Cause) {
	s.d.Journal.Post(call.CallEvent(time.Now(), s.id, call.Ended{Outcome: s.out, Cause: c, Stage: consulting{}.Name()}))
}

// consulting is the one stage of such a call. It does not outlive a process: the
// agent is back with the caller then.
type consulting struct {
	Call call.ID `json:"call"`
	To   string  `json:"to"`
}

func (consulting) Name() string { return "consult" }

// Run is never reached: the conversation does the work.
func (consulting) Run(context.Context, *Desk, *journey) (Stage, error) { return nil, call.ErrState }
