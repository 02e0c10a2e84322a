package intake

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"go.uber.org/zap"

	"firstline/call"
	"firstline/intake/number"
)

// CallbackRule is how a queue's callers are called back.
type CallbackRule struct {
	First  call.CallbackOrder // whom to reach first; an agent
	Tries  int                // to reach the customer; 3
	Every  time.Duration      // between two tries; 5 min
	Within time.Duration      // of asking, after which it is of no use; 4 h
	Ring   time.Duration      // of the customer's phone; 30 s
	Review bool               // those that the server itself asks for wait until a supervisor releases them
}

// Defaults fills in what is zero.
func (r CallbackRule) Defaults() CallbackRule {
	r.First = cmp.Or(r.First, call.AgentFirst)
	r.Tries = cmp.Or(r.Tries, 3)
	r.Every = cmp.Or(r.Every, 5*time.Minute)
	r.Within = cmp.Or(r.Within, 4*time.Hour)
	r.Ring = cmp.Or(r.Ring, 30*time.Second)
	return r
}

// soon is when an attempt is made again that failed through no absence of the customer.
const soon = 10 * time.Second

// ErrMayNotCall means that number policy does not let us call a number.
var ErrMayNotCall = errors.New("intake: no trunk may dial this number")

// ErrNoCallback means that there is no such request to be called back, or not any more.
var ErrNoCallback = errors.New("intake: no such callback is open")

// callbacks are the requests that are open. One goroutine serves one request, so
// that never more than one attempt of it is under way.
type callbacks struct {
	came chan struct{} // capacity 1: something was added to fresh

	mu    sync.Mutex // guards the rest
	open  map[call.CallbackID]*callback
	fresh []*callback // not served yet
}

func newCallbacks() *callbacks {
	return &callbacks{came: make(chan struct{}, 1), open: make(map[call.CallbackID]*callback)}
}

// callback is one open request.
type callback struct {
	d       *Desk
	changed chan struct{} // capacity 1: something is different since the last look

	mu   sync.Mutex // guards c and line; held while an event of the request is appended
	c    call.Callback
	line call.Leg // the customer's of the attempt under way, before it is there; nil between attempts
	// claimed says that the customer has answered: it is too late to call it off.
	claimed bool
	redial  call.ID // of who phoned from the same number while somebody was on the line
	asking  bool    // the caller is still on the line, and would be engaged
}

// CallBack serves the requests to be called back, those that are open and those
// that come, until ctx ends. It is called once, after Restore.
func (d *Desk) CallBack(ctx context.Context, open []call.Callback) error {
	var wg sync.WaitGroup
	defer wg.Wait()
	for _, c := range open {
		d.callbacks.add(d, c, false)
	}
	for {
		for _, b := range d.callbacks.taken() {
			wg.Go(func() { b.serve(ctx) })
		}
		select {
		case <-d.callbacks.came:
		case <-ctx.Done():
			return nil
		}
	}
}

// add takes a request up, unless it is there already; asking says that who made it is
// still on the line.
func (all *callbacks) add(d *Desk, c call.Callback, asking bool) {
	all.mu.Lock()
	defer all.mu.Unlock()
	if all.open[c.ID] != nil {
		return
	}
	b := &callback{d: d, c: c, changed: make(chan struct{}, 1), asking: asking}
	all.open[c.ID], all.fresh = b, append(all.fresh, b)
	select {
	case all.came <- struct{}{}:
	default:
	}
}

// taken is the requests that nobody serves yet, for somebody who will.
func (all *callbacks) taken() []*callback {
	all.mu.Lock()
	defer all.mu.Unlock()
	fresh := all.fresh
	all.fresh = nil
	return fresh
}

func (all *callbacks) remove(id call.CallbackID) {
	all.mu.Lock()
	defer all.mu.Unlock()
	delete(all.open, id)
}

func (all *callbacks) find(id call.CallbackID) (*callback, error) {
	all.mu.Lock()
	defer all.mu.Unlock()
	if b := all.open[id]; b != nil {
		return b, nil
	}
	return nil, fmt.Errorf("%w: %s", ErrNoCallback, id)
}

// list is every open request.
func (all *callbacks) list() []*callback {
	all.mu.Lock()
	defer all.mu.Unlock()
	out := make([]*callback, 0, len(all.open))
	for _, b := range all.open {
		out = append(out, b)
	}
	return out
}

