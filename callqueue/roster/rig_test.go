package roster_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"firstline/call"
	"firstline/call/calltest"
	"firstline/callqueue"
	"firstline/callqueue/agents"
	"firstline/callqueue/roster"
)

// desk is a roster on a real queue and a fake exchange.
type desk struct {
	*roster.Roster
	t       *testing.T
	sw      *calltest.Switch
	journal *calltest.Journal
	queue   *callqueue.Dispatcher
	phones  *phones
	pins    *pins
	stop    func()
}

type phones struct{ known []call.DeviceID }

func (p *phones) Known(d call.DeviceID) bool   { return slices.Contains(p.known, d) }
func (p *phones) Reachable(call.DeviceID) bool { return true }
func (p *phones) Dials(number string) bool     { return strings.HasPrefix(number, "+49") }

type pins struct {
	mu     sync.Mutex
	hashes map[call.AgentID]string
}

func (p *pins) PutPIN(_ context.Context, id call.AgentID, hash string) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.hashes[id] = hash
	if hash == "" {
		delete(p.hashes, id)
	}
	return nil
}

// cheap hashes, so that tests do not wait for what is dear on purpose.
func cheap() roster.Cost { return roster.Cost{Memory: 64, Passes: 1} }

// bubble runs f with a desk of ana (7001) and ben (7002), who sit nowhere, and
// phones 2001 to 2003.
func bubble(t *testing.T, f func(t *testing.T, d *desk)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		d := &desk{
			t: t, sw: calltest.New(nil), journal: calltest.NewJournal(),
			phones: &phones{[]call.DeviceID{"2001", "2002", "2003"}}, pins: &pins{hashes: map[call.AgentID]string{}},
		}
		process := d.journal.Process()
		d.queue = callqueue.New(callqueue.Config{Switch: d.sw, Journal: process})
		people := []agents.Agent{{ID: "7001", Name: "Ana", Level: 1}, {ID: "7002", Name: "Ben", Level: 2, Skills: map[string]int{"desk": 3}}}
		ctx, cancel := context.WithCancel(t.Context())
		if err := errors.Join(d.queue.SetAgents(ctx, people), d.queue.SetQueues(ctx, []callqueue.Queue{callqueue.Queue{ID: "desk"}.Defaults()})); err != nil {
			t.Fatal(err)
		}
		var wg sync.WaitGroup
		wg.Go(func() { _ = d.queue.Run(ctx) })
		d.stop = func() { cancel(); wg.Wait() }
		d.Roster = roster.New(roster.Config{
			Journal: process, Queue: d.queue, Phones: d.phones, PINs: d.pins, Cost: cheap(),
			Skills: func() []string { return []string{"desk", "printer"} },
		}, people, nil)
		f(t, d)
		d.inStep()
		d.stop()
	})
}

func (d *desk) view(id call.AgentID) callqueue.AgentView {
	d.t.Helper()
	v, err := d.queue.Snapshot(d.t.Context())
	if err != nil {
		d.t.Fatal(err)
	}
	for _, a := range v.Agents {
		if a.ID == id {
			return a
		}
	}
	return callqueue.AgentView{}
}

// inStep wants roster, queue and the journal's fold to say the same of everybody's seat.
func (d *desk) inStep() {
	d.t.Helper()
	folded := map[call.AgentID]call.DeviceID{}
	for _, e := range d.journal.Events() {
		id := call.AgentID(e.Stream.ID)
		switch b := e.Body.(type) {
		case call.AgentSet:
			folded[id] = b.Device
		case call.AgentSeated:
			folded[id] = b.Device
		case call.AgentLeft, call.AgentRemoved:
			folded[id] = ""
		}
	}
	seats := map[call.DeviceID]call.AgentID{}
	for _, a := range d.Agents() {
		if q := d.view(a.ID); q.Device != a.Device || q.ID == "" {
			d.t.Errorf("%s sits at %q, the queue says %q", a.ID, a.Device, q.Device)
		}
		if folded[a.ID] != a.Device {
			d.t.Errorf("%s sits at %q, the journal says %q", a.ID, a.Device, folded[a.ID])
		}
		if other, twice := seats[a.Device]; twice && a.Device != "" {
			d.t.Errorf("%s and %s sit at %s", a.ID, other, a.Device)
		}
		seats[a.Device] = a.ID
	}
}

func (d *desk) want(id call.AgentID, device call.DeviceID, p call.Presence) {
	d.t.Helper()
	a, err := d.Agent(id)
	if err != nil {
		d.t.Fatal(err)
	}
	if got := d.view(id).Presence; a.Device != device || got != p {
		d.t.Errorf("%s is %s at %q, want %s at %q", id, got, a.Device, p, device)
	}
}

// talk has an agent who is signed in take a call, which lasts until end is called.
func (d *desk) talk(id call.AgentID) (end func()) {
	d.t.Helper()
	c := call.NewID(time.Now())
	r, err := d.queue.Connect(d.t.Context(), callqueue.Waiting{Entry: c.Entry(1), Queue: "desk", Joined: time.Now()})
	if err != nil || r.Agent != id {
		d.t.Fatalf("the call went to %q, %v", r.Agent, err)
	}
	return func() {
		_ = r.Leg.Hangup(d.t.Context(), call.Cause{Reason: call.Completed})
		d.queue.TalkEnded(r.Agent, c, time.Now())
		synctest.Wait()
	}
}
