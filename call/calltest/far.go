package calltest

import (
	"context"
	"fmt"
	"time"

	"firstline/call"
)

// Caller is somebody who phones in.
type Caller struct {
	s    *Switch
	l    *line
	Call *call.Call
}

// Dial phones number to from number from. Nobody serves when no handler is set:
// the caller is refused.
func (s *Switch) Dial(from, to string) *Caller {
	return s.dial(&call.Call{From: call.Party{Number: from}, To: call.Party{Number: to}})
}

// DialAs phones in with everything in c that is not empty: an Origin, a name, Test.
func (s *Switch) DialAs(c call.Call) *Caller { return s.dial(&c) }

func (s *Switch) dial(c *call.Call) *Caller {
	s.mu.Lock()
	defer s.mu.Unlock()
	c.Arrived = time.Now()
	if c.ID == "" {
		c.ID = call.NewID(c.Arrived)
	}
	if c.Origin == "" {
		c.Origin = string(c.ID) + "@fake"
	}
	if c.Trunk == "" {
		c.Trunk = "fake"
	}
	l := &line{id: c.ID.CallerLeg(), remote: c.From, keyed: make(chan struct{}, 1), over: make(chan struct{})}
	s.lines[l.id] = l
	g := s.newLeg(l)
	c.Leg = g
	far := &Caller{s: s, l: l, Call: c}
	h := s.handler
	if h == nil {
		s.end(l, call.Cause{Reason: call.NoCapacity, SIP: 503})
		return far
	}
	s.wg.Go(func() {
		h.ServeCall(g.ctx, c)
		_ = g.Hangup(context.Background(), call.Cause{Reason: call.Failed, Text: "not hung up by the journey"}) // gone already, as a rule
	})
	return far
}

// Press keys digits.
func (c *Caller) Press(digits string) { c.s.press(c.l, digits) }

// Speaks says something now.
func (c *Caller) Speaks() {
	c.s.mu.Lock()
	defer c.s.mu.Unlock()
	c.l.spoke = time.Now()
}

// Hangup ends the call from the caller's side.
func (c *Caller) Hangup() {
	c.s.mu.Lock()
	defer c.s.mu.Unlock()
	reason := call.Hangup
	if !c.l.up {
		reason = call.Cancelled
	}
	c.s.end(c.l, call.Cause{Reason: reason})
}

// Up reports whether the call is answered and not over.
func (c *Caller) Up() bool { return c.s.look(c.l).up }

// Ended is why the call is over, and whether it is.
func (c *Caller) Ended() (call.Cause, bool) {
	l := c.s.look(c.l)
	return l.cause, l.gone
}

// Hears is what the caller hears now: a media key, "talk" in a bridge, or "".
func (c *Caller) Hears() call.Media { return c.s.hears(c.l) }

// HearsVoice reports whether what is said on a leg is what the caller hears, among other things, now.
func (c *Caller) HearsVoice(of call.LegID) bool { return c.s.hearsVoice(c.l, c.s.line(of)) }

// Heard is everything that began to play to the caller, in order.
func (c *Caller) Heard() []call.Media { return c.s.look(c.l).heard }

func (s *Switch) line(id call.LegID) *line {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.lines[id]
}

func (s *Switch) look(l *line) line {
	s.mu.Lock()
	defer s.mu.Unlock()
	copied := *l
	copied.heard = append([]call.Media(nil), l.heard...)
	return copied
}

func (s *Switch) hears(l *line) call.Media {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case l.tapping != nil && l.playing == "":
		return call.Media(l.tapping.taps[l])
	case l.bridge == nil || l.gone:
		return l.playing
	case l.bridge.b.other(l).held:
		return l.bridge.b.music
	}
	return "talk"
}

// Phone is an agent's phone with a script. Its zero script never answers.
type Phone struct {
	s          *Switch
	device     call.DeviceID
	registered bool
	answer     time.Duration // <0: never
	refuse     int           // SIP status sent instead of an answer, 0 none
	mute       bool          // never sends a packet
	keys       string        // pressed a second after it has answered
	line       *line
	offers     int
	doubled    bool
}

// Phone registers a phone that answers after a second.
func (s *Switch) Phone(d call.DeviceID) *Phone {
	s.mu.Lock()
	defer s.mu.Unlock()
	p := &Phone{s: s, device: d, registered: true, answer: time.Second}
	s.phones[d] = p
	return p
}

func (p *Phone) script(f func()) *Phone {
	p.s.mu.Lock()
	defer p.s.mu.Unlock()
	f()
	return p
}

// AnswersAfter makes the phone answer every call after d.
func (p *Phone) AnswersAfter(d time.Duration) *Phone {
	return p.script(func() { p.answer, p.refuse = d, 0 })
}

// Presses makes the phone's person key digits a second after they have answered.
func (p *Phone) Presses(digits string) *Phone { return p.script(func() { p.keys = digits }) }

// Ignores makes the phone ring for ever.
func (p *Phone) Ignores() *Phone { return p.script(func() { p.answer, p.refuse = -1, 0 }) }

// Refuses makes the phone answer with a SIP status (486, 603).
func (p *Phone) Refuses(status int) *Phone { return p.script(func() { p.refuse = status }) }

// SendsNothing makes the phone one from which no packet ever comes.
func (p *Phone) SendsNothing() *Phone { return p.script(func() { p.mute = true }) }

// Unregister makes the phone unreachable; Register brings it back.
func (p *Phone) Unregister() *Phone { return p.script(func() { p.registered = false }) }
func (p *Phone) Register() *Phone   { return p.script(func() { p.registered = true }) }

