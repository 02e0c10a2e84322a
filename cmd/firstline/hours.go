package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"firstline/call"
	"firstline/intake"
	"firstline/web"
)

// openHours takes up what supervisors said of the hours, and follows holidays.
func (s *server) openHours(ctx context.Context) error {
	for name := range s.centre.now().Calendars {
		o, err := s.lastOverride(ctx, name)
		if err != nil {
			return fmt.Errorf("hours %s: %w", name, err)
		}
		if o.Calendar != "" {
			s.desk.RestoreHours(o)
		}
	}
	s.life.start("holidays", s.followHolidays)
	return nil
}

// lastOverride is what was said last of a calendar.
func (s *server) lastOverride(ctx context.Context, calendar string) (last call.HoursOverridden, err error) {
	const page = 1000
	for after := int64(0); ; {
		evs, err := s.store.Story(ctx, call.HoursStream(calendar), after, page)
		if err != nil {
			return last, err
		}
		for _, e := range evs {
			if o, ok := e.Body.(call.HoursOverridden); ok {
				last = o
			}
			after = e.Seq
		}
		if len(evs) < page {
			return last, nil
		}
	}
}

type webHours struct{ s *server }

// Hours is every calendar, as it stands now.
func (w webHours) Hours(_ context.Context, now time.Time) []web.CalendarState {
	var all []web.CalendarState
	for name, c := range w.s.centre.now().Calendars {
		open, until := c.Open(now)
		all = append(all, web.CalendarState{Calendar: name, Open: open, Until: until, By: w.s.desk.Overrides(name, now)})
	}
	slices.SortFunc(all, func(a, b web.CalendarState) int { return strings.Compare(a.Calendar, b.Calendar) })
	return all
}

// Override sets a calendar aside, or lets it hold again.
func (w webHours) Override(ctx context.Context, o call.HoursOverridden) error {
	if o.Prompt != "" {
		if _, err := w.s.sound(promptKey(o.Prompt)); err != nil {
			return fmt.Errorf("%w: there is no prompt %q", web.ErrInvalid, o.Prompt)
		}
	}
	err := w.s.desk.OverrideHours(ctx, o)
	if errors.Is(err, intake.ErrHours) {
		return fmt.Errorf("%w: %w", web.ErrInvalid, err)
	}
	return away(err)
}
