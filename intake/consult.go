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

// consult is an agent's question to somebody else during a conversation. Its fields
// belong to the call's goroutine.
type consult struct {
	line     *side
	together bool // all three hear each other
	aside    bool // the agent speaks with the one asked; otherwise with the caller
}

// up reports whether the one asked is on the line.
func (c *consult) up() bool { return c != nil && c.line.leg != nil }

// Errors of consultations.
var (
	// ErrConsults means that the agent asks somebody already.
	ErrConsults = errors.New("intake: a consultation is under way already")
	// ErrNoConsult means that nobody is asked, or that nobody has answered yet.
	ErrNoConsult = errors.New("intake: nobody is on the line to consult")
)

// Consult rings somebody whom the agent of a conversation wants to ask, while the
// caller hears music. It returns when the agent is reserved or the number is rung.
// Who declines leaves the two as they were. by says who asked, for the journal.
// ErrNotTalking, ErrConsults, ErrNobody, ErrMayNotCall.
func (d *Desk) Consult(ctx context.Context, id call.ID, to Target, by string) error {
	return d.command(ctx, id, func(ctx context.Context, k *talk) error { return k.ask(ctx, to, by) })
}

// EndConsult lets the one asked go and takes the agent back to the caller.
func (d *Desk) EndConsult(ctx context.Context, id call.ID) error {
	return d.command(ctx, id, func(ctx context.Context, k *talk) error {
		if k.consult == nil {
			return ErrNoConsult
		}
		return k.comeBack(ctx, call.ConsultReturned)
	})
}

// CompleteConsult leaves the caller with the one asked: the agent's part is over.
func (d *Desk) CompleteConsult(ctx context.Context, id call.ID) error {
	return d.command(ctx, id, func(ctx context.Context, k *talk) error {
		if !k.consult.up() {
			return ErrNoConsult
		}
		k.end = &parting{call.SideAgent, transferred(), k.complete(ctx)}
		return nil
	})
}

// SwapConsult has the agent speak with the other of the two, who hears music until
// then.
func (d *Desk) SwapConsult(ctx context.Context, id call.ID) error {
	return d.command(ctx, id, func(ctx context.Context, k *talk) error {
		if !k.consult.up() || k.consult.together || k.consult.line.via != nil {
			return ErrNoConsult
		}
		if k.consult.aside {
			return k.rejoin(ctx, true)
		}
		return k.setAside(ctx)
	})
}

// Conference brings caller, agent and the one asked together. call.ErrUnsupported
// where the front end cannot.
func (d *Desk) Conference(ctx context.Context, id call.ID) error {
	if !d.Switch.Caps().Tap {
		return fmt.Errorf("conference: %w", call.ErrUnsupported)
	}
	return d.command(ctx, id, func(ctx context.Context, k *talk) error {
		if !k.consult.up() || k.consult.together || k.consult.line.via != nil {
			return ErrNoConsult
		}
		if err := k.rejoin(ctx, false); err != nil {
			return err
		}
		if err := k.bridge.Tap(ctx, k.consult.line.leg, call.Barge); err != nil {
			return errors.Join(fmt.Errorf("conference: %w", err), k.comeBack(ctx, call.ConsultReturned))
		}
		k.consult.together = true
		k.note(call.ConferenceBegan{Call: k.consult.line.id})
		return nil
	})
}

func (k *talk) note(b call.Body) { k.d.Journal.Post(call.CallEvent(time.Now(), k.j.call.ID, b)) }

// ask parks the caller and rings whom the agent wants to ask.
func (k *talk) ask(ctx context.Context, to Target, by string) error {
	switch {
	case k.t.Agent == "":
		return fmt.Errorf("%w: nobody of ours is in the conversation", ErrNobody)
	case k.consult != nil:
		return ErrConsults
	}
	if err := k.d.takes(ctx, k.j.centre, to, k.t.Agent); err != nil {
		return err
	}
	line, err := k.d.openSide(ctx, k, to)
	if err != nil {
		return err
	}
	k.consult = &consult{line: line, aside: true}
	k.note(call.ConsultBegan{Call: line.id, To: to.String(), By: by})
	if err := k.park(ctx); err != nil {
		line.taken(answer{line: line}) // it is not rung at all
		close(line.settled)
		return errors.Join(err, k.comeBack(ctx, call.ConsultReturned))
	}
	k.rung++
	k.asking.Go(func() { line.reach(k.answers) })
	return nil
}

