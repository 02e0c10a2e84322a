package ari

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"go.uber.org/zap"

	"firstline/call"
	"firstline/sip/ari/asterisk"
)

// testMark is the application argument after the number that marks a call as a test:
// Stasis(firstline,1000,test).
const testMark = "test"

// incoming is a call that has come into the application. A channel that was somewhere
// else in the dialplan when we connected may be one that the process before us handed
// there.
func (n *node) incoming(c *asterisk.Channel, args []string) {
	if !n.isElder(c.ID) {
		n.take(c, args)
		return
	}
	n.front.spawn(func() {
		known := ""
		err := n.do(n.front.life, n.front.life, func(ctx context.Context, _ bool) (err error) {
			known, err = n.pbx.Variable(ctx, c.ID, knownAs)
			return ignoreNotFound(err)
		})
		switch {
		case n.front.life.Err() != nil: // the next process asks
		case err == nil && known == string(n.callID(c)):
			n.handBack(c, errReturned)
		default:
			n.take(c, args)
		}
	})
}

// knownAs is the channel variable of a call that is handed to the dialplan: its id in
// the journal. The dialplan's fallback writes it into queue_log, so that the call
// keeps its ticket.
const knownAs = "FIRSTLINE_CALL"

// isElder reports whether a channel was outside the application when we connected, once.
func (n *node) isElder(channel string) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	is := n.elders[channel]
	delete(n.elders, channel)
	return is
}

// take serves a call, or gives it back to the dialplan.
func (n *node) take(c *asterisk.Channel, args []string) {
	number := dialled(c, args)
	if why := n.refuses(number); why != nil {
		n.log.Info("call not taken", zap.String("channel", c.ID), zap.Error(why))
		n.handBack(c, why)
		return
	}
	if n.isOver(c.ID) { // its id is of a call that has ended
		n.handBack(c, errReturned)
		return
	}
	l := n.callerLeg(c)
	if !n.keep(l) || n.front.keep(l) != nil {
		return // it is told a second time
	}
	l.enter()
	in := n.call(c, l)
	in.To = call.Party{Number: number}
	in.Test = len(args) > 1 && args[1] == testMark
	l.log.Info("call in", zap.String("call", string(in.ID)), zap.String("trunk", in.Trunk), zap.String("to", in.To.Number), zap.Bool("test", in.Test))
	if !n.front.serve(in) {
		l.end(call.Cause{Reason: call.Shutdown})
		n.handBack(c, errDraining)
	}
}

// dialled is the number that was dialled: the application's first argument, else
// the extension.
func dialled(c *asterisk.Channel, args []string) string {
	number := c.Dialplan.Exten
	if len(args) > 0 && args[0] != "" {
		number = args[0]
	}
	return numberOf(number)
}

// appArgs are the application's arguments, of a channel whose arrival we missed.
func appArgs(c *asterisk.Channel) []string {
	_, args, ok := strings.Cut(c.Dialplan.AppData, ",")
	if !ok {
		return nil
	}
	return strings.Split(args, ",")
}

// callID is the id of the call that came in on a channel.
func (n *node) callID(c *asterisk.Channel) call.ID {
	return call.DerivedID(c.CreationTime.Time, n.cfg.Name+"/"+c.ID)
}

func (n *node) callerLeg(c *asterisk.Channel) *leg {
	s := waiting
	if c.State == "Up" {
		s = up
	}
	l := n.newLeg(n.callID(c).CallerLeg(), c.ID, partyOf(c.Caller), s)
	l.caller, l.exten = true, c.Dialplan.Exten
	return l
}

// call describes what came in, but for what was dialled.
func (n *node) call(c *asterisk.Channel, l *leg) *call.Call {
	in := &call.Call{
		ID:      l.id.Call(),
		Origin:  n.cfg.Name + "/" + c.ID + "/" + call.CleanText(c.ProtocolID, 200),
		From:    l.remote,
		Trunk:   endpointOf(c.Name),
		Arrived: time.Now(),
		Leg:     l,
	}
	endpoint := in.Trunk
	if i := slices.IndexFunc(n.cfg.Trunks, func(t Trunk) bool { return t.endpoint() == endpoint }); i >= 0 {
		in.Trunk = n.cfg.Trunks[i].Name
	} else if d, ok := n.deviceOf(c.Name); ok && n.front.cfg.Devices(d) {
		in.Device, in.Trunk = d, string(d)
	}
	return in
}

// deviceOf is the phone that a channel's endpoint is.
func (n *node) deviceOf(channel string) (call.DeviceID, bool) {
	if n.passes(endpointOf(channel)) {
		return "", false // whose phone it is, is not told
	}
	tech, _, _ := strings.Cut(channel, "/")
	d, ok := parseTemplate(n.cfg.Dial).read(tech + "/" + endpointOf(channel))
	return call.DeviceID(d), ok
}

// Why a call is not taken.
var (
	errUnknownNumber = errors.New("nobody has this number")
	errFull          = errors.New("as many calls as are allowed")
	errDraining      = errors.New("draining")
	errReturned      = errors.New("a call that was handed to the dialplan has come back")
	errStranger      = errors.New("a call of the process before this one")
)

func (n *node) refuses(number string) error {
	if number == "" || !n.front.cfg.Known(number) {
		return errUnknownNumber
	}
	draining := n.front.isDraining()
	n.mu.Lock()
	defer n.mu.Unlock()
	switch {
	case draining || n.draining:
		return errDraining
	case n.cfg.MaxCalls > 0 && n.calls >= n.cfg.MaxCalls:
		return errFull
	}
	return nil
}

// handBack gives a call that we do not take to the dialplan, or refuses it where
// the operator has named no place.
func (n *node) handBack(c *asterisk.Channel, why error) {
	id, exten, known := c.ID, c.Dialplan.Exten, n.callID(c)
	n.debts.owe(channelDebt(id), func(ctx context.Context) error {
		switch {
		case n.cfg.Fallback.Context != "":
			return n.fallBack(ctx, id, exten, known)
		case errors.Is(why, errUnknownNumber):
			return n.pbx.Hangup(ctx, id, q850Unallocated, "")
		default:
			return n.pbx.Hangup(ctx, id, q850Congestion, "")
		}
	})
}

// fallBack sends a channel to the place that the operator has named for calls that
// are not ours. Left without an extension Asterisk would take "s".
func (n *node) fallBack(ctx context.Context, channel, exten string, known call.ID) error {
	to := n.cfg.Fallback
	err := n.pbx.SetVariable(ctx, channel, knownAs, string(known))
	switch {
	case errors.Is(err, asterisk.ErrAway):
		return err
	case err != nil && !errors.Is(err, asterisk.ErrNotFound): // what matters is that the caller gets there
		n.log.Warn("dialplan not told which call it is", zap.String("channel", channel), zap.Error(err))
	}
	err = n.pbx.Continue(ctx, channel, to.Context, cmp.Or(to.Exten, exten), max(to.Priority, 1), "")
	if errors.Is(err, asterisk.ErrNotFound) || errors.Is(err, asterisk.ErrState) {
		return nil // it is gone, or is in the dialplan
	}
	return err
}

// checkDialplan refuses what is no place in a dialplan.
func checkDialplan(to call.Dialplan) error {
	if !only(to.Context, dialplanLetters) || !only(to.Exten, dialplanLetters) || to.Priority < 0 {
		return fmt.Errorf("ari: %+v is no place in a dialplan", to)
	}
	return nil
}
