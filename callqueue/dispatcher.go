package callqueue

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"go.uber.org/zap"

	"firstline/call"
	"firstline/callqueue/agents"
)

// Config is what a Dispatcher needs.
type Config struct {
	Switch  call.Switch
	Journal call.Journal
	Log     *zap.Logger // nil means none
	Seed    uint64      // of the strategies that draw
	// Ask is what a person at a number hears, again and again, until they press 1 to
	// take the call; nil means a beep.
	Ask []call.Media
}

// Dispatcher owns an Engine and carries its effects out: it rings phones, hands
// answered legs to those who wait in Connect, and journals what was decided.
//
// Everything but Connect may be used before Run as well. Methods without a
// context return at once; their effect follows in order.
type Dispatcher struct {
	sw      call.Switch
	journal call.Journal
	log     *zap.Logger
	prompts []call.Media // before a key is pressed

	started chan struct{} // closed when Run begins
	closed  chan struct{} // closed when nothing is taken any more
	wakeup  chan struct{} // holds one token when the mailbox is not empty

	mu      sync.Mutex            // guards phase and mailbox; and, until Run, the rest
	phase   phase                 //
	mailbox []func(now time.Time) // for the goroutine of Run

	// Of the goroutine of Run, or of whoever holds mu before it.
	engine  *Engine
	wake    time.Time // when the next Tick is due, zero for never
	waiters map[call.EntryID]*waiter
	rings   map[call.OfferID]*ring
	phones  map[call.DeviceID]*ring       // the last ringing of each
	talks   map[call.AgentID]call.OfferID // that an answered offer led to
	refused []error                       // by the Apply under way
	pending []*ring                       // to be started
	ringing sync.WaitGroup                // one per ring started
}

type phase int

const (
	fresh phase = iota
	running
	shut
)

// New returns a Dispatcher without queues and agents. It starts nothing.
func New(cfg Config) *Dispatcher {
	log := cfg.Log
	if log == nil {
		log = zap.NewNop()
	}
	if len(cfg.Ask) == 0 {
		cfg.Ask = []call.Media{"tone:beep"}
	}
	return &Dispatcher{
		sw: cfg.Switch, journal: cfg.Journal, log: log, prompts: cfg.Ask,
		started: make(chan struct{}), closed: make(chan struct{}), wakeup: make(chan struct{}, 1),
		engine:  NewSeeded(cfg.Seed),
		waiters: make(map[call.EntryID]*waiter),
		rings:   make(map[call.OfferID]*ring),
		phones:  make(map[call.DeviceID]*ring),
		talks:   make(map[call.AgentID]call.OfferID),
	}
}

// Run is the goroutine that decides. When ctx ends it withdraws every offer,
// ends every Connect with ErrClosed, waits for all that it started, and returns
// nil. Those who waited have not left: the journal keeps them for the next
// process. A second Run is an error.
func (d *Dispatcher) Run(ctx context.Context) error {
	d.mu.Lock()
	if d.phase != fresh {
		d.mu.Unlock()
		return errors.New("callqueue: dispatcher was run before")
	}
	d.phase = running
	d.mu.Unlock()
	close(d.started)
	base := context.WithoutCancel(ctx) // phones stop ringing by their offer's end, and are waited for

	timer := time.NewTimer(0)
	defer timer.Stop()
	for ctx.Err() == nil {
		if d.wake.IsZero() {
			timer.Stop()
		} else {
			timer.Reset(time.Until(d.wake))
		}
		select {
		case <-d.wakeup:
			d.deliver()
		case <-timer.C:
			d.tick(time.Now(), Tick{})
		case <-ctx.Done():
		}
		d.startRings(base)
	}
	d.shutDown()
	return nil
}

// shutDown ends everything that is under way, in the order in which others may
// still depend on it.
func (d *Dispatcher) shutDown() {
	d.tick(time.Now(), Close{})
	for {
		for _, w := range d.waiters {
			w.end(Result{}, ErrClosed)
		}
		clear(d.waiters)
		if len(d.rings) == 0 {
			break
		}
		<-d.wakeup // each ring reports its end
		d.deliver()
	}
	d.mu.Lock()
	d.phase = shut
	rest := d.mailbox
	d.mailbox = nil
	d.mu.Unlock()
	for _, f := range rest {
		f(time.Now())
	}
	for _, w := range d.waiters {
		w.end(Result{}, ErrClosed)
	}
	close(d.closed)
	d.ringing.Wait()
}

