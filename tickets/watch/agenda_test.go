package watch_test

import (
	"fmt"
	"strconv"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"firstline/call"
	"firstline/tickets"
	"firstline/tickets/clock"
	"firstline/tickets/watch"
)

var start = time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC)

func minute(n int) time.Time { return start.Add(time.Duration(n) * time.Minute) }

// shifts is a calendar that is open for the first hour of every ninety minutes.
type shifts struct{}

func (shifts) Open(at time.Time) (bool, time.Time) {
	begun := at.Truncate(90 * time.Minute)
	if at.Before(begun.Add(time.Hour)) {
		return true, begun.Add(time.Hour)
	}
	return false, begun.Add(90 * time.Minute)
}

// within is what is promised, in minutes, by grade; grade 3 has no targets.
func within(grade clock.Grade) map[clock.Kind]int {
	switch grade {
	case "0", "2":
		return map[clock.Kind]int{clock.Response: 20, clock.Update: 40, clock.Resolution: 80}
	case "1":
		return map[clock.Kind]int{clock.Response: 8, clock.Update: 16, clock.Resolution: 48}
	}
	return nil
}

func contract(string) tickets.Contract {
	c := tickets.Contract{Hours: shifts{}, Default: 2, Targets: map[int]tickets.Targets{3: {}}}
	for _, p := range []int{1, 2} {
		w := within(clock.Grade(strconv.Itoa(p)))
		m := func(k clock.Kind) time.Duration { return time.Duration(w[k]) * time.Minute }
		c.Targets[p] = tickets.Targets{Response: m(clock.Response), Update: m(clock.Update), Resolution: m(clock.Resolution)}
	}
	return c
}

var terms = watch.Terms{Contract: contract, Share: 75}

// turn is a run of a clock, counted minute by minute.
type turn struct {
	spent int
	over  time.Time
}

// slowly lives through every minute of a ticket until now.
func slowly(history []clock.Moment, k clock.Kind, now time.Time) []turn {
	turns := []turn{{}}
	paused, solved, next := false, false, 0
	for t := history[0].At; ; t = t.Add(time.Minute) {
		last := &turns[len(turns)-1]
		for ; next < len(history) && !history[next].At.After(t); next++ {
			switch m := history[next]; {
			case m.Mark == clock.Paused:
				paused = true
			case m.Mark == clock.Resumed:
				paused = false
			case m.Mark == clock.Resolved:
				if solved = true; last.over.IsZero() {
					last.over = m.At
				}
			case m.Mark == clock.Reopened:
				if paused = false; solved && k != clock.Response {
					last.over = time.Time{}
				}
				solved = false
			case m.Mark == clock.Responded && k == clock.Response && last.over.IsZero():
				last.over = m.At
			case (m.Mark == clock.Responded || m.Mark == clock.Updated) && k == clock.Update && !solved:
				last.over = m.At
				turns = append(turns, turn{})
				last = &turns[len(turns)-1]
			}
		}
		if !t.Before(now) {
			return turns
		}
		if open, _ := (shifts{}).Open(t); open && !paused && !solved && last.over.IsZero() {
			last.spent++
		}
	}
}

type key struct {
	Ticket, Clock, Grade string
	Turn, Percent        int
}

// reached is what is true of a ticket's clocks at an instant.
func reached(t tickets.Ticket, now time.Time) []key {
	grade, since := clock.Grade(""), time.Time{}
	for _, m := range t.Moments {
		if m.Mark == clock.Opened || m.Mark == clock.Graded {
			grade, since = m.Grade, m.At
		}
	}
	var all []key
	for k, promised := range within(grade) {
		for i, u := range slowly(t.Moments, k, now) {
			if !u.over.IsZero() && !u.over.After(since) {
				continue
			}
			if 4*u.spent >= 3*promised {
				all = append(all, key{string(t.ID), string(k), string(grade), i, 75})
			}
			if u.spent > promised {
				all = append(all, key{string(t.ID), string(k), string(grade), i, 100})
			}
		}
	}
	return all
}

// desk is a journal, and tickets folded from it.
type desk struct {
	tickets map[call.TicketID]*tickets.Ticket
	said    []call.Event
}

func (d *desk) add(e call.Event) call.Event {
	t := d.tickets[call.TicketID(e.Stream.ID)]
	if t == nil {
		t = new(tickets.Ticket)
		d.tickets[call.TicketID(e.Stream.ID)] = t
	}
	e.Seq = t.Seq + 1
	if err := t.Apply(e); err != nil {
		panic(err)
	}
	if _, ok := e.Body.(call.TicketWarned); ok {
		d.said = append(d.said, e)
	}
	return e
}

// agenda is one that a process makes when it starts: of what is open, and of what
// happened a moment ago.
func (d *desk) agenda(now time.Time) *watch.Agenda {
	a := watch.NewAgenda(terms)
	for _, t := range d.tickets {
		if !t.State.Over() || !t.Changed.Before(now) {
			a.Put(*t, now)
		}
	}
	return a
}

