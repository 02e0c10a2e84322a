package connect

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"firstline/call"
)

// The types of what people are told.
const (
	NoticeTicket Type = "notice.ticket" // the number of their ticket, once it is known what it is
	NoticeOutage Type = "notice.outage" // we know, and they will hear of the end
	NoticeFixed  Type = "notice.fixed"  // it is over
)

// noticeCap is how many messages one person gets within a day.
const noticeCap = 5

// People keeps who does not want to be told.
type People interface {
	OptOut(ctx context.Context, address, how string) error
	OptedOut(ctx context.Context, address string) (bool, error)
	Deliveries(ctx context.Context, f DeliveryFilter) ([]Delivery, error)
}

// noticePlanner plans what the people behind tickets are told, under their number.
type noticePlanner struct{ *planner }

// NewNoticePlanner is a planner for people. Outages are told of unless the endpoint
// names its types.
func NewNoticePlanner(ctx context.Context, p Endpoint, cursor int64, stories Stories) (Planner, error) {
	if len(p.Types) == 0 {
		p.Types = []string{string(NoticeOutage), string(NoticeFixed)}
	}
	known, err := knownAt(ctx, stories, cursor)
	return noticePlanner{&planner{endpoint: p, stories: stories, url: func(call.TicketID) string { return "" }, known: known}}, err
}

// Plan implements Planner.
func (p noticePlanner) Plan(ctx context.Context, e call.Event) ([]Delivery, error) {
	switch x := e.Body.(type) {
	case call.TicketClassified:
		if !p.endpoint.wants(NoticeTicket) {
			return nil, nil
		}
		return p.classified(ctx, e)
	case call.IncidentAffected:
		f, err := p.person(ctx, e, x.Ticket)
		if err != nil {
			return nil, err
		}
		p.known.apply(e)
		return p.tell(e, NoticeOutage, f, x.Incident, x.Number)
	case call.IncidentDeclared:
		p.known.apply(e)
	case call.IncidentEnded:
		return p.ended(ctx, e, x.Incident)
	}
	return nil, nil
}

// person is the ticket of somebody, as of an event that the store has.
func (p noticePlanner) person(ctx context.Context, e call.Event, id call.TicketID) (*file, error) {
	if err := p.stored(ctx, e); err != nil {
		return nil, err
	}
	return p.file(ctx, id, 1<<62, e.Global)
}

func (p noticePlanner) classified(ctx context.Context, e call.Event) ([]Delivery, error) {
	f, err := p.person(ctx, e, call.TicketID(e.Stream.ID))
	if err != nil || f.classified != e.Global { // once
		return nil, err
	}
	return p.tell(e, NoticeTicket, f, "", f.Caller.Number)
}

// ended tells each who is affected once, however often they phoned.
func (p noticePlanner) ended(ctx context.Context, e call.Event, id call.IncidentID) ([]Delivery, error) {
	var out []Delivery
	told := make(map[string]bool)
	for _, a := range p.known.affected(id) {
		f, err := p.person(ctx, e, a.ticket)
		if err != nil {
			return nil, err
		}
		if told[a.number] {
			continue
		}
		ds, err := p.tell(e, NoticeFixed, f, id, a.number)
		if err != nil {
			return nil, err
		}
		told[a.number] = len(ds) > 0
		out = append(out, ds...)
	}
	p.known.apply(e)
	return out, nil
}

// tell is a message to one number; nothing where nobody may or can be told.
func (p noticePlanner) tell(e call.Event, t Type, f *file, incident call.IncidentID, number string) ([]Delivery, error) {
	if !p.endpoint.wants(t) || !mobile(number) || f.ID == "" || f.Test || !p.endpoint.meant(f.Client) {
		return nil, nil
	}
	m := Message{Type: t, At: e.At, Data: Data{Sequence: e.Global, To: number, Ticket: p.view(f)}}
	if i, ok := p.known.byID[incident]; ok {
		m.Data.Incident = &i
	}
	d, err := p.endpoint.delivery(e, number, number, m)
	return []Delivery{d}, err
}

