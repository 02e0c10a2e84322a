package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"firstline/call"
	"firstline/tickets"
)

// TicketFilter says which tickets are listed; zero fields do not filter.
type TicketFilter struct {
	Text     string // words that the ticket has: in its number, subject, notes, or its caller's name and number
	State    tickets.State
	Client   string
	Caller   string // number, as the line gave it
	Handler  call.AgentID
	Priority int
	From, To time.Time // opened in [From, To)
	Before   int64     // a Page's Next
	Limit    int       // 100 when 0; at most 1,000
}

const (
	selectTickets = `SELECT opened, ticket FROM tickets`
	// The joins are read from the words' end: newest first, until there are enough.
	searchSQLite   = `SELECT opened, ticket FROM ticket_words JOIN tickets ON opened = ticket_words.rowid`
	searchPostgres = `SELECT opened, ticket FROM ticket_words JOIN tickets ON opened = doc`
)

// Tickets lists tickets without their notes, those opened last first. Pages do not
// shift when tickets are opened meanwhile.
func (s *Store) Tickets(ctx context.Context, f TicketFilter) (Page[tickets.Ticket], error) {
	var w where
	from, order := selectTickets, "opened"
	if f.Text != "" {
		asked := s.db.match(f.Text)
		if asked == "" {
			return Page[tickets.Ticket]{}, nil // nothing but signs
		}
		if s.db.postgres {
			from, order = searchPostgres, "doc"
			w.and("words @@ CAST(? AS tsquery)", asked)
		} else {
			from, order = searchSQLite, "ticket_words.rowid"
			w.and("ticket_words MATCH ?", asked)
		}
	}
	w.is("state", key(string(f.State)))
	w.is("client", key(f.Client))
	w.is("caller", key(f.Caller))
	w.is("handler", key(string(f.Handler)))
	if f.Priority > 0 {
		w.and("priority = ?", f.Priority)
	}
	if !f.From.IsZero() {
		w.and("began >= ?", f.From.UnixMicro())
	}
	if !f.To.IsZero() {
		w.and("began < ?", f.To.UnixMicro())
	}
	return pageBy[tickets.Ticket](ctx, s, "tickets", from, order, w, f.Before, f.Limit)
}

// ticketRow files a ticket under what lists are filtered by.
func ticketRow(w *write, id string, x *folded[tickets.Ticket]) error {
	t := &x.thing
	return put(w, t, id, x.opened, filedUnder(t.State), key(t.Client), key(t.Caller.Number), key(string(t.Handler)),
		t.Class.Priority, micros(t.Opened), micros(t.Changed))
}

// noteText is the text of a note as it is stored.
func noteText(stored string) string {
	var n tickets.Note
	if json.Unmarshal([]byte(stored), &n) != nil {
		return ""
	}
	return n.Text
}

// undo gives a transaction up because of err.
func undo(tx *sql.Tx, err error) error { return errors.Join(err, ignoreDone(tx.Rollback())) }

const (
	unfiledTickets = `SELECT id, opened, ticket FROM tickets WHERE changed = 0 ORDER BY opened LIMIT 500`
	fileTicket     = `UPDATE tickets SET client = $1, caller = $2, handler = $3, priority = $4, began = $5, changed = $6 WHERE id = $7`
)

// fileTickets brings tickets from before they could be searched up to date: those that
// an earlier version stored.
func (d *database) fileTickets(ctx context.Context) error {
	for {
		batch := make(map[string]*folded[tickets.Ticket])
		if err := loadFolded(ctx, d, batch, unfiledTickets); err != nil || len(batch) == 0 {
			return err
		}
		tx, err := d.w.BeginTx(ctx, nil)
		if err != nil {
			return fmt.Errorf("file tickets: %w", err)
		}
		for id, x := range batch {
			notes := newSaid()
			if err := notes.load(ctx, d, item{Event: call.Event{Stream: call.Stream{ID: id}, Seq: 2, Body: call.TicketNoted{}}}); err != nil {
				return undo(tx, err)
			}
			t := &x.thing
			put := write{sql: d.putWords(), columns: 2}
			if _, err := tx.ExecContext(ctx, put.statement(1), x.opened, wordsOf(t, notes.notes[id])); err != nil {
				return undo(tx, fmt.Errorf("words of %s: %w", id, err))
			}
			if _, err := tx.ExecContext(ctx, fileTicket, key(t.Client), key(t.Caller.Number), key(string(t.Handler)), t.Class.Priority,
				micros(t.Opened), max(1, micros(t.Changed)), id); err != nil {
				return undo(tx, fmt.Errorf("file %s: %w", id, err))
			}
		}
		if err := tx.Commit(); err != nil {
			return fmt.Errorf("file tickets: %w", err)
		}
	}
}

const ticketsOfClient = `SELECT changed, ticket FROM tickets WHERE client = $1 AND changed >= $2 AND began < $3 ORDER BY changed, opened`

// TicketsOf returns the tickets of a client that were opened before an instant and
// changed at or after another, and those that are not over, without notes.
func (s *Store) TicketsOf(ctx context.Context, client string, from, to time.Time) ([]tickets.Ticket, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, wholeMonth, ErrAway)
	defer cancel()
	all, _, err := listIn[tickets.Ticket](ctx, s, "tickets of "+client, ticketsOfClient, key(client), from.UnixMicro(), to.UnixMicro())
	if err != nil {
		return nil, err
	}
	open, _, err := listIn[tickets.Ticket](ctx, s, "tickets of "+client, openOfClient, key(client), from.UnixMicro())
	return append(all, open...), err
}

// wholeMonth is how long a month's report may read.
const wholeMonth = time.Minute

const openOfClient = `SELECT opened, ticket FROM tickets
WHERE state <> 'resolved' AND state <> 'closed' AND client = $1 AND changed < $2 ORDER BY opened`

// numbered writes a condition's ? as the parameter that it is.
func numbered(condition string, n int) string {
	if !strings.Contains(condition, "?") {
		condition += "?"
	}
	return strings.Replace(condition, "?", fmt.Sprintf("$%d", n), 1)
}
