package intake

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"go.uber.org/zap"

	"firstline/call"
	"firstline/tickets"
	"firstline/tickets/clock"
	"firstline/tickets/oncall"
)

// pagedTickets is the desk of tickets as a pager needs it: tickets.Desk, and the book.
type pagedTickets interface {
	Ticket(ctx context.Context, id call.TicketID) (tickets.Ticket, error)
	BeginPage(ctx context.Context, id call.TicketID, b call.PageBegan) (tickets.Ticket, error)
	StepPage(ctx context.Context, id call.TicketID, b call.Body, besides ...call.Event) (tickets.Ticket, error)
	AcceptPage(ctx context.Context, id call.TicketID, page string, person call.AgentID, c call.ID, besides ...call.Event) (tickets.Ticket, error)
}

// PagerConfig is what a Pager needs; all of it is required.
type PagerConfig struct {
	Tickets   pagedTickets
	Plan      func() oncall.Plan
	Overrides func(at time.Time) []oncall.Override
	// Default is the priority of a client's tickets that have none yet; 0 for none.
	Default func(client string) int
	Save    func(ctx context.Context, global int64, open []byte) error // how far the journal is read
	Log     *zap.Logger
}

// Pager phones people for urgent tickets. It reads the journal: what makes a ticket
// urgent, who has taken it meanwhile, and which searches go on. One goroutine serves
// one search, so never more than one phone rings for a ticket.
type Pager struct {
	PagerConfig
	d *Desk

	mu    sync.Mutex // guards what follows
	open  map[call.TicketID]*search
	busy  map[call.AgentID]bool // who is phoned just now
	saved time.Time
	wg    sync.WaitGroup
}

// search is one that goes on.
type search struct {
	page   string
	cancel context.CancelCauseFunc // nil until it is served
}

// NewPager returns a pager that phones by a desk's switch, queue and policy.
func NewPager(d *Desk, cfg PagerConfig) *Pager {
	return &Pager{PagerConfig: cfg, d: d, open: map[call.TicketID]*search{}, busy: map[call.AgentID]bool{}}
}

// Journal is read from where the last process has left it.
type cursor interface {
	Next(ctx context.Context) ([]call.Event, error)
}

// saveEvery is how often it is kept how far the journal is read: what follows is read
// again after a crash, which begins no search twice.
const saveEvery = 10 * time.Second

// Run reads the journal until ctx ends, from behind the event at, up to which open was
// kept. The searches that the last process left go on when everything up to the event
// upTo is read.
func (p *Pager) Run(ctx context.Context, journal cursor, open []byte, at, upTo int64) error {
	defer p.wg.Wait()
	if err := p.resume(open); err != nil {
		return err
	}
	caughtUp := false
	for {
		if !caughtUp && at >= upTo {
			caughtUp = true
			p.serveAll(ctx)
		}
		evs, err := journal.Next(ctx)
		if err != nil {
			if ctx.Err() != nil {
				return nil
			}
			return fmt.Errorf("pager: %w", err)
		}
		for _, e := range evs {
			if e.Stream.Kind == call.StreamTicket {
				p.heed(ctx, e, caughtUp)
			}
			at = e.Global
		}
		p.save(ctx, at)
	}
}

func (p *Pager) resume(open []byte) error {
	if len(open) == 0 {
		return nil
	}
	pages := map[call.TicketID]string{}
	if err := json.Unmarshal(open, &pages); err != nil {
		return fmt.Errorf("pager: what the last process left: %w", err)
	}
	for t, page := range pages {
		p.open[t] = &search{page: page}
	}
	return nil
}

func (p *Pager) save(ctx context.Context, at int64) {
	if time.Since(p.saved) < saveEvery {
		return
	}
	p.mu.Lock()
	pages := map[call.TicketID]string{}
	for t, s := range p.open {
		pages[t] = s.page
	}
	p.mu.Unlock()
	b, err := json.Marshal(pages)
	if err == nil {
		err = p.Save(ctx, at, b)
	}
	if err != nil {
		p.Log.Warn("it is not kept how far the journal is read", zap.Error(err))
		return
	}
	p.saved = time.Now()
}

// heed takes note of an event of a ticket.
func (p *Pager) heed(ctx context.Context, e call.Event, caughtUp bool) {
	id := call.TicketID(e.Stream.ID)
	switch b := e.Body.(type) {
	case call.PageBegan:
		p.mu.Lock()
		p.open[id] = &search{page: b.Page}
		p.mu.Unlock()
		if caughtUp {
			p.serve(ctx, id)
		}
	case call.PageEnded:
		p.over(id, b)
	case call.TicketTaken:
		p.taken(ctx, id, "agent:"+string(b.Agent), "somebody talks to the customer")
	case call.TicketAssigned:
		if b.Handler != "" {
			p.taken(ctx, id, b.By, "it has a handler")
		}
	case call.TicketMoved:
		to := tickets.State(b.To)
		if to.Over() || to.Waits() {
			p.taken(ctx, id, b.By, "it is "+b.To)
		} else if tickets.State(b.From).Over() {
			p.judge(ctx, id, oncall.Facts{Trigger: oncall.Graded})
		}
	case call.TicketOpened:
		f := oncall.Facts{Trigger: oncall.Graded, Client: b.Client, Priority: p.Default(b.Client)}
		if !b.Test && p.Plan().Urgent(f, time.Now()) > 0 { // most are not: they need no look at the ticket
			p.judge(ctx, id, f)
		}
	case call.TicketClassified:
		p.judge(ctx, id, oncall.Facts{Trigger: oncall.Graded})
	case call.TicketWarned:
		f := oncall.Facts{Trigger: oncall.Warned, Clock: clock.Kind(b.Clock)}
		if b.Percent >= 100 {
			f.Trigger = oncall.Breached
		}
		p.judge(ctx, id, f)
	}
}

