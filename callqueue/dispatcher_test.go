package callqueue_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"firstline/call"
	"firstline/callqueue"
	"firstline/callqueue/agents"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// floor is a running dispatcher on fake phones. It is used in a bubble.
type floor struct {
	*callqueue.Dispatcher
	t       *testing.T
	sw      *fakeSwitch
	journal *memory
	stop    context.CancelFunc
	ended   chan error
	began   time.Time
}

func newFloor(t *testing.T, queues ...callqueue.Queue) *floor {
	f := &floor{t: t, sw: &fakeSwitch{}, journal: &memory{}, ended: make(chan error, 1), began: time.Now()}
	f.Dispatcher = callqueue.New(callqueue.Config{Switch: f.sw, Journal: f.journal})
	if err := f.SetQueues(t.Context(), queues); err != nil { // before Run, as a start does
		t.Fatal(err)
	}
	var ctx context.Context
	ctx, f.stop = context.WithCancel(context.Background())
	go func() { f.ended <- f.Run(ctx) }()
	t.Cleanup(f.end)
	return f
}

// end shuts the floor and checks what it leaves: no phone that rings, and a
// journal that every call's record can be folded from.
func (f *floor) end() {
	f.t.Helper()
	f.stop()
	if err := <-f.ended; err != nil {
		f.t.Error(err)
	}
	f.ended <- nil // for a second end
	f.sw.hangUpAll()
	f.fold()
}

func (f *floor) agents(ids ...call.AgentID) {
	f.t.Helper()
	var roster []agents.Agent
	for _, id := range ids {
		roster = append(roster, agents.Agent{ID: id, Device: call.DeviceID(id), Level: 1})
	}
	if err := f.SetAgents(f.t.Context(), roster); err != nil {
		f.t.Fatal(err)
	}
	for _, id := range ids {
		if err := f.SetPresence(f.t.Context(), id, call.Available, "", "self"); err != nil {
			f.t.Fatal(err)
		}
		time.Sleep(time.Millisecond) // the first one named is idle longest
	}
}

func (f *floor) fold() map[call.ID]*call.Record {
	f.t.Helper()
	records := make(map[call.ID]*call.Record)
	for _, ev := range f.journal.all() {
		if ev.Stream.Kind != call.StreamCall {
			continue
		}
		id := call.ID(ev.Stream.ID)
		if records[id] == nil {
			records[id] = &call.Record{}
			if err := records[id].Apply(call.CallEvent(f.began, id, call.Arrived{})); err != nil {
				f.t.Fatal(err)
			}
		}
		if err := records[id].Apply(ev); err != nil {
			f.t.Fatal(err)
		}
	}
	return records
}

// entry is the call's only entry, from the journal.
func (f *floor) entry(id call.ID) call.Entry {
	f.t.Helper()
	r := f.fold()[id]
	if r == nil || len(r.Entries) != 1 {
		f.t.Fatalf("call %s: %+v", id, r)
	}
	return r.Entries[0]
}

type connected struct {
	callqueue.Result
	err error
	at  time.Duration // since the floor began
}

// dial connects in the background.
func (f *floor) dial(ctx context.Context, id call.ID, q call.QueueID) <-chan connected {
	out := make(chan connected, 1)
	go func() {
		r, err := f.Connect(ctx, callqueue.Waiting{Entry: id.Entry(1), Queue: q, Ticket: "T-1", From: call.Party{Number: "+49"}})
		out <- connected{r, err, time.Since(f.began)}
	}()
	return out
}

func (f *floor) wantAgent(id call.AgentID, p call.Presence, a call.Activity) {
	f.t.Helper()
	synctest.Wait()
	v, err := f.Snapshot(f.t.Context())
	if err != nil {
		f.t.Fatal(err)
	}
	for _, got := range v.Agents {
		if got.ID == id && (got.Presence != p || got.Activity != a) {
			f.t.Fatalf("%s is %s and %s, want %s and %s", id, got.Presence, got.Activity, p, a)
		}
	}
}

var answering = phone{rings: 100 * time.Millisecond, answers: 300 * time.Millisecond}

