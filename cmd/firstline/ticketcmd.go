package main

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"firstline/web"
)

type ticketCommand struct {
	List     ticketList     `cmd:"" help:"Tickets, newest first."`
	Search   ticketSearch   `cmd:"" help:"Tickets that have all the words: in number, subject, notes, or the caller's name or number."`
	Show     ticketShow     `cmd:"" help:"One ticket with its clocks, notes and history."`
	Note     ticketNote     `cmd:"" help:"Add a note."`
	Move     ticketMove     `cmd:"" help:"Put a ticket into another state."`
	Classify ticketClassify `cmd:"" help:"Say what a ticket's problem is; what is not given stays."`
	Assign   ticketAssign   `cmd:"" help:"Give a ticket to an agent, or to nobody."`
}

// ticketFilter is what a list is narrowed by.
type ticketFilter struct {
	State    string    `help:"Only tickets in this state." enum:"new,open,waiting-customer,waiting-third-party,resolved,closed," default:""`
	Client   string    `help:"Only those of this client."`
	Caller   string    `help:"Only those of this number."`
	Handler  string    `help:"Only those of this agent."`
	Priority int       `help:"Only those of this priority, 1 to 5."`
	From     time.Time `help:"Opened at this instant or later (RFC 3339)."`
	To       time.Time `help:"Opened before this instant."`
	Limit    int       `help:"At most so many." default:"50"`
	JSON     bool      `help:"Print the answers of the API, one page a line."`
	serverFlags
}

type ticketList struct{ ticketFilter }

type ticketSearch struct {
	Words []string `arg:"" help:"Words; from three letters on the beginning of one is enough."`
	ticketFilter
}

func (c *ticketList) Run(ctx context.Context, o *output) error { return c.print(ctx, o, "") }

func (c *ticketSearch) Run(ctx context.Context, o *output) error {
	return c.print(ctx, o, strings.Join(c.Words, " "))
}

func (f *ticketFilter) query(text string) url.Values {
	q := url.Values{}
	for name, value := range map[string]string{"q": text, "state": f.State, "client": f.Client, "caller": f.Caller, "handler": f.Handler} {
		if value != "" {
			q.Set(name, value)
		}
	}
	if f.Priority != 0 {
		q.Set("priority", strconv.Itoa(f.Priority))
	}
	for name, at := range map[string]time.Time{"from": f.From, "to": f.To} {
		if !at.IsZero() {
			q.Set(name, at.Format(time.RFC3339))
		}
	}
	return q
}

// print prints page after page up to the limit.
func (f *ticketFilter) print(ctx context.Context, o *output, text string) error {
	api, err := f.client()
	if err != nil {
		return err
	}
	q := f.query(text)
	table := tabwriter.NewWriter(o.out, 0, 4, 2, ' ', 0)
	for left := f.Limit; left > 0; {
		q.Set("limit", strconv.Itoa(min(left, 500)))
		var raw json.RawMessage
		if err := api.do(ctx, http.MethodGet, "/api/v1/tickets?"+q.Encode(), &raw); err != nil {
			return err
		}
		var page struct {
			Tickets []web.Ticket `json:"tickets"`
			Next    string       `json:"next"`
		}
		if err := json.Unmarshal(raw, &page); err != nil {
			return err
		}
		if f.JSON {
			fmt.Fprintf(o.out, "%s\n", raw)
		} else {
			for _, t := range page.Tickets {
				fmt.Fprintln(table, strings.Join(ticketLine(t, time.Now()), "\t"))
			}
		}
		if left -= len(page.Tickets); page.Next == "" {
			break
		}
		q.Set("cursor", page.Next)
	}
	return table.Flush()
}

func ticketLine(t web.Ticket, now time.Time) []string {
	due := ""
	if t.Due != nil {
		due = fmt.Sprintf("%s due in %v", t.Due.Clock, t.Due.At.Sub(now).Round(time.Second))
		if t.Due.Late {
			due = fmt.Sprintf("%s late by %v", t.Due.Clock, now.Sub(t.Due.At).Round(time.Second))
		}
	}
	return []string{
		string(t.ID), t.Opened.Local().Format("2006-01-02 15:04"), string(t.State), priority(t.Class.Priority), printable(t.Caller.Number),
		printable(t.Subject), string(t.Handler), due,
	}
}

func priority(p int) string {
	if p == 0 {
		return "-"
	}
	return "P" + strconv.Itoa(p)
}

// printable is text from outside for a terminal: without what would move its cursor.
func printable(text string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f || r >= 0x80 && r < 0xa0 {
			return ' '
		}
		return r
	}, text)
}

// oneTicket names a ticket of a running server.
type oneTicket struct {
	ID string `arg:"" help:"Number of the ticket: T-100001."`
	serverFlags
}

func (c *oneTicket) path(more string) string { return "/api/v1/tickets/" + url.PathEscape(c.ID) + more }

type ticketShow struct {
	JSON bool `help:"Print the API's answer."`
	oneTicket
}

func (c *ticketShow) Run(ctx context.Context, o *output) error {
	api, err := c.client()
	if err != nil {
		return err
	}
	var raw json.RawMessage
	if err := api.do(ctx, http.MethodGet, c.path(""), &raw); err != nil {
		return err
	}
	if c.JSON {
		fmt.Fprintf(o.out, "%s\n", raw)
		return nil
	}
	var t web.TicketStory
	if err := json.Unmarshal(raw, &t); err != nil {
		return err
	}
	printTicket(o.out, t)
	return nil
}

