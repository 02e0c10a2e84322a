package oncall

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"go.uber.org/zap"

	"firstline/call"
)

// Desk keeps who stands in, as the one writer of the stream of overrides.
type Desk struct {
	journal call.Journal
	plan    func() Plan // the one in force

	mu   sync.Mutex // guards book, and orders the stream; held while an event is written
	book Book
}

// NewDesk takes up what the stream holds; events that do not fit are left out.
func NewDesk(journal call.Journal, plan func() Plan, story []call.Event, log *zap.Logger) *Desk {
	d := &Desk{journal: journal, plan: plan}
	for _, e := range story {
		if err := d.book.Apply(e); err != nil {
			log.Error("event does not fit", zap.Int64("global", e.Global), zap.Error(err))
		}
	}
	return d
}

// Plan is the one in force.
func (d *Desk) Plan() Plan { return d.plan() }

// Override has somebody stand in, durably: who is phoned from now on. Its From may lie
// in the past, which changes nothing there. ErrUnknown, ErrInvalid.
func (d *Desk) Override(ctx context.Context, o Override) (Override, error) {
	o.Made = call.Instant(time.Now())
	o.ID, o.From, o.To, o.Why = call.NewUUID(o.Made), call.Instant(o.From), call.Instant(o.To), strings.TrimSpace(o.Why)
	if o.From.Before(o.Made) {
		o.From = o.Made
	}
	if err := d.plan().Check(o); err != nil {
		return Override{}, fmt.Errorf("stand in: %w", err)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	err := d.write(ctx, o.Made, call.OnCallOverridden{Override: o.ID, Schedule: o.Schedule, Person: o.Person, From: o.From, To: o.To, By: o.By, Why: o.Why})
	return o, err
}

// TakeBack ends an override from now on. ErrUnknown when there is none such any more.
func (d *Desk) TakeBack(ctx context.Context, id, by string) (Override, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	now := call.Instant(time.Now())
	o, err := d.book.Live(id, now)
	if err != nil {
		return o, err
	}
	o.Ended, o.EndedBy = now, by
	return o, d.write(ctx, now, call.OnCallRestored{Override: id, By: by})
}

// write appends an event and folds it in; mu is held.
func (d *Desk) write(ctx context.Context, at time.Time, b call.Body) error {
	ev := call.OnCallEvent(at, b)
	if err := d.journal.Append(context.WithoutCancel(ctx), ev); err != nil {
		return fmt.Errorf("on-call override: %w", err)
	}
	return d.book.Apply(ev)
}

// Overrides is every override that holds at an instant or later.
func (d *Desk) Overrides(at time.Time) []Override {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.book.Since(at)
}

// History is every override that ever was, the newest first.
func (d *Desk) History() []Override {
	d.mu.Lock()
	defer d.mu.Unlock()
	all := d.book.All()
	slices.SortStableFunc(all, func(a, b Override) int { return cmp.Or(b.Made.Compare(a.Made), cmp.Compare(b.ID, a.ID)) })
	return all
}

// Duty is a schedule at an instant.
type Duty struct {
	Schedule Schedule
	Now      *Shift // nil while nobody has the turn
	Next     *Shift // nil while nobody knows
}

// Duties are all schedules at an instant, by id.
func (d *Desk) Duties(at time.Time) []Duty {
	overrides, plan := d.Overrides(at), d.plan()
	var all []Duty
	for _, id := range slices.Sorted(maps.Keys(plan.Schedules)) {
		duty := Duty{Schedule: plan.Schedules[id]}
		if on, ok := duty.Schedule.on(at, overrides); ok {
			duty.Now = &on
		}
		if next, ok := duty.Schedule.Next(at, overrides); ok {
			duty.Next = &next
		}
		all = append(all, duty)
	}
	return all
}

// Turns is who has a schedule's turn in [from, to), by what is known now. ErrUnknown.
func (d *Desk) Turns(schedule string, from, to time.Time) ([]Shift, error) {
	s, ok := d.plan().Schedules[schedule]
	if !ok {
		return nil, fmt.Errorf("%w: schedule %q", ErrUnknown, schedule)
	}
	d.mu.Lock()
	all := d.book.All() // those that are over, for the past
	d.mu.Unlock()
	return s.Between(from, to, all), nil
}
