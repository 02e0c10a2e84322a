package tickets

import (
	"cmp"
	"slices"
	"sync"
	"time"

	"firstline/call"
)

// problem is what has to be known at once of a ticket that is open: whose it is.
type problem struct {
	id       call.TicketID
	client   string
	customer call.CustomerID // beyond doubt; empty for nobody
	numbers  []string        // from which its calls came, as signalled
	opened   time.Time
	heard    time.Time // of it last
	priority int
	test     bool
	fresh    bool // it has the one call that it was opened for, and nothing else happened to it
}

// problems are the open tickets, and what has become of those that were merged or
// split since the process began. It is a reader of the journal and may be behind;
// what a Desk writes on it by itself it knows at once.
type problems struct {
	mu   sync.Mutex // guards what follows
	open map[call.TicketID]*problem
	by   map[call.CustomerID][]call.TicketID
	from map[string][]call.TicketID // by number
	into map[call.TicketID]call.TicketID
	of   map[call.ID]call.TicketID // calls that were split off
}

func newProblems() *problems {
	return &problems{
		open: make(map[call.TicketID]*problem), by: make(map[call.CustomerID][]call.TicketID), from: make(map[string][]call.TicketID),
		into: make(map[call.TicketID]call.TicketID), of: make(map[call.ID]call.TicketID),
	}
}

// Remember takes a ticket in as it was kept.
func (d *Desk) Remember(t Ticket) {
	p := d.problems
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case t.State == Merged:
		p.into[t.ID] = t.Into
	case !t.State.Over():
		p.put(&problem{id: t.ID, client: t.Client, opened: t.Opened, heard: t.Changed, priority: t.Class.Priority, test: t.Test})
		if t.Identity.Sure() {
			p.belongs(t.ID, t.Identity.Customer)
		}
		p.comes(t.ID, t.Caller.Number)
	}
}

// Learn takes in events of the journal, in order. Others than of tickets are left alone.
func (d *Desk) Learn(evs ...call.Event) {
	d.problems.mu.Lock()
	defer d.problems.mu.Unlock()
	for _, e := range evs {
		if e.Stream.Kind == call.StreamTicket {
			d.problems.learn(call.TicketID(e.Stream.ID), e)
		}
	}
}

func (p *problems) learn(id call.TicketID, e call.Event) {
	if b, ok := e.Body.(call.TicketOpened); ok && p.open[id] == nil && p.into[id] == "" {
		p.put(&problem{id: id, client: b.Client, opened: e.At, heard: e.At, test: b.Test, fresh: true})
		p.comes(id, b.Caller.Number)
		return
	}
	switch b := e.Body.(type) {
	case call.TicketMerged:
		p.into[id] = b.Into
		p.drop(id)
		return
	case call.TicketMoved:
		if State(b.To).Over() {
			p.drop(id)
			return
		}
		if p.open[id] == nil && p.into[id] == "" { // opened again: whose it is, is known when somebody says so once more
			p.put(&problem{id: id, opened: e.At, heard: e.At})
		}
	}
	t := p.open[id]
	if t == nil {
		return
	}
	if e.At.After(t.heard) {
		t.heard = e.At
	}
	switch b := e.Body.(type) {
	case call.TicketIdentified:
		if (Identity{Customer: b.Customer, Level: b.Level}).Sure() {
			p.belongs(id, b.Customer)
		}
	case call.TicketAbsorbed, call.TicketSplit, call.TicketParted, call.TicketTaken, call.TicketJoined:
		t.fresh = false
		if a, ok := e.Body.(call.TicketAbsorbed); ok && a.First.Before(t.opened) {
			t.opened = a.First
		}
	case call.TicketClassified:
		t.priority = b.Class.Priority
	}
}

// split sends what is written about calls to their new ticket. The reader of the
// journal comes late, and would undo a later split: it does not do this.
func (p *problems) split(calls []call.ID, to call.TicketID) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, c := range calls {
		p.of[c] = to
	}
}

func (p *problems) put(t *problem) { p.open[t.id] = t }

func (p *problems) belongs(id call.TicketID, c call.CustomerID) {
	t := p.open[id]
	if t == nil || t.customer == c {
		return
	}
	p.by[t.customer] = without(p.by[t.customer], id)
	t.customer = c
	p.by[c] = append(p.by[c], id)
}

func (p *problems) comes(id call.TicketID, number string) {
	t := p.open[id]
	if t == nil || number == "" || slices.Contains(t.numbers, number) {
		return
	}
	t.numbers = append(t.numbers, number)
	p.from[number] = append(p.from[number], id)
}

func (p *problems) drop(id call.TicketID) {
	t := p.open[id]
	if t == nil {
		return
	}
	delete(p.open, id)
	if p.by[t.customer] = without(p.by[t.customer], id); len(p.by[t.customer]) == 0 {
		delete(p.by, t.customer)
	}
	for _, n := range t.numbers {
		if p.from[n] = without(p.from[n], id); len(p.from[n]) == 0 {
			delete(p.from, n)
		}
	}
}

func without(ids []call.TicketID, id call.TicketID) []call.TicketID {
	return slices.DeleteFunc(ids, func(x call.TicketID) bool { return x == id })
}

// is what has become of a call's ticket.
func (p *problems) is(c call.ID, id call.TicketID) call.TicketID {
	if of, split := p.of[c]; split && c != "" {
		id = of
	}
	for next, merged := p.into[id]; merged; next, merged = p.into[id] {
		id = next
	}
	return id
}

// others are open tickets that a call on ticket id may be of as well, the last heard of first.
func (p *problems) others(ids []call.TicketID, id call.TicketID, client string, test bool, since time.Time) []*problem {
	var out []*problem
	for _, other := range ids {
		if t := p.open[other]; t != nil && other != id && t.client == client && t.test == test && !t.heard.Before(since) {
			out = append(out, t)
		}
	}
	slices.SortFunc(out, func(a, b *problem) int { return cmp.Or(b.heard.Compare(a.heard), cmp.Compare(a.id, b.id)) })
	return out
}
