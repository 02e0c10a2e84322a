package connect

import (
	"context"
	"errors"
	"math/rand/v2"
	"slices"
	"time"

	"go.uber.org/zap"

	"firstline/call"
)

const (
	keepEvery   = 200 * time.Millisecond // rows that changed
	cursorEvery = 10 * time.Second       // a cursor that moved over events of which nothing is told
	retryEvery  = time.Second            // what the store did not do
	endWithin   = 2 * time.Second        // requests under way, when the endpoint stops
	mostPending = 5000                   // deliveries at hand; behind them the journal waits
)

// owner is the goroutine that alone plans, schedules and keeps one endpoint's
// deliveries. Requests are made beside it, as many as its pace allows.
type owner struct {
	cfg      *EngineConfig
	endpoint Endpoint
	sender   Sender
	planner  Planner
	schedule *schedule
	log      *zap.Logger

	events    chan []call.Event // from the reader
	results   chan attempt      // from requests under way
	poked     chan struct{}     // deliveries were put back; has room for one
	unplanned []call.Event      // taken from the journal
	cursor    int64             // of what is planned
	batch     Batch             // to be kept
	since     time.Time         // of the batch's oldest part; zero while it is empty
	blocked   time.Time         // nothing is planned or kept before: the store did not do it
	partial   bool              // more deliveries wait in the store than are at hand
	tell      func(Status)
}

// attempt is a request that was made.
type attempt struct {
	delivery Delivery
	result   Result
}

// run delivers until ctx ends.
func (o *owner) run(ctx context.Context) {
	if !o.restore(ctx) {
		return
	}
	reading, stop := context.WithCancel(ctx)
	requests, cut := context.WithCancel(context.WithoutCancel(ctx))
	done := make(chan struct{})
	go func() { // waited for below
		defer close(done)
		o.read(reading)
	}()
	defer func() {
		stop()
		<-done
		o.end(cut)
	}()
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for ctx.Err() == nil {
		timer.Reset(time.Until(o.act(ctx, requests)))
		select {
		case evs := <-o.open():
			o.unplanned = evs
		case a := <-o.results:
			o.take(ctx, a)
		case <-o.poked:
			o.partial = true
		case <-timer.C:
		case <-ctx.Done():
		}
	}
}

// restore makes what the endpoint needs and takes up where it was left; it tries until
// ctx ends, and then returns false.
func (o *owner) restore(ctx context.Context) bool {
	for {
		err := o.load(ctx)
		if err == nil {
			return true
		}
		o.tell(Status{Fault: err.Error()})
		o.log.Warn("endpoint cannot be served", zap.Error(err))
		if !call.Pause(ctx, 10*retryEvery) {
			return false
		}
	}
}

func (o *owner) load(ctx context.Context) error {
	secrets, err := o.cfg.Vault.Secrets(ctx, o.endpoint.ID)
	if err != nil {
		return err
	}
	kept, err := o.cfg.Store.Cursor(ctx, o.endpoint.ID)
	if err != nil {
		return err
	}
	o.cursor = max(kept, o.endpoint.From)
	way, err := o.cfg.Ways(ctx, o.endpoint, secrets, o.cursor)
	if err != nil {
		return err
	}
	o.sender, o.planner = way.Sender, way.Planner
	o.schedule = newSchedule(way.Pace, rand.Float64)
	return o.refill(ctx)
}

// refill takes up deliveries that wait in the store.
func (o *owner) refill(ctx context.Context) error {
	rows, err := o.cfg.Store.PendingDeliveries(ctx, o.endpoint.ID, 2*mostPending)
	if err != nil {
		return err
	}
	for _, d := range rows {
		if !slices.ContainsFunc(o.batch.Changed, func(c Delivery) bool { return c.ID == d.ID }) { // its end is not kept yet
			o.schedule.add(d)
		}
	}
	o.partial = len(rows) == 2*mostPending
	return nil
}

// read follows the journal. What was not taken is read again by the next owner.
func (o *owner) read(ctx context.Context) {
	cursor := o.cfg.Journal.Read(o.cursor)
	for {
		evs, err := cursor.Next(ctx)
		if err != nil {
			if ctx.Err() != nil || !call.Pause(ctx, retryEvery) {
				return
			}
			o.log.Warn("journal cannot be read", zap.Error(err))
			continue
		}
		select {
		case o.events <- evs:
		case <-ctx.Done():
			return
		}
	}
}

// open is where events come from, nil while there is enough to do.
func (o *owner) open() <-chan []call.Event {
	if len(o.unplanned) > 0 || o.partial || o.schedule.size+len(o.batch.New) >= mostPending {
		return nil
	}
	return o.events
}

// act does what can be done now and says when there is more.
func (o *owner) act(ctx, requests context.Context) time.Time {
	now := time.Now()
	if !o.blocked.After(now) {
		o.blocked = time.Time{}
		o.plan(ctx, now)
		o.keep(ctx, now)
	}
	try, expired, wake := o.schedule.next(now)
	for _, d := range expired {
		o.changed(d, now)
	}
	for _, d := range try {
		go func() { o.results <- attempt{d, o.send(requests, d)} }() // end takes every result
	}
	if wake.IsZero() {
		wake = now.Add(time.Hour)
	}
	if at := o.keepAt(); !at.IsZero() {
		wake = earlier(wake, at)
	}
	o.report(now)
	return wake
}

