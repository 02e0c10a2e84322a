package webtest

import (
	"context"
	"time"

	"firstline/call"
	"firstline/call/wall"
	"firstline/tickets"
	"firstline/tickets/knowledge"
	"firstline/tickets/oncall"
)

// worldPager writes searches down; no phone rings.
type worldPager struct{ w *World }

func (p worldPager) desk() *tickets.Desk { return tickets.NewDesk(p.w, nil, worldTickets(p)) }

func (p worldPager) BeginPage(ctx context.Context, id call.TicketID, ladder, by, why string) (tickets.Ticket, error) {
	if _, ok := onCallPlan().Ladder(ladder); !ok {
		return tickets.Ticket{}, oncall.ErrUnknown
	}
	return p.desk().BeginPage(ctx, id, call.PageBegan{Page: call.NewUUID(time.Now()), Ladder: ladder, Cause: tickets.ByHand, By: by, Why: why})
}

func (p worldPager) CancelPage(ctx context.Context, id call.TicketID, by, why string) (tickets.Ticket, error) {
	t, err := worldTickets(p).Ticket(ctx, id)
	if err != nil {
		return t, err
	}
	page := ""
	if open := t.Paging(); open != nil {
		page = open.ID
	}
	return p.desk().StepPage(ctx, id, call.PageEnded{Page: page, End: call.PageCancelled, By: by, Why: why})
}

// onCallPlan is two who take turns, week by week.
func onCallPlan() oncall.Plan {
	return oncall.Plan{
		People: map[call.AgentID]oncall.Person{"ana": {ID: "ana", Name: "Ana Silva", Device: "2001"}, "ben": {ID: "ben", Name: "Ben Okafor", Number: "+4930777"}},
		Groups: map[string]oncall.Group{"network": {ID: "network", Name: "Network", Level: 2, Queue: "network", People: []call.AgentID{"ben", "ana"}, Ladder: "night", Within: 30 * time.Minute}},
		Schedules: map[string]oncall.Schedule{"night": {ID: "night", Name: "Nights and weekends", Zone: time.UTC, Rotation: &oncall.Rotation{
			People: []call.AgentID{"ana", "ben"}, Days: 7, First: wall.Date{Year: 2026, Month: time.January, Day: 5}, Hour: 9,
		}}},
		Ladders: map[string]oncall.Ladder{"night": {ID: "night", Name: "Night ladder", Steps: []oncall.Step{{Schedule: "night", Wait: time.Minute}, {Group: "network", Wait: time.Minute}}}},
		Rules:   []oncall.Rule{{Ladder: "night", Priority: 1}},
	}
}

// worldLevels hands tickets up and back by a real tickets.Desk.
type worldLevels struct{ w *World }

func (l worldLevels) desk() *tickets.Desk { return tickets.NewDesk(l.w, nil, worldTickets(l)) }

func (l worldLevels) Escalate(ctx context.Context, id call.TicketID, e tickets.Escalation, group string, form call.HandOver) (tickets.Ticket, error) {
	g, ok := onCallPlan().Groups[group]
	if !ok {
		return tickets.Ticket{}, tickets.ErrInvalid
	}
	return l.desk().Escalate(ctx, id, e, group, g.Level, form)
}

func (l worldLevels) Accept(ctx context.Context, id call.TicketID, e tickets.Escalation, agent call.AgentID) (tickets.Ticket, error) {
	return l.desk().Accept(ctx, id, e, agent)
}

func (l worldLevels) Return(ctx context.Context, id call.TicketID, e tickets.Escalation, why string) (tickets.Ticket, error) {
	return l.desk().Return(ctx, id, e, why)
}

func (p worldPager) EscalateCall(_ context.Context, _ call.ID, group, _ string) error {
	if _, ok := onCallPlan().Groups[group]; !ok {
		return oncall.ErrUnknown
	}
	return p.w.Reject
}

// worldArticles links articles by a real tickets.Desk.
type worldArticles struct {
	*knowledge.List
	w *World
}

func (a worldArticles) Use(ctx context.Context, id call.TicketID, article, by string) (tickets.Ticket, error) {
	return tickets.NewDesk(a.w, nil, worldTickets{a.w}).UseArticle(ctx, id, article, by)
}
