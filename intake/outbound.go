package intake

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"firstline/call"
)

// Outbound is the one policy of the calls that we place to numbers outside: for
// callbacks, for callers who are handed on, for exits of queues, and for agents. A
// trunk has to allow a number as well.
type Outbound struct {
	Allow   []string      // a number must begin with one of these; none: a trunk's word is enough
	AtOnce  int           // calls at once; 0: no limit
	PerHour int           // calls begun in any hour; 0: no limit
	Ring    time.Duration // of the phone outside; 30 s
	Silent  bool          // agents' own calls are not recorded, and nobody is told that they were
}

func (o Outbound) ring() time.Duration {
	if o.Ring <= 0 {
		return 30 * time.Second
	}
	return o.Ring
}

// ErrTooManyCalls means that a cap of outgoing calls is reached.
var ErrTooManyCalls = errors.New("intake: no more calls outside just now")

// lines counts the calls outside, also those of the process before.
type lines struct {
	mu     sync.Mutex // guards the rest
	up     int
	begun  []time.Time         // in the last hour
	before map[call.LegID]bool // dialled by the last process, and not adopted yet
}

// take counts one more call, until free, where policy has room for it.
func (l *lines) take(now time.Time, o Outbound) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if err := l.full(now, o); err != nil {
		return err
	}
	l.up++
	l.begun = append(l.begun, now)
	return nil
}

// room reports whether policy has room for one more call.
func (l *lines) room(now time.Time, o Outbound) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.full(now, o)
}

// full says which cap is reached, if one is; l.mu is held.
func (l *lines) full(now time.Time, o Outbound) error {
	hour := now.Add(-time.Hour)
	l.begun = slices.DeleteFunc(l.begun, func(t time.Time) bool { return !t.After(hour) })
	full := call.Cause{Reason: call.NoCapacity}
	switch {
	case o.AtOnce > 0 && l.up >= o.AtOnce:
		full.Text = fmt.Sprintf("%d calls outside are up, which is the most at once", l.up)
	case o.PerHour > 0 && len(l.begun) >= o.PerHour:
		full.Text = fmt.Sprintf("%d calls outside were begun in the last hour, which is the most", len(l.begun))
	default:
		return nil
	}
	return fmt.Errorf("%w: %w", ErrTooManyCalls, full)
}

// RestoreOutside takes up, before Restore, what was dialled outside before this process;
// evs are of the last hour, and of further back as far as such calls may be up.
func (d *Desk) RestoreOutside(evs []call.Event) {
	d.lines.mu.Lock()
	defer d.lines.mu.Unlock()
	d.lines.before = map[call.LegID]bool{}
	for _, e := range evs {
		if b, ok := e.Body.(call.OutsideDialled); ok {
			d.lines.begun = append(d.lines.begun, e.At)
			d.lines.before[b.Leg] = true
		}
	}
}

// adopt counts a leg that outlived the last process, where it is one outside.
func (l *lines) adopt(leg call.Leg) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.before[leg.ID()] {
		delete(l.before, leg.ID())
		l.up++
		context.AfterFunc(leg.Context(), l.free)
	}
}

func (l *lines) free() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.up--
}

// mayCall reports whether the centre and a trunk let us call a number.
func (d *Desk) mayCall(number string) bool {
	if number == "" || d.MayCall == nil {
		return false
	}
	allow := d.centre.Load().Outbound.Allow
	begins := func(with string) bool { return strings.HasPrefix(number, with) }
	return (len(allow) == 0 || slices.ContainsFunc(allow, begins)) && d.MayCall(number)
}

// dial rings a number outside, where policy allows it. ErrMayNotCall,
// ErrTooManyCalls.
func (d *Desk) dial(ctx context.Context, o call.Originate) (call.Leg, error) {
	if !d.mayCall(o.To.Number) {
		return nil, fmt.Errorf("%w: %s", ErrMayNotCall, o.To.Number)
	}
	if err := d.lines.take(time.Now(), d.centre.Load().Outbound); err != nil {
		return nil, err
	}
	// Durable before it rings, so that a restart in between gives nobody a call more.
	if err := d.Journal.Append(context.WithoutCancel(ctx), call.OutsideEvent(time.Now(), call.OutsideDialled{Leg: o.ID})); err != nil {
		d.lines.free()
		return nil, fmt.Errorf("dial outside: %w", err)
	}
	l, err := d.Switch.Originate(ctx, o)
	if err != nil {
		d.lines.free()
		return nil, err
	}
	context.AfterFunc(l.Context(), d.lines.free)
	return l, nil
}
