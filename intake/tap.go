package intake

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"go.uber.org/zap"

	"firstline/call"
)

// tapRing is how long a supervisor's phone rings.
const tapRing = 30 * time.Second

// tap is a supervisor's phone on a conversation.
type tap struct {
	leg     call.Leg
	device  call.DeviceID
	mode    call.TapMode
	unwatch func() bool
}

// Tap rings a supervisor's phone and lets it listen to a conversation, whisper
// to the agent, or speak with both. A phone that is on it already changes its
// mode. It returns when the phone has answered and is on; by says who, for the
// journal. ErrNotTalking, call.ErrUnsupported when the front end cannot, or the
// Cause for which the phone did not answer.
func (d *Desk) Tap(ctx context.Context, id call.ID, device call.DeviceID, mode call.TapMode, by string) error {
	if !d.Switch.Caps().Tap {
		return fmt.Errorf("listen: %w", call.ErrUnsupported)
	}
	var leg call.LegID
	on := false
	err := d.command(ctx, id, func(ctx context.Context, k *talk) error {
		if i := slices.IndexFunc(k.taps, func(t tap) bool { return t.device == device }); i >= 0 {
			on = true
			return k.tap(ctx, k.taps[i].leg, device, mode, by)
		}
		k.tapped++
		leg = id.TapLeg(k.tapped)
		return nil
	})
	if err != nil || on {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, tapRing)
	defer cancel()
	l, err := d.Switch.Originate(ctx, call.Originate{
		ID: leg, To: device.Endpoint(), From: call.Party{Name: string(mode)}, Ring: tapRing,
	})
	if err != nil {
		return fmt.Errorf("ring %s: %w", device, err)
	}
	if err = call.AwaitAnswer(ctx, l, nil); err == nil {
		err = d.command(ctx, id, func(ctx context.Context, k *talk) error { return k.tap(ctx, l, device, mode, by) })
	}
	if err != nil {
		return errors.Join(fmt.Errorf("ring %s: %w", device, err), l.Hangup(ctx, call.AsCause(err)))
	}
	return nil
}

// tap puts a supervisor's leg on the conversation, or changes how it is on it.
func (k *talk) tap(ctx context.Context, l call.Leg, device call.DeviceID, mode call.TapMode, by string) error {
	if err := k.bridge.Tap(ctx, l, mode); err != nil {
		return fmt.Errorf("%s: %w", mode, err)
	}
	k.d.Journal.Post(call.CallEvent(time.Now(), k.j.call.ID, call.TapBegan{Leg: l.ID(), Device: device, Mode: mode, By: by}))
	if i := slices.IndexFunc(k.taps, func(t tap) bool { return t.leg.ID() == l.ID() }); i >= 0 {
		k.taps[i].mode = mode
		return nil
	}
	unwatch := context.AfterFunc(l.Context(), func() {
		select {
		case k.left <- l.ID():
		case <-k.over:
		}
	})
	k.taps = append(k.taps, tap{l, device, mode, unwatch})
	return nil
}

// tapOver takes note of a supervisor who hung up.
func (k *talk) tapOver(leg call.LegID) {
	k.taps = slices.DeleteFunc(k.taps, func(t tap) bool { return t.leg.ID() == leg })
	k.d.Journal.Post(call.CallEvent(time.Now(), k.j.call.ID, call.TapEnded{Leg: leg}))
}

// endTaps hangs up on supervisors: the conversation is over.
func (k *talk) endTaps() {
	close(k.over)
	for _, t := range k.taps {
		t.unwatch()
		if err := t.leg.Hangup(context.Background(), call.Cause{Reason: call.Completed}); err != nil {
			k.j.log.Warn("hang up supervisor", zap.String("leg", string(t.leg.ID())), zap.Error(err))
		}
		k.d.Journal.Post(call.CallEvent(time.Now(), k.j.call.ID, call.TapEnded{Leg: t.leg.ID()}))
	}
	k.taps = nil
}
