package media

import (
	"errors"
	"path/filepath"
	"sync"
	"testing"
	"time"
)

func TestTapsComeAndGoOverRealSocketsWhileTheTalkGoesOn(t *testing.T) {
	server, phones := newEngine(t, Config{}), newEngine(t, Config{PortMin: 40000, PortMax: 44999})
	caller, callerPhone := connect(t, server, phones, PCMU)
	agent, agentPhone := connect(t, server, phones, PCMA)
	callerPhone.Music(Tone(time.Second, callerTone))
	agentPhone.Music(Tone(time.Second, agentTone))
	rec, err := server.NewRecorder(filepath.Join(t.TempDir(), "talk.wav"), RecorderOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer rec.Close()
	bridge, err := server.Bridge(caller, agent, rec)
	if err != nil {
		t.Fatal(err)
	}
	atCaller, atAgent := NewEar(callerPhone, PCMU, time.Minute), NewEar(agentPhone, PCMA, time.Minute)
	var wg sync.WaitGroup
	for i := range 3 {
		boss, bossPhone := connect(t, server, phones, PCMU)
		bossPhone.Music(Tone(time.Second, bossTone))
		wg.Go(func() {
			for n := range 100 {
				if err := bridge.Tap(boss, TapMode((n+i)%3)); err != nil {
					t.Errorf("tap: %v", err)
				}
				bridge.Hold(boss, nil)
				bridge.Unhold(boss)
				if n%10 == 9 {
					bridge.Untap(boss)
				}
				caller.Record(rec, Left)
			}
			if err := boss.Close(); err != nil {
				t.Errorf("close: %v", err)
			}
			if err := bridge.Tap(boss, Listen); !errors.Is(err, ErrClosed) {
				t.Errorf("tap of a closed stream: %v", err)
			}
		})
	}
	wg.Go(func() {
		for range 100 {
			bridge.Hold(agent, Tone(time.Second, 2100))
			bridge.Unhold(agent)
		}
	})
	wg.Wait()
	await(t, atCaller, agentTone, atCaller.Heard(agentTone)+300*time.Millisecond)
	await(t, atAgent, callerTone, atAgent.Heard(callerTone)+300*time.Millisecond)

	guest, guestPhone := connect(t, server, phones, PCMA)
	guestPhone.Music(Tone(time.Second, guestTone))
	if err := bridge.Tap(guest, Barge); err != nil {
		t.Fatal(err)
	}
	atGuest := NewEar(guestPhone, PCMA, time.Minute)
	await(t, atGuest, agentTone, 300*time.Millisecond)
	await(t, atGuest, callerTone, 300*time.Millisecond)
	await(t, atCaller, guestTone, 300*time.Millisecond)
	await(t, atAgent, guestTone, 300*time.Millisecond)
	if err := agentPhone.SendDTMF(t.Context(), "9"); err != nil {
		t.Fatal(err)
	}
	if e := nextEvent(t, callerPhone); e.Kind != DigitStart || e.Digit != '9' {
		t.Errorf("the caller's phone got %+v", e)
	}
	bridge.Close()
}