// mobile reports whether a number is one that can be written to: E.164.
func mobile(number string) bool {
	digits, plus := strings.CutPrefix(number, "+")
	return plus && len(digits) >= 7 && len(digits) <= 15 && strings.Trim(digits, "0123456789") == ""
}

// texts are what people are told, by language and type. %s is the ticket's number.
func texts() map[string]map[Type]string {
	return map[string]map[Type]string{
		"en": {
			NoticeTicket: "We have noted your problem under the number %s.",
			NoticeOutage: "We know of this outage and are working on it. Your number is %s. We will write when it is over.",
			NoticeFixed:  "The outage that you reported under %s is over.",
		},
		"de": {
			NoticeTicket: "Wir haben Ihr Anliegen unter der Nummer %s aufgenommen.",
			NoticeOutage: "Die Störung ist uns bekannt, wir arbeiten daran. Ihre Nummer ist %s. Wir schreiben, wenn sie behoben ist.",
			NoticeFixed:  "Die Störung, die Sie unter %s gemeldet haben, ist behoben.",
		},
	}
}

// LanguageSetting is the setting that says in which language people are told.
const LanguageSetting = "language"

// Texter sends a text to a number.
type Texter interface {
	Text(ctx context.Context, to, text string) Result
}

// notices tells people, who may not want it.
type notices struct {
	people   People
	texter   Texter
	endpoint Endpoint
}

// NewNotices is a sender of notices.
func NewNotices(p Endpoint, people People, t Texter) (Sender, error) {
	if l := p.Settings[LanguageSetting]; l != "" && texts()[l] == nil {
		return nil, fmt.Errorf("%w: there are no texts in %q; there are de, en", ErrInvalid, l)
	}
	return &notices{people: people, texter: t, endpoint: p}, nil
}

// Send implements Sender.
func (n *notices) Send(ctx context.Context, d Delivery) Result {
	var m Message
	if err := json.Unmarshal(d.Payload, &m); err != nil {
		return Result{Verdict: Refused, Detail: "the message cannot be read"}
	}
	if m.Type == Ping {
		return Result{Verdict: Taken, Detail: "nothing to try without a number"}
	}
	out, err := n.people.OptedOut(ctx, m.Data.To)
	switch {
	case err != nil:
		return Result{Verdict: Again, Detail: "who does not want to be told cannot be read now"}
	case out:
		return Result{Verdict: Taken, Detail: "not sent: this person does not want to be told"}
	}
	if full, err := n.full(ctx, m.Data.To); err != nil || full {
		if err != nil {
			return Result{Verdict: Again, Detail: "what was sent before cannot be read now"}
		}
		return Result{Verdict: Refused, Detail: fmt.Sprintf("not sent: %d messages to this person within a day", noticeCap)}
	}
	language := n.endpoint.Settings[LanguageSetting]
	if language == "" {
		language = "en"
	}
	return n.texter.Text(ctx, m.Data.To, fmt.Sprintf(texts()[language][m.Type], m.Data.Ticket.ID))
}

// full reports whether a person has had as many messages as they get in a day.
func (n *notices) full(ctx context.Context, to string) (bool, error) {
	ds, err := n.people.Deliveries(ctx, DeliveryFilter{Endpoint: n.endpoint.ID, Key: to, State: Delivered, Limit: noticeCap})
	day := time.Now().Add(-24 * time.Hour)
	ds = slices.DeleteFunc(ds, func(d Delivery) bool { return d.Ended.Before(day) })
	return len(ds) >= noticeCap, err
}

// Stop takes in what a person answered to a message: STOP, and its like, ends them.
// It reports whether it was that.
func Stop(ctx context.Context, people People, body []byte) (bool, error) {
	var m struct {
		From string `json:"from"`
		Text string `json:"text"`
	}
	if err := json.Unmarshal(body, &m); err != nil || !mobile(m.From) {
		return false, fmt.Errorf("%w: the body is no JSON with from and text", ErrInvalid)
	}
	word := strings.ToUpper(strings.Trim(strings.TrimSpace(m.Text), ".!"))
	if !slices.Contains([]string{"STOP", "STOPP", "END", "UNSUBSCRIBE", "CANCEL", "QUIT"}, word) {
		return false, nil
	}
	return true, people.OptOut(ctx, m.From, word)
}
