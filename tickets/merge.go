package tickets

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"firstline/call"
)

// Decision is what a person decides about which tickets are one.
type Decision struct {
	By, Why string
	Version int64 // of the ticket that it was made on
}

// Merge ends a ticket, which goes on in another, and returns that. Its clocks run
// from the first call of both. Errors match ErrNotFound, ErrStale and ErrInvalid.
func (d *Desk) Merge(ctx context.Context, id, into call.TicketID, w Decision) (Ticket, error) {
	d.edits.Lock()
	defer d.edits.Unlock()
	from, err := d.decided(ctx, id, w)
	if err != nil {
		return from, fmt.Errorf("merge %s: %w", id, err)
	}
	to, err := d.book.Ticket(ctx, into)
	if err == nil {
		err = mayMerge(from, to)
	}
	if err != nil {
		return to, fmt.Errorf("merge %s into %s: %w", id, into, err)
	}
	if _, _, done := d.redirect("", id, into); !done {
		return to, fmt.Errorf("merge %s into %s: %w: one of them was merged", id, into, ErrStale)
	}
	t, err := d.merge(ctx, id, into, w)
	if err != nil {
		return t, fmt.Errorf("merge %s into %s: %w", id, into, err)
	}
	return t, nil
}

// merge writes what Merge decided. All that is posted about the ticket so far stands
// before the first event here; nothing more comes, for it is redirected.
func (d *Desk) merge(ctx context.Context, id, into call.TicketID, w Decision) (Ticket, error) {
	now := call.Instant(time.Now())
	err := d.journal.Append(ctx, call.TicketEvent(now, id, call.TicketProposed{Other: into, Why: "to be merged", By: w.By}))
	if err != nil {
		d.restore(id)
		return Ticket{}, err
	}
	from, err := d.book.Ticket(ctx, id)
	if err != nil {
		d.restore(id)
		return from, err
	}
	into, release := d.Hold("", into) // which may have been joined to another itself
	defer release()
	evs := []call.Event{
		call.TicketEvent(now, id, call.TicketMerged{Into: into, By: w.By, Why: w.Why}),
		call.TicketEvent(now, into, call.TicketAbsorbed{
			From: id, Before: from.Absorbed, Calls: from.Calls, First: from.Opened, Responded: from.Responded(), Handler: from.Handler, By: w.By, Why: w.Why,
		}),
	}
	if from.Identity.Sure() {
		evs = append(evs, call.TicketEvent(now, into, call.TicketIdentified{
			Customer: from.Identity.Customer, Level: from.Identity.Level, Evidence: from.Identity.Evidence, By: from.Identity.By,
		}))
	}
	for _, c := range from.Calls {
		evs = append(evs, call.CallEvent(now, c, call.Filed{Ticket: into, From: id, By: w.By, Why: w.Why}))
	}
	if err := d.journal.Append(ctx, evs...); err != nil {
		d.restore(id)
		return from, err
	}
	d.Learn(evs...)
	return d.book.Ticket(ctx, into)
}

// decided reads the ticket that a decision is about, as it was made on it.
func (d *Desk) decided(ctx context.Context, id call.TicketID, w Decision) (Ticket, error) {
	t, err := d.book.Ticket(ctx, id)
	switch {
	case err != nil:
		return t, err
	case t.State == Merged:
		return t, fmt.Errorf("%w: it goes on in %s", ErrInvalid, t.Into)
	case t.Version != w.Version:
		return t, fmt.Errorf("%w: it is at version %d, the decision was made on %d", ErrStale, t.Version, w.Version)
	case utf8.RuneCountInString(w.Why) > LongestReason:
		return t, fmt.Errorf("%w: the reason is longer than %d characters", ErrInvalid, LongestReason)
	}
	return t, nil
}

func mayMerge(from, to Ticket) error {
	switch {
	case from.ID == to.ID:
		return fmt.Errorf("%w: a ticket cannot be merged into itself", ErrInvalid)
	case to.State == Merged:
		return fmt.Errorf("%w: %s goes on in %s itself: merge into that", ErrInvalid, to.ID, to.Into)
	case to.State.Over():
		return fmt.Errorf("%w: %s is %s: open it again first", ErrInvalid, to.ID, to.State)
	case from.Client != to.Client:
		return fmt.Errorf("%w: they are of two clients, and one may not see the other's", ErrInvalid)
	case from.Test != to.Test:
		return fmt.Errorf("%w: one of them is a test", ErrInvalid)
	}
	return nil
}