// park takes the caller out of the conversation, to music. The recording is silent
// meanwhile: what the agent asks is not for it.
func (k *talk) park(ctx context.Context) error {
	if err := k.bridge.Close(ctx); err != nil {
		return fmt.Errorf("part the two: %w", err)
	}
	k.hold(call.SideSystem, true, time.Now())
	if k.recording != nil && !k.paused {
		if err := k.recording.Pause(ctx); err != nil {
			k.j.log.Error("the recording goes on in a consultation", zap.Error(err))
		}
	}
	music := k.j.centre.music(k.t.Queue)
	return errors.Join(k.j.call.Leg.Hold(ctx, music), k.agent.Hold(ctx, music))
}

// setAside parks the caller and joins the agent with the one asked.
func (k *talk) setAside(ctx context.Context) error {
	if !k.consult.aside {
		if err := k.park(ctx); err != nil {
			return err
		}
	}
	line := k.consult.line
	b, err := k.d.Switch.Bridge(ctx, call.BridgeSpec{ID: line.id.Bridge(1), Caller: k.agent, Agent: line.leg, Music: k.j.centre.music(k.t.Queue)})
	if err != nil {
		return fmt.Errorf("join the agent and %s: %w", line.to, err)
	}
	line.bridge, k.consult.aside = b, true
	return nil
}

// rejoin joins caller and agent again; the one asked waits to music when that is to be.
func (k *talk) rejoin(ctx context.Context, waits bool) error {
	line := k.consult.line
	if line.bridge != nil {
		if err := line.bridge.Close(ctx); err != nil {
			k.j.log.Warn("part the agent and the one asked", zap.Error(err))
		}
		line.bridge = nil
	}
	if line.leg != nil && waits {
		if err := line.leg.Hold(ctx, k.j.centre.music(k.t.Queue)); err != nil {
			k.j.log.Warn("who was asked waits in silence", zap.Error(err))
		}
	}
	b, err := k.d.Switch.Bridge(ctx, call.BridgeSpec{ID: k.t.Bridge, Caller: k.j.call.Leg, Agent: k.agent, Music: k.j.centre.music(k.t.Queue)})
	if err != nil {
		return fmt.Errorf("join the two again: %w", err)
	}
	k.bridge, k.consult.aside = b, false
	k.hold(call.SideSystem, false, time.Now())
	if k.recording != nil && !k.paused {
		if err := k.recording.Resume(ctx); err != nil {
			k.j.log.Error("the recording stays paused after a consultation", zap.Error(err))
		}
	}
	for _, t := range k.taps {
		if err := b.Tap(ctx, t.leg, t.mode); err != nil {
			k.j.log.Warn("supervisor is off the conversation", zap.Error(err))
		}
	}
	return nil
}

// comeBack lets the one asked go, and joins the two again where they are not.
func (k *talk) comeBack(ctx context.Context, how call.ConsultEnd) error {
	c := k.consult
	var err error
	if c.aside {
		err = k.rejoin(ctx, false)
	}
	k.consult = nil
	c.line.end(call.Cause{Reason: call.Completed, Text: string(how)})
	k.note(call.ConsultEnded{Call: c.line.id, End: how})
	return err
}

// answered takes note of how the ringing ended.
func (k *talk) answered(ctx context.Context, a answer) {
	k.rung--
	a.line.taken(a)
	defer close(a.line.settled)
	c := k.consult
	if c == nil || c.line != a.line { // taken back meanwhile
		a.line.close(call.Cause{Reason: call.Completed, Text: "too late"})
		return
	}
	err := k.takeUp(ctx, a)
	if err != nil && k.agent.Context().Err() == nil && k.j.call.Leg.Context().Err() == nil {
		k.j.log.Error("consultation", zap.Error(err))
	}
}