// judge begins a search when a ticket is urgent by what has happened to it.
func (p *Pager) judge(ctx context.Context, id call.TicketID, f oncall.Facts) {
	plan := p.Plan()
	if len(plan.Rules) == 0 {
		return
	}
	t, err := p.Tickets.Ticket(ctx, id)
	if err != nil {
		p.Log.Error("nobody can say whether a ticket is urgent", zap.String("ticket", string(id)), zap.Error(err))
		return
	}
	if t.Test || t.State.Over() || t.Class.Kind == tickets.NotTechnical {
		return
	}
	f.Client, f.Service, f.Kind, f.Priority = t.Client, t.Class.Service, t.Class.Kind, t.Class.Priority
	if f.Priority == 0 {
		f.Priority = p.Default(t.Client)
	}
	n := plan.Urgent(f, time.Now())
	if n == 0 {
		return
	}
	cause := string(f.Trigger)
	if f.Clock != "" {
		cause += " " + string(f.Clock)
	}
	if again := reopened(t); again > 0 {
		cause = fmt.Sprintf("%s, reopened %d", cause, again)
	}
	_, err = p.Begin(ctx, id, plan.Rules[n-1].Ladder, cause, "system", fmt.Sprintf("urgent rule %d", n))
	if err != nil && !errors.Is(err, tickets.ErrPage) {
		p.Log.Error("nobody is phoned for an urgent ticket", zap.String("ticket", string(id)), zap.Error(err))
	}
}

// reopened counts how often a ticket was opened again.
func reopened(t tickets.Ticket) (n int) {
	for _, m := range t.Moments {
		if m.Mark == clock.Reopened {
			n++
		}
	}
	return n
}

// Begin begins a search along a ladder, or through a group; by hand, or for a cause for
// which there was none. tickets.ErrPage, tickets.ErrInvalid, oncall.ErrUnknown.
func (p *Pager) Begin(ctx context.Context, id call.TicketID, ladder, cause, by, why string) (tickets.Ticket, error) {
	if _, ok := p.Plan().Ladder(ladder); !ok {
		return tickets.Ticket{}, fmt.Errorf("%w: there is no ladder %q", oncall.ErrUnknown, ladder)
	}
	return p.Tickets.BeginPage(ctx, id, call.PageBegan{Page: call.NewUUID(time.Now()), Ladder: ladder, Cause: cause, By: by, Why: why})
}

// Cancel ends the search that goes on for a ticket. tickets.ErrPage when none does.
func (p *Pager) Cancel(ctx context.Context, id call.TicketID, by, why string) (tickets.Ticket, error) {
	t, err := p.Tickets.Ticket(ctx, id)
	if err != nil {
		return t, err
	}
	page := t.Paging()
	if page == nil {
		return t, fmt.Errorf("%s: %w", id, tickets.ErrPage)
	}
	return p.Tickets.StepPage(ctx, id, call.PageEnded{Page: page.ID, End: call.PageCancelled, By: by, Why: why})
}

// taken ends the search of a ticket that needs nobody any more.
func (p *Pager) taken(ctx context.Context, id call.TicketID, by, why string) {
	p.mu.Lock()
	s := p.open[id]
	p.mu.Unlock()
	if s == nil {
		return
	}
	_, err := p.Tickets.StepPage(ctx, id, call.PageEnded{Page: s.page, End: call.PageCancelled, By: by, Why: why})
	if err != nil && !errors.Is(err, tickets.ErrPage) {
		p.Log.Error("a search goes on that needs nobody", zap.String("ticket", string(id)), zap.Error(err))
	}
}

// over forgets a search that has ended, and stops the phone that rings for it.
func (p *Pager) over(id call.TicketID, b call.PageEnded) {
	p.mu.Lock()
	defer p.mu.Unlock()
	s := p.open[id]
	if s == nil || s.page != b.Page {
		return
	}
	delete(p.open, id)
	if s.cancel != nil && b.End == call.PageCancelled {
		s.cancel(call.Cause{Reason: call.Completed, Text: "nobody is needed any more"})
	}
}

func (p *Pager) serveAll(ctx context.Context) {
	p.mu.Lock()
	var ids []call.TicketID
	for id := range p.open {
		ids = append(ids, id)
	}
	p.mu.Unlock()
	slices.Sort(ids)
	for _, id := range ids {
		p.serve(ctx, id)
	}
}

// serve has one goroutine go on with a ticket's search.
func (p *Pager) serve(ctx context.Context, id call.TicketID) {
	ctx, cancel := context.WithCancelCause(ctx)
	p.mu.Lock()
	s := p.open[id]
	s.cancel = cancel
	p.mu.Unlock()
	p.wg.Go(func() {
		defer cancel(nil)
		p.climb(ctx, id, s.page)
	})
}
