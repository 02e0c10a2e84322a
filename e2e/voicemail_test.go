//go:build e2e

package e2e

import (
	"slices"
	"sync"
	"testing"
	"time"

	"firstline/call"
	"firstline/sip"
	"firstline/sip/media"
)

// listener is an agent's phone that keeps what it hears of each call, and presses 1
// some seconds into it.
type listener struct {
	mu    sync.Mutex // guards heard
	heard [][]int16
}

func (l *listener) takes(in *sip.PhoneCall) {
	ctx := in.Context()
	if in.Answer(ctx) != nil {
		return
	}
	l.mu.Lock()
	n := len(l.heard)
	l.heard = append(l.heard, nil)
	l.mu.Unlock()
	in.Hear(func(samples []int16, _ uint32) {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.heard[n] = append(l.heard[n], samples...)
	})
	spell(ctx, 17*time.Second) // what the keys are for, and the message
	_ = in.SendDTMF(ctx, "1")
	<-ctx.Done()
}

// messageTone is what callers leave.
const messageTone = 850.0

func TestAMessageIsInTheQueueAtItsArrivalTimeAndPlayableThroughAKill(t *testing.T) {
	t.Parallel()
	const whole, cutOff = "+15550101201", "+15550101202"
	net := &carrier{talk: 5 * time.Second, on: map[string]int{}}
	s := serve(t, setting{centre: waysDesk(t)})
	phones := newPhones(s)
	s.outbound(phones.keep("carrier", "", net.rings), "+1555")
	stranger := phones.keep("stranger", "", nil)
	ctx := t.Context()
	speaks := func(number string) *sip.PhoneCall {
		c, err := stranger.DialFrom(ctx, number, "1009", nil)
		must(t, err)
		must(t, call.AwaitAnswer(ctx, c, nil))
		s.api.awaitCall(number, "waits", func(c callRecord) bool { return c.State == "waiting" })
		must(t, c.SendDTMF(ctx, "3"))
		eventually(t, "the message is recorded", func() bool { return s.api.callbacks()[number].Message != "" })
		c.Loop(media.Tone(time.Second, messageTone))
		spell(ctx, 4*time.Second)
		return c
	}
	bye(speaks(whole))
	first := s.api.awaitEnd(whole)
	speaks(cutOff)
	s.kill()
	s.up()
	for _, number := range []string{whole, cutOff} {
		b := s.api.callbacks()[number]
		c, _ := s.api.callFrom(number)
		if b.End != "" || !b.Joined.Equal(c.Entries[0].Joined) {
			t.Errorf("the message of %s: %+v, it came at %v", number, b, c.Entries[0].Joined)
		}
		left, right := wav(t, s.api.audio(b.Message))
		if d := media.Heard(left, messageTone, 0.05); d < 2500*time.Millisecond || len(right) != len(left) {
			t.Errorf("the recording of %s has the tone for %v", number, d)
		}
	}
	if first.Outcome != "voicemail" {
		t.Errorf("the call ended as %s", first.Outcome)
	}
	agent := &listener{}
	p := phones.keep("2001", s.creds.Devices["2001"], agent.takes)
	must(t, p.Register(ctx))
	eventually(t, "both are called back", func() bool {
		all := s.api.callbacks()
		return all[whole].End == "reached" && all[cutOff].End == "reached"
	})
	if a, b := s.api.callbacks()[whole], s.api.callbacks()[cutOff]; !a.Attempts[0].Began.Before(b.Attempts[0].Began) && !slices.Contains([]int{1}, len(b.Attempts)) {
		t.Errorf("out of order: %+v, %+v", a.Attempts, b.Attempts)
	}
	agent.mu.Lock()
	for i, heard := range agent.heard {
		if d := media.Heard(heard, messageTone, 0.05); d < 2*time.Second {
			t.Errorf("call %d: the agent heard the message for %v", i+1, d)
		}
	}
	agent.mu.Unlock()
	eventually(t, "the talks are over", func() bool {
		return !slices.ContainsFunc(s.api.calls(), func(c callRecord) bool { return c.Open })
	})
	promises(t, s)
}