// askCallback takes a request to be called back, durably and with what goes with it,
// and has it served.
func (d *Desk) askCallback(ctx context.Context, id call.CallbackID, asked call.CallbackAsked, besides ...call.Event) error {
	ev := call.CallbackEvent(time.Now(), id, asked)
	if err := d.Journal.Append(context.WithoutCancel(ctx), append([]call.Event{ev}, besides...)...); err != nil {
		return fmt.Errorf("ask for a callback: %w", err)
	}
	return d.takeUp(ev, true)
}

// owe keeps what owed gave, behind the end of the call.
func (d *Desk) owe(ended, ev call.Event) {
	d.Journal.Post(ended, ev)
	if err := d.takeUp(ev, false); err != nil {
		d.Log.Error("callback", zap.Error(err))
	}
}

// takeUp has a request served that was asked for just now.
func (d *Desk) takeUp(ev call.Event, asking bool) error {
	var c call.Callback
	if err := c.Apply(ev); err != nil {
		return err
	}
	d.Log.Info("callback asked for", zap.String("callback", string(c.ID)), zap.String("queue", string(c.Queue)), zap.String("by", c.By))
	d.callbacks.add(d, c, asking)
	return nil
}

// asked says that the caller who made a request has hung up.
func (d *Desk) asked(id call.CallbackID) {
	b, err := d.callbacks.find(id)
	if err != nil {
		return // over by now
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.asking = false
	b.wake()
}

// ChangeCallback gives an open request another number or time, or releases it.
// ErrNoCallback, ErrMayNotCall.
func (d *Desk) ChangeCallback(ctx context.Context, id call.CallbackID, to call.CallbackChanged) error {
	if to.Number != "" && !d.mayCall(to.Number) {
		return fmt.Errorf("%w: %s", ErrMayNotCall, to.Number)
	}
	b, err := d.callbacks.find(id)
	if err != nil {
		return err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if last := to.After.Add(b.rule().Within); !to.After.IsZero() && last.After(b.c.Expires) {
		to.Expires = last // as long after the appointment as after asking without one
	}
	return b.note(ctx, to)
}

// WithdrawCallback ends an open request, and hangs up on the attempt under way
// unless the customer is there already. ErrNoCallback.
func (d *Desk) WithdrawCallback(ctx context.Context, id call.CallbackID, by, reason string) error {
	b, err := d.callbacks.find(id)
	if err != nil {
		return err
	}
	return b.end(ctx, call.CallbackClosed{End: call.CallbackWithdrawn, By: by, Reason: reason})
}

// redialled ends the request that a caller made earlier and no longer needs: who
// waits in the same queue again takes the place at which it stood. Withheld
// numbers are nobody's.
func (d *Desk) redialled(ctx context.Context, j *journey, q call.QueueID) (joined time.Time, ok bool) {
	if j.number == "" {
		return joined, false
	}
	for _, b := range d.callbacks.list() {
		b.mu.Lock()
		same := b.number() == j.number && b.c.Queue == q && b.c.Test == j.call.Test
		if same && b.claimed {
			b.redial = j.call.ID // the same person who hangs up just now, or a colleague
		}
		joined = b.c.Joined
		b.mu.Unlock()
		if same && b.end(ctx, call.CallbackClosed{End: call.CallbackRedialled, Call: j.call.ID}) == nil {
			return joined, true
		}
	}
	return joined, false
}

// note appends an event of the request and folds it in; b.mu is held.
func (b *callback) note(ctx context.Context, body call.Body, besides ...call.Event) error {
	return b.noteBy(ctx, b.d.Journal.Append, body, besides...)
}

// noteBy is note where the events are written another way.
func (b *callback) noteBy(ctx context.Context, write func(context.Context, ...call.Event) error, body call.Body, besides ...call.Event) error {
	ev := call.CallbackEvent(time.Now(), b.c.ID, body)
	after := b.c
	after.Attempts = slices.Clone(b.c.Attempts)
	if err := after.Apply(ev); err != nil {
		return fmt.Errorf("%w: %w", ErrNoCallback, err)
	}
	if err := write(context.WithoutCancel(ctx), append([]call.Event{ev}, besides...)...); err != nil {
		return fmt.Errorf("callback %s: %w", b.c.ID, err)
	}
	b.c = after
	b.wake()
	return nil
}

func (b *callback) wake() {
	select {
	case b.changed <- struct{}{}:
	default:
	}
}

// end closes the request and calls the attempt under way off.
func (b *callback) end(ctx context.Context, how call.CallbackClosed) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.claimed {
		return fmt.Errorf("%w: the customer has answered", ErrNoCallback)
	}
	if err := b.note(ctx, how); err != nil {
		return err
	}
	b.d.callbacks.remove(b.c.ID)
	b.d.Log.Info("callback over", zap.String("callback", string(b.c.ID)), zap.String("end", string(how.End)))
	if b.line != nil {
		return b.line.Hangup(ctx, call.Cause{Reason: call.Completed, Text: "callback " + string(how.End)})
	}
	return nil
}

// claim takes the attempt for the customer who has answered; false when it was
// called off before.
func (b *callback) claim() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.claimed = b.c.Open()
	return b.claimed
}

