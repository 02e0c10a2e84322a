package intake

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"go.uber.org/zap"

	"firstline/call"
	"firstline/tickets"
	"firstline/tickets/oncall"
)

// huntRing is how long the agents of a group's queue are rung for a live call before
// those on call are.
const huntRing = 25 * time.Second

// hunt looks for somebody of a group who takes a live call: who is free at work, else
// who is on call.
type hunt struct {
	p     *Pager
	group oncall.Group
	t     tickets.Ticket
	by    string
}

// EscalateCall has somebody of a group found for a conversation, while the two go on
// talking. Who answers hears a short summary, and then has the caller; the ticket keeps
// its owner. When nobody takes it the conversation goes on. ErrNotTalking, ErrConsults,
// ErrNobody; oncall.ErrUnknown.
func (p *Pager) EscalateCall(ctx context.Context, id call.ID, group, by string) error {
	g, ok := p.Plan().Groups[group]
	if !ok {
		return fmt.Errorf("%w: there is no group %q", oncall.ErrUnknown, group)
	}
	return p.d.command(ctx, id, func(ctx context.Context, k *talk) error {
		return k.hunt(ctx, &hunt{p: p, group: g, by: by})
	})
}

// hunt begins the search, without parting the two.
func (k *talk) hunt(ctx context.Context, h *hunt) error {
	switch {
	case k.t.Agent == "":
		return fmt.Errorf("%w: nobody of ours is in the conversation", ErrNobody)
	case k.consult != nil:
		return ErrConsults
	}
	var err error
	if h.t, err = h.p.Tickets.Ticket(ctx, k.j.ticket); err != nil { // then only its number can be said
		k.j.log.Warn("escalation of a call without its ticket", zap.Error(err))
		h.t = tickets.Ticket{ID: k.j.ticket}
	}
	to := Target{Queue: cmp.Or(h.group.Queue, k.t.Queue, k.j.centre.home(k.j.call.To.Number))} // where the caller goes whose agent hangs up
	line, err := k.d.openSide(ctx, k, to)
	if err != nil {
		return err
	}
	line.hunt = h
	k.consult = &consult{line: line}
	k.note(call.ConsultBegan{Call: line.id, To: "group:" + h.group.ID, By: h.by})
	k.rung++
	k.asking.Go(func() { line.reach(k.answers) })
	return nil
}

// find rings until somebody takes the call, and leaves no leg behind that does not.
func (h *hunt) find(s *side) answer {
	if a, ok := h.free(s); ok {
		return a
	}
	ladder, _ := h.p.Plan().Ladder(h.group.ID)
	step, phoned := 1, []call.AgentID{}
	for n := 1; s.ctx.Err() == nil; n++ {
		now, plan := time.Now(), h.p.Plan()
		rung, ok := plan.Next(ladder, step, phoned, now, h.p.Overrides(now))
		if !ok {
			return answer{line: s, err: fmt.Errorf("%w: nobody of %s takes the call", ErrNobody, h.group.ID)}
		}
		step, phoned = rung.Step, append(phoned, rung.Person)
		a, err := h.wake(s, plan.People[rung.Person], rung, n)
		if err == nil {
			return a
		}
		s.log.Info("not taken", zap.String("agent", string(rung.Person)), zap.Error(err))
	}
	return answer{line: s, err: context.Cause(s.ctx)}
}

// free is who of the group's queue is at work and has nothing else to do; false when
// nobody is, or nobody answers.
func (h *hunt) free(s *side) (answer, bool) {
	if h.group.Queue == "" {
		return answer{}, false
	}
	load, err := s.d.Queue.Load(s.ctx, h.group.Queue)
	if err != nil || load.Ready == 0 {
		return answer{}, false
	}
	ctx, stop := context.WithTimeoutCause(s.ctx, huntRing, call.Cause{Reason: call.NoAnswer})
	defer stop()
	r, err := s.d.Queue.Connect(ctx, s.wait)
	if r.Leg == nil {
		s.log.Info("nobody free takes the call", zap.Error(err))
		return answer{}, false
	}
	if err := r.Leg.Play(s.ctx, h.p.summary(h.t)...); err != nil || s.ctx.Err() != nil {
		h.dismiss(s, r.Agent, r.Leg)
		return answer{}, false
	}
	return answer{line: s, leg: r.Leg, agent: r.Agent, out: r.Outcome}, true
}

