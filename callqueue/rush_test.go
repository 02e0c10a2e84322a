package callqueue_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"testing"
	"testing/synctest"
	"time"

	"firstline/call"
	"firstline/callqueue"
)

// Some hundred callers with little patience, phones that answer, decline, are
// away or ring on, agents who take breaks and phones that come and go: whatever
// the order, every call ends once, and no phone is left ringing.
func TestEveryCallEndsOnceInARush(t *testing.T) {
	for seed := range uint64(20) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { rush(t, rand.New(rand.NewPCG(seed, 1))) })
		})
	}
}

func rush(t *testing.T, r *rand.Rand) {
	ms := func(most int) time.Duration { return time.Duration(1+r.IntN(most)) * time.Millisecond }
	f := newFloor(t,
		callqueue.Queue{ID: "a", WrapUp: 500 * time.Millisecond},
		callqueue.Queue{ID: "b", WrapUp: -1, MaxWait: 40 * time.Second, Priority: 1},
		callqueue.Queue{ID: "c", WrapUp: -1, Strategy: callqueue.RingAll, NoAgent: callqueue.NoAgentRule{Leave: true}},
		callqueue.Queue{ID: "d", Strategy: callqueue.RingProgressively, RingStep: time.Second, Misses: 5})
	names := []call.AgentID{"ada", "bob", "cem", "dee"}
	f.agents(names...)
	const callers = 120
	out := make(chan connected, callers)
	for i := range callers {
		shuffle(f, r, names[r.IntN(len(names))], ms)
		patience, talk := ms(60_000), ms(20_000)
		if r.IntN(8) == 0 {
			patience = ms(400) // hangs up about when the phone is answered
		}
		q := []call.QueueID{"a", "b", "c", "d"}[r.IntN(4)]
		id := call.ID(fmt.Sprintf("c%03d", i))
		go func() { out <- journey(f, id, q, patience, talk) }()
		time.Sleep(ms(1500))
	}
	answered := 0
	for range callers {
		if got := <-out; got.err == nil && got.Outcome == call.OutcomeAnswered {
			answered++
		}
	}
	synctest.Wait()
	if up := f.sw.up(); len(up) != 0 {
		t.Errorf("%d legs are left", len(up))
	}
	outcomes := make(map[call.Outcome]int)
	for id, rec := range f.fold() {
		for _, e := range rec.Entries {
			outcomes[e.Outcome]++
			for _, o := range e.Offers {
				if o.Ended.IsZero() || o.Ended.After(e.Left) && e.Outcome != call.OutcomeAnswered {
					t.Errorf("%s: offer %+v of an entry that left at %v", id, o, e.Left)
				}
			}
		}
	}
	sum := 0
	for _, n := range outcomes {
		sum += n
	}
	if sum != callers || outcomes[call.OutcomeAnswered] != answered || outcomes[""] != 0 || answered == 0 {
		t.Errorf("%d callers, %d answered by the results, journal: %v", callers, answered, outcomes)
	}
	v, err := f.Snapshot(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range v.Agents {
		if a.Call != "" && a.Activity != call.WrapUp {
			t.Errorf("%s is %s in %s", a.ID, a.Activity, a.Call)
		}
	}
}

// journey is a caller who waits as long as patience lasts, and talks.
func journey(f *floor, id call.ID, q call.QueueID, patience, talk time.Duration) connected {
	ctx, cancel := context.WithCancelCause(context.Background())
	timer := time.AfterFunc(patience, func() { cancel(call.Cause{Reason: call.Hangup}) })
	defer timer.Stop()
	defer cancel(nil)
	got := <-f.dial(ctx, id, q)
	if got.Leg != nil {
		time.Sleep(talk)
		_ = got.Leg.Hangup(ctx, call.Cause{Reason: call.Completed})
		f.TalkEnded(got.Agent, id, time.Now())
	}
	return got
}

// shuffle changes a phone or a person now and then.
func shuffle(f *floor, r *rand.Rand, who call.AgentID, ms func(int) time.Duration) {
	f.t.Helper()
	p := phone{rings: ms(200), answers: 200*time.Millisecond + ms(3000)}
	switch r.IntN(8) {
	case 0:
		p = phone{rings: ms(200)}
	case 1:
		p = phone{rings: ms(200), fails: 200*time.Millisecond + ms(2000), with: call.CauseOfStatus(486, "")}
	case 2:
		p = phone{gone: true}
	case 3:
		f.Reachable(call.DeviceID(who), r.IntN(3) > 0)
	case 4:
		_ = f.SetPresence(f.t.Context(), who, call.OnBreak, "tea", "self") // refused or not: it must do no harm
	default:
		_ = f.SetPresence(f.t.Context(), who, call.Available, "", "self")
	}
	f.sw.set(call.DeviceID(who), p)
}