// takeUp joins the agent with who has answered, or takes the two back together.
func (k *talk) takeUp(ctx context.Context, a answer) error {
	if a.leg == nil {
		k.j.log.Info("consultation declined", zap.String("to", a.line.to.String()), zap.Error(a.err))
		return k.comeBack(ctx, call.ConsultDeclined)
	}
	join := k.setAside
	if a.line.via != nil {
		join = k.viaPhone
	}
	if a.line.hunt != nil {
		join = k.handUp
	}
	if err := join(ctx); err != nil {
		return errors.Join(err, k.comeBack(ctx, call.ConsultReturned))
	}
	return nil
}

// complete is the stage of a call whose caller stays with the one asked.
func (k *talk) complete(ctx context.Context) Stage {
	line := k.consult.line
	if line.bridge != nil {
		_ = line.bridge.Close(ctx) // a leg is gone, or will be
	}
	if !k.consult.aside {
		_ = k.bridge.Close(ctx) // the one asked may be on it
	}
	k.hold(call.SideSystem, false, time.Now())
	k.consult = nil
	line.moved(k.j.call.ID)
	k.note(call.ConsultEnded{Call: line.id, End: call.ConsultCompleted})
	k.j.legs[line.leg.ID()] = line.leg
	r := callqueue.Result{Agent: line.agent, Leg: line.leg}
	w := Wait{Queue: line.wait.Queue, Priority: k.t.Place.Priority, Need: k.t.Place.Need, Arrived: k.t.Place.Arrived, Joined: k.t.Place.Arrived, Paused: k.pauseEnds}
	next := talkWith(k.j, w, r, line.agent != "" && k.j.centre.Queues[w.Queue].Record && k.j.noticed)
	next.Number = line.to.Number
	return next
}

// alone is where the caller goes whose agent hangs up in a consultation: to the one
// asked who is on the line, or to where the agent has just rung.
func (k *talk) alone(ctx context.Context) Stage {
	if k.consult == nil {
		return nil
	}
	if k.consult.line.via != nil {
		return nil // the phone has hung up on the caller alone
	}
	if k.consult.up() && k.consult.line.leg.Context().Err() == nil {
		return k.complete(ctx)
	}
	k.noteTransfer(k.consult.line.to.String(), "", nil)
	return k.sendOn()
}

// sendOn hands the caller on to where somebody is being asked who has not answered.
func (k *talk) sendOn() Stage {
	line := k.consult.line
	k.consult = nil
	line.end(call.Cause{Reason: call.Completed, Text: "the caller is handed on"})
	k.note(call.ConsultEnded{Call: line.id, End: call.ConsultReturned})
	return k.t.onwards(k.j, line.to, k.pauseEnds)
}

// endConsult ends it with the conversation, and waits for all ringing to be over.
func (k *talk) endConsult(ctx context.Context) {
	if k.consult != nil {
		line := k.consult.line
		k.consult = nil
		line.end(call.Cause{Reason: call.Completed})
		k.note(call.ConsultEnded{Call: line.id, End: call.ConsultReturned})
	}
	for k.rung > 0 {
		k.answered(ctx, <-k.answers)
	}
	k.asking.Wait()
}

// askedGone ends when the one asked is gone; nil when nobody is on the line.
func (k *talk) askedGone() <-chan struct{} {
	if !k.consult.up() {
		return nil
	}
	return k.consult.line.leg.Context().Done()
}

// unconsult takes the two back together whom a consultation had parted as the last
// process died: its leg is swept.
func (k *talk) unconsult(ctx context.Context) {
	was := k.j.resumed.Talking()
	if n := len(was.Consults); n > 0 && was.Consults[n-1].To.IsZero() {
		k.note(call.ConsultEnded{Call: was.Consults[n-1].Call, End: call.ConsultReturned})
	}
	if !k.held[call.SideSystem] {
		return
	}
	k.hold(call.SideSystem, false, time.Now())
	if k.recording != nil {
		if err := k.recording.Resume(ctx); err != nil {
			k.j.log.Error("the recording stays paused after a consultation", zap.Error(err))
		}
	}
}
