package main

import (
	"context"
	"fmt"
	"slices"

	"firstline/call"
	"firstline/callqueue"
	"firstline/intake/incident"
	"firstline/web"
)

// webIncidents is the known incidents: the list, after a look at the centre.
type webIncidents struct{ s *server }

func (w webIncidents) Incidents() []incident.Incident { return w.s.incidents.All() }

// Declare refuses queues, clients, prompts and recordings that there are not.
func (w webIncidents) Declare(ctx context.Context, d incident.Declaration) (incident.Incident, error) {
	c := w.s.centre.now()
	if !slices.ContainsFunc(c.Queues, func(q callqueue.Queue) bool { return q.ID == d.Queue }) {
		return incident.Incident{}, fmt.Errorf("%w: there is no queue %q", incident.ErrInvalid, d.Queue)
	}
	for _, client := range d.Clients {
		if _, ok := c.Clients[client]; !ok {
			return incident.Incident{}, fmt.Errorf("%w: there is no client %q", incident.ErrInvalid, client)
		}
	}
	if err := w.sayable(ctx, d.Prompt, d.Message); err != nil {
		return incident.Incident{}, err
	}
	i, err := w.s.incidents.Declare(ctx, d)
	return i, away(err)
}

func (w webIncidents) Tell(ctx context.Context, id call.IncidentID, prompt string, message call.RecordingID, by string) (incident.Incident, error) {
	if err := w.sayable(ctx, prompt, message); err != nil {
		return incident.Incident{}, err
	}
	i, err := w.s.incidents.Tell(ctx, id, prompt, message, by)
	return i, away(err)
}

func (w webIncidents) End(ctx context.Context, id call.IncidentID, by, note string) (incident.Incident, error) {
	i, err := w.s.incidents.End(ctx, id, by, note)
	return i, away(err)
}

// sayable refuses what callers could not be told.
func (w webIncidents) sayable(ctx context.Context, prompt string, message call.RecordingID) error {
	if prompt != "" {
		if _, err := w.s.sound(promptKey(prompt)); err != nil {
			return fmt.Errorf("%w: there is no prompt %q", incident.ErrInvalid, prompt)
		}
	}
	if message == "" {
		return nil
	}
	if _, err := w.s.recorded(ctx, message); err != nil {
		return fmt.Errorf("%w: recording %s cannot be played: %w", incident.ErrInvalid, message, err)
	}
	return nil
}

var _ web.Incidents = webIncidents{}
