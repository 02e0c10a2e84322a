package intake

import (
	"cmp"
	"context"
	"time"

	"go.uber.org/zap"

	"firstline/call"
	"firstline/intake/block"
)

// blocks is who is kept out: block.List.
type blocks interface {
	// Blocking is the block that keeps a caller out who comes at an instant.
	Blocking(number string, at time.Time) (block.Block, bool)
	// Refused counts a call that was kept out.
	Refused(b block.Block, id call.ID, at time.Time)
	// Pressed proposes to block a caller whom an agent has cut off; story is written in front, as one.
	Pressed(ctx context.Context, p block.Press, story ...call.Event) (block.Block, error)
}

// Blocked is what a blocked caller gets: a prompt, or a SIP response.
type Blocked struct {
	Status int    // 0 means 603
	Prompt string // key of the prompt; empty: nothing is said
}

// keptOut is the stage of a caller who is blocked, and whether this one is. What
// counts is when the call came, so that a process that takes it up later decides
// the same. Our own phones are never kept out.
func (d *Desk) keptOut(j *journey) (Stage, bool) {
	if j.call.Device != "" {
		return nil, false
	}
	b, out := d.Blocks.Blocking(j.number, j.call.Arrived)
	if !out {
		return nil, false
	}
	d.Blocks.Refused(b, j.call.ID, time.Now())
	j.log.Info("caller is blocked", zap.String("block", string(b.ID)))
	return Refuse{Block: b.ID}, true
}

// Refuse turns a blocked caller away.
type Refuse struct {
	Block call.BlockID `json:"block"`
}

// Name is the stage's name in the journal.
func (Refuse) Name() string { return "blocked" }

// Run says the prompt, when there is one; otherwise the call is refused unanswered.
func (r Refuse) Run(ctx context.Context, d *Desk, j *journey) (Stage, error) {
	j.outcome = call.OutcomeBlocked
	if err := d.say(ctx, j, j.centre.Blocked.Prompt); err != nil {
		return nil, err
	}
	cause := call.Cause{Reason: call.Blocked, Text: "block " + string(r.Block)}
	if j.centre.Blocked.Prompt == "" {
		cause.SIP = cmp.Or(j.centre.Blocked.Status, 603)
	}
	return Finish{Outcome: j.outcome, Cause: cause, From: r.Name()}, nil
}
