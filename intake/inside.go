package intake

import (
	"context"
	"fmt"

	"go.uber.org/zap"

	"firstline/call"
)

// Inside reports whether our own phones may dial a number that is none of the
// centre's: a colleague's, or one outside that policy allows.
func (d *Desk) Inside(number string) bool {
	_, err := d.resolve(context.Background(), d.centre.Load(), number)
	return err == nil
}

// aside serves a second call of an agent's phone during a conversation: somebody is
// asked, whom the phone may hand the caller on to (REFER with Replaces). It reports
// false when the call is an ordinary one.
func (d *Desk) aside(ctx context.Context, c *call.Call) bool {
	centre := d.centre.Load()
	number, ours := centre.Numbers[c.To.Number]
	if ours && number.Queue == "" {
		return false
	}
	var id call.ID
	if c.Device != "" {
		id, _ = d.Queue.Sitting(ctx, c.Device)
	}
	switch {
	case id != "":
	case ours:
		return false
	default: // nobody of ours in a conversation: no number of the centre's, and no call
		d.Log.Info("a number outside the centre is refused", zap.String("trunk", c.Trunk), zap.String("device", string(c.Device)))
		d.dismiss(c, call.Cause{Reason: call.Unreachable, SIP: 404})
		return true
	}
	if err := d.askByPhone(ctx, c, id, centre); err != nil {
		d.Log.Info("consultation by phone", zap.String("call", string(id)), zap.Error(err))
		cause := call.AsCause(err)
		if cause.Reason == call.Failed { // refused, in words that a phone does not show
			cause = call.Cause{Reason: call.Rejected, SIP: 403}
		}
		d.dismiss(c, cause)
	}
	return true
}

func (d *Desk) dismiss(c *call.Call, cause call.Cause) {
	if err := c.Leg.Hangup(context.Background(), cause); err != nil {
		d.Log.Warn("hang up", zap.String("leg", string(c.Leg.ID())), zap.Error(err))
	}
}

// askByPhone lasts until the question is over, and leaves no leg up.
func (d *Desk) askByPhone(ctx context.Context, c *call.Call, id call.ID, centre *Centre) error {
	to, err := d.resolve(ctx, centre, c.To.Number)
	if err != nil {
		return err
	}
	var line *side
	err = d.command(ctx, id, func(ctx context.Context, k *talk) (err error) {
		line, err = k.askedByPhone(ctx, to, c.Leg)
		return err
	})
	if err != nil {
		return err
	}
	if err := c.Leg.Ring(ctx); err != nil {
		d.Log.Debug("ring", zap.Error(err)) // gone, which is seen below
	}
	select {
	case <-line.settled:
	case <-c.Leg.Context().Done():
	}
	if c.Leg.Context().Err() == nil && line.ctx.Err() == nil {
		select {
		case <-line.ctx.Done():
		case <-c.Leg.Context().Done():
		}
	}
	if line.ctx.Err() == nil {
		err := d.command(context.Background(), id, func(ctx context.Context, k *talk) error {
			if k.consult == nil || k.consult.line != line {
				return nil
			}
			return k.comeBack(ctx, call.ConsultReturned)
		})
		if err != nil {
			d.Log.Debug("the conversation is over as well", zap.Error(err))
		}
	}
	<-line.settled // which the conversation does, whatever comes
	d.dismiss(c, call.CauseOf(line.ctx))
	return nil
}

// askedByPhone rings whom an agent's phone has dialled beside the conversation.
func (k *talk) askedByPhone(ctx context.Context, to Target, via call.Leg) (*side, error) {
	switch {
	case k.t.Agent == "":
		return nil, fmt.Errorf("%w: nobody of ours is in the conversation", ErrNobody)
	case k.consult != nil:
		return nil, ErrConsults
	}
	if err := k.d.takes(ctx, k.j.centre, to, k.t.Agent); err != nil {
		return nil, err
	}
	line, err := k.d.openSide(ctx, k, to)
	if err != nil {
		return nil, err
	}
	line.via = via
	k.consult = &consult{line: line}
	k.note(call.ConsultBegan{Call: line.id, To: to.String(), By: "phone"})
	k.rung++
	k.asking.Go(func() { line.reach(k.answers) })
	return line, nil
}

// viaPhone joins the one asked with the phone that asks.
func (k *talk) viaPhone(ctx context.Context) error {
	line := k.consult.line
	if err := line.via.Answer(ctx); err != nil {
		return fmt.Errorf("answer the phone that asks: %w", err)
	}
	b, err := k.d.Switch.Bridge(ctx, call.BridgeSpec{ID: line.id.Bridge(1), Caller: line.via, Agent: line.leg, Music: k.j.centre.music(k.t.Queue)})
	if err != nil {
		return fmt.Errorf("join the phone and %s: %w", line.to, err)
	}
	line.bridge = b
	return nil
}

// attended is where the caller goes whom the agent's phone leaves with the one whom it
// has asked; false when the phone means something else.
func (k *talk) attended(ctx context.Context, e call.LegEvent) (Stage, bool) {
	if e.Replaces == "" || k.consult == nil || k.consult.line.via == nil || k.consult.line.via.ID() != e.Replaces {
		return nil, false
	}
	k.noteTransfer(k.consult.line.to.String(), "", nil)
	if k.consult.up() {
		return k.complete(ctx), true
	}
	return k.sendOn(), true
}
