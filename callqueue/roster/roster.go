package roster

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"go.uber.org/zap"

	"firstline/call"
	"firstline/callqueue"
	"firstline/callqueue/agents"
)

// Errors that callers can match. An agent who is not on the roster is
// callqueue.ErrUnknownAgent, one who talks callqueue.ErrTalking.
var (
	// ErrTaken means that somebody else is signed in at the phone.
	ErrTaken = errors.New("roster: somebody else is signed in there")
	// ErrNoDevice means that there is no such phone, or that no trunk may dial the number.
	ErrNoDevice = errors.New("roster: no such phone")
	// ErrNoSeat means that a person who sits nowhere cannot take calls.
	ErrNoSeat = errors.New("roster: signed in at no phone")
	// ErrStale means that the roster has changed since the difference was shown.
	ErrStale = errors.New("roster: changed meanwhile")
	// ErrInvalid means that what is asked breaks a rule; the text says which.
	ErrInvalid = errors.New("roster: not valid")
)

// Queue is what the roster keeps in step: callqueue.Dispatcher.
type Queue interface {
	SetAgents(ctx context.Context, roster []agents.Agent) error
	SetPresence(ctx context.Context, agent call.AgentID, p call.Presence, reason, by string) error
	Snapshot(ctx context.Context) (callqueue.View, error)
	Reachable(device call.DeviceID, reachable bool)
}

// Phones says where a person may sit.
type Phones interface {
	Known(device call.DeviceID) bool     // a phone of ours has this name
	Reachable(device call.DeviceID) bool // and it is registered
	Dials(number string) bool            // some trunk may dial the number
}

// PINs keeps hashes. An empty hash takes the PIN away.
type PINs interface {
	PutPIN(ctx context.Context, agent call.AgentID, hash string) error
}

// Config is what a Roster needs; all of it is required but what names a default.
type Config struct {
	Journal call.Journal
	Queue   Queue
	Phones  Phones
	PINs    PINs
	Log     *zap.Logger     // nil means none
	Skills  func() []string // that there are; nil means any
	Cost    Cost            // of checking a PIN
}

// Roster is the people and their seats. Its methods are safe for use by many
// goroutines; changes happen one after the other.
type Roster struct {
	cfg  Config
	log  *zap.Logger
	pins *vault
	turn chan struct{} // capacity 1: held by the change under way

	mu     sync.Mutex // guards people
	people map[call.AgentID]agents.Agent
}

// New returns the roster as the last process left it: people who sit where they
// sat, and the hashes of their PINs. The queue must have the same people.
func New(cfg Config, people []agents.Agent, pins map[call.AgentID]string) *Roster {
	if cfg.Log == nil {
		cfg.Log = zap.NewNop()
	}
	r := &Roster{
		cfg: cfg, log: cfg.Log, pins: newVault(cfg.Cost, pins),
		turn: make(chan struct{}, 1), people: make(map[call.AgentID]agents.Agent),
	}
	for _, a := range people {
		r.people[a.ID] = a
	}
	return r
}

// Agents returns everybody by id.
func (r *Roster) Agents() []agents.Agent {
	r.mu.Lock()
	defer r.mu.Unlock()
	return sorted(r.people)
}

func sorted(people map[call.AgentID]agents.Agent) []agents.Agent {
	return slices.SortedFunc(maps.Values(people), func(a, b agents.Agent) int {
		return strings.Compare(string(a.ID), string(b.ID))
	})
}

// Agent finds a person by id.
func (r *Roster) Agent(id call.AgentID) (agents.Agent, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if a, ok := r.people[id]; ok {
		return a, nil
	}
	return agents.Agent{}, fmt.Errorf("%w: %q", callqueue.ErrUnknownAgent, id)
}

// At is who sits at a device.
func (r *Roster) At(device call.DeviceID) (agents.Agent, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return at(r.people, device)
}

func at(people map[call.AgentID]agents.Agent, device call.DeviceID) (agents.Agent, bool) {
	for _, a := range people {
		if a.Device == device && device != "" {
			return a, true
		}
	}
	return agents.Agent{}, false
}

