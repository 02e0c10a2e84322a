package intake

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"go.uber.org/zap"

	"firstline/call"
	"firstline/callqueue"
)

// CallOut is an agent's wish to call a customer about a ticket.
type CallOut struct {
	Agent    call.AgentID
	Ticket   call.TicketID
	Customer call.Party
	Line     string // number of the centre that the customer sees
	By       string // who asked, for the journal
	Test     bool
}

// ErrNoLine means that the number to be shown is none of the centre's.
var ErrNoLine = errors.New("intake: no line of ours")

// agentRing is how long the phone rings of an agent who wants to call somebody.
const agentRing = 30 * time.Second

// CallOut rings the agent's phone, then the customer's, and joins the two. It returns
// when the agent is reserved and the call is durable. ErrMayNotCall,
// ErrTooManyCalls, ErrNoLine; callqueue.ErrUnknownAgent, ErrBusy and ErrTalking when
// the agent cannot call now.
func (d *Desk) CallOut(ctx context.Context, o CallOut) (call.ID, error) {
	centre := d.centre.Load()
	line, ours := centre.Numbers[o.Line]
	switch {
	case !ours:
		return "", fmt.Errorf("%w: %q", ErrNoLine, o.Line)
	case !d.mayCall(o.Customer.Number):
		return "", fmt.Errorf("%w: %s", ErrMayNotCall, o.Customer.Number)
	}
	if err := d.lines.room(time.Now(), centre.Outbound); err != nil {
		return "", err
	}
	now := call.Instant(time.Now())
	id := call.NewID(now)
	device, err := d.Queue.CallOut(ctx, o.Agent, id, line.Client)
	if err != nil {
		return "", err
	}
	c := &call.Call{
		ID: id, Origin: fmt.Sprintf("agent/%s/%s", o.Agent, id), From: o.Customer, To: call.Party{Number: o.Line}, Arrived: now, Test: o.Test,
		Leg: newAbsent(id.CallerLeg(), o.Customer),
	}
	j := d.newJourney(c)
	j.out, j.ticket, j.opened, j.entered, j.outcome = true, o.Ticket, true, true, call.OutcomeNotReached
	j.log = j.log.With(zap.String("ticket", string(o.Ticket)))
	at := Dial{Agent: o.Agent, Device: device}
	if err := d.openOut(ctx, j, at, o.By); err != nil {
		d.letGo(j, o.Agent, nil)
		return "", err
	}
	j.log.Info("call out", zap.String("agent", string(o.Agent)), zap.String("by", o.By))
	d.wg.Go(func() { d.serve(c.Leg.Context(), j, at) })
	return id, nil
}

// openOut makes the call durable, with its first stage.
func (d *Desk) openOut(ctx context.Context, j *journey, at Dial, by string) error {
	stage, err := entry(j.call.ID, at)
	if err != nil {
		return err
	}
	_, release := d.onTicket(j)
	defer release()
	c := j.call
	err = d.Journal.Append(context.WithoutCancel(ctx),
		call.CallEvent(c.Arrived, c.ID, call.Arrived{Ticket: j.ticket, Origin: c.Origin, From: c.From, To: c.To, Test: c.Test, Out: true}),
		call.TicketEvent(c.Arrived, j.ticket, call.TicketJoined{Call: c.ID, Why: "called by " + by}), stage)
	if err != nil {
		return fmt.Errorf("call out: %w", err)
	}
	return nil
}

// Dial rings the agent, then the customer.
type Dial struct {
	Agent  call.AgentID  `json:"agent"`
	Device call.DeviceID `json:"device"`
}

// Name is the stage's name in the journal.
func (Dial) Name() string { return "dial" }

// Run joins the two, or sets the agent free when either is not there.
func (s Dial) Run(ctx context.Context, d *Desk, j *journey) (Stage, error) {
	agent, err := d.ringAgent(ctx, j, s)
	if err != nil {
		d.letGo(j, s.Agent, nil)
		return nil, fmt.Errorf("ring %s: %w", s.Agent, err)
	}
	leg, err := d.ringCustomer(ctx, j, agent)
	if err != nil {
		d.letGo(j, s.Agent, agent)
		return nil, fmt.Errorf("reach the customer: %w", err)
	}
	j.call.Leg, j.answered = leg, true
	d.Journal.Post(call.CallEvent(time.Now(), j.call.ID, call.Answered{}))
	noticed := d.notice(leg.Context(), j, callqueue.Queue{Record: !j.centre.Outbound.Silent})
	if leg.Context().Err() != nil {
		d.letGo(j, s.Agent, agent)
		return nil, context.Cause(leg.Context())
	}
	j.outcome = call.OutcomeAnswered
	return talkWith(j, Wait{Joined: j.call.Arrived}, callqueue.Result{Agent: s.Agent, Leg: agent}, noticed), nil
}

func (d *Desk) ringAgent(ctx context.Context, j *journey, s Dial) (call.Leg, error) {
	o := call.Originate{ID: j.call.ID.AgentLeg(), To: s.Device.Endpoint(), From: j.call.From, Ring: agentRing}
	if _, outside := s.Device.Number(); !outside {
		o.Headers = map[string]string{"X-Firstline-Ticket": string(j.ticket)}
	}
	agent, err := d.Switch.Originate(ctx, o)
	if err != nil {
		return nil, err
	}
	if err := call.AwaitAnswer(ctx, agent, nil); err != nil {
		return nil, errors.Join(err, agent.Hangup(context.WithoutCancel(ctx), call.AsCause(err)))
	}
	j.legs[agent.ID()] = agent
	return agent, nil
}

// ringCustomer rings while the agent is there to talk.
func (d *Desk) ringCustomer(ctx context.Context, j *journey, agent call.Leg) (call.Leg, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	stop := context.AfterFunc(agent.Context(), func() { cancel(call.CauseOf(agent.Context())) })
	defer stop()
	if err := agent.Hold(ctx, j.centre.music(j.centre.home(j.call.To.Number))); err != nil {
		j.log.Warn("agent waits in silence", zap.Error(err))
	}
	return d.reachOutside(ctx, call.Originate{
		ID: j.call.ID.CallerLeg(), To: call.Endpoint{Number: j.call.From.Number}, From: j.call.To, Ring: j.centre.Outbound.ring(),
	})
}

// music is what those hear who wait in a queue, or on the way from it.
func (c *Centre) music(q call.QueueID) call.Media {
	return cmp.Or(c.Queues[q].Music, callqueue.Queue{}.Defaults().Music)
}
