package ari

import (
	"encoding/json"
	"strconv"
	"strings"
	"time"

	"firstline/call"
	"firstline/sip/ari/asterisk"
)

// Event takes what Asterisk says happened.
func (n *node) Event(e asterisk.Event) {
	switch e := e.(type) {
	case asterisk.StasisStart:
		n.entered(&e)
	case asterisk.StasisEnd:
		n.left(&e.Channel)
	case asterisk.ChannelDestroyed:
		n.destroyed(&e)
	case asterisk.ChannelHangupRequest:
		n.withLeg(&e.Channel, func(l *leg) { l.hangupRequested(&e) })
	case asterisk.ChannelStateChange:
		n.withLeg(&e.Channel, func(l *leg) { l.inState(e.Channel.State) })
	case asterisk.Dial:
		n.withLeg(&e.Peer, func(l *leg) { l.dialStatus(e.Status) })
	case asterisk.ChannelDtmfReceived:
		n.withLeg(&e.Channel, func(l *leg) { l.heard(&e) })
	case asterisk.ChannelHold:
		n.withLeg(&e.Channel, func(l *leg) { l.setHeld(true) })
	case asterisk.ChannelUnhold:
		n.withLeg(&e.Channel, func(l *leg) { l.setHeld(false) })
	case asterisk.ChannelTransfer:
		n.referred(&e)
	case asterisk.PlaybackFinished:
		n.playedOut(&e.Playback)
	case asterisk.RecordingStarted:
		n.recordingIs(&e.Recording, e.When())
	case asterisk.RecordingFinished:
		n.recordingIs(&e.Recording, e.When())
	case asterisk.RecordingFailed:
		n.recordingIs(&e.Recording, e.When())
	case asterisk.DeviceStateChanged:
		n.deviceIs(&e.Device)
	case asterisk.Unknown:
		n.unlisted(&e)
	}
}

func (n *node) withLeg(c *asterisk.Channel, do func(*leg)) {
	if l := n.leg(c.ID); l != nil && !l.isDead(c.Name) {
		do(l)
	}
}

// entered is a channel that has come into the application: one of our own making,
// or a call.
func (n *node) entered(e *asterisk.StasisStart) {
	c := &e.Channel
	if l := n.leg(c.ID); l != nil {
		if !l.isDead(c.Name) {
			l.enter()
		}
		return
	}
	switch {
	case n.debts.owes(channelDebt(c.ID)):
		n.debts.look()
	case n.snoopEntered(c.ID):
	case isOurLeg(c.ID) || isMade(c): // made for somebody who has gone meanwhile
		n.oweChannel(c.ID)
	default:
		n.incoming(c, e.Args)
	}
}

// left is a channel that has left the application. Of a call that came in no more
// is heard; of a leg of ours the end is yet to come, with its cause.
func (n *node) left(c *asterisk.Channel) {
	n.snoopLeft(c.ID)
	n.withLeg(c, func(l *leg) {
		if l.caller {
			n.front.spawn(l.tellEnd)
		} else {
			n.front.spawn(func() { l.lost(l.ctx) })
		}
	})
}

// tellEnd says why a caller's channel has left: it ended, or went on in the dialplan.
func (l *leg) tellEnd() {
	l.mu.Lock()
	known := l.asked != nil || l.said != nil
	l.mu.Unlock()
	if known {
		l.end(l.goneCause())
		return
	}
	_ = l.lookFor(l.ctx, call.ErrState) // it ends the leg, or the node is away and will tell
}

func (n *node) destroyed(e *asterisk.ChannelDestroyed) {
	n.debts.paid(channelDebt(e.Channel.ID))
	n.snoopLeft(e.Channel.ID)
	n.withLeg(&e.Channel, func(l *leg) { l.end(l.endCause(e)) })
}

// endCause is why a leg ended, by the first to say so.
func (l *leg) endCause(e *asterisk.ChannelDestroyed) call.Cause {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case l.asked != nil:
		return *l.asked
	case l.said != nil:
		return *l.said
	case l.caller || l.state == up:
		return hungUp(e.Cause, l.state == up)
	}
	return unanswered(e.Cause, e.TechCause, l.state == ringing)
}