// send makes one request. What goes wrong with it stays with it.
func (o *owner) send(ctx context.Context, d Delivery) (r Result) {
	defer func() {
		if p := recover(); p != nil {
			o.log.Error("panic in a delivery", zap.String("delivery", d.ID), zap.Any("panic", p), zap.Stack("stack"))
			r = Result{Verdict: Refused, Detail: "a fault of ours; the log says more"}
		}
	}()
	return o.sender.Send(ctx, d)
}

// plan makes deliveries of the events at hand.
func (o *owner) plan(ctx context.Context, now time.Time) {
	for len(o.unplanned) > 0 {
		e := o.unplanned[0]
		ds, err := o.planner.Plan(ctx, e)
		if err != nil {
			o.block(now, "event cannot be planned", err)
			return
		}
		for i := range ds {
			if !ds[i].aboutCall() { // it is given up so long after it could first be tried
				ds[i].Made = call.Instant(now)
			}
		}
		o.batch.New = append(o.batch.New, ds...)
		o.cursor, o.batch.Cursor = e.Global, e.Global
		o.unplanned = o.unplanned[1:]
		o.dirty(now)
	}
}

func (o *owner) block(now time.Time, what string, err error) {
	o.blocked = now.Add(retryEvery)
	o.log.Warn(what, zap.Error(err))
}

func (o *owner) dirty(now time.Time) {
	if o.since.IsZero() {
		o.since = now
	}
}

// keepAt is when the batch is to be kept, and more deliveries fetched; zero is never.
func (o *owner) keepAt() time.Time {
	switch {
	case !o.blocked.IsZero() && (!o.batch.empty() || len(o.unplanned) > 0 || o.partial):
		return o.blocked
	case o.batch.empty():
		return time.Time{}
	case len(o.batch.New) > 0:
		return o.since
	case len(o.batch.Changed) > 0:
		return o.since.Add(keepEvery)
	}
	return o.since.Add(cursorEvery)
}

// keep writes the batch when it is time; new deliveries are tried from then on.
func (o *owner) keep(ctx context.Context, now time.Time) {
	if at := o.keepAt(); !at.IsZero() && !at.After(now) {
		if err := o.cfg.Store.KeepDeliveries(ctx, o.endpoint.ID, o.batch); err != nil {
			o.block(now, "deliveries are not kept", err)
			return
		}
		for _, d := range o.batch.New {
			o.schedule.add(d)
		}
		o.batch, o.since = Batch{}, time.Time{}
	}
	if o.partial && o.schedule.size < mostPending {
		if err := o.refill(ctx); err != nil {
			o.block(now, "deliveries cannot be read", err)
		}
	}
}

// take keeps what a request came to.
func (o *owner) take(ctx context.Context, a attempt) {
	now := time.Now()
	if l := a.result.Link; l != nil {
		if err := o.link(ctx, a.delivery, *l); err != nil {
			o.log.Warn("the ticket's id in the other system is not kept; it is looked for at the next try", zap.Error(err))
			a.result = Result{Verdict: Again, Detail: "the id in the other system could not be kept"}
		}
	}
	d := o.schedule.done(now, a.delivery, a.result)
	if d.State == Dead {
		o.log.Warn("dead letter", zap.String("delivery", d.ID), zap.String("ticket", d.Key), zap.Int("attempts", d.Attempts), zap.String("last", d.Last))
	}
	o.changed(d, now)
	if a.result.Verdict == Gone {
		if err := o.cfg.List.Disable(ctx, o.endpoint.ID, a.result.Detail); err != nil && !errors.Is(err, ErrUnknown) {
			o.log.Warn("endpoint not disabled", zap.Error(err))
		}
	}
}

// link keeps on the ticket where the other system has it, before anything else is
// sent there about it.
func (o *owner) link(ctx context.Context, d Delivery, l call.TicketLinked) error {
	l.Endpoint = o.endpoint.ID
	err := o.cfg.Journal.Append(context.WithoutCancel(ctx), call.TicketEvent(time.Now(), call.TicketID(d.Key), l))
	if err == nil {
		o.batch.Refs = append(o.batch.Refs, Ref{Endpoint: l.Endpoint, Remote: l.ID, Ticket: call.TicketID(d.Key)})
	}
	return err
}

// changed puts a row into the batch, in place of what was to be kept of it.
func (o *owner) changed(d Delivery, now time.Time) {
	o.dirty(now)
	o.batch.Changed = append(slices.DeleteFunc(o.batch.Changed, func(c Delivery) bool { return c.ID == d.ID }), d)
	if len(o.batch.New) == 0 && len(o.batch.Changed) == 1 {
		o.since = now // a cursor alone has waited for longer
	}
}

// end waits a moment for requests under way, cuts the others, and keeps what is known.
func (o *owner) end(cut context.CancelFunc) {
	ctx, cancel := context.WithTimeout(context.Background(), 2*endWithin)
	defer cancel()
	late := time.AfterFunc(endWithin, cut)
	defer late.Stop()
	defer cut()
	for len(o.schedule.busy) > 0 {
		a := <-o.results
		if a.result.Verdict == Again { // it may have been cut: not a try
			delete(o.schedule.busy, a.delivery.Key)
			continue
		}
		o.take(ctx, a)
	}
	if o.batch.empty() {
		return
	}
	if err := o.cfg.Store.KeepDeliveries(ctx, o.endpoint.ID, o.batch); err != nil {
		o.log.Warn("deliveries are not kept; they are made again", zap.Error(err))
	}
}

func (o *owner) report(now time.Time) {
	s := Status{Runs: true, Pending: o.schedule.size, Failed: o.schedule.failed, Cursor: o.cursor}
	if o.schedule.held.After(now) {
		s.Held = o.schedule.held
	}
	o.tell(s)
}
