package tickets

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"firstline/call"
)

// Limits of what people may write, in characters.
const (
	LongestNote   = 10_000
	LongestAuthor = 200
)

var (
	// ErrNotFound means that there is no such ticket.
	ErrNotFound = errors.New("no such ticket")
	// ErrInvalid means that what was written is refused; the error says why.
	ErrInvalid = errors.New("invalid")
	// ErrStale means that somebody else changed the ticket meanwhile.
	ErrStale = errors.New("changed by somebody else meanwhile")
)

// Numbers gives out ticket numbers, each once. It never waits: numbers come from
// blocks reserved beforehand. An error means that none is left.
type Numbers interface {
	Next() (call.TicketID, error)
}

// Book looks tickets up. It returns ErrNotFound for a ticket that is not there.
type Book interface {
	Ticket(ctx context.Context, id call.TicketID) (Ticket, error)
}

// Desk opens tickets and writes on them. Two edits of a ticket come one after the
// other when they are made at the same Desk.
type Desk struct {
	journal call.Journal
	numbers Numbers
	book    Book
	edits   sync.Mutex // held from the reading of a ticket until its change is durable

	joins    sync.Mutex   // held while it is decided to which ticket a call belongs
	moves    sync.RWMutex // held by who writes on the ticket of a call; wholly, to change which that is
	problems *problems
}

// NewDesk returns a desk that writes to the journal.
func NewDesk(journal call.Journal, numbers Numbers, book Book) *Desk {
	return &Desk{journal: journal, numbers: numbers, book: book, problems: newProblems()}
}

// Opening finds the ticket that a call which arrived at the instant at belongs
// to, and the events that make it so: always a new ticket, of the client whose line was
// called; it goes on in another once it is sure that it is of that (Sure, Keyed).
// Nothing is written yet. The events belong in one Append with the call's Arrived, so that
// there is never a call without a ticket or a ticket without its call.
func (d *Desk) Opening(at time.Time, c *call.Call, client string) (call.TicketID, []call.Event, error) {
	id, err := d.numbers.Next()
	if err != nil {
		return "", nil, fmt.Errorf("ticket for call %s: %w", c.ID, err)
	}
	opened := call.TicketOpened{Call: c.ID, Subject: subject(c), Caller: c.From, Client: client, Test: c.Test}
	ev := call.TicketEvent(at, id, opened)
	d.Learn(ev)
	return id, []call.Event{ev}, nil
}

func subject(c *call.Call) string {
	from := c.From.Number
	if from == "" {
		from = "a withheld number"
	}
	return "Call from " + from + " to " + c.To.Number
}

// Note writes text on a ticket in the author's name and returns when it is
// durable. ErrNotFound means that there is no such ticket, ErrInvalid that author
// or text is empty or too long; any other error, that it was not written.
func (d *Desk) Note(ctx context.Context, id call.TicketID, author, text string) error {
	author, text = strings.TrimSpace(author), strings.TrimSpace(text)
	if err := validNote(author, text); err != nil {
		return fmt.Errorf("note on %s: %w", id, err)
	}
	t, err := d.book.Ticket(ctx, id)
	if err != nil {
		return fmt.Errorf("note on %s: %w", id, err)
	}
	id, release := d.Hold("", cmp.Or(t.Into, id))
	defer release()
	now := time.Now()
	noted := call.TicketNoted{Note: call.NewUUID(now), Author: author, Text: text}
	if err := d.journal.Append(ctx, call.TicketEvent(now, id, noted)); err != nil {
		return fmt.Errorf("note on %s: %w", id, err)
	}
	return nil
}

func validNote(author, text string) error {
	switch {
	case author == "":
		return fmt.Errorf("%w: a note needs an author", ErrInvalid)
	case utf8.RuneCountInString(author) > LongestAuthor:
		return fmt.Errorf("%w: the author's name is longer than %d characters", ErrInvalid, LongestAuthor)
	case text == "":
		return fmt.Errorf("%w: the note is empty", ErrInvalid)
	case utf8.RuneCountInString(text) > LongestNote:
		return fmt.Errorf("%w: the note is longer than %d characters", ErrInvalid, LongestNote)
	}
	return nil
}