// hangupRequested keeps why the far end, or Asterisk, is ending the channel; what
// we asked for ourselves goes before it.
func (l *leg) hangupRequested(e *asterisk.ChannelHangupRequest) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.caller && l.state != up {
		return // why a phone did not answer is told at its end
	}
	q850 := e.Cause
	if e.Soft { // it is no Q.850 cause then
		q850 = 0
	}
	c := hungUp(q850, l.state == up)
	if e.TechCause >= 400 {
		c.SIP = e.TechCause
	}
	if e.Soft && l.silence.lost { // nobody asked for it: Asterisk has waited for audio for too long
		c.Reason = call.MediaLost
	}
	l.said = &c
}

// enter lets verbs through: the channel is in the application.
func (l *leg) enter() {
	l.mu.Lock()
	defer l.mu.Unlock()
	select {
	case <-l.entered:
	default:
		close(l.entered)
	}
}

// inState takes a channel's state as Asterisk calls it.
func (l *leg) inState(state string) {
	switch state {
	case "Ringing", "Ring":
		l.rings()
	case "Up":
		l.answered()
	}
}

func (l *leg) dialStatus(status string) {
	l.mu.Lock()
	l.dialled = true
	l.mu.Unlock()
	switch status {
	case "RINGING", "PROGRESS":
		l.rings()
	case "ANSWER":
		l.answered()
	}
}

func (l *leg) rings() {
	if !l.caller && l.move(ringing) {
		l.push(call.LegEvent{Kind: call.LegRinging})
	}
}

func (l *leg) answered() {
	if l.caller { // by us, as the verb says
		return
	}
	l.rings() // a 180 may be left out, or be overtaken by the 200
	if l.move(up) {
		l.push(call.LegEvent{Kind: call.LegUp})
	}
}

func (l *leg) heard(e *asterisk.ChannelDtmfReceived) {
	if len(e.Digit) == 1 && only(e.Digit, digits+"*#ABCD") {
		l.key(e.Digit[0], time.Duration(e.Duration)*time.Millisecond)
	}
}

// setHeld takes what the phone did. While it holds Asterisk plays music to the
// other side of the bridge by itself.
func (l *leg) setHeld(held bool) {
	l.mu.Lock()
	changed := l.held != held
	l.held = held
	l.holds++
	l.mu.Unlock()
	if !changed {
		return
	}
	kind := call.LegUnheld
	if held {
		kind = call.LegHeld
	}
	l.push(call.LegEvent{Kind: kind})
}

func (n *node) playedOut(p *asterisk.Playback) {
	n.mu.Lock()
	mine := n.plays[p.ID]
	n.mu.Unlock()
	if mine != nil {
		mine.finish(p.State == "failed")
	}
}

// varset is ChannelVarset, of which only the figures of a call's media are read.
type varset struct {
	Variable string           `json:"variable"`
	Value    string           `json:"value"`
	Channel  asterisk.Channel `json:"channel"`
}

func (n *node) unlisted(e *asterisk.Unknown) {
	if e.Type != "ChannelVarset" || !strings.Contains(string(e.Raw), `"RTPAUDIOQOS"`) {
		return
	}
	var v varset
	if json.Unmarshal(e.Raw, &v) == nil && v.Variable == "RTPAUDIOQOS" {
		n.withLeg(&v.Channel, func(l *leg) { l.measured(parseQOS(v.Value)) })
	}
}

// parseQOS reads what Asterisk says of a channel's media at its end:
// "ssrc=1;themssrc=2;lp=0;rxjitter=0.001;rxcount=260;txjitter=0.0;txcount=121;rlp=0;rtt=0.0".
func parseQOS(s string) call.Quality {
	var q call.Quality
	for field := range strings.SplitSeq(s, ";") {
		name, value, _ := strings.Cut(field, "=")
		f, err := strconv.ParseFloat(value, 64)
		if err != nil || f < 0 || f > 1e12 {
			continue
		}
		switch name {
		case "txcount":
			q.Sent = uint64(f)
		case "rxcount":
			q.Received = uint64(f)
		case "lp":
			q.Lost = uint64(f)
		case "rxjitter":
			q.Jitter = seconds(f)
		case "rtt":
			q.RTT = seconds(f)
		}
	}
	return q
}

func seconds(f float64) time.Duration { return time.Duration(f * float64(time.Second)) }
