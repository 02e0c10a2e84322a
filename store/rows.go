package store

import (
	"encoding/json"
	"fmt"

	"firstline/call"
	"firstline/tickets"
)

// The folded tables. Each row is the whole thing as JSON beside the columns that
// lists are filtered by; writing a row again changes nothing.
const (
	putCalls = `INSERT INTO calls (id, opened, arrived, ended, origin, ticket_id, queue, agent, outcome, number, record) VALUES {rows}
ON CONFLICT (id) DO UPDATE SET arrived = excluded.arrived, ended = excluded.ended, origin = excluded.origin,
ticket_id = excluded.ticket_id, queue = excluded.queue, agent = excluded.agent, outcome = excluded.outcome, record = excluded.record`

	putTickets = `INSERT INTO tickets (id, opened, state, client, caller, handler, priority, began, changed, ticket) VALUES {rows}
ON CONFLICT (id) DO UPDATE SET state = excluded.state, client = excluded.client, caller = excluded.caller, handler = excluded.handler,
priority = excluded.priority, began = excluded.began, changed = excluded.changed, ticket = excluded.ticket`

	putNotes = `INSERT INTO ticket_notes (global, ticket_id, note) VALUES {rows}
ON CONFLICT (global) DO NOTHING`

	putRecordings = `INSERT INTO recordings (id, opened, finished, call_id, ticket_id, agent, recording) VALUES {rows}
ON CONFLICT (id) DO UPDATE SET finished = excluded.finished, call_id = excluded.call_id,
ticket_id = excluded.ticket_id, agent = excluded.agent, recording = excluded.recording`

	putAgents = `INSERT INTO agents (id, agent) VALUES {rows}
ON CONFLICT (id) DO UPDATE SET agent = excluded.agent`

	putLost = `INSERT INTO lost_callers (global, at, call_id, queue, number, joined, reason) VALUES {rows}
ON CONFLICT (global) DO NOTHING`
)

// touched gathers what a commit writes besides its events.
type touched struct {
	seen    map[call.Stream]bool
	streams []call.Stream // in the order of first touch
	notes   write
	lost    write
}

func newTouched() *touched {
	return &touched{
		seen:  make(map[call.Stream]bool),
		notes: write{sql: putNotes, columns: 3},
		lost:  write{sql: putLost, columns: 7},
	}
}

func (t *touched) touch(s call.Stream) {
	if !t.seen[s] {
		t.seen[s] = true
		t.streams = append(t.streams, s)
	}
}

// note moves notes from the folded ticket to their own rows: a ticket's row does
// not grow with what is written on it.
func (t *touched) note(id string, it item, ticket *tickets.Ticket) error {
	for _, n := range ticket.Notes {
		text, err := json.Marshal(n)
		if err != nil {
			return fmt.Errorf("note on %s: %w", id, err)
		}
		t.notes.row(it.Global, id, string(text))
	}
	ticket.Notes = nil
	return nil
}

func (t *touched) rows(f *folds) ([]write, error) {
	calls := write{sql: putCalls, columns: 11}
	ticketRows := write{sql: putTickets, columns: 10}
	found := write{sql: f.db.putWords(), columns: 2}
	recs := write{sql: putRecordings, columns: 7}
	people := write{sql: putAgents, columns: 2}
	backs := write{sql: putCallbacks, columns: 6}
	blocks := write{sql: putBlocks, columns: 5}
	items := write{sql: putLostItems, columns: 7}
	known := write{sql: putDirectory, columns: 5}
	for _, s := range t.streams {
		var err error
		switch s.Kind {
		case call.StreamCall:
			err = callRow(&calls, s.ID, f.calls[s.ID])
		case call.StreamTicket:
			x := f.tickets[s.ID]
			err = ticketRow(&ticketRows, s.ID, x)
			if f.said.stale[s.ID] {
				found.row(x.opened, wordsOf(&x.thing, f.said.notes[s.ID]))
			}
		case call.StreamRecording:
			x := f.recordings[s.ID]
			r := &x.thing
			err = put(&recs, r, s.ID, x.opened, micros(r.Finished), key(string(r.Call)), key(string(r.Ticket)), key(string(r.Agent)))
		case call.StreamAgent:
			err = put(&people, f.agents[s.ID].thing, s.ID)
		case call.StreamCallback:
			err = callbackRow(&backs, s.ID, f.callbacks[s.ID])
		case call.StreamBlock, call.StreamLost:
			err = f.care.row(&blocks, &items, s)
		case call.StreamCustomer, call.StreamCompany, call.StreamService, call.StreamAsset:
			err = f.directory.row(&known, s)
		}
		if err != nil {
			return nil, fmt.Errorf("row of %s %s: %w", s.Kind, s.ID, err)
		}
	}
	return []write{calls, ticketRows, found, t.notes, recs, people, backs, blocks, items, known, t.lost}, nil
}

// filedUnder is the state by which a ticket is found: one that goes on in another is
// among the closed.
func filedUnder(s tickets.State) string {
	if s == tickets.Merged {
		s = tickets.Closed
	}
	return string(s)
}

// callRow files a call under its last queue and the last agent it talked to.
func callRow(w *write, id string, x *folded[call.Record]) error {
	r := &x.thing
	var queue, agent string
	if n := len(r.Entries); n > 0 {
		queue = key(string(r.Entries[n-1].Queue))
	}
	for _, t := range r.Talks {
		if t.Agent != "" {
			agent = key(string(t.Agent))
		}
	}
	return put(w, r, id, x.opened, micros(r.Arrived), micros(r.Ended), key(r.Origin),
		key(string(r.Ticket)), queue, agent, key(string(r.Outcome)), key(r.From.Number))
}

// put adds a row that ends with the thing as JSON.
func put(w *write, thing any, columns ...any) error {
	text, err := json.Marshal(thing)
	if err != nil {
		return err
	}
	w.row(append(columns, string(text))...)
	return nil
}
