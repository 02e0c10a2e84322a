package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http"
	"net/url"
	"slices"
	"sync"
	"time"

	"firstline/call"
	"firstline/sip"
)

// loadAgent is a person with a phone.
type loadAgent struct {
	l    *loadRun
	user string

	mu     sync.Mutex // guards the rest
	last   *sip.PhoneCall
	chance *rand.Rand
}

// picksUp makes p the phone's call, and reports whether the one before it is over.
// The server lets go of a phone when it has sent its CANCEL or BYE; on a busy machine
// that may be lost, and is sent again after 0.5, 1.5 and 3.5 s (RFC 3261 section
// 17.1.2.2), so as long is waited for it.
func (a *loadAgent) picksUp(p *sip.PhoneCall) bool {
	a.mu.Lock()
	before := a.last
	a.last = p
	a.mu.Unlock()
	if before == nil {
		return true
	}
	moment := time.NewTimer(goodbye)
	defer moment.Stop()
	select {
	case <-before.Context().Done():
		return true
	case <-moment.C:
		return false
	}
}

// seatAgents registers the phones, a few at a time, and signs their people in.
func (l *loadRun) seatAgents(ctx context.Context, phones *loadPhones, o *output) error {
	users := slices.Sorted(maps.Keys(l.creds.Devices))[:l.c.Agents]
	var wg sync.WaitGroup
	var mu sync.Mutex // guards faults
	var faults []error
	pace := time.NewTicker(registerEvery)
	defer pace.Stop()
	for i, user := range users {
		a := &loadAgent{l: l, user: user, chance: rand.New(rand.NewPCG(l.c.Seed, uint64(i)+1))}
		p, err := phones.add(sip.PhoneConfig{User: user, Password: l.creds.Devices[user], Incoming: a.take})
		if err != nil {
			return err
		}
		wg.Go(func() {
			if err := p.Register(ctx); err != nil {
				mu.Lock()
				defer mu.Unlock()
				faults = append(faults, fmt.Errorf("register %s at %s: %w", user, l.c.Server, err))
			}
		})
		select {
		case <-pace.C:
		case <-ctx.Done():
		}
	}
	wg.Wait()
	if len(faults) > 0 {
		return fmt.Errorf("%d of %d phones are not registered; the first: %w", len(faults), len(users), faults[0])
	}
	if len(users) == 0 {
		return nil
	}
	if err := l.signIn(ctx, true); err != nil {
		fmt.Fprintf(o.err, "agents are left as they are: %v\n", err)
	}
	return nil
}

// signIn makes those of our agents available who are on break for missed offers,
// and at the beginning those who are logged out.
func (l *loadRun) signIn(ctx context.Context, all bool) error {
	var list struct {
		At     time.Time `json:"at"`
		Agents []struct {
			ID       string        `json:"id"`
			Device   string        `json:"device"`
			Presence call.Presence `json:"presence"`
			Reason   string        `json:"reason"`
			Since    time.Time     `json:"since"`
		} `json:"agents"`
	}
	if err := l.api.do(ctx, http.MethodGet, "/api/v1/agents", &list); err != nil {
		return err
	}
	for _, a := range list.Agents {
		missed := a.Presence == call.OnBreak && a.Reason == "missed" && l.c.Back > 0 && list.At.Sub(a.Since) >= l.c.Back
		_, ours := l.creds.Devices[a.Device]
		if begins := all && a.Presence != call.Available; !ours || !missed && !begins {
			continue
		}
		body := map[string]any{"presence": call.Available}
		if err := l.api.send(ctx, http.MethodPut, "/api/v1/agents/"+url.PathEscape(a.ID)+"/presence", body, nil); err != nil {
			return fmt.Errorf("agent %s: %w", a.ID, err)
		}
		if missed {
			l.tally.add(func(r *loadReport) { r.Agents.BackFromBreak++ })
		}
	}
	return nil
}

// walkTheFloor brings agents back from the breaks that misses put them on.
func (l *loadRun) walkTheFloor(ctx context.Context) {
	if l.c.Agents == 0 || l.c.Back == 0 || l.api.base == "" {
		return
	}
	look := time.NewTicker(time.Second)
	defer look.Stop()
	for {
		select {
		case <-look.C:
			if err := l.signIn(ctx, false); err != nil && ctx.Err() == nil {
				l.tally.fault("api: " + firstWords(err))
			}
		case <-ctx.Done():
			return
		}
	}
}

