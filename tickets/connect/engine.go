package connect

import (
	"context"
	"fmt"
	"sync"
	"time"

	"go.uber.org/zap"

	"firstline/call"
)

// Journal is written to and read from.
type Journal interface {
	call.Journal
	Read(after int64) Reader
}

// Reader reads the journal in order. It has one reader.
type Reader interface {
	Next(ctx context.Context) ([]call.Event, error)
}

// Sender tells one endpoint. It is used by several goroutines, for one key by one.
type Sender interface {
	Send(ctx context.Context, d Delivery) Result
}

// Way is how an endpoint is served.
type Way struct {
	Sender  Sender
	Planner Planner
	Pace    Pace
}

// EngineConfig is what an Engine needs.
type EngineConfig struct {
	Journal Journal
	Store   Store
	Vault   Vault
	List    *List
	// Ways makes what serves an endpoint behind a cursor.
	Ways func(ctx context.Context, p Endpoint, secrets map[string]string, cursor int64) (Way, error)
	Log  *zap.Logger // nil means none
}

// Status is how an endpoint's delivery does.
type Status struct {
	Runs    bool
	Fault   string // why it cannot begin
	Pending int    // deliveries that wait
	Failed  int    // requests in a row that the endpoint did not take
	Held    time.Time
	Cursor  int64
}

// Engine delivers. It is one process's: the owner of the store.
type Engine struct {
	cfg EngineConfig
	log *zap.Logger

	mu     sync.Mutex // guards owners' map and states
	owners map[call.EndpointID]*running
	states map[call.EndpointID]Status
}

// running is an owner at work.
type running struct {
	version int64
	cancel  context.CancelFunc
	done    chan struct{}
	poked   chan struct{}
}

// NewEngine returns an engine that delivers nothing until Run.
func NewEngine(cfg EngineConfig) *Engine {
	e := &Engine{cfg: cfg, log: cfg.Log, owners: make(map[call.EndpointID]*running), states: make(map[call.EndpointID]Status)}
	if e.log == nil {
		e.log = zap.NewNop()
	}
	return e
}

const (
	tidyEvery = time.Hour
	keptFor   = 30 * 24 * time.Hour // deliveries that have ended well
)

// Run delivers until ctx ends.
func (e *Engine) Run(ctx context.Context) error {
	defer e.reconcile(ctx, nil)
	tidy := time.NewTicker(tidyEvery)
	defer tidy.Stop()
	for {
		all, changed := e.cfg.List.watch()
		e.reconcile(ctx, all)
		select {
		case <-changed:
		case now := <-tidy.C:
			if err := e.cfg.Store.TidyDeliveries(ctx, now.Add(-keptFor)); err != nil {
				e.log.Debug("deliveries are not tidied", zap.Error(err))
			}
		case <-ctx.Done():
			return nil
		}
	}
}

// reconcile ends the owners of endpoints that are gone or other than they were, and
// starts those that are missing.
func (e *Engine) reconcile(ctx context.Context, all []Endpoint) {
	wanted := make(map[call.EndpointID]Endpoint)
	for _, p := range all {
		if p.Runs() && ctx.Err() == nil {
			wanted[p.ID] = p
		}
	}
	var ending []*running
	e.mu.Lock()
	for id, r := range e.owners {
		if p, ok := wanted[id]; !ok || p.version != r.version {
			r.cancel()
			ending = append(ending, r)
			delete(e.owners, id)
			delete(e.states, id)
		}
	}
	e.mu.Unlock()
	for _, r := range ending {
		<-r.done
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	for id, p := range wanted {
		if e.owners[id] == nil {
			e.owners[id] = e.start(ctx, p)
		}
	}
}

func (e *Engine) start(ctx context.Context, p Endpoint) *running {
	ctx, cancel := context.WithCancel(ctx)
	r := &running{version: p.version, cancel: cancel, done: make(chan struct{}), poked: make(chan struct{}, 1)}
	o := &owner{
		cfg: &e.cfg, endpoint: p, log: e.log.With(zap.String("endpoint", string(p.ID))),
		events: make(chan []call.Event), results: make(chan attempt), poked: r.poked,
		tell: func(s Status) { e.note(ctx, p.ID, s) },
	}
	go func() { // reconcile waits for it
		defer close(r.done)
		o.run(ctx)
	}()
	return r
}

func (e *Engine) note(ctx context.Context, id call.EndpointID, s Status) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if ctx.Err() == nil {
		e.states[id] = s
	}
}

// Status is how an endpoint does; the zero Status while it is not served.
func (e *Engine) Status(id call.EndpointID) Status {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.states[id]
}

// poke has an endpoint's owner look into the store.
func (e *Engine) poke(id call.EndpointID) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if r := e.owners[id]; r != nil {
		select {
		case r.poked <- struct{}{}:
		default:
		}
	}
}

// Replay sends a dead letter again, with its id. ErrNoDelivery; ErrInvalid when it is
// not dead, or its endpoint is gone.
func (e *Engine) Replay(ctx context.Context, id string) (Delivery, error) {
	d, err := e.cfg.Store.Delivery(ctx, id)
	if err != nil {
		return d, err
	}
	if d.State != Dead {
		return d, fmt.Errorf("%w: it is %s, not a dead letter", ErrInvalid, d.State)
	}
	if _, err := e.cfg.List.Endpoint(d.Endpoint); err != nil {
		return d, fmt.Errorf("%w: its endpoint %s is gone", ErrInvalid, d.Endpoint)
	}
	now := call.Instant(time.Now())
	d.State, d.Made, d.Due, d.Attempts, d.Ended = Waiting, now, now, 0, time.Time{}
	if err := e.cfg.Store.KeepDeliveries(ctx, d.Endpoint, Batch{Changed: []Delivery{d}}); err != nil {
		return d, err
	}
	e.poke(d.Endpoint)
	return d, nil
}

// ReplayAll sends an endpoint's dead letters again, the oldest first, and says how many.
func (e *Engine) ReplayAll(ctx context.Context, endpoint call.EndpointID) (int, error) {
	n := 0
	for {
		dead, err := e.cfg.Store.Deliveries(ctx, DeliveryFilter{Endpoint: endpoint, State: Dead, Limit: 500})
		if err != nil || len(dead) == 0 {
			return n, err
		}
		now := call.Instant(time.Now())
		for i := range dead {
			d := &dead[i]
			d.State, d.Made, d.Due, d.Attempts, d.Ended = Waiting, now, now, 0, time.Time{}
		}
		if err := e.cfg.Store.KeepDeliveries(ctx, endpoint, Batch{Changed: dead}); err != nil {
			return n, err
		}
		n += len(dead)
		e.poke(endpoint)
	}
}

// Try sends a message that says nothing, to see whether it arrives. ErrUnknown.
func (e *Engine) Try(ctx context.Context, endpoint call.EndpointID, by string) (Delivery, error) {
	p, err := e.cfg.List.Endpoint(endpoint)
	if err != nil {
		return Delivery{}, err
	}
	now := time.Now()
	ev := call.Event{At: call.Instant(now), Global: now.UnixMicro()}
	d, err := p.delivery(ev, "ping", "ping", Message{Type: Ping, At: ev.At, Data: Data{By: by}})
	if err != nil {
		return d, err
	}
	d.Global = 0
	if err := e.cfg.Store.KeepDeliveries(ctx, endpoint, Batch{New: []Delivery{d}}); err != nil {
		return d, err
	}
	e.poke(endpoint)
	return d, nil
}
