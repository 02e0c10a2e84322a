package intake

import (
	"context"
	"errors"
	"time"

	"go.uber.org/zap"

	"firstline/call"
	"firstline/tickets"
	"firstline/tickets/oncall"
)

// retryPage is how soon a step of a search is tried again that could not be written.
const retryPage = 5 * time.Second

// climb goes up a ticket's ladder until somebody accepts, all rounds are over, or ctx
// ends. Each step is in the journal before it is done.
func (p *Pager) climb(ctx context.Context, id call.TicketID, page string) {
	log := p.Log.With(zap.String("ticket", string(id)), zap.String("page", page))
	for ctx.Err() == nil {
		t, err := p.Tickets.Ticket(ctx, id)
		if err == nil {
			if now := t.Paging(); now == nil || now.ID != page {
				return
			}
			err = p.step(ctx, t, log)
		}
		if errors.Is(err, tickets.ErrPage) {
			return // over meanwhile
		}
		if err != nil && ctx.Err() == nil {
			log.Error("search", zap.Error(err))
			call.Pause(ctx, retryPage)
		}
	}
}

// step does what is next in a search: the person after this one, or the next round.
func (p *Pager) step(ctx context.Context, t tickets.Ticket, log *zap.Logger) error {
	page := *t.Paging()
	if live := page.Live(); live != nil {
		return p.interrupted(ctx, t, *live)
	}
	plan, now := p.Plan(), time.Now()
	ladder, ok := plan.Ladder(page.Ladder)
	if !ok {
		_, err := p.Tickets.StepPage(ctx, t.ID, call.PageEnded{Page: page.ID, End: call.PageExhausted, By: "system", Why: "there is no ladder " + page.Ladder + " any more"})
		return err
	}
	if rung, ok := plan.Next(ladder, page.Step, page.Phoned, now, p.Overrides(now)); ok {
		return p.phone(ctx, t, page, plan.People[rung.Person], rung, log)
	}
	if page.Round >= ladder.Rounds {
		log.Error("nobody accepts an urgent ticket", zap.Int("rounds", page.Round))
		_, err := p.Tickets.StepPage(ctx, t.ID, call.PageEnded{Page: page.ID, End: call.PageExhausted, By: "system", Why: exhausted(page)})
		return err
	}
	log.Warn("nobody accepts an urgent ticket yet", zap.Int("round", page.Round))
	if _, err := p.Tickets.StepPage(ctx, t.ID, call.PageRound{Page: page.ID, Round: page.Round, Phoned: len(page.Phoned)}); err != nil {
		return err
	}
	call.Pause(ctx, ladder.Pause)
	return nil
}

func exhausted(page tickets.Page) string {
	if len(page.Phoned) == 0 {
		return "nobody is on call"
	}
	return "nobody on the ladder accepted"
}

// interrupted ends a try that the last process began. Where legs do not outlive a
// process the phone may ring on: it is not rung again before that must be over.
func (p *Pager) interrupted(ctx context.Context, t tickets.Ticket, live tickets.Try) error {
	if !p.d.Switch.Caps().Adopt {
		call.Pause(ctx, time.Until(live.At.Add(live.Wait)))
	}
	if ctx.Err() != nil {
		return nil
	}
	p.d.Queue.TalkEnded(live.Person, live.Call, time.Now()) // for whom the last process had reserved them
	_, err := p.Tickets.StepPage(ctx, t.ID, call.PageMissed{Page: t.Paging().ID, Call: live.Call, Person: live.Person, How: call.PageInterrupted})
	return err
}

// take keeps somebody from being phoned for two tickets at once; false when they are.
func (p *Pager) take(person call.AgentID) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.busy[person] {
		return false
	}
	p.busy[person] = true
	return true
}

func (p *Pager) release(person call.AgentID) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.busy, person)
}

// phone has one person phoned, and writes what came of it.
func (p *Pager) phone(ctx context.Context, t tickets.Ticket, page tickets.Page, person oncall.Person, rung oncall.Rung, log *zap.Logger) error {
	a := &attempt{p: p, t: t, page: page, person: person, rung: rung, id: call.NewID(time.Now()), log: log.With(zap.String("agent", string(person.ID)))}
	if !p.take(person.ID) {
		return a.unrung(ctx, call.PageBusy)
	}
	defer p.release(person.ID)
	to, err := a.reserve(ctx)
	if err != nil {
		a.log.Info("not phoned", zap.Error(err))
		return a.unrung(ctx, call.PageBusy)
	}
	defer a.free()
	if to == (call.Endpoint{}) {
		return a.unrung(ctx, call.PageUnreachable)
	}
	return a.run(ctx, to)
}