func drawBody(t *rapid.T, ticket tickets.Ticket) call.Body {
	switch rapid.IntRange(0, 4).Draw(t, "what") {
	case 0:
		return call.TicketTaken{Agent: "ana"}
	case 1:
		return call.TicketTold{By: "agent:ana"}
	case 2:
		return call.TicketClassified{Class: call.Classification{Priority: rapid.IntRange(1, 3).Draw(t, "priority")}}
	default:
		next := rapid.SampledFrom(ticket.State.Next()).Draw(t, "state")
		return call.TicketMoved{From: string(ticket.State), To: string(next)}
	}
}

func TestEveryShareOfAPromiseIsSaidOnceWhateverEndsTheProcess(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d, want := &desk{tickets: map[call.TicketID]*tickets.Ticket{}}, map[key]bool{}
		a := d.agenda(start)
		says := func(now time.Time) {
			for done := false; !done; {
				evs := a.Say(now, 2)
				switch rapid.SampledFrom([]string{"kept", "kept", "refused", "ended before", "ended after"}).Draw(t, "fate") {
				case "kept":
					for _, e := range evs {
						d.add(e)
					}
					a.Said(evs, now)
					done = len(evs) == 0
				case "ended before":
					a = d.agenda(now)
				case "ended after":
					for _, e := range evs {
						d.add(e)
					}
					a = d.agenda(now)
				}
			}
			for _, ticket := range d.tickets {
				for _, k := range reached(*ticket, now) {
					want[k] = true
				}
			}
		}
		for m := range 150 {
			now := minute(m)
			says(now)
			for rapid.IntRange(0, 14).Draw(t, "quiet") == 0 {
				id := call.TicketID(rapid.SampledFrom([]string{"T-1", "T-2"}).Draw(t, "ticket"))
				body := call.Body(call.TicketOpened{})
				if ticket := d.tickets[id]; ticket != nil {
					body = drawBody(t, *ticket)
				}
				e := d.add(call.TicketEvent(now, id, body))
				if _, opens := body.(call.TicketOpened); !opens && !a.Knows(id) {
					a.Put(*d.tickets[id], now)
				} else if err := a.Apply(e, now); err != nil {
					t.Fatal(err)
				}
				says(now)
			}
		}
		got := map[key]int{}
		for _, e := range d.said {
			b := e.Body.(call.TicketWarned)
			got[key{e.Stream.ID, b.Clock, b.Grade, b.Turn, b.Percent}]++
			if b.Due.After(e.At) {
				t.Errorf("%+v was said at %v", b, e.At)
			}
		}
		once := map[key]int{}
		for k := range want {
			once[k] = 1
		}
		if diff := gocmp.Diff(once, got); diff != "" {
			t.Errorf("-want +got:\n%s", diff)
		}
	})
}

func TestOneDueTicketAmongAHundredThousandCostsOneTicket(t *testing.T) {
	asked := 0
	a := watch.NewAgenda(watch.Terms{Share: 75, Contract: func(string) tickets.Contract {
		asked++
		return contract("")
	}})
	const many = 100_000
	for i := range many {
		opened := call.TicketEvent(minute(i%1000*90), call.TicketID(fmt.Sprintf("T-%d", i)), call.TicketOpened{})
		if err := a.Apply(opened, start); err != nil {
			t.Fatal(err)
		}
	}
	asked = 0
	due := a.Say(minute(15), many)
	a.Said(due, minute(15))
	if len(due) != many/1000 || asked != len(due) {
		t.Errorf("%d warnings cost %d looks at a contract", len(due), asked)
	}
	asked = 0
	if at, ok := a.Next(); !ok || !at.After(minute(15)) || a.Standing().Open != many || asked != 0 {
		t.Errorf("next %v, %v: %+v, %d looks", at, ok, a.Standing(), asked)
	}
}

func TestStandingTellsWhatIsLateAndWhatIsNext(t *testing.T) {
	d := &desk{tickets: map[call.TicketID]*tickets.Ticket{}}
	a := d.agenda(start)
	apply := func(m int, id call.TicketID, b call.Body) {
		if err := a.Apply(d.add(call.TicketEvent(minute(m), id, b)), minute(m)); err != nil {
			t.Fatal(err)
		}
	}
	apply(0, "T-1", call.TicketOpened{})
	apply(0, "T-2", call.TicketOpened{Test: true})
	apply(1, "T-3", call.TicketOpened{})
	first := watch.Due{Ticket: "T-1", Kind: clock.Response, At: minute(20)}
	if diff := gocmp.Diff(watch.Standing{Open: 2, Next: &first}, a.Standing()); diff != "" {
		t.Error(diff)
	}
	a.Say(minute(20), 10)
	second := watch.Due{Ticket: "T-3", Kind: clock.Response, At: minute(21)}
	if diff := gocmp.Diff(watch.Standing{Open: 2, Late: 1, Next: &second}, a.Standing()); diff != "" {
		t.Error(diff)
	}
	apply(20, "T-1", call.TicketTaken{Agent: "ana"})
	apply(20, "T-3", call.TicketMoved{From: "new", To: "waiting-customer"})
	update := watch.Due{Ticket: "T-1", Kind: clock.Update, At: minute(60)}
	if diff := gocmp.Diff(watch.Standing{Open: 2, Next: &update}, a.Standing()); diff != "" {
		t.Error(diff)
	}
}