// Hears is what the phone hears now: a media key, "talk" in a bridge, or "".
func (p *Phone) Hears() call.Media {
	p.s.mu.Lock()
	l := p.line
	p.s.mu.Unlock()
	if l == nil {
		return ""
	}
	return p.s.hears(l)
}

// HearsVoice reports whether what is said on a leg is what the phone hears, among other things, now.
func (p *Phone) HearsVoice(of call.LegID) bool {
	return p.s.hearsVoice(p.s.line(p.Leg()), p.s.line(of))
}

// Leg is the leg that rings or talks, "" for none.
func (p *Phone) Leg() call.LegID {
	l := p.lineNow()
	if l == nil {
		return ""
	}
	return l.id
}

// Header is a header of the call that rings or talks.
func (p *Phone) Header(name string) string {
	l := p.lineNow()
	if l == nil {
		return ""
	}
	return l.headers[name]
}

// Ringing reports whether the phone rings now, Talking whether it is in a call.
func (p *Phone) Ringing() bool { l := p.lineNow(); return l != nil && l.ringing }
func (p *Phone) Talking() bool { l := p.lineNow(); return l != nil && l.up }

// Offers is how often the phone was rung; Doubled whether it ever had two calls.
func (p *Phone) Offers() int   { p.s.mu.Lock(); defer p.s.mu.Unlock(); return p.offers }
func (p *Phone) Doubled() bool { p.s.mu.Lock(); defer p.s.mu.Unlock(); return p.doubled }

func (p *Phone) lineNow() *line {
	p.s.mu.Lock()
	defer p.s.mu.Unlock()
	if p.line == nil {
		return nil
	}
	copied := *p.line
	return &copied
}

// Answer picks up now; Hangup, Hold and Unhold act on the call there is.
func (p *Phone) Answer() { p.act(func(l *line) { p.pickUp(l) }) }
func (p *Phone) Hangup() { p.act(func(l *line) { p.s.end(l, call.Cause{Reason: call.Hangup}) }) }
func (p *Phone) Hold() {
	p.act(func(l *line) { l.held = true; l.happen(call.LegEvent{Kind: call.LegHeld}) })
}

func (p *Phone) Unhold() {
	p.act(func(l *line) { l.held = false; l.happen(call.LegEvent{Kind: call.LegUnheld}) })
}

// Mute has the switch report that no audio comes from the phone, Unmute that some
// comes again; Lose ends the call for it, as a switch does after a while.
func (p *Phone) Mute() { p.act(func(l *line) { l.happen(call.LegEvent{Kind: call.LegMediaLost}) }) }

func (p *Phone) Unmute() { p.act(func(l *line) { l.happen(call.LegEvent{Kind: call.LegMediaBack}) }) }
func (p *Phone) Lose()   { p.act(func(l *line) { p.s.end(l, call.Cause{Reason: call.MediaLost}) }) }

// Refer asks for a transfer to a number, as the transfer key of a phone does.
func (p *Phone) Refer(target string) {
	p.act(func(l *line) { l.happen(call.LegEvent{Kind: call.LegTransfer, Target: target}) })
}

// ReferTo hands the far end of the phone's call on to that of another call which the
// phone has placed, as the transfer key does after a question.
func (p *Phone) ReferTo(second *Caller) {
	p.act(func(l *line) {
		l.happen(call.LegEvent{Kind: call.LegTransfer, Target: second.Call.To.Number, Replaces: second.l.id})
	})
}

// Press keys digits at the phone.
func (p *Phone) Press(digits string) {
	p.s.mu.Lock()
	l := p.line
	p.s.mu.Unlock()
	if l != nil {
		p.s.press(l, digits)
	}
}

func (p *Phone) act(f func(*line)) {
	p.s.mu.Lock()
	defer p.s.mu.Unlock()
	if p.line != nil {
		f(p.line)
	}
}

func (p *Phone) pickUp(l *line) {
	if l.gone || l.up {
		return
	}
	l.up, l.ringing = true, false
	l.happen(call.LegEvent{Kind: call.LegUp})
}

// ring plays the phone's script for one offer.
func (p *Phone) ring(s *Switch, l *line, limit time.Duration) {
	s.mu.Lock()
	leg, answer, refuse, keys := l.leg, p.answer, p.refuse, p.keys
	if l.gone || l.up {
		s.mu.Unlock()
		return
	}
	if refuse != 0 {
		s.end(l, call.CauseOfStatus(refuse, ""))
		s.mu.Unlock()
		return
	}
	l.ringing = true
	l.happen(call.LegEvent{Kind: call.LegRinging})
	s.mu.Unlock()
	if answer < 0 || answer > limit {
		answer = limit
	}
	t := time.NewTimer(answer)
	defer t.Stop()
	select {
	case <-t.C:
	case <-l.over: // not when our process dies: a phone rings on
		return
	}
	if answer < limit {
		p.script(func() { p.pickUp(l) })
		p.pressLater(l, leg, keys)
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if !l.up {
		s.end(l, call.Cause{Reason: call.NoAnswer, SIP: 487})
	}
}

// pressLater keys digits after a second, unless the call is over by then.
func (p *Phone) pressLater(l *line, leg *Leg, digits string) {
	if digits == "" {
		return
	}
	t := time.NewTimer(time.Second)
	defer t.Stop()
	select {
	case <-t.C:
		p.s.press(l, digits)
	case <-leg.ctx.Done():
	}
}

// String names the phone in failures.
func (p *Phone) String() string { return fmt.Sprintf("phone %s", p.device) }
