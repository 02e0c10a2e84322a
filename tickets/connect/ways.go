package connect

import (
	"context"
	"fmt"

	"firstline/call"
	"firstline/tickets/connect/outgoing"
)

// Presets is how other systems are spoken to.
type Presets interface {
	// Check holds a setting to its preset. ErrInvalid.
	Check(s call.EndpointSet) error
	// Types are those that a preset's endpoint is told of when it does not say.
	Types(preset string) []string
	// Texter sends texts by an SMS service. ErrInvalid.
	Texter(p Endpoint, secrets map[string]string) (Texter, error)
	// Sender is what tells an endpoint.
	Sender(p Endpoint, secrets map[string]string) (Sender, error)
}

// Ways makes what serves an endpoint, by its kind.
type Ways struct {
	Client  *outgoing.Client
	Guard   outgoing.Guard
	Stories Stories
	Presets Presets
	People  People
	Alerts  func(s call.EndpointSet) error // checks one that tells us of problems. ErrInvalid
	URL     func(call.TicketID) string     // of a ticket's page
}

// Check holds a setting to what its kind needs. ErrInvalid.
func (w *Ways) Check(s call.EndpointSet) error {
	switch Kind(s.Kind) {
	case Webhook:
		if s.Preset != "" || len(s.Settings) > 0 {
			return fmt.Errorf("%w: a webhook has no preset and no settings", ErrInvalid)
		}
		return w.address(s.URL)
	case Connector, SMS:
		if err := w.Presets.Check(s); err != nil || s.URL == "" {
			return err
		}
		return w.address(s.URL)
	}
	if s.Kind == string(Alerts) && w.Alerts != nil {
		return w.Alerts(s)
	}
	return fmt.Errorf("%w: there is no endpoint of kind %q", ErrInvalid, s.Kind)
}

func (w *Ways) address(text string) error {
	if _, err := w.Guard.URL(text); err != nil {
		return fmt.Errorf("%w: its address: %w", ErrInvalid, err)
	}
	return nil
}

// For is EngineConfig.Ways.
func (w *Ways) For(ctx context.Context, p Endpoint, secrets map[string]string, cursor int64) (Way, error) {
	if len(p.Types) == 0 && p.speaks(Connector) {
		p.Types = w.Presets.Types(p.Preset)
	}
	if p.speaks(SMS) {
		return w.sms(ctx, p, secrets, cursor)
	}
	planner, err := NewPlanner(ctx, p, cursor, w.Stories, w.URL)
	if err != nil {
		return Way{}, err
	}
	switch Kind(p.Kind) {
	case Webhook:
		sender, err := NewWebhook(w.Client, p, secrets)
		return Way{Sender: sender, Planner: planner}, err
	case Connector:
		sender, err := w.Presets.Sender(p, secrets)
		return Way{Sender: sender, Planner: planner}, err
	}
	return Way{}, fmt.Errorf("%w: there is no endpoint of kind %q", ErrInvalid, p.Kind)
}

// sms is the way to people by text.
func (w *Ways) sms(ctx context.Context, p Endpoint, secrets map[string]string, cursor int64) (Way, error) {
	planner, err := NewNoticePlanner(ctx, p, cursor, w.Stories)
	if err != nil {
		return Way{}, err
	}
	texter, err := w.Presets.Texter(p, secrets)
	if err != nil {
		return Way{}, err
	}
	sender, err := NewNotices(p, w.People, texter)
	return Way{Sender: sender, Planner: planner}, err
}