// wake phones somebody who is on call, who has to say by a key that they take it.
func (h *hunt) wake(s *side, person oncall.Person, rung oncall.Rung, n int) (answer, error) {
	if !h.p.take(person.ID) {
		return answer{}, errors.New("is phoned for another ticket")
	}
	defer h.p.release(person.ID)
	a := &attempt{p: h.p, t: h.t, person: person, rung: rung, id: s.id, log: s.log}
	to, err := a.reserve(s.ctx)
	if err != nil {
		return answer{}, err
	}
	leg, err := h.ring(s, to, rung.Wait, n)
	if err != nil {
		a.free()
		return answer{}, err
	}
	asking, stop := context.WithTimeoutCause(s.ctx, rung.Wait, call.Cause{Reason: call.NoAnswer})
	defer stop()
	if how := a.ask(asking, leg); how != "" || s.ctx.Err() != nil {
		a.bye(leg, "")
		a.free()
		return answer{}, fmt.Errorf("does not take it: %s", how)
	}
	if !a.ours { // nobody of the roster: the conversation is with a number
		return answer{line: s, leg: leg, to: Target{Number: cmp.Or(to.Number, string(to.Device))}}, nil
	}
	return answer{line: s, leg: leg, agent: person.ID, out: call.OutcomeAnswered}, nil
}

func (h *hunt) ring(s *side, to call.Endpoint, wait time.Duration, n int) (call.Leg, error) {
	if to == (call.Endpoint{}) {
		return nil, call.Cause{Reason: call.Unreachable, Text: "no phone that could be rung"}
	}
	ctx, stop := context.WithTimeoutCause(s.ctx, wait, call.Cause{Reason: call.NoAnswer})
	defer stop()
	o := call.Originate{ID: s.id.OutsideLeg(n), To: to, From: s.dial.From, Ring: wait}
	if to.Number != "" {
		return s.d.reachOutside(ctx, o)
	}
	leg, err := s.d.Switch.Originate(ctx, o)
	if err != nil {
		return nil, err
	}
	if err := call.AwaitAnswer(ctx, leg, nil); err != nil {
		return nil, errors.Join(err, leg.Hangup(context.WithoutCancel(ctx), call.AsCause(err)))
	}
	return leg, nil
}

// dismiss lets somebody of the queue go to whom the call did not come.
func (h *hunt) dismiss(s *side, agent call.AgentID, leg call.Leg) {
	ctx, cancel := context.WithTimeout(context.Background(), closeTimeout)
	defer cancel()
	if err := leg.Hangup(ctx, call.Cause{Reason: call.Completed}); err != nil {
		s.log.Warn("hang up", zap.Error(err))
	}
	s.d.Queue.TalkEnded(agent, s.id, time.Now())
	if err := s.d.Queue.EndWrapUp(ctx, agent); err != nil { // there is nothing to write down
		s.log.Debug("wrap-up goes on", zap.Error(err))
	}
}

// handUp gives the caller to who was found: the agent's part is over, and the ticket is
// with the group.
func (k *talk) handUp(ctx context.Context) error {
	h, found := k.consult.line.hunt, k.consult.line.agent
	k.noteTransfer("group:"+h.group.ID, h.by, nil)
	k.end = &parting{call.SideAgent, transferred(), k.complete(ctx)}
	if _, err := h.p.Tickets.EscalateLive(ctx, k.j.ticket, h.group.ID, h.group.Level, found, h.by); err != nil {
		k.j.log.Warn("the ticket does not say that its call went up", zap.Error(err))
	}
	return nil
}
