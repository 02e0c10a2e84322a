package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"firstline/call"
	"firstline/intake/alert"
	"firstline/tickets"
	"firstline/tickets/connect"
	"firstline/web"
)

// openAlerts takes up which problems monitoring systems see.
func (s *server) openAlerts(ctx context.Context) error {
	story, err := wholeStory(ctx, s.store, call.Stream{Kind: call.StreamAlert, ID: call.AlertStream})
	if err != nil {
		return fmt.Errorf("alerts: %w", err)
	}
	s.alerts = alert.New(alert.Config{Journal: s.journal, Incidents: webIncidents{s}, Log: s.log.Named("alert")}, story)
	return nil
}

// checkAlerts holds the setting of a monitoring system to what there is.
func checkAlerts(set call.EndpointSet) error {
	if set.URL != "" || set.Preset != "" {
		return fmt.Errorf("%w: one that tells us has no address and no preset", connect.ErrInvalid)
	}
	if err := (alert.Source{Endpoint: set.Endpoint, Settings: set.Settings}).Check(); err != nil {
		return fmt.Errorf("%w: %w", connect.ErrInvalid, err)
	}
	return nil
}

// webHooks takes what endpoints tell us.
type webHooks struct {
	s    *server
	desk web.Tickets
}

func (w webHooks) Take(ctx context.Context, endpoint string, h http.Header, body []byte) error {
	in := connect.Inbound{List: w.s.endpoints, Vault: w.s.store, Store: w.s.store, Change: w.change}
	p, err := in.Known(ctx, call.EndpointID(endpoint), h, body)
	if err != nil {
		return away(err)
	}
	if err := w.s.mayEdit(); err != nil {
		return err
	}
	if connect.Kind(p.Kind) == connect.Alerts {
		return away(w.s.alerts.Take(ctx, alert.Source{Endpoint: p.ID, Settings: p.Settings}, body))
	}
	if connect.Kind(p.Kind) == connect.SMS {
		_, err := connect.Stop(ctx, w.s.store, body)
		return away(err)
	}
	return away(in.Tell(ctx, p, body))
}

// change moves a ticket, unless it is there already. Who comes in between is heeded.
func (w webHooks) change(ctx context.Context, id call.TicketID, to tickets.State, by, why string) error {
	for tries := 0; ; tries++ {
		t, err := w.s.store.Ticket(ctx, id)
		if err != nil {
			return err
		}
		if t.State == to || t.State == tickets.Closed && to == tickets.Resolved {
			return nil
		}
		_, err = w.desk.ChangeTicket(ctx, id, tickets.Edit{By: by, Why: why, Version: t.Version, State: &to})
		if !errors.Is(err, tickets.ErrStale) || tries == 3 {
			return err
		}
	}
}

var _ web.Hooks = webHooks{}