func TestConnectReturnsTheAnsweredLegAfterTheQueueWasLeft(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFloor(t, callqueue.Queue{ID: "q"})
		f.sw.set("ada", answering)
		f.agents("ada")
		got := <-f.dial(t.Context(), "c1", "q")
		if got.err != nil || got.Outcome != call.OutcomeAnswered || got.Agent != "ada" || got.Device != "ada" ||
			got.Wait != 300*time.Millisecond || got.Offer != "c1.q1.o1" || got.Leg.ID() != "c1.q1.o1.agent" {
			t.Fatalf("%+v", got)
		}
		if e := f.entry("c1"); e.Outcome != call.OutcomeAnswered || e.Left.Sub(e.Joined) != got.Wait {
			t.Errorf("journal: %+v", e)
		}
		asked := f.sw.made()[0].asked
		if asked.From.Number != "+49" || asked.Headers["X-Firstline-Ticket"] != "T-1" {
			t.Errorf("originate: %+v", asked)
		}
		f.wantAgent("ada", call.Available, call.Talking)
		f.Holding("ada", true)
		f.wantAgent("ada", call.Available, call.Holding)
		f.TalkEnded("ada", "c1", time.Now())
		f.wantAgent("ada", call.Available, call.WrapUp)
		if err := f.EndWrapUp(t.Context(), "ada"); err != nil {
			t.Error(err)
		}
		f.wantAgent("ada", call.Available, call.Idle)
	})
}

// The caller hangs up at every millisecond of an offer, and at the very instant
// of the answer in both orders: no phone goes on ringing, nobody stays reserved.
func TestNoGhostCallWheneverTheCallerHangsUp(t *testing.T) {
	for ms := range 320 {
		synctest.Test(t, func(t *testing.T) {
			f := newFloor(t, callqueue.Queue{ID: "q"})
			f.sw.set("ada", answering)
			f.agents("ada")
			ctx, hangUp := context.WithCancelCause(t.Context())
			cause := call.Cause{Reason: call.Hangup}
			c := f.dial(ctx, "c1", "q")
			time.Sleep(time.Duration(ms) * time.Millisecond)
			hangUp(cause)
			got := <-c
			synctest.Wait()
			up, e := f.sw.up(), f.entry("c1")
			switch {
			case got.err == nil:
				if ms < 300 || len(up) != 1 || got.Leg == nil || e.Outcome != call.OutcomeAnswered {
					t.Fatalf("%d ms: answered as %+v with %d legs, journal %s", ms, got, len(up), e.Outcome)
				}
				f.wantAgent("ada", call.Available, call.Talking)
			case errors.Is(got.err, cause):
				if ms > 300 || len(up) != 0 || got.Leg != nil || e.Outcome != call.OutcomeAbandonedShort {
					t.Fatalf("%d ms: gone as %+v with %d legs, journal %s", ms, got, len(up), e.Outcome)
				}
				f.wantAgent("ada", call.Available, call.Idle)
			default:
				t.Fatalf("%d ms: %v", ms, got.err)
			}
			for _, o := range e.Offers {
				if o.Ended.IsZero() {
					t.Fatalf("%d ms: offer %s is open", ms, o.ID)
				}
			}
			f.end()
		})
	}
}

func TestCallerWhoIsCutOffByUsHasNotAbandoned(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFloor(t, callqueue.Queue{ID: "q"})
		ctx, cut := context.WithCancelCause(t.Context())
		c := f.dial(ctx, "c1", "q")
		time.Sleep(time.Minute)
		cut(call.Cause{Reason: call.Shutdown})
		<-c
		if e := f.entry("c1"); e.Outcome != call.OutcomeSystemFailed {
			t.Errorf("left as %s", e.Outcome)
		}
	})
}

func TestNoAgentStaysInATalkWhoseLegIsGone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFloor(t, callqueue.Queue{ID: "q", WrapUp: 10 * time.Second})
		f.sw.set("ada", answering)
		f.agents("ada")
		got := <-f.dial(t.Context(), "c1", "q")
		f.wantAgent("ada", call.Available, call.Talking)
		_ = got.Leg.Hangup(t.Context(), call.Cause{Reason: call.Hangup})
		f.wantAgent("ada", call.Available, call.WrapUp)
		time.Sleep(9 * time.Second)
		f.TalkEnded("ada", "c1", time.Now()) // the journey is late: the wrap-up goes on from the leg's end
		time.Sleep(time.Second)
		f.wantAgent("ada", call.Available, call.Idle)
	})
}

