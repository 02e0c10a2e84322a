package incident_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"firstline/call"
	"firstline/call/calltest"
	"firstline/intake/incident"
)

// book is a list and the journal that it writes.
type book struct {
	*incident.List
	journal *calltest.Journal
}

func open(t *testing.T) *book {
	t.Helper()
	b := &book{journal: calltest.NewJournal()}
	b.again()
	return b
}

// again is the list of the next process.
func (b *book) again() {
	var story []call.Event
	for _, e := range b.journal.Events() {
		if e.Stream.Kind == call.StreamIncident {
			story = append(story, e)
		}
	}
	b.List = incident.New(incident.Config{
		Journal: b.journal.Process(), Ticket: func() (call.TicketID, error) { return "T-900001", nil },
	}, story)
}

func (b *book) declare(t *testing.T, d incident.Declaration) incident.Incident {
	t.Helper()
	d.Title, d.By = "VPN", "supervisor:sue"
	i, err := b.Declare(t.Context(), d)
	if err != nil {
		t.Fatal(err)
	}
	return i
}

func (b *book) affect(t *testing.T, i incident.Incident, id call.ID, ticket call.TicketID, number string) {
	t.Helper()
	if err := b.Affect(t.Context(), call.IncidentAffected{Incident: i.ID, Call: id, Ticket: ticket, Number: number}); err != nil {
		t.Fatal(err)
	}
}

// bodies is the journal's events of one type, in order.
func bodies[T call.Body](b *book) []T {
	var out []T
	for _, e := range b.journal.Events() {
		if x, ok := e.Body.(T); ok {
			out = append(out, x)
		}
	}
	return out
}

func TestWhoIsAffectedIsToldOnceWhenItIsOver(t *testing.T) {
	b := open(t)
	i := b.declare(t, incident.Declaration{Queue: "desk"})
	b.affect(t, i, "c1", "T-1", "+4930111")
	b.affect(t, i, "c2", "T-2", "")
	b.affect(t, i, "c3", "T-3", "+4930111") // called again
	b.affect(t, i, "c4", "T-2", "+4930222") // for the same ticket, and from a phone that shows itself
	b.affect(t, i, "c5", "T-5", "")
	b.affect(t, i, "c5", "T-5", "") // a repeated key
	b.again()
	got, err := b.End(t.Context(), i.ID, "supervisor:sue", "a cable")
	if err != nil || got.Open() || len(got.Affected) != 5 {
		t.Fatalf("%+v, %v", got, err)
	}
	want := []call.IncidentEnded{{
		Incident: i.ID, Title: "VPN", Ticket: i.Ticket, By: "supervisor:sue", Note: "a cable",
		Tell: []call.ToTell{{Call: "c1", Ticket: "T-1", Number: "+4930111"}, {Call: "c2", Ticket: "T-2"}, {Call: "c5", Ticket: "T-5"}},
	}}
	if d := cmp.Diff(want, bodies[call.IncidentEnded](b)); d != "" {
		t.Error(d)
	}
	if _, err := b.End(t.Context(), i.ID, "supervisor:sue", ""); !errors.Is(err, incident.ErrUnknown) {
		t.Errorf("ended twice: %v", err)
	}
}

func TestTicketsOfTheAffectedNameTheIncidentAndLearnThatItIsOver(t *testing.T) {
	b := open(t)
	i := b.declare(t, incident.Declaration{Queue: "desk"})
	b.affect(t, i, "c1", "T-1", "+4930111")
	b.affect(t, i, "c2", "T-1", "+4930111")
	b.affect(t, i, "c3", "T-3", "")
	if _, err := b.End(t.Context(), i.ID, "supervisor:sue", ""); err != nil {
		t.Fatal(err)
	}
	type mark struct {
		ticket call.TicketID
		over   bool
	}
	var got []mark
	for _, e := range b.journal.Events() {
		if x, ok := e.Body.(call.TicketAffected); ok {
			got = append(got, mark{call.TicketID(e.Stream.ID), x.Over})
			if x.Of != i.Ticket || x.Incident != i.ID {
				t.Errorf("%+v", x)
			}
		}
	}
	if d := cmp.Diff([]mark{{"T-1", false}, {"T-3", false}, {"T-1", true}, {"T-3", true}}, got, cmp.AllowUnexported(mark{})); d != "" {
		t.Error(d)
	}
}

func TestAnIncidentIsForItsClientsAndOneAtATime(t *testing.T) {
	b := open(t)
	i := b.declare(t, incident.Declaration{Queue: "desk", Clients: []string{"acme", "beta"}})
	for name, d := range map[string]incident.Declaration{
		"for all":          {Queue: "desk", Title: "x", By: "s"},
		"for one of them":  {Queue: "desk", Clients: []string{"beta", "other"}, Title: "x", By: "s"},
		"without a title":  {Queue: "desk", Clients: []string{"other"}, Title: " ", By: "s"},
		"without a queue":  {Title: "x", By: "s"},
		"without a person": {Queue: "mail", Title: "x"},
	} {
		if _, err := b.Declare(t.Context(), d); !errors.Is(err, incident.ErrExists) && !errors.Is(err, incident.ErrInvalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
	b.declare(t, incident.Declaration{Queue: "desk", Clients: []string{"other"}})
	for client, want := range map[string]bool{"acme": true, "beta": true, "none": false, "": false} {
		if got, known := b.For("desk", client); known != want || known && got.ID != i.ID {
			t.Errorf("a caller of %q: %v", client, known)
		}
	}
	if _, known := b.For("mail", "acme"); known {
		t.Error("callers of another queue are told")
	}
}

func TestWhatIsSaidOfAnIncidentOutlivesAProcess(t *testing.T) {
	b := open(t)
	i := b.declare(t, incident.Declaration{Queue: "desk"})
	with := call.PromptEvent(time.Now(), call.PromptRecorded{Prompt: "p", Incident: i.ID, By: "agent:ana"})
	if _, err := b.Tell(t.Context(), i.ID, "spoken-p", "", "agent:ana", with); err != nil {
		t.Fatal(err)
	}
	b.affect(t, i, "c1", "T-1", "")
	before := b.All()
	b.again()
	if d := cmp.Diff(before, b.All()); d != "" || before[0].Prompt != "spoken-p" || len(bodies[call.PromptRecorded](b)) != 1 {
		t.Errorf("%s; %+v", d, before)
	}
}

// away is a journal that takes nothing.
type away struct{}

func (away) Append(context.Context, ...call.Event) error { return call.ErrHandedOver }
func (away) Post(...call.Event)                          {}

func TestWhatCouldNotBeWrittenIsNotSo(t *testing.T) {
	b := open(t)
	i := b.declare(t, incident.Declaration{Queue: "desk"})
	var story []call.Event
	for _, e := range b.journal.Events() {
		if e.Stream.Kind == call.StreamIncident {
			story = append(story, e)
		}
	}
	l := incident.New(incident.Config{Journal: away{}, Ticket: func() (call.TicketID, error) { return "T-9", nil }}, story)
	if _, err := l.End(t.Context(), i.ID, "supervisor:sue", ""); !errors.Is(err, call.ErrHandedOver) {
		t.Error(err)
	}
	if err := l.Affect(t.Context(), call.IncidentAffected{Incident: i.ID, Call: "c1", Ticket: "T-1"}); !errors.Is(err, call.ErrHandedOver) {
		t.Error(err)
	}
	if got, err := l.Incident(i.ID); err != nil || !got.Open() || len(got.Affected) != 0 {
		t.Errorf("%+v, %v", got, err)
	}
}
