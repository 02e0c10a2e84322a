package web

import (
	"cmp"
	"context"
	"net/http"
	"slices"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"firstline/call"
	"firstline/tickets"
	"firstline/tickets/customers"
)

// Limits of a context: what fits a screen beside the call.
const (
	contextTickets = 10
	contextCalls   = 10
)

// TicketContext is what an agent wants to know before the phone rings.
type TicketContext struct {
	Ticket    call.TicketID     `json:"ticket"`
	Who       CallerContext     `json:"who"`
	Call      *Call             `json:"call,omitempty" doc:"the latest on the ticket: keys with their times, never secret ones, waits and offers"`
	Open      []TicketBrief     `json:"open" doc:"other open tickets of the customer, or from the number"`
	Proposed  []TicketProposal  `json:"proposed" doc:"of them, those that may be of the same problem: an agent decides"`
	Lately    []CallBrief       `json:"lately" doc:"calls before, newest first"`
	Incidents []Incident        `json:"incidents" doc:"known and not over, on the services concerned"`
	Services  []call.Service    `json:"services" doc:"that the customer's company takes"`
	Assets    []call.Asset      `json:"assets" doc:"that the customer uses"`
	Facts     map[string]string `json:"facts,omitempty" doc:"what another system said of the caller"`
	Notes     []Note            `json:"notes" doc:"oldest first"`
}

// CallerContext is who calls, and how sure that is.
type CallerContext struct {
	Number     string          `json:"number,omitempty" doc:"E.164; absent when withheld"`
	Name       string          `json:"name,omitempty" doc:"the customer's, else as the line signals it"`
	Level      string          `json:"level" doc:"unknown, maybe, known, said, verified, or agent; only the last two are sure"`
	Evidence   string          `json:"evidence,omitempty"`
	Sure       bool            `json:"sure"`
	Customer   *call.Customer  `json:"customer,omitempty"`
	Company    *call.Company   `json:"company,omitempty"`
	Class      string          `json:"class,omitempty"`
	Authorised bool            `json:"authorised" doc:"may report in the company's name"`
	Entitled   bool            `json:"entitled" doc:"the company's contract runs today"`
	Candidates []CustomerBrief `json:"candidates,omitempty" doc:"who the number may be, while that is not sure"`
}

// CustomerBrief is a person in a list.
type CustomerBrief struct {
	ID      call.CustomerID `json:"id"`
	Name    string          `json:"name"`
	Company call.CompanyID  `json:"company,omitempty"`
}

// TicketBrief is a ticket in a list.
type TicketBrief struct {
	ID       call.TicketID `json:"id"`
	Subject  string        `json:"subject"`
	State    tickets.State `json:"state"`
	Priority int           `json:"priority,omitempty"`
	Handler  call.AgentID  `json:"handler,omitempty"`
	Opened   time.Time     `json:"opened"`
}

// CallBrief is a call in a list.
type CallBrief struct {
	ID      call.ID       `json:"id"`
	Ticket  call.TicketID `json:"ticket"`
	Arrived time.Time     `json:"arrived"`
	Outcome call.Outcome  `json:"outcome,omitempty"`
	Agent   call.AgentID  `json:"agent,omitempty"`
	WaitMs  int64         `json:"wait_ms"`
	TalkMs  int64         `json:"talk_ms"`
	Out     bool          `json:"out,omitempty"`
}

// callerPast looks up what callers did before.
type callerPast interface {
	// Others returns other open tickets of the same customer or number and client.
	Others(ctx context.Context, t tickets.Ticket, limit int) ([]tickets.Ticket, error)
	// Normal is a caller's number in E.164, as a client's lines have it.
	Normal(number, client string) string
}

type contextOut struct{ Body TicketContext }

func (s *Server) contextRoutes(api huma.API) {
	register(s, api, operation(http.MethodGet, "/tickets/{id}/context", "read-ticket-context",
		"Who calls, what they did, what else is open and what is known: complete before the agent's phone rings", Agent, 404), s.readContext)
}