func TestMissedOfferRingsTheNextAgent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFloor(t, callqueue.Queue{ID: "q", Misses: 1})
		f.sw.set("ada", phone{rings: 100 * time.Millisecond})
		f.sw.set("bob", answering)
		f.agents("ada", "bob")
		got := <-f.dial(t.Context(), "c1", "q")
		if got.err != nil || got.Agent != "bob" || got.Wait != 15300*time.Millisecond {
			t.Fatalf("%+v", got)
		}
		e := f.entry("c1")
		if len(e.Offers) != 2 || e.Offers[0].Result != call.OfferMissed || e.Offers[1].Result != call.OfferAnswered {
			t.Errorf("offers: %+v", e.Offers)
		}
		f.wantAgent("ada", call.OnBreak, call.Idle)
		if up := f.sw.up(); len(up) != 1 || up[0] != got.Leg {
			t.Errorf("%d legs are up", len(up))
		}
	})
}

func TestCausesBecomeResults(t *testing.T) {
	ring := 100 * time.Millisecond
	for _, c := range []struct {
		name string
		p    phone
		want call.OfferResult
	}{
		{"declined", phone{rings: ring, fails: time.Second, with: call.CauseOfStatus(603, "")}, call.OfferRejected},
		{"busy", phone{fails: time.Second, with: call.CauseOfStatus(486, "")}, call.OfferBusy},
		{"gave up", phone{rings: ring, fails: time.Second, with: call.CauseOfStatus(480, "")}, call.OfferMissed},
		{"no response", phone{fails: time.Second, with: call.CauseOfStatus(408, "")}, call.OfferUnreachable},
		{"not registered", phone{gone: true}, call.OfferUnreachable},
		{"no codec", phone{fails: time.Second, with: call.CauseOfStatus(488, "")}, call.OfferUnreachable},
		{"silent", phone{}, call.OfferUnreachable},
		{"rings on", phone{rings: ring}, call.OfferMissed},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := newFloor(t, callqueue.Queue{ID: "q", MaxWait: 16 * time.Second})
				f.sw.set("ada", c.p)
				f.agents("ada")
				got := <-f.dial(t.Context(), "c1", "q")
				if got.err != nil || got.Outcome != call.OutcomeTimeoutOverflow {
					t.Fatalf("%+v", got)
				}
				if e := f.entry("c1"); len(e.Offers) == 0 || e.Offers[0].Result != c.want {
					t.Errorf("offers: %+v, want %s", e.Offers, c.want)
				}
			})
		})
	}
}

func TestOneAgentIsNeverRungForTwoQueuesAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFloor(t, callqueue.Queue{ID: "a", WrapUp: -1}, callqueue.Queue{ID: "b", WrapUp: -1})
		f.sw.set("ada", answering)
		f.agents("ada")
		var waiting []<-chan connected
		for i := range 6 {
			waiting = append(waiting, f.dial(t.Context(), call.ID(fmt.Sprint("c", i)), []call.QueueID{"a", "b"}[i%2]))
			time.Sleep(time.Millisecond)
		}
		for i, c := range waiting {
			got := <-c
			if got.err != nil {
				t.Fatal(got.err)
			}
			synctest.Wait()
			if up := f.sw.up(); len(up) != 1 {
				t.Fatalf("call %d: %d legs to one agent", i, len(up))
			}
			time.Sleep(time.Minute)
			_ = got.Leg.Hangup(t.Context(), call.Cause{Reason: call.Completed})
			f.TalkEnded("ada", call.ID(fmt.Sprint("c", i)), time.Now())
		}
	})
}

