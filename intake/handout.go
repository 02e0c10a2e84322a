package intake

import (
	"context"
	"errors"
	"time"

	"go.uber.org/zap"

	"firstline/call"
)

// HandOut rings a number outside for a caller, who hears music meanwhile: an agent
// handed the call on, or a queue has it for an exit.
type HandOut struct {
	Number string       `json:"number"`
	From   call.QueueID `json:"from"`           // that the call came from
	Sent   *Sent        `json:"sent,omitempty"` // by an agent; nil: an exit of the queue
	Place  Place        `json:"place"`
}

// Name is the stage's name in the journal.
func (HandOut) Name() string { return "hand-out" }

// Run joins the two when somebody answers. Otherwise the call goes back to the agent
// who sent it, or ends: then the caller is owed a call.
func (h HandOut) Run(ctx context.Context, d *Desk, j *journey) (Stage, error) {
	if h.Sent != nil {
		j.stay = h.stay(time.Now())
	}
	j.outs++
	if err := j.call.Leg.Hold(ctx, j.centre.music(h.From)); err != nil {
		return nil, err
	}
	leg, err := d.reachOutside(ctx, call.Originate{
		ID: j.call.ID.OutsideLeg(j.outs), To: call.Endpoint{Number: h.Number}, From: j.call.To, Ring: j.centre.Outbound.ring(),
	})
	switch {
	case err == nil:
		j.legs[leg.ID()] = leg
		j.talks++
		return Talk{Queue: h.From, Number: h.Number, Leg: leg.ID(), Bridge: j.call.ID.Bridge(j.talks), Place: h.Place}, nil
	case j.call.Leg.Context().Err() != nil:
		return nil, err
	case h.Sent != nil:
		j.log.Info("nobody answers outside", zap.Error(err))
		return h.Sent.recalled(j, h.Place), nil
	}
	j.log.Warn("exit to a number", zap.Error(err))
	return Finish{Outcome: j.outcome, Cause: call.Cause{Reason: call.Completed, Text: "nobody answered outside: " + string(call.AsCause(err).Reason)}, From: h.Name()}, nil
}

// stay is what a caller is owed who hangs up before somebody outside answers.
func (h HandOut) stay(left time.Time) stay {
	ask := AskCallback{From: h.From, Need: h.Place.Need, Priority: h.Place.Priority, Joined: h.Place.Arrived}
	return stay{ask: ask, left: call.Instant(left), outcome: call.OutcomeAnswered, owed: "handed on in vain"}
}

// reachOutside rings a number until somebody answers or ctx ends, and leaves no leg
// behind that did not answer.
func (d *Desk) reachOutside(ctx context.Context, o call.Originate) (call.Leg, error) {
	leg, err := d.dial(ctx, o)
	if err != nil {
		return nil, err
	}
	if err := call.AwaitAnswer(ctx, leg, nil); err != nil {
		return nil, errors.Join(err, leg.Hangup(context.WithoutCancel(ctx), call.AsCause(err)))
	}
	return leg, nil
}