func (s *Server) readContext(ctx context.Context, in *ticketIn) (*contextOut, error) {
	t, err := s.cfg.Tickets.Ticket(ctx, in.ID)
	if err == nil {
		t, err = s.withNotesOf(ctx, t)
	}
	if err != nil {
		return nil, err
	}
	calls, err := s.cfg.Calls.Calls(ctx, CallFilter{Ticket: t.ID, Limit: 1})
	if err != nil {
		return nil, err
	}
	now := time.Now()
	c := TicketContext{Ticket: t.ID, Who: s.whoCalls(t, now), Facts: t.Facts, Proposed: append([]TicketProposal{}, joinedView(t).Proposed...), Notes: []Note{}}
	var queues []call.QueueID
	if len(calls) > 0 {
		c.Call = new(callView(&calls[0], now))
		for _, e := range calls[0].Entries {
			queues = append(queues, e.Queue)
		}
	}
	for _, n := range t.Notes {
		c.Notes = append(c.Notes, Note(n))
	}
	s.whatTheyHave(&c, queues, t.Client)
	if err := s.whatTheyDid(ctx, &c, t); err != nil {
		return nil, err
	}
	return &contextOut{c}, nil
}

// whoCalls tells a person apart from one who may be it.
func (s *Server) whoCalls(t tickets.Ticket, now time.Time) CallerContext {
	who := CallerContext{
		Number: s.cfg.Tickets.Normal(t.Caller.Number, t.Client), Name: t.Caller.Name, Level: cmp.Or(t.Identity.Level, "unknown"),
		Evidence: t.Identity.Evidence, Sure: t.Identity.Sure(), Authorised: true, Entitled: true,
	}
	if e, err := s.cfg.Directory.Entry(customers.People, string(t.Identity.Customer)); err == nil {
		who.Customer, who.Name = e.Customer, e.Customer.Name
		standing := s.cfg.Directory.Standing(*e.Customer, now)
		who.Class, who.Authorised, who.Entitled = standing.Class, standing.Authorised, standing.Entitled
		if standing.Company.ID != "" {
			who.Company = &standing.Company
		}
		return who
	}
	for _, m := range s.cfg.Directory.ByNumber(who.Number, t.Client).Customers {
		who.Candidates = append(who.Candidates, CustomerBrief{ID: m.ID, Name: m.Name, Company: m.Company})
	}
	return who
}

// whatTheyHave is what the customer takes, and what is known to be broken of it.
func (s *Server) whatTheyHave(c *TicketContext, queues []call.QueueID, client string) {
	c.Services, c.Assets, c.Incidents = []call.Service{}, []call.Asset{}, []Incident{}
	if who := c.Who.Customer; who != nil {
		services, assets := s.cfg.Directory.Taken(*who)
		c.Services, c.Assets = append(c.Services, services...), append(c.Assets, assets...)
		for _, v := range services {
			queues = append(queues, v.Queue)
		}
	}
	for _, i := range s.cfg.Incidents.Incidents() {
		if i.Open() && slices.Contains(queues, i.Queue) && (len(i.Clients) == 0 || slices.Contains(i.Clients, client)) {
			v := incidentView(&i)
			v.Affected = []AffectedCaller{} // other callers are not this one's story
			c.Incidents = append(c.Incidents, v)
		}
	}
}

// whatTheyDid is the customer's other tickets and calls.
func (s *Server) whatTheyDid(ctx context.Context, c *TicketContext, t tickets.Ticket) error {
	others, err := s.cfg.Tickets.Others(ctx, t, contextTickets)
	if err != nil {
		return err
	}
	c.Open = []TicketBrief{}
	for _, o := range others {
		c.Open = append(c.Open, TicketBrief{ID: o.ID, Subject: o.Subject, State: o.State, Priority: o.Class.Priority, Handler: o.Handler, Opened: o.Opened})
	}
	c.Lately = []CallBrief{}
	numbers := []string{t.Caller.Number}
	if c.Who.Sure && c.Who.Customer != nil {
		numbers = append(numbers, c.Who.Customer.Numbers...)
	}
	now, seen := time.Now(), map[call.ID]bool{}
	if c.Call != nil {
		seen[c.Call.ID] = true
	}
	for _, n := range numbers {
		if n == "" {
			continue
		}
		rows, err := s.cfg.Calls.Calls(ctx, CallFilter{Number: n, Limit: contextCalls + 1})
		if err != nil {
			return err
		}
		for _, r := range rows {
			v := callView(&r, now)
			if !seen[r.ID] && v.Consult == "" {
				c.Lately = append(c.Lately, CallBrief{ID: r.ID, Ticket: r.Ticket, Arrived: r.Arrived, Outcome: r.Outcome, Agent: v.Agent, WaitMs: v.WaitMs, TalkMs: v.TalkMs, Out: r.Out})
			}
			seen[r.ID] = true
		}
	}
	slices.SortFunc(c.Lately, func(a, b CallBrief) int { return b.Arrived.Compare(a.Arrived) })
	c.Lately = c.Lately[:min(len(c.Lately), contextCalls)]
	return nil
}
