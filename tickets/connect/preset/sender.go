package preset

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"firstline/call"
	"firstline/tickets"
	"firstline/tickets/connect"
	"firstline/tickets/connect/outgoing"
)

// Sender keeps tickets in another system. It implements connect.Sender.
type Sender struct {
	Preset   *Preset
	Client   *outgoing.Client
	Endpoint connect.Endpoint
	Secrets  map[string]string
	Stories  connect.Stories
}

// Send implements connect.Sender.
func (s *Sender) Send(ctx context.Context, d connect.Delivery) connect.Result {
	var m connect.Message
	if err := json.Unmarshal(d.Payload, &m); err != nil {
		return connect.Result{Verdict: connect.Refused, Detail: "the message cannot be read"}
	}
	v := View{Message: m, External: d.Key, Set: s.Endpoint.Settings}
	switch {
	case m.Type == connect.Ping:
		return s.tell(ctx, s.Preset.Ping, v)
	case m.Data.Call != nil:
		return s.tell(ctx, s.Preset.Call, v)
	}
	link, known, err := s.link(ctx, call.TicketID(d.Key))
	switch {
	case err != nil:
		return connect.Result{Verdict: connect.Again, Detail: "the ticket cannot be read now"}
	case !known:
		return s.create(ctx, v)
	}
	v.Ref = link
	return s.tell(ctx, s.verb(v), v)
}

// verb is the request that a message is for.
func (s *Sender) verb(v View) *Request {
	switch {
	case v.Type == connect.TicketNoted:
		return s.Preset.Note
	case v.Over() && s.Preset.End != nil:
		return s.Preset.End
	}
	return s.Preset.Update
}

// link is under which id the system keeps a ticket, as the ticket's own story says.
func (s *Sender) link(ctx context.Context, id call.TicketID) (l call.TicketLinked, known bool, err error) {
	var t tickets.Ticket
	for seq := int64(0); ; {
		evs, err := s.Stories.Story(ctx, call.Stream{Kind: call.StreamTicket, ID: string(id)}, seq, 1000)
		if err != nil {
			return l, false, err
		}
		for _, e := range evs {
			_ = t.Apply(e) // one that does not fit is left out, as in the store
			seq = e.Seq
		}
		if len(evs) < 1000 {
			break
		}
	}
	for _, x := range t.Links {
		if x.Endpoint == s.Endpoint.ID {
			return x, true, nil
		}
	}
	return l, false, nil
}

// create makes the ticket there, unless an earlier try has made it already.
func (s *Sender) create(ctx context.Context, v View) connect.Result {
	if s.Preset.Create == nil {
		return connect.Result{Verdict: connect.Taken, Detail: "nothing to tell"}
	}
	if s.Preset.Find != nil {
		r, a := s.ask(ctx, s.Preset.Find, v)
		if r.Verdict != connect.Taken {
			r.Detail = "looking for it: " + r.Detail
			return r
		}
		if l := s.Preset.Find.read(a, v); l != nil {
			return s.end(ctx, v, *l)
		}
	}
	r, a := s.ask(ctx, s.Preset.Create, v)
	if r.Verdict != connect.Taken {
		return r
	}
	l := s.Preset.Create.read(a, v)
	if l == nil {
		if s.Preset.Create.ID == "" {
			return r
		}
		return connect.Result{Verdict: connect.Again, Detail: "the answer holds no id of the ticket"}
	}
	return s.end(ctx, v, *l)
}

// end tells the end of a ticket that had ended when it came to be known there.
func (s *Sender) end(ctx context.Context, v View, l call.TicketLinked) connect.Result {
	v.Ref = l
	r := connect.Result{Verdict: connect.Taken, Detail: "kept as " + connect.Trim(l.ID)}
	if v.Over() && s.Preset.End != nil {
		r = s.tell(ctx, s.Preset.End, v)
	}
	r.Link = &l
	return r
}

// tell asks what need not be answered but well; nil is nothing.
func (s *Sender) tell(ctx context.Context, q *Request, v View) connect.Result {
	if q == nil {
		return connect.Result{Verdict: connect.Taken, Detail: "nothing to tell"}
	}
	r, _ := s.ask(ctx, q, v)
	return r
}

func (s *Sender) ask(ctx context.Context, q *Request, v View) (connect.Result, outgoing.Answer) {
	req, err := s.Preset.Fill(q, s.Endpoint.URL, v, s.Secrets)
	switch {
	case errors.Is(err, errNothing):
		return connect.Result{Verdict: connect.Taken, Detail: "nothing to tell"}, outgoing.Answer{}
	case err != nil:
		return connect.Result{Verdict: connect.Refused, Detail: connect.Trim(err.Error())}, outgoing.Answer{}
	}
	a, err := s.Client.Do(req.WithContext(ctx))
	if err != nil {
		return connect.Failed(err), a
	}
	return judge(a), a
}