func printTicket(out io.Writer, t web.TicketStory) {
	fmt.Fprintf(out, "%s  %s\n%s, %s, opened %s, handled by %s\n", t.ID, printable(t.Subject), t.State, priority(t.Class.Priority),
		t.Opened.Local().Format(time.DateTime), cmp.Or(string(t.Handler), "nobody"))
	fmt.Fprintf(out, "caller %s %s\n", cmp.Or(printable(t.Caller.Number), "withheld"), printable(t.Caller.Name))
	for _, c := range t.Clocks {
		within := "no target"
		if c.Promised {
			within = "of " + (time.Duration(c.WithinMs) * time.Millisecond).String()
		}
		if c.Late {
			within += ", late"
		}
		fmt.Fprintf(out, "clock %s: %s, %v %s\n", c.Kind, c.State, (time.Duration(c.SpentMs) * time.Millisecond).Round(time.Second), within)
	}
	for _, n := range t.Notes {
		fmt.Fprintf(out, "note %s %s: %s\n", n.At.Local().Format(time.DateTime), printable(n.Author), printable(n.Text))
	}
	for _, h := range t.History {
		fmt.Fprintf(out, "%s %s: %s %s → %s %s\n", h.At.Local().Format(time.DateTime), printable(h.By), h.What, printable(h.From), printable(h.To), printable(h.Why))
	}
}

type ticketNote struct {
	oneTicket
	Text []string `arg:"" help:"What to note."`
}

func (c *ticketNote) Run(ctx context.Context, o *output) error {
	api, err := c.client()
	if err != nil {
		return err
	}
	if err := api.send(ctx, http.MethodPost, c.path("/notes"), map[string]string{"text": strings.Join(c.Text, " ")}, nil); err != nil {
		return err
	}
	fmt.Fprintln(o.out, "noted")
	return nil
}

// change edits the ticket as it is now.
func (c *oneTicket) change(ctx context.Context, o *output, edit func(t web.TicketStory) map[string]any) error {
	api, err := c.client()
	if err != nil {
		return err
	}
	var t web.TicketStory
	if err := api.do(ctx, http.MethodGet, c.path(""), &t); err != nil {
		return err
	}
	version := strconv.Quote(strconv.FormatInt(t.Version, 10))
	if err := api.sendIf(ctx, http.MethodPatch, c.path(""), version, edit(t), &t); err != nil {
		return err
	}
	fmt.Fprintln(o.out, strings.Join(ticketLine(t.Ticket, time.Now()), "  "))
	return nil
}

type ticketMove struct {
	oneTicket
	To  string `arg:"" help:"The state." enum:"open,waiting-customer,waiting-third-party,resolved,closed"`
	Why string `help:"Why; needed to open it again."`
}

func (c *ticketMove) Run(ctx context.Context, o *output) error {
	return c.change(ctx, o, func(web.TicketStory) map[string]any { return map[string]any{"state": c.To, "why": c.Why} })
}

type ticketAssign struct {
	oneTicket
	Agent string `arg:"" optional:"" help:"Id of the agent; nobody when left out."`
	Why   string `help:"Why."`
}

func (c *ticketAssign) Run(ctx context.Context, o *output) error {
	return c.change(ctx, o, func(web.TicketStory) map[string]any { return map[string]any{"handler": c.Agent, "why": c.Why} })
}

type ticketClassify struct {
	oneTicket
	Kind        string `help:"security-breach, technical-failure, software or not-technical."`
	Service     string `help:"One of the centre's services."`
	Category    string `help:"One of the centre's categories."`
	Affected    int    `help:"Users who have the problem." default:"-1"`
	Users       int    `help:"Users whom the customer has." default:"-1"`
	Consequence string `help:"operational, financial or reputational."`
	Severity    string `help:"low, medium, high or critical, where users are not counted."`
	Urgency     string `help:"low, medium or high."`
	Priority    int    `help:"1 to 5, against the matrix; needs --override." default:"0"`
	Override    string `help:"Why the priority is not the matrix's."`
	Why         string `help:"Why it is changed."`
}

func (c *ticketClassify) Run(ctx context.Context, o *output) error {
	return c.change(ctx, o, func(t web.TicketStory) map[string]any {
		class := t.Class
		for _, f := range []struct {
			to   *string
			said string
		}{
			{&class.Kind, c.Kind},
			{&class.Service, c.Service},
			{&class.Category, c.Category},
			{&class.Consequence, c.Consequence},
			{&class.Severity, c.Severity},
			{&class.Urgency, c.Urgency},
		} {
			*f.to = cmp.Or(f.said, *f.to)
		}
		if c.Affected >= 0 {
			class.Affected = c.Affected
		}
		if c.Users >= 0 {
			class.Users = c.Users
		}
		class.Rules = "" // the server says it
		if class.Override = cmp.Or(c.Override, class.Override); class.Override != "" {
			class.Priority = cmp.Or(c.Priority, class.Priority)
		} else {
			class.Priority = c.Priority
		}
		return map[string]any{"class": class, "why": c.Why}
	})
}
