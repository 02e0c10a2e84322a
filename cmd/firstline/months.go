package main

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"firstline/call"
	"firstline/ivr/hours"
	"firstline/tickets"
	"firstline/tickets/month"
	"firstline/web"
)

// webMonths reports months of promises from what is stored.
type webMonths struct {
	s    *server
	desk *tickets.Desk
	mu   *sync.Mutex // held while a month is sealed
}

func (w webMonths) Months(ctx context.Context, client string, m month.Month) ([]month.Sealed, error) {
	all, err := w.s.store.Months(ctx, client, m)
	return all, away(err)
}

// Month implements web.Months by the contract in force now.
func (w webMonths) Month(ctx context.Context, client string, m month.Month) (month.Report, error) {
	all, err := w.Months(ctx, client, m)
	if err != nil {
		return month.Report{}, err
	}
	r, _, err := w.make(ctx, client, m, all)
	return r, err
}

// make is the report as it is now; same is that the last version sealed says the same.
func (w webMonths) make(ctx context.Context, client string, m month.Month, sealed []month.Sealed) (r month.Report, same bool, err error) {
	in, err := w.input(client, m)
	if err != nil {
		return r, false, err
	}
	from, to, err := m.Bounds(in.Zone)
	if err != nil {
		return r, false, err
	}
	if in.Tickets, err = w.s.store.TicketsOf(ctx, client, from, to); err != nil {
		return r, false, away(err)
	}
	if r, err = month.Make(in); err != nil || len(sealed) == 0 {
		return r, false, err
	}
	return r.Restate(sealed[len(sealed)-1])
}

func (w webMonths) input(client string, m month.Month) (month.Input, error) {
	centre := w.s.centre.now()
	c, known := centre.Clients[client]
	if !known {
		return month.Input{}, fmt.Errorf("%w: there is no client %q", web.ErrNotFound, client)
	}
	in := month.Input{
		Client: client, Contract: c.Contract, Terms: centre.Tickets.Contracts[c.Contract], Zone: centre.Zone(client), Month: m,
		Known: time.Now(), Centre: centre.Hash, Journal: w.s.journal.Status().LastGlobal,
	}
	if calendar, ok := in.Terms.Hours.(*hours.Calendar); ok && calendar != nil {
		in.Zone = calendar.Zone
	}
	return in, nil
}

// SealMonth implements web.Months. What is sealed is kept before the journal says so.
func (w webMonths) SealMonth(ctx context.Context, client string, m month.Month, by string) ([]month.Sealed, error) {
	if err := w.s.mayEdit(); err != nil {
		return nil, err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	all, err := w.Months(ctx, client, m)
	if err != nil {
		return nil, err
	}
	r, same, err := w.make(ctx, client, m, all)
	if err != nil || same {
		return all, err
	}
	now := time.Now()
	if now.Before(r.To) {
		return nil, fmt.Errorf("%w: %s ends at %s in %s", web.ErrConflict, m, r.To.Format(time.RFC3339), r.Zone)
	}
	v, err := r.Seal(len(all)+1, now)
	if err != nil {
		return nil, err
	}
	if err := w.s.store.PutMonth(ctx, client, m, v); err != nil {
		return nil, away(err)
	}
	sealed := call.MonthSealed{Client: client, Month: string(m), Version: v.Version, Hash: v.Hash, By: by}
	if err := w.s.journal.Append(ctx, call.SystemEvent(now, sealed)); err != nil {
		return nil, away(err)
	}
	return append(slices.Clone(all), v), nil
}

func (w webMonths) Exclude(ctx context.Context, id call.TicketID, x tickets.Exclusion) error {
	if err := w.s.mayEdit(); err != nil {
		return err
	}
	return away(w.desk.Exclude(ctx, id, x))
}
