package intake

import (
	"context"
	"maps"
	"slices"
	"time"

	"firstline/call"
	"firstline/intake/incident"
	"firstline/intake/spoken"
)

// Uses is what a prompt may be recorded for by phone now.
func (d *Desk) Uses() spoken.Uses {
	u := spoken.Uses{Calendars: slices.Sorted(maps.Keys(d.centre.Load().Calendars))}
	if d.Incidents == nil {
		return u
	}
	for _, i := range slices.Backward(d.Incidents.All()) {
		if i.Open() {
			u.Incidents = append(u.Incidents, spoken.Known{ID: i.ID, Ticket: i.Ticket})
		}
	}
	return u
}

// Hear has the callers of an incident, or new callers of a calendar's numbers, hear a
// prompt from now on. What else was said of the calendar goes on to hold.
func (d *Desk) Hear(ctx context.Context, u spoken.Use, key, by string, with call.Event) error {
	if u.Incident != "" {
		_, err := d.Incidents.Tell(ctx, u.Incident, key, "", by, with)
		return err
	}
	o := d.overridden(u.Calendar, time.Now())
	o.Calendar, o.Prompt, o.By, o.Reason = u.Calendar, key, by, "recorded by phone"
	return d.override(ctx, o, with)
}

// Hears reports whether some callers hear a prompt now.
func (d *Desk) Hears(key string) bool {
	now := time.Now()
	for name := range d.centre.Load().Calendars {
		if d.overridden(name, now).Prompt == key {
			return true
		}
	}
	return d.Incidents != nil && slices.ContainsFunc(d.Incidents.All(), func(i incident.Incident) bool { return i.Open() && i.Prompt == key })
}

var _ spoken.Air = (*Desk)(nil)
