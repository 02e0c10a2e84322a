package intake

import (
	"context"
	"errors"
	"fmt"
	"time"

	"firstline/call"
)

// What an override makes of a calendar; empty leaves it as it is.
const (
	hoursOpen   = "open"
	hoursClosed = "closed"
)

// ErrHours means that an override cannot be.
var ErrHours = errors.New("intake: no such override of hours")

// OverrideHours sets a calendar aside from now on, for calls that come, or lets it
// hold again (the zero State and Prompt). It is durable when it returns.
func (d *Desk) OverrideHours(ctx context.Context, o call.HoursOverridden) error {
	return d.override(ctx, o)
}

// override is OverrideHours with what else is to be true at once.
func (d *Desk) override(ctx context.Context, o call.HoursOverridden, besides ...call.Event) error {
	now := time.Now()
	switch {
	case d.centre.Load().Calendars[o.Calendar] == nil:
		return fmt.Errorf("%w: there is no calendar %q", ErrHours, o.Calendar)
	case o.State != "" && o.State != hoursOpen && o.State != hoursClosed:
		return fmt.Errorf("%w: %q is neither open nor closed", ErrHours, o.State)
	case !o.Until.IsZero() && !o.Until.After(now):
		return fmt.Errorf("%w: its end is over", ErrHours)
	}
	if err := d.Journal.Append(ctx, append([]call.Event{call.HoursEvent(now, o.Calendar, o)}, besides...)...); err != nil {
		return fmt.Errorf("override hours: %w", err)
	}
	d.RestoreHours(o)
	return nil
}

// RestoreHours takes up what was said last of a calendar before this process.
func (d *Desk) RestoreHours(o call.HoursOverridden) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.hours[o.Calendar] = o
}

// Overrides is what holds of a calendar at an instant; the zero override when it
// is as its file says.
func (d *Desk) Overrides(calendar string, at time.Time) call.HoursOverridden {
	return d.overridden(calendar, at)
}

func (d *Desk) overridden(calendar string, at time.Time) call.HoursOverridden {
	d.mu.Lock()
	defer d.mu.Unlock()
	o := d.hours[calendar]
	if calendar == "" || !o.Until.IsZero() && !at.Before(o.Until) {
		return call.HoursOverridden{}
	}
	return o
}

// turnedAway is where a call goes that finds the number closed, by its hours or by
// what was said of them, and whether it does.
func (n Number) turnedAway(at time.Time, by call.HoursOverridden) (Stage, bool) {
	switch by.State {
	case hoursOpen:
		return nil, false
	case hoursClosed:
		why := "closed by a supervisor"
		if !by.Until.IsZero() {
			why += " until " + by.Until.UTC().Format(time.RFC3339)
		}
		if by.Prompt != "" {
			return Shut{Prompt: by.Prompt, Why: why}, true
		}
		return n.outside(why), true
	}
	if why := n.shut(at); why != "" {
		return n.outside(why), true
	}
	return nil, false
}

// Warn says an emergency prompt to a new caller, who then goes on as ever.
type Warn struct {
	Prompt string `json:"prompt"`
}

// Name is the stage's name in the journal.
func (Warn) Name() string { return "warn" }

// Run says the prompt, best effort.
func (w Warn) Run(ctx context.Context, d *Desk, j *journey) (Stage, error) {
	if err := d.say(ctx, j, w.Prompt); err != nil {
		return nil, err
	}
	by := d.overridden(j.centre.Numbers[j.call.To.Number].Calendar, j.call.Arrived)
	return d.lead(j, by)
}