// judge says what becomes of a message: what the system finds wrong with it will not
// become right by sending it again; what it finds wrong with us, a person has to mend.
func judge(a outgoing.Answer) connect.Result {
	r := connect.Result{Verdict: connect.Again, Detail: connect.StatusText(a.Status), After: a.RetryAfter}
	switch {
	case a.Status/100 == 2:
		r.Verdict = connect.Taken
		return r
	case a.Status == http.StatusGone:
		r.Verdict = connect.Gone
	case a.Status == http.StatusBadRequest, a.Status == http.StatusNotFound, a.Status == http.StatusRequestEntityTooLarge, a.Status == http.StatusUnprocessableEntity:
		r.Verdict = connect.Refused
	default:
		r.Wide = a.Status != http.StatusConflict
	}
	if text := strings.TrimSpace(string(a.Body)); text != "" {
		r.Detail = connect.Trim(r.Detail + ": " + text)
	}
	return r
}

// read finds the remote ticket in an answer; nil when it holds none.
func (q *Request) read(a outgoing.Answer, v View) *call.TicketLinked {
	var tree any
	dec := json.NewDecoder(strings.NewReader(string(a.Body)))
	dec.UseNumber() // ids are long
	if q.ID == "" || dec.Decode(&tree) != nil {
		return nil
	}
	l := call.TicketLinked{ID: point(tree, q.ID), Key: point(tree, q.Key)}
	if l.ID == "" || len(l.ID) > 200 {
		return nil
	}
	v.Ref = l
	if page, err := fill(q.Link, v); err == nil && (strings.HasPrefix(page, "https://") || strings.HasPrefix(page, "http://")) {
		l.URL = page
	}
	l.Key = connect.Trim(l.Key)
	return &l
}

// point follows a JSON pointer to a text or a number (RFC 6901).
func point(tree any, pointer string) string {
	if pointer == "" {
		return ""
	}
	for step := range strings.SplitSeq(strings.TrimPrefix(pointer, "/"), "/") {
		step = strings.NewReplacer("~1", "/", "~0", "~").Replace(step)
		switch x := tree.(type) {
		case map[string]any:
			tree = x[step]
		case []any:
			i, err := strconv.Atoi(step)
			if err != nil || i < 0 || i >= len(x) {
				return ""
			}
			tree = x[i]
		default:
			return ""
		}
	}
	switch x := tree.(type) {
	case string:
		return x
	case json.Number:
		return x.String()
	}
	return ""
}

// Book is the presets that there are, for connect.Ways.
type Book struct {
	All     map[string]*Preset
	Client  *outgoing.Client
	Stories connect.Stories
}

var _ connect.Presets = (*Book)(nil)

// Check implements connect.Presets.
func (b *Book) Check(s call.EndpointSet) error {
	p := b.All[s.Preset]
	if p == nil {
		return fmt.Errorf("%w: there is no preset %q; there are %s", connect.ErrInvalid, s.Preset, strings.Join(slices.Sorted(maps.Keys(b.All)), ", "))
	}
	if missing := p.Missing(s.Settings); len(missing) > 0 {
		return fmt.Errorf("%w: the preset %s needs the settings %s", connect.ErrInvalid, s.Preset, strings.Join(missing, ", "))
	}
	for name := range s.Settings {
		if _, ok := p.Settings[name]; !ok {
			return fmt.Errorf("%w: the preset %s has no setting %q", connect.ErrInvalid, s.Preset, name)
		}
	}
	if sms := connect.Kind(s.Kind) == connect.SMS; sms != (p.Send != nil) {
		return fmt.Errorf("%w: the preset %s is not for endpoints of kind %s", connect.ErrInvalid, s.Preset, s.Kind)
	}
	if s.URL == "" && p.URL == "" {
		return fmt.Errorf("%w: it needs the address of the system", connect.ErrInvalid)
	}
	return nil
}

// Types implements connect.Presets.
func (b *Book) Types(preset string) []string {
	if p := b.All[preset]; p != nil {
		return p.Types
	}
	return nil
}

// Sender implements connect.Presets.
func (b *Book) Sender(e connect.Endpoint, secrets map[string]string) (connect.Sender, error) {
	if err := b.Check(e.EndpointSet); err != nil {
		return nil, err
	}
	p := b.All[e.Preset]
	for name := range p.Secrets {
		if secrets[name] == "" {
			return nil, fmt.Errorf("%w: the secret %s is not given yet", connect.ErrInvalid, name)
		}
	}
	return &Sender{Preset: p, Client: b.Client, Endpoint: e, Secrets: secrets, Stories: b.Stories}, nil
}

// Texter implements connect.Presets.
func (b *Book) Texter(e connect.Endpoint, secrets map[string]string) (connect.Texter, error) {
	s, err := b.Sender(e, secrets)
	if err != nil {
		return nil, err
	}
	return s.(*Sender), nil
}

// Text implements connect.Texter.
func (s *Sender) Text(ctx context.Context, to, text string) connect.Result {
	return s.tell(ctx, s.Preset.Send, View{To: to, Text: text, Set: s.Endpoint.Settings})
}
