package incident

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"go.uber.org/zap"

	"firstline/call"
)

// Errors that callers can match.
var (
	// ErrUnknown means that no such incident is open.
	ErrUnknown = errors.New("incident: no such incident is open")
	// ErrInvalid means that what is said is refused; the text says why.
	ErrInvalid = errors.New("incident: not valid")
	// ErrExists means that one is open for the same callers.
	ErrExists = errors.New("incident: one is open for these callers")
)

// Config is what a List needs.
type Config struct {
	Journal call.Journal
	Ticket  func() (call.TicketID, error) // the next number
	Log     *zap.Logger                   // nil means none
}

// List is the known incidents. Its methods are safe for use by many goroutines.
type List struct {
	cfg Config
	log *zap.Logger

	mu  sync.Mutex // guards all, and orders the stream; held while an event is written
	all book
}

// New takes up what the stream holds; events that do not fit are left out.
func New(cfg Config, story []call.Event) *List {
	l := &List{cfg: cfg, log: cfg.Log, all: book{}}
	if l.log == nil {
		l.log = zap.NewNop()
	}
	for _, e := range story {
		if err := l.all.apply(e); err != nil {
			l.log.Error("event does not fit", zap.Int64("global", e.Global), zap.Error(err))
		}
	}
	return l
}

// Declaration is a new incident.
type Declaration struct {
	Queue   call.QueueID
	Clients []string
	Title   string
	Prompt  string
	Message call.RecordingID
	By      string
}

// Declare opens an incident and its ticket, durably: callers hear of it from now on.
// ErrInvalid, ErrExists.
func (l *List) Declare(ctx context.Context, d Declaration) (Incident, error) {
	d.Title = strings.TrimSpace(d.Title)
	if d.Title == "" || d.Queue == "" || d.By == "" {
		return Incident{}, fmt.Errorf("%w: it needs a title and a queue", ErrInvalid)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, i := range l.all {
		if i.Open() && i.Queue == d.Queue && overlap(i.Clients, d.Clients) {
			return Incident{}, fmt.Errorf("%w: %s", ErrExists, i.ID)
		}
	}
	ticket, err := l.cfg.Ticket()
	if err != nil {
		return Incident{}, fmt.Errorf("ticket of an incident: %w", err)
	}
	now := time.Now()
	id := call.IncidentID(call.NewUUID(now))
	ev := call.IncidentEvent(now, call.IncidentDeclared{
		Incident: id, Queue: d.Queue, Clients: d.Clients, Title: d.Title, Ticket: ticket, Prompt: d.Prompt, Message: d.Message, By: d.By,
	})
	opened := call.TicketEvent(now, ticket, call.TicketOpened{Subject: "Known incident: " + d.Title})
	if err := l.write(ctx, ev, opened); err != nil {
		return Incident{}, err
	}
	l.log.Info("incident declared", zap.String("incident", string(id)), zap.String("queue", string(d.Queue)), zap.String("by", d.By))
	return l.copied(id), nil
}

// overlap reports whether some client's callers are meant by both.
func overlap(a, b []string) bool {
	if len(a) == 0 || len(b) == 0 {
		return true
	}
	return slices.ContainsFunc(a, func(client string) bool { return slices.Contains(b, client) })
}

// Tell changes what callers hear: a prompt by its key, or a recording. What goes with it
// is in the same commit. ErrUnknown.
func (l *List) Tell(ctx context.Context, id call.IncidentID, prompt string, message call.RecordingID, by string, besides ...call.Event) (Incident, error) {
	return l.change(ctx, id, call.IncidentTold{Incident: id, Prompt: prompt, Message: message, By: by}, besides...)
}

// End closes an incident, says so in the tickets of those who are affected, and whom to
// tell. ErrUnknown.
func (l *List) End(ctx context.Context, id call.IncidentID, by, note string) (Incident, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	i, err := l.all.open(id)
	if err != nil {
		return Incident{}, err
	}
	now := time.Now()
	over := []call.Event{}
	for _, ticket := range i.tickets() {
		over = append(over, call.TicketEvent(now, ticket, call.TicketAffected{Incident: id, Of: i.Ticket, Over: true, By: by}))
	}
	ended := call.IncidentEnded{Incident: id, Title: i.Title, Ticket: i.Ticket, Tell: i.toTell(), By: by, Note: note}
	if err := l.write(ctx, call.IncidentEvent(now, ended), over...); err != nil {
		return Incident{}, err
	}
	return l.copied(id), nil
}

// Affect adds a caller, durably and with what goes with it: the end of the wait for an
// agent, say. ErrUnknown when the incident is over by now.
func (l *List) Affect(ctx context.Context, a call.IncidentAffected, besides ...call.Event) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	i, err := l.all.open(a.Incident)
	if err != nil {
		return err
	}
	now := time.Now()
	if a.Ticket != "" && !slices.Contains(i.tickets(), a.Ticket) {
		besides = append(besides, call.TicketEvent(now, a.Ticket, call.TicketAffected{Incident: i.ID, Of: i.Ticket, By: "caller"}))
	}
	return l.write(ctx, call.IncidentEvent(now, a), besides...)
}

func (l *List) change(ctx context.Context, id call.IncidentID, b call.Body, besides ...call.Event) (Incident, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if _, err := l.all.open(id); err != nil {
		return Incident{}, err
	}
	if err := l.write(ctx, call.IncidentEvent(time.Now(), b), besides...); err != nil {
		return Incident{}, err
	}
	return l.copied(id), nil
}

// write appends an event and folds it in; mu is held.
func (l *List) write(ctx context.Context, ev call.Event, besides ...call.Event) error {
	if err := l.cfg.Journal.Append(context.WithoutCancel(ctx), append([]call.Event{ev}, besides...)...); err != nil {
		return fmt.Errorf("incident: %w", err)
	}
	return l.all.apply(ev)
}

// For is the incident of which a queue's callers for a client are told.
func (l *List) For(q call.QueueID, client string) (Incident, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, i := range l.all {
		if i.meets(q, client) {
			return l.copied(i.ID), true
		}
	}
	return Incident{}, false
}

// Incident is one of them, open or over. ErrUnknown.
func (l *List) Incident(id call.IncidentID) (Incident, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.all[id] == nil {
		return Incident{}, fmt.Errorf("%w: %s", ErrUnknown, id)
	}
	return l.copied(id), nil
}

// All is every incident, the newest first.
func (l *List) All() []Incident {
	l.mu.Lock()
	defer l.mu.Unlock()
	var out []Incident
	for id := range l.all {
		out = append(out, l.copied(id))
	}
	slices.SortFunc(out, func(a, b Incident) int { return cmp.Compare(b.ID, a.ID) })
	return out
}

// copied is an incident as it is now; mu is held.
func (l *List) copied(id call.IncidentID) Incident {
	i := *l.all[id]
	i.Affected = slices.Clone(i.Affected)
	return i
}