// take is one offer, from its ringing to the end of what comes of it.
func (a *loadAgent) take(p *sip.PhoneCall) {
	t := a.l.tally
	t.add(func(r *loadReport) { r.now.phones++ })
	defer t.add(func(r *loadReport) { r.now.phones-- })
	if !a.picksUp(p) {
		t.fault("an agent's phone rang while it had a call")
	}
	ctx := p.Context()
	v := a.l.book.find(p.Remote().Number)
	if v.goneFor() > ghostAfter {
		t.fault("a phone rang for a caller who was gone")
	}
	t.add(func(r *loadReport) { r.Agents.Offers++ })
	if p.Ring(ctx) != nil {
		t.add(func(r *loadReport) { r.Agents.Withdrawn++ })
		return
	}
	v.rang()
	d := a.decide()
	if d.ignores {
		<-ctx.Done()
		t.add(func(r *loadReport) { r.Agents.Missed++ })
		a.ghost(v)
		return
	}
	if !call.Pause(ctx, d.answer) {
		t.add(func(r *loadReport) { r.Agents.Withdrawn++ })
		a.ghost(v)
		return
	}
	if p.Answer(ctx) != nil {
		t.add(func(r *loadReport) { r.Agents.Withdrawn++ })
		return
	}
	t.add(func(r *loadReport) { r.Agents.Answered++ })
	a.talk(ctx, p, v, d)
}

// handUp waits until the agents' phones have no call any more, so that the server
// is not left talking to phones that are gone.
func (l *loadRun) handUp(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	for l.tally.phones() > 0 && call.Pause(ctx, 20*time.Millisecond) {
	}
	call.Pause(ctx, 100*time.Millisecond) // for the last response to be repeated, should it be lost
}

const (
	// goodbye is how long a CANCEL or BYE may take to arrive, some lost on the way.
	goodbye = 5 * time.Second
	// ghostAfter is how long a phone may ring on after its caller has hung up.
	ghostAfter = goodbye
)

// ghost notes a phone that went on ringing for a caller who was gone.
func (a *loadAgent) ghost(v *loadVisit) {
	if v.goneFor() > ghostAfter {
		a.l.tally.fault("a phone rang on for a caller who was gone")
	}
}

// talk speaks and listens until one side has had enough.
func (a *loadAgent) talk(ctx context.Context, p *sip.PhoneCall, v *loadVisit, d agentDecision) {
	began := time.Now()
	length, ends := d.talk, true
	if v != nil {
		length, ends = v.plan.talk, v.plan.agentEnds
	}
	v.meet(began)
	ear := a.l.listen(p, checkTone)
	a.l.speak(p, a.l.agentTone)
	if !ends {
		length += talkSlack // the caller's to end; an agent does not wait for ever either
	}
	if call.Pause(ctx, length) {
		_ = p.Hangup(context.WithoutCancel(ctx), call.Cause{Reason: call.Completed})
	}
	if v != nil && !a.l.c.NoAudio && time.Since(began) >= audibleTalk {
		t := a.l.tally
		t.add(func(r *loadReport) {
			r.Audio.AgentTalks++
			if ear.heard() {
				r.Audio.AgentHeard++
			}
		})
	}
}

const (
	talkSlack   = 30 * time.Second
	audibleTalk = 2 * time.Second // in a shorter talk nobody need have been heard
)

// agentDecision is what an agent makes of one offer.
type agentDecision struct {
	ignores      bool
	answer, talk time.Duration
}

func (a *loadAgent) decide() agentDecision {
	a.mu.Lock()
	defer a.mu.Unlock()
	return agentDecision{
		ignores: a.chance.Float64() < a.l.c.Miss,
		answer:  exponential(a.chance, a.l.c.Answer), talk: exponential(a.chance, a.l.c.Talk),
	}
}

// exponential draws a time of that mean, cut at eight means.
func exponential(r *rand.Rand, mean time.Duration) time.Duration {
	return time.Duration(min(r.ExpFloat64(), 8) * float64(mean))
}

// firstWords is an error short enough to count by.
func firstWords(err error) string {
	if c, ok := errors.AsType[call.Cause](err); ok {
		return cmp.Or(string(c.Reason), "failed")
	}
	s := err.Error()
	return s[:min(len(s), 60)]
}