// Split makes a ticket of its own of some of the calls of another, and returns the new
// one. Its clocks run from the first of them; record finds calls. Errors as of Merge.
func (d *Desk) Split(ctx context.Context, id call.TicketID, calls []call.ID, w Decision, record func(context.Context, call.ID) (call.Record, error)) (Ticket, error) {
	d.edits.Lock()
	defer d.edits.Unlock()
	t, err := d.decided(ctx, id, w)
	if err == nil && strings.TrimSpace(w.Why) == "" {
		err = fmt.Errorf("%w: to split a ticket, say why", ErrInvalid)
	}
	if err == nil {
		err = maySplit(t, calls)
	}
	if err != nil {
		return t, fmt.Errorf("split %s: %w", id, err)
	}
	recs := make([]call.Record, len(calls))
	for i, c := range calls {
		if recs[i], err = record(ctx, c); err != nil {
			return t, fmt.Errorf("split %s: call %s: %w", id, c, err)
		}
	}
	slices.SortFunc(recs, func(a, b call.Record) int { return a.Arrived.Compare(b.Arrived) })
	next, err := d.split(ctx, t, recs, w)
	if err != nil {
		return t, fmt.Errorf("split %s: %w", id, err)
	}
	return d.book.Ticket(ctx, next)
}

func maySplit(t Ticket, calls []call.ID) error {
	seen := make(map[call.ID]bool)
	for _, c := range calls {
		if !slices.Contains(t.Calls, c) || seen[c] {
			return fmt.Errorf("%w: call %s is not on %s, or is named twice", ErrInvalid, c, t.ID)
		}
		seen[c] = true
	}
	if len(calls) == 0 || len(calls) == len(t.Calls) {
		return fmt.Errorf("%w: of %d calls some have to go and some to stay", ErrInvalid, len(t.Calls))
	}
	return nil
}

// split writes what Split decided. Nobody writes about the calls meanwhile.
func (d *Desk) split(ctx context.Context, t Ticket, recs []call.Record, w Decision) (call.TicketID, error) {
	next, err := d.numbers.Next()
	if err != nil {
		return "", err
	}
	first := recs[0]
	var ids []call.ID
	var responded time.Time
	for _, r := range recs {
		ids = append(ids, r.ID)
		for _, talk := range r.Talks {
			if talk.Agent != "" && (responded.IsZero() || talk.Began.Before(responded)) {
				responded = talk.Began
			}
		}
	}
	now := call.Instant(time.Now())
	c := &call.Call{ID: first.ID, From: first.From, To: first.To}
	evs := []call.Event{
		call.TicketEvent(now, next, call.TicketOpened{Subject: subject(c), Caller: first.From, Client: t.Client, Test: t.Test}),
		call.TicketEvent(now, next, call.TicketSplit{From: t.ID, Calls: ids, First: first.Arrived, Responded: responded, By: w.By, Why: w.Why}),
		call.TicketEvent(now, t.ID, call.TicketParted{Into: next, Calls: ids, By: w.By, Why: w.Why}),
	}
	if !responded.IsZero() { // somebody has talked about it
		evs = append(evs, call.TicketEvent(now, next, call.TicketMoved{From: string(New), To: string(Open), By: w.By, Why: w.Why}))
	}
	for _, id := range ids {
		evs = append(evs, call.CallEvent(now, id, call.Filed{Ticket: next, From: t.ID, By: w.By, Why: w.Why}))
	}
	d.moves.Lock()
	defer d.moves.Unlock()
	if err := d.journal.Append(ctx, evs...); err != nil {
		return "", err
	}
	d.Learn(evs...)
	d.problems.split(ids, next)
	return next, nil
}

// Decline says that a ticket which was proposed is of another problem.
func (d *Desk) Decline(ctx context.Context, id, other call.TicketID, w Decision) (Ticket, error) {
	d.edits.Lock()
	defer d.edits.Unlock()
	t, err := d.decided(ctx, id, w)
	if err == nil && !slices.ContainsFunc(t.Proposed, func(p Proposal) bool { return p.Other == other }) {
		err = fmt.Errorf("%w: %s is not proposed", ErrInvalid, other)
	}
	if err == nil {
		err = d.journal.Append(ctx, call.TicketEvent(time.Now(), id, call.TicketProposalDeclined{Other: other, By: w.By}))
	}
	if err != nil {
		return t, fmt.Errorf("decline %s on %s: %w", other, id, err)
	}
	return d.book.Ticket(ctx, id)
}

// Identify says by a person's word who the customer of a ticket is.
func (d *Desk) Identify(ctx context.Context, id call.TicketID, c call.CustomerID, w Decision) (Ticket, error) {
	d.edits.Lock()
	defer d.edits.Unlock()
	t, err := d.decided(ctx, id, w)
	if err != nil {
		return t, fmt.Errorf("customer of %s: %w", id, err)
	}
	ev := call.TicketEvent(time.Now(), id, call.TicketIdentified{Customer: c, Level: levelAgent, Evidence: w.Why, By: w.By})
	if err := d.journal.Append(ctx, ev); err != nil {
		return t, fmt.Errorf("customer of %s: %w", id, err)
	}
	d.Learn(ev)
	return d.book.Ticket(ctx, id)
}
