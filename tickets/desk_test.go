package tickets_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"firstline/call"
	"firstline/tickets"
	"firstline/tickets/clock"
)

// journal keeps what was appended, or refuses everything with err.
type journal struct {
	events []call.Event
	err    error
}

func (j *journal) Append(_ context.Context, evs ...call.Event) error {
	if j.err == nil {
		j.events = append(j.events, evs...)
	}
	return j.err
}

func (j *journal) Post(evs ...call.Event) { j.events = append(j.events, evs...) }

// book folds the journal, as the store does.
type book struct{ *journal }

func (b book) Ticket(_ context.Context, id call.TicketID) (tickets.Ticket, error) {
	var t tickets.Ticket
	for _, e := range b.events {
		if e.Stream == (call.Stream{Kind: call.StreamTicket, ID: string(id)}) {
			if err := t.Apply(e); err != nil {
				return t, err
			}
		}
	}
	if t.ID == "" {
		return t, tickets.ErrNotFound
	}
	return t, nil
}

type numbers []call.TicketID

func (n *numbers) Next() (call.TicketID, error) {
	if len(*n) == 0 {
		return "", errors.New("no number left")
	}
	id := (*n)[0]
	*n = (*n)[1:]
	return id, nil
}

func arrived(at time.Time) *call.Call {
	return &call.Call{
		ID: call.NewID(at), From: call.Party{Number: "+4930123", Name: "Ada"},
		To: call.Party{Number: "1000"}, Arrived: at,
	}
}

func TestOpeningWritesNothingItself(t *testing.T) {
	j := &journal{}
	d := tickets.NewDesk(j, &numbers{"T-100001"}, book{j})
	c := arrived(time.Now())
	id, evs, err := d.Opening(c.Arrived, c, "demo")
	if err != nil || id != "T-100001" || len(evs) != 1 {
		t.Fatalf("Opening: %q, %v, %v", id, evs, err)
	}
	if len(j.events) != 0 {
		t.Fatalf("the desk wrote %v by itself; intake appends it with the arrival", j.events)
	}
	var got tickets.Ticket
	if err := got.Apply(evs[0]); err != nil {
		t.Fatal(err)
	}
	want := tickets.Ticket{
		ID: "T-100001", Subject: "Call from +4930123 to 1000", State: tickets.New, Caller: c.From, Client: "demo",
		Opened: call.Instant(c.Arrived), Changed: call.Instant(c.Arrived), Calls: []call.ID{c.ID},
		Moments: []clock.Moment{{At: call.Instant(c.Arrived), Mark: clock.Opened, Grade: "0"}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestOpeningWithoutNumbersFails(t *testing.T) {
	j := &journal{}
	d := tickets.NewDesk(j, &numbers{}, book{j})
	if _, _, err := d.Opening(time.Now(), arrived(time.Now()), ""); err == nil {
		t.Error("a ticket without a number was opened")
	}
}

func TestNotesAreKeptInOrderAndTrimmed(t *testing.T) {
	j := &journal{}
	b := book{j}
	d := tickets.NewDesk(j, &numbers{"T-100001"}, b)
	c := arrived(time.Now())
	_, evs, err := d.Opening(c.Arrived, c, "demo")
	if err != nil {
		t.Fatal(err)
	}
	j.Post(evs...)
	for _, text := range []string{" router restarted \n", "caller reaches the mail again"} {
		if err := d.Note(t.Context(), "T-100001", "ana", text); err != nil {
			t.Fatal(err)
		}
	}
	got, err := b.Ticket(t.Context(), "T-100001")
	if err != nil {
		t.Fatal(err)
	}
	var texts []string
	for _, n := range got.Notes {
		texts = append(texts, n.Author+": "+n.Text)
	}
	if diff := cmp.Diff([]string{"ana: router restarted", "ana: caller reaches the mail again"}, texts); diff != "" {
		t.Error(diff)
	}
	if got.Notes[0].ID == got.Notes[1].ID {
		t.Error("two notes share an id")
	}
}

func TestNoteThatCannotBeKeptIsRefused(t *testing.T) {
	j := &journal{}
	d := tickets.NewDesk(j, &numbers{"T-100001"}, book{j})
	c := arrived(time.Now())
	_, evs, err := d.Opening(c.Arrived, c, "demo")
	if err != nil {
		t.Fatal(err)
	}
	j.Post(evs...)
	away := errors.New("neither database nor disk")
	for _, c := range []struct {
		name         string
		id           call.TicketID
		author, text string
		journal      error
		want         error
	}{
		{"no text", "T-100001", "ana", " \n\t", nil, tickets.ErrInvalid},
		{"text too long", "T-100001", "ana", strings.Repeat("ä", tickets.LongestNote+1), nil, tickets.ErrInvalid},
		{"no author", "T-100001", "", "text", nil, tickets.ErrInvalid},
		{"author too long", "T-100001", strings.Repeat("a", tickets.LongestAuthor+1), "text", nil, tickets.ErrInvalid},
		{"no such ticket", "T-999999", "ana", "text", nil, tickets.ErrNotFound},
		{"not durable", "T-100001", "ana", "text", away, away},
	} {
		t.Run(c.name, func(t *testing.T) {
			before := len(j.events)
			j.err = c.journal
			defer func() { j.err = nil }()
			if err := d.Note(t.Context(), c.id, c.author, c.text); !errors.Is(err, c.want) {
				t.Errorf("got %v, want %v", err, c.want)
			}
			if len(j.events) != before {
				t.Error("it was written all the same")
			}
		})
	}
	if err := d.Note(t.Context(), "T-100001", "ana", strings.Repeat("ä", tickets.LongestNote)); err != nil {
		t.Errorf("the longest note is refused: %v", err)
	}
}

func TestEventThatDoesNotFitATicketChangesNothing(t *testing.T) {
	at := call.Instant(time.Now())
	opened := call.TicketEvent(at, "T-100001", call.TicketOpened{Subject: "one", Call: "c1"})
	for _, c := range []struct {
		name  string
		event call.Event
	}{
		{"second opening", call.TicketEvent(at, "T-100001", call.TicketOpened{Subject: "two"})},
		{"of another kind", call.CallEvent(at, "c1", call.Answered{})},
		{"body of another stream", call.TicketEvent(at, "T-100001", call.Answered{})},
	} {
		t.Run(c.name, func(t *testing.T) {
			var got, want tickets.Ticket
			for _, x := range []*tickets.Ticket{&got, &want} {
				if err := x.Apply(opened); err != nil {
					t.Fatal(err)
				}
			}
			if err := got.Apply(c.event); err == nil {
				t.Error("no error")
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
	var none tickets.Ticket
	if err := none.Apply(call.TicketEvent(at, "T-100001", call.TicketNoted{Text: "x"})); err == nil {
		t.Error("a note on a ticket that was never opened was applied")
	}
}

func TestCallJoinsATicketOnce(t *testing.T) {
	at := call.Instant(time.Now())
	var got tickets.Ticket
	for _, b := range []call.Body{
		call.TicketOpened{Call: "c1"}, call.TicketJoined{Call: "c2"}, call.TicketJoined{Call: "c2"}, call.Unknown{Name: "ticket.later"},
	} {
		if err := got.Apply(call.TicketEvent(at, "T-100001", b)); err != nil {
			t.Fatal(err)
		}
	}
	if diff := cmp.Diff([]call.ID{"c1", "c2"}, got.Calls); diff != "" {
		t.Error(diff)
	}
}
