package webtest

import (
	"context"
	"time"

	"firstline/call"
	"firstline/tickets"
	"firstline/tickets/month"
	"firstline/web"
)

// worldMonths reports months of the desk's tickets, known at an instant of the test.
type worldMonths struct {
	w      *World
	sealed map[month.Month][]month.Sealed
}

func (x worldMonths) Months(_ context.Context, _ string, m month.Month) ([]month.Sealed, error) {
	return x.sealed[m], nil
}

func (x worldMonths) Month(ctx context.Context, client string, m month.Month) (month.Report, error) {
	if client != "" && client != "demo" {
		return month.Report{}, web.ErrNotFound
	}
	in := month.Input{Client: "", Contract: "standard", Terms: worldTickets{x.w}.Contract(client), Zone: time.UTC, Month: m, Known: time.Now()}
	x.w.mu.Lock()
	for _, t := range x.w.tickets {
		in.Tickets = append(in.Tickets, *t)
	}
	x.w.mu.Unlock()
	r, err := month.Make(in)
	if err == nil && len(x.sealed[m]) > 0 {
		r, _, err = r.Restate(x.sealed[m][len(x.sealed[m])-1])
	}
	return r, err
}

func (x worldMonths) SealMonth(ctx context.Context, client string, m month.Month, _ string) ([]month.Sealed, error) {
	r, err := x.Month(ctx, client, m)
	if err != nil {
		return nil, err
	}
	v, err := r.Seal(len(x.sealed[m])+1, time.Now())
	if err == nil {
		x.sealed[m] = append(x.sealed[m], v)
	}
	return x.sealed[m], err
}

func (x worldMonths) Exclude(ctx context.Context, id call.TicketID, e tickets.Exclusion) error {
	return tickets.NewDesk(x.w, nil, worldTickets{x.w}).Exclude(ctx, id, e)
}
