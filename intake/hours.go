package intake

import (
	"context"
	"time"

	"go.uber.org/zap"

	"firstline/call"
	"firstline/ivr"
)

// Hours is when a number is open: at an instant, and until when that stays so
// (zero: for a long time).
type Hours interface {
	Open(at time.Time) (open bool, until time.Time)
}

// Closed is where new calls go outside hours: into a flow, or to a prompt and the
// end of the call. Without either they are hung up on.
type Closed struct {
	Flow   string
	Prompt string
}

// shut is why a call that came at an instant finds the number closed, "" when it
// does not. What counts is when the call came, so that a process that takes it up
// later decides the same.
func (n Number) shut(at time.Time) string {
	if n.Hours == nil {
		return ""
	}
	open, until := n.Hours.Open(at)
	switch {
	case open:
		return ""
	case until.IsZero():
		return "closed"
	}
	return "closed until " + until.Format(time.RFC3339)
}

// outside is the first stage of a call that came outside hours.
func (n Number) outside(why string) Stage {
	if n.Closed.Flow != "" {
		return Flow{Flow: n.Closed.Flow, State: ivr.State{Language: n.Language}, Closed: why}
	}
	return Shut{Prompt: n.Closed.Prompt, Why: why}
}

// Shut tells a caller who came outside hours so, and ends the call.
type Shut struct {
	Prompt string `json:"prompt,omitempty"`
	Why    string `json:"why"`
}

// Name is the stage's name in the journal.
func (Shut) Name() string { return "closed" }

// Run answers and says the prompt, best effort.
func (s Shut) Run(ctx context.Context, d *Desk, j *journey) (Stage, error) {
	j.outcome = call.OutcomeClosed
	if err := d.say(ctx, j, s.Prompt); err != nil {
		return nil, err
	}
	return Finish{Outcome: j.outcome, Cause: call.Cause{Reason: call.Closed, Text: s.Why}, From: s.Name()}, nil
}

// say answers the call and plays a prompt of the catalogue. One that cannot be
// played is no reason to fail the call; a caller who is gone is.
func (d *Desk) say(ctx context.Context, j *journey, prompt string) error {
	if prompt == "" {
		return nil
	}
	if err := d.answer(ctx, j); err != nil {
		return err
	}
	err := j.call.Leg.Play(ctx, promptMedia(j.language(), prompt))
	if err != nil && j.call.Leg.Context().Err() != nil {
		return err
	}
	if err != nil {
		j.log.Error("caller not told", zap.String("prompt", prompt), zap.Error(err))
	}
	return nil
}