func TestRefusedConnects(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFloor(t, callqueue.Queue{ID: "q", MaxLen: 1})
		if got := <-f.dial(t.Context(), "c1", "?"); !errors.Is(got.err, callqueue.ErrUnknownQueue) {
			t.Errorf("unknown queue: %v", got.err)
		}
		first := f.dial(t.Context(), "c2", "q")
		synctest.Wait()
		if got := <-f.dial(t.Context(), "c3", "q"); !errors.Is(got.err, callqueue.ErrFull) {
			t.Errorf("full: %v", got.err)
		}
		if got := <-f.dial(t.Context(), "c2", "q"); !errors.Is(got.err, callqueue.ErrBusy) {
			t.Errorf("same entry again: %v", got.err)
		}
		err := f.SetQueues(t.Context(), []callqueue.Queue{{ID: "other"}})
		if !errors.Is(err, callqueue.ErrBusy) || !strings.Contains(err.Error(), `"q"`) {
			t.Errorf("removing a queue with callers: %v", err)
		}
		if err := f.Leave(t.Context(), "c2.q1", call.OutcomeExitKey); err != nil {
			t.Error(err)
		}
		if got := <-first; got.err != nil || got.Outcome != call.OutcomeExitKey {
			t.Errorf("left by key: %+v", got)
		}
		f.end()
		if got := <-f.dial(t.Context(), "c4", "q"); !errors.Is(got.err, callqueue.ErrClosed) {
			t.Errorf("after the end: %v", got.err)
		}
		if _, err := f.Snapshot(t.Context()); !errors.Is(err, callqueue.ErrClosed) {
			t.Errorf("snapshot after the end: %v", err)
		}
	})
}

func TestEndOfRunStopsThePhonesAndLeavesTheCallersToTheNextProcess(t *testing.T) {
	for ms := range 310 {
		synctest.Test(t, func(t *testing.T) {
			f := newFloor(t, callqueue.Queue{ID: "q"})
			f.sw.set("ada", answering)
			f.agents("ada")
			c1, c2 := f.dial(t.Context(), "c1", "q"), f.dial(t.Context(), "c2", "q")
			time.Sleep(time.Duration(ms) * time.Millisecond)
			f.stop()
			got := []connected{<-c1, <-c2}
			if err := <-f.ended; err != nil {
				t.Fatal(err)
			}
			f.ended <- nil
			answered := 0
			for _, g := range got {
				switch {
				case g.err == nil && g.Leg != nil:
					answered++
				case !errors.Is(g.err, callqueue.ErrClosed):
					t.Errorf("%d ms: %+v", ms, g)
				}
			}
			if up := f.sw.up(); len(up) != answered || answered > 0 && ms < 300 {
				t.Errorf("%d ms: %d legs are up, %d answered", ms, len(up), answered)
			}
			for id, r := range f.fold() {
				for _, e := range r.Entries {
					for _, o := range e.Offers {
						if o.Ended.IsZero() {
							t.Errorf("%d ms: offer %s is open", ms, o.ID)
						}
					}
				}
				if answered == 0 && r.Waiting() == nil {
					t.Errorf("%d ms: call %s has left", ms, id)
				}
			}
			f.end()
		})
	}
}

func TestConnectBeforeRunEndsWithTheCaller(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := callqueue.New(callqueue.Config{Switch: &fakeSwitch{}, Journal: &memory{}})
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := d.Connect(ctx, callqueue.Waiting{}); !errors.Is(err, context.DeadlineExceeded) {
			t.Error(err)
		}
	})
}

// The agent's phone is let be before it is rung again: here the caller hangs up
// and the next one is offered to the same agent at that instant.
func TestPhoneIsHungUpBeforeItRingsForTheNextCaller(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFloor(t, callqueue.Queue{ID: "q"})
		f.sw.set("ada", answering)
		f.sw.slow = 50 * time.Millisecond
		f.agents("ada")
		ctx, hangUp := context.WithCancel(t.Context())
		first := f.dial(ctx, "c1", "q")
		time.Sleep(100 * time.Millisecond)
		second := f.dial(t.Context(), "c2", "q")
		synctest.Wait()
		hangUp()
		if got := <-first; !errors.Is(got.err, context.Canceled) {
			t.Errorf("first: %+v", got)
		}
		synctest.Wait()
		if n := len(f.sw.made()); n != 1 {
			t.Fatalf("%d legs while the first is being hung up", n)
		}
		if got := <-second; got.err != nil || got.Agent != "ada" || got.Wait != 350*time.Millisecond {
			t.Errorf("second: %+v", got)
		}
	})
}

