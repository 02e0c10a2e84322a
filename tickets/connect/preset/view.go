package preset

import (
	"strings"
	"time"

	"firstline/call"
	"firstline/tickets/connect"
)

// View is what templates are given.
type View struct {
	connect.Message
	Ref      call.TicketLinked // where the system keeps the ticket; empty before it does
	External string            // our id for it: to be found by
	Set      map[string]string // settings of the endpoint
	To, Text string            // of a text to a number
	secrets  map[string]string
}

// Title is the ticket's subject, or the incident's.
func (v View) Title() string {
	switch {
	case v.Data.Incident != nil:
		return v.Data.Incident.Title
	case v.Data.Ticket != nil:
		return v.Data.Ticket.Subject
	}
	return string(v.Type)
}

// Story is what there is to tell of the ticket, line by line.
func (v View) Story() string {
	var b strings.Builder
	line := func(name, value string) {
		if value = strings.Join(strings.Fields(value), " "); value != "" { // a name of two lines makes no line of its own
			b.WriteString(name + ": " + value + "\n")
		}
	}
	if i := v.Data.Incident; i != nil {
		line("Incident", i.Title)
		line("Note", i.Note)
	}
	if t := v.Data.Ticket; t != nil {
		line("Ticket", string(t.ID))
		line("Caller", strings.TrimSpace(t.Caller.Name+" "+t.Caller.Number))
		line("Client", t.Client)
		line("Kind", t.Class.Kind)
		line("Service", t.Class.Service)
		line("Severity", t.Class.Severity)
		line("See", t.URL)
		for _, n := range t.Notes {
			b.WriteString("\n" + n + "\n")
		}
	}
	return strings.TrimSpace(b.String())
}

// Priority is the ticket's: 1 to 5, or 0 when nobody has said it. An incident's is 1.
func (v View) Priority() int {
	switch {
	case v.Data.Ticket != nil && v.Data.Ticket.Class.Priority > 0:
		return v.Data.Ticket.Class.Priority
	case v.Data.Incident != nil:
		return 1
	}
	return 0
}

// Over reports whether the ticket or the incident has ended.
func (v View) Over() bool {
	return v.Data.Incident != nil && v.Data.Incident.Over || v.Data.Ticket != nil && v.Data.Ticket.Over
}

// Severity is in PagerDuty's words.
func (v View) Severity() string {
	return []string{"warning", "critical", "error", "warning", "info", "info"}[min(5, max(0, v.Priority()))]
}

// CallEvent is the call's event in Zammad's words.
func (v View) CallEvent() string {
	return map[connect.Type]string{connect.CallReceived: "newCall", connect.CallAnswered: "answer", connect.CallEnded: "hangup"}[v.Type]
}

// Hangup is why the call ended, in Zammad's words.
func (v View) Hangup() string {
	c := v.Data.Call
	if c == nil {
		return ""
	}
	switch {
	case c.Agent != "":
		return "normalClearing"
	case c.Outcome == call.OutcomeAbandoned:
		return "cancel"
	}
	return "noAnswer"
}

// examples are views by which the templates of a request are tried.
func examples(request string) []View {
	at := time.Unix(0, 0).UTC()
	ticket := &connect.TicketView{ID: "T-1", Subject: "s", Notes: []string{"n"}}
	ref := call.TicketLinked{ID: "1", Key: "K-1"}
	switch request {
	case "call":
		v := &connect.CallView{ID: "c", From: call.Party{Number: "+491"}, To: call.Party{Number: "+492"}}
		return []View{{Message: connect.Message{Type: connect.CallReceived, At: at, Data: connect.Data{Call: v}}}, {Message: connect.Message{Type: connect.CallEnded, At: at, Data: connect.Data{Call: v}}}}
	case "send":
		return []View{{To: "+491", Text: "t"}}
	case "ping":
		return []View{{Message: connect.Message{Type: connect.Ping, At: at}}}
	case "note":
		return []View{{Message: connect.Message{Type: connect.TicketNoted, At: at, Data: connect.Data{Ticket: ticket, Note: &connect.NoteView{Author: "a", Text: "t"}}}, Ref: ref, External: "T-1"}}
	}
	incident := &connect.IncidentView{ID: "i", Title: "t", Ticket: "T-1"}
	return []View{
		{Message: connect.Message{Type: connect.TicketCreated, At: at, Data: connect.Data{Ticket: ticket}}, Ref: ref, External: "T-1"},
		{Message: connect.Message{Type: connect.IncidentEnded, At: at, Data: connect.Data{Ticket: ticket, Incident: incident}}, Ref: ref, External: "T-1"},
	}
}