// submit has f run by the goroutine that owns the engine, after all submitted
// before. It reports false, and f does not run, when the dispatcher is closed.
func (d *Dispatcher) submit(f func(now time.Time)) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	switch d.phase {
	case fresh:
		f(time.Now())
	case running:
		d.mailbox = append(d.mailbox, f)
		select {
		case d.wakeup <- struct{}{}:
		default:
		}
	case shut:
		return false
	}
	return true
}

func (d *Dispatcher) deliver() {
	d.mu.Lock()
	mail := d.mailbox
	d.mailbox = nil
	d.mu.Unlock()
	for _, f := range mail {
		f(time.Now())
	}
}

// ask has f run like submit and waits for it. When ctx ends first, f may still
// run.
func (d *Dispatcher) ask(ctx context.Context, f func(now time.Time) error) error {
	reply := make(chan error, 1)
	if !d.submit(func(now time.Time) { reply <- f(now) }) {
		return ErrClosed
	}
	select {
	case err := <-reply:
		return err
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// tell applies an input whose refusal is nobody's to handle: it is logged.
func (d *Dispatcher) tell(in Input) {
	d.submit(func(now time.Time) {
		if err := d.apply(now, in); err != nil {
			d.log.Warn("refused", zap.String("input", fmt.Sprintf("%T", in)), zap.Error(err))
		}
	})
}

// tick applies an input that the engine cannot refuse: if it does, a rule of its
// own was broken.
func (d *Dispatcher) tick(now time.Time, in Input) {
	if err := d.apply(now, in); err != nil {
		d.log.Error("engine", zap.String("input", fmt.Sprintf("%T", in)), zap.Error(err))
	}
}

// apply gives one input to the engine and carries out what it decides.
func (d *Dispatcher) apply(now time.Time, in Input) error {
	d.refused = nil
	var events []call.Event
	for _, f := range d.engine.Apply(now, in) {
		if r, ok := f.(Record); ok {
			events = append(events, r.Event)
			continue
		}
		if len(events) > 0 { // what was decided is journalled before anybody acts on it
			d.journal.Post(events...)
			events = nil
		}
		d.carryOut(f)
	}
	if len(events) > 0 {
		d.journal.Post(events...)
	}
	return errors.Join(d.refused...)
}

func (d *Dispatcher) carryOut(f Effect) {
	switch f := f.(type) {
	case Offer:
		d.addRing(f)
	case WithdrawOffer:
		if r := d.rings[f.ID]; r != nil {
			r.withdraw()
		}
	case Connected:
		d.connected(f)
	case LeftQueue:
		d.log.Info("left queue", zap.String("call", string(f.Entry.Call())), zap.String("queue", string(f.Queue)),
			zap.String("outcome", string(f.Outcome)), zap.Duration("wait", f.Wait))
		if w := d.waiters[f.Entry]; w != nil {
			delete(d.waiters, f.Entry)
			w.end(Result{Outcome: f.Outcome, Wait: f.Wait, Exit: f.Exit}, nil)
		}
	case WakeAt:
		d.wake = f.At
	case Refused:
		d.refused = append(d.refused, f.Err)
	}
}

// SetQueues replaces all queues. ErrBusy names a queue that would go although
// callers wait in it, ErrInvalid means that a queue breaks a rule; either way
// nothing has changed.
func (d *Dispatcher) SetQueues(ctx context.Context, queues []Queue) error {
	return d.ask(ctx, func(now time.Time) error { return d.apply(now, SetQueues{queues}) })
}

// SetRules replaces what holds over all queues: the order of service, caps of
// clients, reserves, limits of breaks. ErrInvalid means that nothing has changed.
func (d *Dispatcher) SetRules(ctx context.Context, r Rules) error {
	return d.ask(ctx, func(now time.Time) error { return d.apply(now, SetRules{r}) })
}

// SetAgents replaces the roster. Who is new is logged out; who is gone leaves
// after the talk. ErrInvalid means that an agent breaks a rule or two sit at one
// device; then nothing has changed.
func (d *Dispatcher) SetAgents(ctx context.Context, roster []agents.Agent) error {
	if err := validRoster(roster); err != nil {
		return err
	}
	return d.ask(ctx, func(now time.Time) error { return d.setAgents(now, roster) })
}

func validRoster(roster []agents.Agent) error {
	var faults []error
	ids := make(map[call.AgentID]bool)
	seats := make(map[call.DeviceID]call.AgentID)
	for _, a := range roster {
		faults = append(faults, a.Validate())
		if ids[a.ID] {
			faults = append(faults, fmt.Errorf("agent %q is there twice", a.ID))
		}
		ids[a.ID] = true
		if other, taken := seats[a.Device]; taken && a.Device != "" {
			faults = append(faults, fmt.Errorf("agents %q and %q sit at one device %s", other, a.ID, a.Device))
		}
		seats[a.Device] = a.ID
	}
	if err := errors.Join(faults...); err != nil {
		return fmt.Errorf("%w: %w", ErrInvalid, err)
	}
	return nil
}

// setAgents frees the seats that change hands before anybody takes them.
func (d *Dispatcher) setAgents(now time.Time, roster []agents.Agent) error {
	wanted := make(map[call.AgentID]agents.Agent, len(roster))
	for _, a := range roster {
		wanted[a.ID] = a
	}
	var errs []error
	for _, have := range d.engine.Agents(now) {
		want, stays := wanted[have.ID]
		switch {
		case !stays:
			left := have.Agent
			left.Device = ""
			errs = append(errs, d.apply(now, AgentSet{left}), d.apply(now, AgentGone{have.ID}))
		case want.Device != have.Device && have.Device != "":
			moved := have.Agent
			moved.Device = ""
			errs = append(errs, d.apply(now, AgentSet{moved}))
		}
	}
	for _, a := range roster {
		errs = append(errs, d.apply(now, AgentSet{a}))
	}
	return errors.Join(errs...)
}

// SetPresence is what an agent says, or by says for them. ErrUnknownAgent;
// ErrTalking when logging out in a talk; ErrInvalid for a move that presence
// does not have. The person themselves (by is "self" or "agent:…", and not
// "supervisor:…" or another role) is refused with ErrLast when callers wait whom nobody else could serve, and with
// ErrBreakFull when too many are on break.
func (d *Dispatcher) SetPresence(ctx context.Context, agent call.AgentID, p call.Presence, reason, by string) error {
	return d.ask(ctx, func(now time.Time) error {
		return d.apply(now, PresenceSet{Agent: agent, Presence: p, Reason: reason, By: by})
	})
}

// Restore brings in the roster as it was when the last process ended, with those
// who have left it. It comes before the first Connect.
func (d *Dispatcher) Restore(ctx context.Context, people []agents.Record) error {
	return d.ask(ctx, func(now time.Time) error {
		var errs []error
		for _, r := range people {
			errs = append(errs, d.apply(now, AgentRestored{r}))
		}
		return errors.Join(errs...)
	})
}

// Colleague is who has that id, or sits at that phone, and whether they could be
// given a call: available, at a phone that is there. ErrUnknownAgent.
func (d *Dispatcher) Colleague(ctx context.Context, who string) (agent call.AgentID, there bool, err error) {
	asked := d.ask(ctx, func(time.Time) error {
		a := d.engine.agents[call.AgentID(who)]
		if a == nil {
			a = d.engine.at[call.DeviceID(who)]
		}
		if a == nil {
			return fmt.Errorf("%w: %q", ErrUnknownAgent, who)
		}
		agent, there = a.ID, !a.gone && a.presence == call.Available && d.engine.reachable(a)
		return nil
	})
	return agent, there, asked
}

// Sitting is the call that the agent at a phone talks in; empty for none.
func (d *Dispatcher) Sitting(ctx context.Context, device call.DeviceID) (id call.ID, err error) {
	err = d.ask(ctx, func(time.Time) error {
		if a := d.engine.at[device]; a != nil && agents.Busy(a.activity) {
			id = a.call
		}
		return nil
	})
	return id, err
}

// EndWrapUp ends a wrap-up early. ErrNotTalking when there is none.
func (d *Dispatcher) EndWrapUp(ctx context.Context, agent call.AgentID) error {
	return d.ask(ctx, func(now time.Time) error { return d.apply(now, WrapUpEnded{agent}) })
}

// ExtendWrapUp moves the end of a wrap-up. ErrNotTalking when there is none.
func (d *Dispatcher) ExtendWrapUp(ctx context.Context, agent call.AgentID, until time.Time) error {
	return d.ask(ctx, func(now time.Time) error { return d.apply(now, WrapUpExtended{agent, until}) })
}

// TalkBegan says that a talk is on which was there before this process.
func (d *Dispatcher) TalkBegan(agent call.AgentID, id call.ID) { d.tell(TalkBegan{agent, id}) }

// TalkMoved says that an agent goes on in another call with the same leg. It is
// nothing when the talk has ended.
func (d *Dispatcher) TalkMoved(agent call.AgentID, from, to call.ID) {
	d.submit(func(now time.Time) {
		if err := d.apply(now, TalkMoved{agent, from, to}); err != nil {
			d.log.Debug("talk has ended before", zap.String("agent", string(agent)), zap.String("call", string(from)), zap.Error(err))
			return
		}
		delete(d.talks, agent)
	})
}

// CallOut reserves an agent for a call that they place, and says where they sit. It
// ends by TalkEnded. ErrUnknownAgent, ErrTalking, ErrBusy.
func (d *Dispatcher) CallOut(ctx context.Context, agent call.AgentID, id call.ID, client string) (device call.DeviceID, err error) {
	err = d.ask(ctx, func(now time.Time) error {
		if err := d.apply(now, CallOut{Agent: agent, Call: id, Client: client}); err != nil {
			return err
		}
		device = d.engine.agents[agent].Device
		return nil
	})
	return device, err
}

// TalkEnded says that a talk ended at an instant: the wrap-up begins. It is due
// for every Result with an agent. The end of the agent's leg ends the talk as
// well; whichever comes second changes nothing.
func (d *Dispatcher) TalkEnded(agent call.AgentID, id call.ID, at time.Time) {
	d.submit(func(now time.Time) {
		if err := d.apply(now, TalkEnded{agent, id, at}); err != nil {
			d.log.Debug("talk has ended before", zap.String("agent", string(agent)), zap.String("call", string(id)), zap.Error(err))
			return
		}
		delete(d.talks, agent)
	})
}

// Holding says that the agent put the caller on hold, or took them back.
func (d *Dispatcher) Holding(agent call.AgentID, held bool) { d.tell(TalkHeld{agent, held}) }

// Silent says that no audio comes from an agent's phone although some is due, or
// that some comes again. A silent phone gets no more calls until it is heard, has
// proved to be there (Seen), or its person says that they are available.
func (d *Dispatcher) Silent(agent call.AgentID, silent bool) { d.tell(TalkSilent{agent, silent}) }

// Seen says that a phone has proved to be there: it registered anew, or answered
// when it was asked.
func (d *Dispatcher) Seen(device call.DeviceID) {
	d.submit(func(now time.Time) {
		if d.engine.silent[device] {
			d.tick(now, DeviceReachable{device, true})
		}
	})
}

// Reachable says whether a phone is registered. A phone of which nothing was
// said is tried.
func (d *Dispatcher) Reachable(device call.DeviceID, reachable bool) {
	d.tell(DeviceReachable{device, reachable})
}

// View is all that the boards show, at one instant.
type View struct {
	At     time.Time   `json:"at"`
	Queues []QueueView `json:"queues"`
	Agents []AgentView `json:"agents"`
}

// Snapshot returns all queues, calls and agents at one instant.
func (d *Dispatcher) Snapshot(ctx context.Context) (View, error) {
	v := make(chan View, 1)
	err := d.ask(ctx, func(now time.Time) error {
		s := View{At: now.UTC(), Queues: d.engine.Queues(now), Agents: d.engine.Agents(now)}
		for _, q := range s.Queues {
			for i := range q.Calls {
				if w := d.waiters[q.Calls[i].Entry]; w != nil {
					q.Calls[i].From, q.Calls[i].Ticket, q.Calls[i].Test = w.From, w.Ticket, w.Test
				}
			}
		}
		v <- s
		return nil
	})
	if err != nil {
		return View{}, err
	}
	return <-v, nil
}

// Why says why a call waits. ErrUnknownEntry means that it does not.
func (d *Dispatcher) Why(ctx context.Context, entry call.EntryID) (Why, error) {
	v := make(chan Why, 1)
	err := d.ask(ctx, func(now time.Time) error {
		w, err := d.engine.Explain(now, entry)
		v <- w
		return err
	})
	if err != nil {
		return Why{}, err
	}
	return <-v, nil
}

// Queue returns a queue's rules in force. ErrUnknownQueue when there is none.
func (d *Dispatcher) Queue(ctx context.Context, id call.QueueID) (Queue, error) {
	v := make(chan Queue, 1)
	err := d.ask(ctx, func(time.Time) error {
		i := slices.IndexFunc(d.engine.order, func(q *queue) bool { return q.ID == id })
		if i < 0 {
			return fmt.Errorf("%w: %q", ErrUnknownQueue, id)
		}
		v <- d.engine.order[i].Queue
		return nil
	})
	if err != nil {
		return Queue{}, err
	}
	return <-v, nil
}