// reached closes the request as the customer and an agent are joined; besides are
// the events of that, which share its commit.
func (b *callback) reached(ctx context.Context, id call.ID, besides []call.Event) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if err := b.note(ctx, call.CallbackClosed{End: call.CallbackReached, Call: id}, besides...); err != nil {
		return err
	}
	b.d.callbacks.remove(b.c.ID)
	return nil
}

// serve makes attempts until the request is over, or ctx ends.
func (b *callback) serve(ctx context.Context) {
	b.afterCrash(ctx)
	for ctx.Err() == nil {
		wait, due := b.next(time.Now())
		switch {
		case due && wait < 0:
			return
		case due:
			b.attempt(ctx)
			continue
		}
		t := time.NewTimer(wait)
		select {
		case <-t.C:
		case <-b.changed:
		case <-ctx.Done():
		}
		t.Stop()
	}
}

// afterCrash closes the attempt that died with the last process.
func (b *callback) afterCrash(ctx context.Context) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.c.Live() == nil {
		return
	}
	gone := call.Cause{Reason: call.SwitchGone, Text: "the server stopped"}
	if err := b.note(ctx, call.CallbackMissed{Attempt: len(b.c.Attempts), Cause: gone}); err != nil {
		b.d.Log.Error("callback", zap.String("callback", string(b.c.ID)), zap.Error(err))
	}
}

// next says when to look again, or that an attempt is due; due with a negative
// wait means that the request is over.
func (b *callback) next(now time.Time) (wait time.Duration, due bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	rule := b.rule()
	switch {
	case !b.c.Open():
		return -1, true
	case !now.Before(b.c.Expires):
		return b.over(call.CallbackExpired)
	case b.c.Misses() >= rule.Tries:
		return b.over(call.CallbackUnreachable)
	case b.c.Held || b.asking:
		return b.c.Expires.Sub(now), false
	case b.c.After.After(now):
		return min(b.c.After.Sub(now), b.c.Expires.Sub(now)), false
	}
	return 0, true
}

// over closes a request that came to nothing: a person has to look at it.
func (b *callback) over(end call.CallbackEnd) (wait time.Duration, due bool) {
	err := error(nil)
	if closed := (call.CallbackClosed{End: end}); b.c.Test {
		err = b.note(context.Background(), closed)
	} else {
		a := b.d.afterCallback(&b.c, end)
		err = b.noteBy(context.Background(), func(ctx context.Context, evs ...call.Event) error {
			return b.d.Lost.LeftDurably(ctx, a, evs...)
		}, closed, call.CallEvent(a.Left, b.c.Call, note(a)))
	}
	if err != nil {
		b.d.Log.Error("callback not closed", zap.String("callback", string(b.c.ID)), zap.Error(err))
		return soon, false
	}
	b.d.callbacks.remove(b.c.ID)
	return -1, true
}

// first is whom to reach first, as it was when the request was made.
func (b *callback) first() call.CallbackOrder {
	b.mu.Lock()
	defer b.mu.Unlock()
	return cmp.Or(b.c.First, b.rule().First)
}

// message is what the customer left, empty for none.
func (b *callback) message() call.RecordingID {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.c.Message
}

// number is the customer's in its normal form.
func (b *callback) number() string {
	return number.Normal(b.c.Customer.Number, b.d.centre.Load().Numbers[b.c.Line.Number].Region)
}

func (b *callback) rule() CallbackRule {
	return b.d.centre.Load().Callbacks[b.c.Queue].Defaults()
}
