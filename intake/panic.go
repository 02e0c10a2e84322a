package intake

import (
	"context"
	"time"

	"go.uber.org/zap"

	"firstline/call"
	"firstline/intake/block"
)

// Panic ends a conversation at once, for an agent who need not bear it: the caller
// is cut off, the recording is marked as one to keep, and a block of the caller is
// proposed. It returns the block; the zero Block when there can be none, as against
// one of our own phones. by says who pressed, and why may be empty. ErrNotTalking
// when there is no conversation; any other error means that the call has ended, and
// that nothing of the rest is sure.
func (d *Desk) Panic(ctx context.Context, id call.ID, by, why string) (block.Block, error) {
	var b block.Block
	err := d.command(ctx, id, func(ctx context.Context, k *talk) (err error) {
		b, err = k.panicked(ctx, by, why)
		return err
	})
	return b, err
}

// panicked cuts the caller off before anything else: all that follows may take its time.
func (k *talk) panicked(ctx context.Context, by, why string) (block.Block, error) {
	j, now := k.j, time.Now()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), closeTimeout) // it ends with the caller's leg
	defer cancel()
	cause := call.Cause{Reason: call.Blocked, Text: "panic button"}
	k.end = &parting{by: call.SideAgent, cause: cause}
	if err := j.call.Leg.Hangup(ctx, cause); err != nil {
		j.log.Warn("hang up", zap.Error(err))
	}
	j.log.Warn("panic button", zap.String("agent", string(k.t.Agent)), zap.String("by", by))
	story := []call.Event{call.CallEvent(now, j.call.ID, call.Panicked{By: by, Reason: why})}
	if k.recording != nil {
		story = append(story, call.RecordingEvent(now, k.t.Recording, call.RecordingFlagged{By: by, Reason: "panic button"}))
	}
	if j.call.Device != "" {
		return block.Block{}, k.d.Journal.Append(ctx, story...)
	}
	return k.d.Blocks.Pressed(ctx, block.Press{Number: j.number, Call: j.call.ID, By: by, Reason: why}, story...)
}
