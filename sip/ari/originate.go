package ari

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"firstline/call"
	"firstline/sip/ari/asterisk"
)

// ringSlack is how much longer than we Asterisk lets a phone ring: it hangs up in
// our place when we are gone.
const ringSlack = 5 * time.Second

// Originate makes a channel to a phone or a number, and dials it.
func (f *FrontEnd) Originate(ctx context.Context, o call.Originate) (call.Leg, error) {
	if old := f.leg(o.ID); old != nil {
		return old, nil // the same verb again
	}
	if f.isDraining() {
		return nil, call.Cause{Reason: call.Shutdown}
	}
	l, err := f.originate(ctx, o)
	if err != nil {
		return nil, fmt.Errorf("originate %s: %w", o.ID, err)
	}
	return l, nil
}

func (f *FrontEnd) isDraining() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.draining
}

func (f *FrontEnd) originate(ctx context.Context, o call.Originate) (*leg, error) {
	n := f.nodeOf(o.ID.Call())
	if !isOurLeg(string(o.ID)) {
		return nil, fmt.Errorf("ari: %q is no leg's id", o.ID)
	}
	to, err := n.destination(o.To)
	if err != nil {
		return nil, err
	}
	vars, err := variables(o, to)
	if err != nil {
		return nil, err
	}
	l := n.newLeg(o.ID, string(o.ID), call.Party{Number: cmp.Or(string(o.To.Device), o.To.Number)}, dialling)
	if old := f.keep(l); old != nil {
		return old, nil
	}
	n.keep(l)
	ring := cmp.Or(o.Ring, time.Minute)
	err = l.dial(ctx, asterisk.Create{ID: l.channel, Endpoint: to.endpoint, Variables: vars}, ring)
	if err != nil {
		if errors.Is(err, context.DeadlineExceeded) && !n.isBack() {
			err = unreachable("no connection to Asterisk")
		}
		_ = l.Hangup(ctx, call.AsCause(err)) // whatever there is of it
		return nil, err
	}
	l.giveUpAfter(ring)
	return l, nil
}

// variables are what the phone is shown, and the headers that it is sent.
func variables(o call.Originate, to destination) (map[string]string, error) {
	vars := map[string]string{}
	if number := userPart(cmp.Or(to.from, o.From.Number)); number != "" {
		vars["CONNECTEDLINE(num,i)"] = number
	}
	if name := shown(o.From.Name, maxPartyRunes); name != "" {
		vars["CONNECTEDLINE(name,i)"] = name
	}
	if strings.HasPrefix(to.endpoint, "PJSIP/") { // its REFER is told to us, and not carried out by Asterisk
		vars["PJSIP_TRANSFER_HANDLING()"] = "ari-only"
	}
	return vars, headerVariables(vars, o.Headers)
}

// giveUpAfter hangs an unanswered leg up when it has rung for so long.
func (l *leg) giveUpAfter(ring time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.state != dialling && l.state != ringing {
		return
	}
	l.patience = time.AfterFunc(ring, func() {
		l.node.front.spawn(func() {
			if !l.is(up) {
				_ = l.Hangup(context.Background(), call.Cause{Reason: call.NoAnswer, Text: "rang until the deadline"})
			}
		})
	})
}

// dial makes the channel and dials it. Asterisk must not be told twice to dial one
// channel: it would hang up the first attempt. So when the answer to that is lost
// and nothing shows that the phone is being called, the channel is made anew.
func (l *leg) dial(ctx context.Context, c asterisk.Create, ring time.Duration) error {
	for {
		if err := l.make(ctx, c); err != nil {
			return err
		}
		err := l.node.do(ctx, l.ctx, func(ctx context.Context, again bool) error {
			if again {
				return errAnswerLost
			}
			return l.node.pbx.Dial(ctx, l.channel, "", ring+ringSlack)
		})
		switch {
		case l.ctx.Err() != nil:
			return context.Cause(l.ctx)
		case err == nil, l.isDialled():
			return nil
		case errors.Is(err, asterisk.ErrNotFound), errors.Is(err, asterisk.ErrState):
			return l.lookFor(ctx, err)
		case !errors.Is(err, errAnswerLost):
			return err
		}
		if err := l.discard(ctx); err != nil {
			return err
		}
	}
}

var errAnswerLost = errors.New("ari: whether it was done is not known")

// make makes the channel and waits until it is in the application.
func (l *leg) make(ctx context.Context, c asterisk.Create) error {
	var ch asterisk.Channel
	err := l.node.do(ctx, l.ctx, func(ctx context.Context, _ bool) (err error) {
		ch, err = l.node.pbx.Create(ctx, c)
		return err
	})
	if status, ok := errors.AsType[*asterisk.StatusError](err); ok {
		c := unreachable(fmt.Sprintf("Asterisk cannot make a channel (HTTP %d)", status.Status))
		l.end(c) // there is nothing to hang up
		return c
	}
	if err != nil {
		return err
	}
	l.mu.Lock()
	l.name = ch.Name
	l.mu.Unlock()
	if inApp(&ch, l.node.cfg.Application) {
		l.enter()
	}
	return l.node.await(ctx, l.ctx, l.enteredNow(), func(ctx context.Context) error {
		c, err := l.node.pbx.Channel(ctx, l.channel)
		if err == nil && inApp(&c, l.node.cfg.Application) {
			l.enter()
		}
		return err
	})
}

// isDialled says whether Asterisk has sent the INVITE, as far as is known.
func (l *leg) isDialled() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.dialled || l.state == ringing || l.state == up
}

// discard takes the leg's channel away, so that it can be made anew under its id.
func (l *leg) discard(ctx context.Context) error {
	l.mu.Lock()
	l.dead = append(l.dead, l.name)
	l.entered, l.dialled = make(chan struct{}), false
	l.mu.Unlock()
	for {
		err := l.node.do(ctx, l.ctx, func(ctx context.Context, _ bool) error {
			if err := l.node.pbx.Hangup(ctx, l.channel, q850Normal, ""); err != nil {
				return err
			}
			_, err := l.node.pbx.Channel(ctx, l.channel)
			return err
		})
		switch {
		case errors.Is(err, asterisk.ErrNotFound):
			return nil
		case err != nil:
			return err
		case !call.Pause(ctx, retryPause):
			return context.Cause(ctx)
		}
	}
}

// isDead says whether a channel's name is of an earlier attempt, about which
// nothing is to be heard any more.
func (l *leg) isDead(name string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Contains(l.dead, name)
}

// Dials reports whether some trunk of some node may dial the number (Trunk.Allow).
func (f *FrontEnd) Dials(number string) bool {
	for _, n := range f.nodes {
		if _, err := n.cfg.numberEndpoint(call.Endpoint{Number: number}); err == nil {
			return true
		}
	}
	return false
}