func TestTakeOverRestoresAgentsAdoptsTalksAndResumesWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFloor(t, callqueue.Queue{ID: "q", WrapUp: 20 * time.Second})
		f.sw.set("ada", answering)
		roster := []agents.Agent{{ID: "ada", Device: "ada"}, {ID: "bob", Device: "bob"}}
		if err := f.SetAgents(t.Context(), roster); err != nil {
			t.Fatal(err)
		}
		err := f.Restore(t.Context(), []agents.Record{
			{ID: "ada", Presence: call.Available, Activity: call.Talking, Call: "c1", Queue: "q"},
			{ID: "bob", Presence: call.OnBreak, Reason: "lunch", Activity: call.Idle},
		})
		if err != nil {
			t.Fatal(err)
		}
		f.TalkBegan("ada", "c1")
		began := time.Now().Add(-time.Minute)
		out := make(chan callqueue.Result, 1)
		f.journal.Post(call.CallEvent(began, "c2", call.QueueJoined{Entry: "c2.q1", Queue: "q", Joined: began})) // by the last process
		go func() {
			r, err := f.Connect(t.Context(), callqueue.Waiting{Entry: "c2.q1", Queue: "q", Joined: began, Resumed: true, Offers: 3})
			if err != nil {
				t.Error(err)
			}
			out <- r
		}()
		time.Sleep(time.Hour)
		f.wantAgent("ada", call.Available, call.Talking)
		f.wantAgent("bob", call.OnBreak, call.Idle)
		f.TalkEnded("ada", "c1", time.Now())
		if err := f.ExtendWrapUp(t.Context(), "ada", time.Now().Add(30*time.Second)); err != nil {
			t.Fatal(err)
		}
		got := <-out
		if want := time.Hour + time.Minute + 30*time.Second + 300*time.Millisecond; got.Wait != want || got.Offer != "c2.q1.o4" {
			t.Errorf("%+v, want a wait of %v", got, want)
		}
		if _, err := f.Queue(t.Context(), "?"); !errors.Is(err, callqueue.ErrUnknownQueue) {
			t.Error(err)
		}
		if q, err := f.Queue(t.Context(), "q"); err != nil || q.WrapUp != 20*time.Second || q.Ring != 15*time.Second {
			t.Errorf("%+v, %v", q, err)
		}
	})
}

func TestRosterChangesSeats(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFloor(t, callqueue.Queue{ID: "q"})
		f.agents("ada", "bob")
		swapped := []agents.Agent{{ID: "ada", Device: "bob"}, {ID: "cem", Device: "ada"}}
		if err := f.SetAgents(t.Context(), swapped); err != nil {
			t.Fatal(err)
		}
		v, err := f.Snapshot(t.Context())
		if err != nil || len(v.Agents) != 2 || v.Agents[0].Device != "bob" || v.Agents[0].Presence != call.Available ||
			v.Agents[1].ID != "cem" || v.Agents[1].Presence != call.LoggedOut {
			t.Errorf("%+v, %v", v.Agents, err)
		}
		err = f.SetAgents(t.Context(), []agents.Agent{{ID: "ada", Device: "1"}, {ID: "bob", Device: "1"}})
		if !errors.Is(err, callqueue.ErrInvalid) {
			t.Errorf("two at one device: %v", err)
		}
	})
}

func TestSnapshotAndWhyTellOfTheCaller(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFloor(t, callqueue.Queue{ID: "q"})
		ctx, hangUp := context.WithCancel(t.Context())
		c := f.dial(ctx, "c1", "q")
		time.Sleep(3 * time.Second)
		v, err := f.Snapshot(t.Context())
		if err != nil || v.Queues[0].Waiting != 1 || v.Queues[0].Calls[0].Ticket != "T-1" || v.Queues[0].Longest != 3*time.Second {
			t.Errorf("%+v, %v", v, err)
		}
		if w, err := f.Why(t.Context(), "c1.q1"); err != nil || w.Text != "there is no agent" {
			t.Errorf("%+v, %v", w, err)
		}
		if _, err := f.Why(t.Context(), "c9.q1"); !errors.Is(err, callqueue.ErrUnknownEntry) {
			t.Error(err)
		}
		hangUp()
		if got := <-c; !errors.Is(got.err, context.Canceled) {
			t.Error(got.err)
		}
	})
}