// change takes the turn, until release is called. It fails when ctx ends first.
func (r *Roster) change(ctx context.Context) (release func(), err error) {
	select {
	case r.turn <- struct{}{}:
		return func() { <-r.turn }, nil
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

// SignIn seats a person at a device and says for them that they take calls. They
// leave where they sat before. A seat whose holder is logged out is free.
// ErrTaken, ErrNoDevice, callqueue.ErrUnknownAgent; callqueue.ErrTalking for who
// would change phones in the middle of a talk.
func (r *Roster) SignIn(ctx context.Context, id call.AgentID, device call.DeviceID, by string) error {
	release, err := r.change(ctx)
	if err != nil {
		return err
	}
	defer release()
	a, err := r.Agent(id)
	if err != nil {
		return err
	}
	if err := r.mayBeSeat(device); err != nil {
		return err
	}
	if a.Device != device {
		if err := r.seat(ctx, a, device, by); err != nil {
			return err
		}
		r.log.Info("signed in", zap.String("agent", string(id)), zap.String("device", device.Masked()), zap.String("by", by))
	}
	r.tellReachable(device)
	return r.cfg.Queue.SetPresence(ctx, id, call.Available, "", by)
}

// tellReachable tells the queue whether a phone is registered, until that is still
// true after it was told: the registrar tells of changes at the same time, and what
// was true a moment ago must not be the last word.
func (r *Roster) tellReachable(device call.DeviceID) {
	if _, number := device.Number(); number {
		return
	}
	for told := !r.cfg.Phones.Reachable(device); told != r.cfg.Phones.Reachable(device); {
		told = r.cfg.Phones.Reachable(device)
		r.cfg.Queue.Reachable(device, told)
	}
}

// mayBeSeat reports whether anybody may sit at a device.
func (r *Roster) mayBeSeat(device call.DeviceID) error {
	number, isNumber := device.Number()
	switch {
	case device == "":
		return fmt.Errorf("%w: none is named", ErrNoDevice)
	case isNumber && !isE164(number):
		return fmt.Errorf("%w: a number begins with + and has 6 to 15 digits", ErrNoDevice)
	case isNumber && !r.cfg.Phones.Dials(number):
		return fmt.Errorf("%w: no trunk may dial that number", ErrNoDevice)
	case !isNumber && !r.cfg.Phones.Known(device):
		return fmt.Errorf("%w: %q", ErrNoDevice, device)
	}
	return nil
}

func isE164(number string) bool {
	digits, plus := strings.CutPrefix(number, "+")
	return plus && len(digits) >= 6 && len(digits) <= 15 && onlyDigits(digits)
}

func onlyDigits(s string) bool { return s != "" && strings.Trim(s, "0123456789") == "" }

// seat moves a person to a device that may be a seat, and takes it from who
// logged out there.
func (r *Roster) seat(ctx context.Context, a agents.Agent, device call.DeviceID, by string) error {
	view, err := r.cfg.Queue.Snapshot(ctx)
	if err != nil {
		return err
	}
	if v, ok := viewOf(view, a.ID); ok && agents.Busy(v.Activity) {
		return fmt.Errorf("%w: %s can change phones after the talk", callqueue.ErrTalking, a.ID)
	}
	now := time.Now()
	var moved []agents.Agent
	var evs []call.Event
	leave := func(who agents.Agent) {
		evs = append(evs, call.AgentEvent(now, who.ID, call.AgentLeft{Device: who.Device, By: by}))
		who.Device = ""
		moved = append(moved, who)
	}
	if other, taken := r.At(device); taken {
		if v, ok := viewOf(view, other.ID); ok && (v.Presence != call.LoggedOut || agents.Busy(v.Activity)) {
			return fmt.Errorf("%w: %s at %s", ErrTaken, other.ID, device.Masked())
		}
		leave(other)
	}
	if a.Device != "" {
		leave(a)
	}
	evs = append(evs, call.AgentEvent(now, a.ID, call.AgentSeated{Device: device, By: by}))
	a.Device = device
	return r.apply(ctx, evs, append(moved, a))
}

func viewOf(v callqueue.View, id call.AgentID) (callqueue.AgentView, bool) {
	i := slices.IndexFunc(v.Agents, func(a callqueue.AgentView) bool { return a.ID == id })
	if i < 0 {
		return callqueue.AgentView{}, false
	}
	return v.Agents[i], true
}

// SignOut logs a person out and has them leave their seat. A person in a talk is
// callqueue.ErrTalking; whatever else keeps the queue from letting them go is its
// error, and changes nothing.
func (r *Roster) SignOut(ctx context.Context, id call.AgentID, by string) error {
	release, err := r.change(ctx)
	if err != nil {
		return err
	}
	defer release()
	a, err := r.Agent(id)
	if err != nil {
		return err
	}
	if err := r.cfg.Queue.SetPresence(ctx, id, call.LoggedOut, "", by); err != nil {
		return err
	}
	if a.Device == "" {
		return nil
	}
	left := call.AgentEvent(time.Now(), id, call.AgentLeft{Device: a.Device, By: by})
	r.log.Info("signed out", zap.String("agent", string(id)), zap.String("device", a.Device.Masked()), zap.String("by", by))
	a.Device = ""
	return r.apply(ctx, []call.Event{left}, []agents.Agent{a})
}

// SetPresence is what a person says, or by says for them. Whoever sits nowhere is
// refused with ErrNoSeat when they say that they take calls; the rest is the queue's.
func (r *Roster) SetPresence(ctx context.Context, id call.AgentID, p call.Presence, reason, by string) error {
	release, err := r.change(ctx)
	if err != nil {
		return err
	}
	defer release()
	a, err := r.Agent(id)
	if err != nil {
		return err
	}
	if a.Device == "" && p == call.Available {
		return fmt.Errorf("%w: %s has to sign in first", ErrNoSeat, id)
	}
	return r.cfg.Queue.SetPresence(ctx, id, p, reason, by)
}

// Resume is SetPresence for who is signed in already: it does not bring back
// somebody who logged out, which takes a PIN. Those are ErrNoSeat.
func (r *Roster) Resume(ctx context.Context, id call.AgentID, p call.Presence, reason, by string) error {
	view, err := r.cfg.Queue.Snapshot(ctx)
	if err != nil {
		return err
	}
	if v, ok := viewOf(view, id); !ok || v.Presence == call.LoggedOut {
		return fmt.Errorf("%w: %s is logged out", ErrNoSeat, id)
	}
	return r.SetPresence(ctx, id, p, reason, by)
}

// apply writes what was decided, then tells the queue. When the queue refuses, the
// journal gets the state before once more, and nothing has changed.
func (r *Roster) apply(ctx context.Context, evs []call.Event, changed []agents.Agent) error {
	if err := r.cfg.Journal.Append(ctx, evs...); err != nil {
		return fmt.Errorf("roster: %w", err)
	}
	ctx = context.WithoutCancel(ctx) // written: it has to be done now
	r.mu.Lock()
	before, next := r.people, maps.Clone(r.people)
	r.mu.Unlock()
	for _, a := range changed {
		next[a.ID] = a
	}
	if err := r.cfg.Queue.SetAgents(ctx, sorted(next)); err != nil {
		return errors.Join(err, r.undo(ctx, before, changed))
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.people = next
	return nil
}

func (r *Roster) undo(ctx context.Context, before map[call.AgentID]agents.Agent, changed []agents.Agent) error {
	now := time.Now()
	var evs []call.Event
	for _, a := range changed {
		if was, ok := before[a.ID]; ok {
			evs = append(evs, setEvent(now, was))
		} else {
			evs = append(evs, call.AgentEvent(now, a.ID, call.AgentRemoved{By: "system:undone"}))
		}
	}
	return r.cfg.Journal.Append(ctx, evs...)
}

func setEvent(at time.Time, a agents.Agent) call.Event {
	return call.AgentEvent(at, a.ID, call.AgentSet{Name: a.Name, Device: a.Device, Level: a.Level, Skills: a.Skills})
}
