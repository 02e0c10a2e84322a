package lost

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"firstline/call"
	"firstline/call/calltest"
)

// day is one random day of a list: what happens to it, and what must come of it.
type day struct {
	t        *rapid.T
	journal  *calltest.Journal
	list     *List
	now      time.Time
	phoned   map[call.ID]Abandon
	answered map[string]time.Time // when each number was answered last
	broken   bool
}

func newDay(t *rapid.T) *day {
	d := &day{
		t: t, journal: calltest.NewJournal(), now: time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC),
		phoned: map[call.ID]Abandon{}, answered: map[string]time.Time{},
	}
	d.start()
	return d
}

// start is a process that takes up what the journal holds.
func (d *day) start() {
	d.journal.Break(nil)
	d.broken = false
	clear(d.answered) // a talk of the last process is told again where it lasts
	var open []Item
	for _, it := range d.items() {
		if it.Open() {
			open = append(open, it)
		}
	}
	d.list = New(Config{Journal: d.journal.Process()}, open)
}

// items is every item by the journal's own word, in the order in which they came.
func (d *day) items() []Item {
	var order []call.LostID
	items := map[call.LostID]*Item{}
	for _, e := range d.journal.Events() {
		id := call.LostID(e.Stream.ID)
		if items[id] == nil {
			items[id], order = &Item{}, append(order, id)
		}
		if err := items[id].Apply(e); err != nil {
			d.t.Fatal(err)
		}
	}
	var out []Item
	for _, id := range order {
		out = append(out, *items[id])
	}
	return out
}

func (d *day) abandon(t *rapid.T) {
	left := d.now.Add(-time.Duration(rapid.IntRange(0, 20).Draw(t, "seconds late")) * time.Second)
	a := Abandon{
		Call: call.NewID(left), Ticket: call.TicketID(fmt.Sprintf("T-%d", len(d.phoned))), Queue: "q", Client: "acme",
		Number: rapid.SampledFrom([]string{"", "+491", "+492", "+493"}).Draw(t, "number"),
		Joined: left.Add(-time.Minute), Left: left, Reason: "abandoned",
	}
	a.From.Number = a.Number
	if rapid.Bool().Draw(t, "of a process that is gone") {
		if err := d.list.LeftDurably(t.Context(), a); (err != nil) != d.broken {
			t.Fatalf("broken %v: %v", d.broken, err)
		}
		if d.broken {
			return
		}
	} else {
		d.list.Left(a)
	}
	d.phoned[a.Call] = a
}

func (d *day) answer(t *rapid.T) {
	number := rapid.SampledFrom([]string{"", "+491", "+492", "+493"}).Draw(t, "number")
	d.list.Answered(number, call.NewID(d.now), d.now)
	d.answered[number] = d.now
}

func (d *day) act(t *rapid.T, what func(id call.LostID) error) {
	items := d.items()
	if len(items) == 0 {
		return
	}
	it := rapid.SampledFrom(items).Draw(t, "item")
	switch err := what(it.ID); {
	case it.Open() && !d.broken && err != nil:
		t.Fatalf("on an open item: %v", err)
	case !it.Open() && !errors.Is(err, ErrUnknown):
		t.Fatalf("on an item that has ended: %v", err)
	case it.Open() && d.broken && err == nil:
		t.Fatal("nothing was written, and no error")
	}
}

func (d *day) check(t *rapid.T) {
	in, open, ended := map[call.ID]call.LostID{}, []Item(nil), 0
	numbers := map[string]call.LostID{}
	for _, it := range d.items() {
		for _, c := range it.Calls {
			if other, twice := in[c.ID]; twice {
				t.Fatalf("call %s is in %s and %s", c.ID, other, it.ID)
			}
			in[c.ID] = it.ID
		}
		first := d.phoned[it.Calls[0].ID]
		if !it.Joined.Equal(call.Instant(first.Joined)) || it.Ticket != first.Ticket || it.Number != first.Number || it.Client != first.Client {
			t.Fatalf("%+v does not keep the first arrival of %+v", it, first)
		}
		if it.Number == "" && it.Count > 1 {
			t.Fatalf("%d withheld callers were taken for one", it.Count)
		}
		if !it.Open() {
			ended++
			if !slices.Contains(call.LostEnds(), it.End) {
				t.Fatalf("%s ended as %q", it.ID, it.End)
			}
			continue
		}
		if other, twice := numbers[it.Number]; twice && it.Number != "" {
			t.Fatalf("%s and %s are open for one number", other, it.ID)
		}
		numbers[it.Number] = it.ID
		if it.Missed() >= defaultTries {
			t.Fatalf("%s is open after %d tries in vain", it.ID, it.Missed())
		}
		if at, ok := d.answered[it.Number]; ok && it.Number != "" && !it.Latest().After(at) {
			t.Fatalf("%s is open, and its number was answered at %v", it.ID, at)
		}
		open = append(open, it)
	}
	if len(in) != len(d.phoned) {
		t.Fatalf("%d calls were not answered, %d are on the list", len(d.phoned), len(in))
	}
	if got := d.list.Open(); len(got)+ended != len(d.items()) {
		t.Fatalf("%d open and %d ended of %d", len(got), ended, len(d.items()))
	}
	slices.SortFunc(open, byArrival)
	if want, have := text(t, open), text(t, d.list.Open()); want != have && len(open) > 0 {
		t.Fatalf("the list is not the fold of its events:\njournal %s\nlist    %s", want, have)
	}
}

func text(t *rapid.T, items []Item) string {
	b, err := json.Marshal(items)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestEveryUnansweredCallIsInOneItemWithAtMostOneEnd(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d := newDay(t)
		tick := func() {
			d.now = d.now.Add(time.Duration(rapid.IntRange(0, 30_000).Draw(t, "ms")) * time.Millisecond)
		}
		t.Repeat(map[string]func(*rapid.T){
			"":        d.check,
			"abandon": func(t *rapid.T) { tick(); d.abandon(t) },
			"again":   func(t *rapid.T) { tick(); d.abandon(t) },
			"answer":  func(t *rapid.T) { tick(); d.answer(t) },
			"try": func(t *rapid.T) {
				reached := rapid.IntRange(0, 4).Draw(t, "reached") == 0
				d.act(t, func(id call.LostID) error {
					_, err := d.list.Try(t.Context(), id, Try{By: "agent:ana", Reached: reached})
					return err
				})
			},
			"resolve": func(t *rapid.T) {
				d.act(t, func(id call.LostID) error {
					_, err := d.list.Resolve(t.Context(), id, "agent:ana", "by mail")
					return err
				})
			},
			"decline": func(t *rapid.T) {
				d.act(t, func(id call.LostID) error {
					_, err := d.list.Decline(t.Context(), id, "supervisor:sue", "a prank")
					return err
				})
			},
			"break":   func(*rapid.T) { d.journal.Break(errors.New("disk full")); d.broken = true },
			"mend":    func(*rapid.T) { d.journal.Break(nil); d.broken = false },
			"restart": func(*rapid.T) { d.start() },
		})
	})
}
