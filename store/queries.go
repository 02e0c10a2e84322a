package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"firstline/call"
	"firstline/recordings"
	"firstline/tickets"
)

// Page is a part of a list, newest first. Next is the Before of the page that
// follows, 0 at the end.
type Page[T any] struct {
	Items []T
	Next  int64
}

// Lists are cut at defaultLimit where no limit is asked for, and at mostRows.
const (
	defaultLimit = 100
	mostRows     = 1000
)

// missing is ErrNotFound, and the error of the room that asks.
type missing struct {
	what string
	room error
}

func (m missing) Error() string { return m.what + ": not found" }
func (m missing) Is(target error) bool {
	return target == ErrNotFound || m.room != nil && target == m.room
}

// one reads a row that holds a thing as JSON. room is the asking room's own
// not-found error, or nil.
func one[T any](ctx context.Context, s *Store, what string, room error, query string, args ...any) (T, error) {
	ctx, cancel := reading(ctx)
	defer cancel()
	var thing T
	var text string
	err := s.db.scan(ctx, query, args, &text)
	if errors.Is(err, sql.ErrNoRows) {
		return thing, missing{what, room}
	}
	if err != nil {
		return thing, tried(ctx, what, err)
	}
	if err := json.Unmarshal([]byte(text), &thing); err != nil {
		return thing, fmt.Errorf("%s: %w", what, err)
	}
	return thing, nil
}

// list reads rows of (order, JSON).
func list[T any](ctx context.Context, s *Store, what, query string, args ...any) (things []T, last int64, err error) {
	ctx, cancel := reading(ctx)
	defer cancel()
	return listIn[T](ctx, s, what, query, args...)
}

// listIn is list in the time that ctx gives.
func listIn[T any](ctx context.Context, s *Store, what, query string, args ...any) (things []T, last int64, err error) {
	rows, err := s.db.query(ctx, query, args...)
	if err != nil {
		return nil, 0, tried(ctx, what, err)
	}
	defer rows.Close()
	for rows.Next() {
		var thing T
		var text string
		if err := rows.Scan(&last, &text); err != nil {
			return nil, 0, tried(ctx, what, err)
		}
		if err := json.Unmarshal([]byte(text), &thing); err != nil {
			return nil, 0, fmt.Errorf("%s: %w", what, err)
		}
		things = append(things, thing)
	}
	return things, last, tried(ctx, what, rows.Err())
}

// where builds a filter from conditions that are constants and values that are
// parameters.
type where struct {
	conditions []string
	args       []any
}

// is adds column = value unless value is empty.
func (w *where) is(column, value string) {
	if value != "" {
		w.and(column+" = ", value)
	}
}

func (w *where) and(condition string, value any) {
	w.args = append(w.args, value)
	w.conditions = append(w.conditions, numbered(condition, len(w.args)))
}

// page runs a list query with the filter, newest first, and finds whether more follows.
func page[T any](ctx context.Context, s *Store, what, selects string, w where, before int64, limit int) (Page[T], error) {
	return pageBy[T](ctx, s, what, selects, "opened", w, before, limit)
}

// pageBy is page by another column that holds what opened does.
func pageBy[T any](ctx context.Context, s *Store, what, selects, order string, w where, before int64, limit int) (Page[T], error) {
	if limit <= 0 {
		limit = defaultLimit
	}
	limit = min(limit, mostRows)
	if before > 0 {
		w.and(order+" < ", before)
	}
	query := selects
	if len(w.conditions) > 0 {
		query += " WHERE " + strings.Join(w.conditions, " AND ")
	}
	query += fmt.Sprintf(" ORDER BY %s DESC LIMIT $%d", order, len(w.args)+1)
	things, last, err := list[T](ctx, s, what, query, append(w.args, limit)...)
	p := Page[T]{Items: things}
	if len(things) == limit {
		p.Next = last
	}
	return p, err
}

// CallFilter says which calls are listed; zero fields do not filter.
type CallFilter struct {
	Open    *bool         // true: only calls that have not ended; false: only those that have
	Lost    bool          // only callers who were lost
	Queue   call.QueueID  // the last queue
	Agent   call.AgentID  // the last agent who talked
	Ticket  call.TicketID //
	Outcome call.Outcome  //
	Number  string        // of the caller, as signalled
	Origin  string        // the front end's key of the call
	Before  int64         // a Page's Next
	Limit   int           // 100 when 0; at most 1,000
}

const (
	callByID    = `SELECT record FROM calls WHERE id = $1`
	selectCalls = `SELECT opened, record FROM calls`
)

// Call returns a call's record, or ErrNotFound.
func (s *Store) Call(ctx context.Context, id call.ID) (call.Record, error) {
	return one[call.Record](ctx, s, "call "+string(id), nil, callByID, key(string(id)))
}

// Calls lists calls, those that arrived last first.
func (s *Store) Calls(ctx context.Context, f CallFilter) (Page[call.Record], error) {
	var w where
	if f.Open != nil {
		w.conditions = append(w.conditions, map[bool]string{true: "ended = 0", false: "ended > 0"}[*f.Open])
	}
	if f.Lost {
		w.conditions = append(w.conditions, "id IN (SELECT call_id FROM lost_callers)")
	}
	w.is("queue", key(string(f.Queue)))
	w.is("agent", key(string(f.Agent)))
	w.is("ticket_id", key(string(f.Ticket)))
	w.is("outcome", key(string(f.Outcome)))
	w.is("origin", key(f.Origin))
	w.is("number", key(f.Number))
	return page[call.Record](ctx, s, "calls", selectCalls, w, f.Before, f.Limit)
}

const openCallsInOrder = `SELECT opened, record FROM calls WHERE ended = 0 ORDER BY opened`

// OpenCalls returns every call that has not ended, in order of arrival: after
// Open, those that another process left.
func (s *Store) OpenCalls(ctx context.Context) ([]call.Record, error) {
	rs, _, err := list[call.Record](ctx, s, "open calls", openCallsInOrder)
	return rs, err
}

const (
	ticketByID    = `SELECT ticket FROM tickets WHERE id = $1`
	notesOfTicket = `SELECT global, note FROM ticket_notes WHERE ticket_id = $1 ORDER BY global`
	callsOfTicket = `SELECT opened, record FROM calls WHERE ticket_id = $1 ORDER BY opened`
)

// Ticket returns a ticket with its notes, or an error that matches ErrNotFound
// and tickets.ErrNotFound. Its calls are those that the ticket's own story names
// and those that point at it.
func (s *Store) Ticket(ctx context.Context, id call.TicketID) (tickets.Ticket, error) {
	what := "ticket " + string(id)
	t, err := one[tickets.Ticket](ctx, s, what, tickets.ErrNotFound, ticketByID, key(string(id)))
	if err != nil {
		return t, err
	}
	if t.Notes, _, err = list[tickets.Note](ctx, s, what, notesOfTicket, string(id)); err != nil {
		return t, err
	}
	pointing, _, err := list[call.Record](ctx, s, what, callsOfTicket, string(id))
	for _, r := range pointing {
		if !slices.Contains(t.Calls, r.ID) {
			t.Calls = append(t.Calls, r.ID)
		}
	}
	return t, err
}

// A partial index has these very conditions.
const unsettledTickets = `SELECT opened, ticket FROM tickets
WHERE state <> 'resolved' AND state <> 'closed' AND opened > $1 ORDER BY opened LIMIT $2`

// UnsettledTickets returns up to limit tickets that are not over, without their notes,
// in the order of opening behind a place; next is the place of the last, for the page
// that follows. Limit is at most 1,000.
func (s *Store) UnsettledTickets(ctx context.Context, after int64, limit int) (ts []tickets.Ticket, next int64, err error) {
	return list[tickets.Ticket](ctx, s, "open tickets", unsettledTickets, after, min(limit, mostRows))
}

// RecordingFilter says which recordings are listed; zero fields do not filter.
type RecordingFilter struct {
	Call   call.ID
	Ticket call.TicketID
	Agent  call.AgentID
	Before int64 // a Page's Next
	Limit  int   // 100 when 0; at most 1,000
}

const (
	recordingByID    = `SELECT recording FROM recordings WHERE id = $1`
	selectRecordings = `SELECT opened, recording FROM recordings`
	unfinished       = `SELECT opened, recording FROM recordings WHERE finished = 0 ORDER BY opened`
)

// Recording returns a recording, or an error that matches ErrNotFound and
// recordings.ErrNotFound.
func (s *Store) Recording(ctx context.Context, id call.RecordingID) (recordings.Recording, error) {
	return one[recordings.Recording](ctx, s, "recording "+string(id), recordings.ErrNotFound, recordingByID, key(string(id)))
}

// Recordings lists recordings, those begun last first.
func (s *Store) Recordings(ctx context.Context, f RecordingFilter) (Page[recordings.Recording], error) {
	var w where
	w.is("call_id", key(string(f.Call)))
	w.is("ticket_id", key(string(f.Ticket)))
	w.is("agent", key(string(f.Agent)))
	return page[recordings.Recording](ctx, s, "recordings", selectRecordings, w, f.Before, f.Limit)
}

// UnfinishedRecordings returns every recording that has not been finished: after
// Open, those for recordings.Catalogue.Recover.
func (s *Store) UnfinishedRecordings(ctx context.Context) ([]recordings.Recording, error) {
	rs, _, err := list[recordings.Recording](ctx, s, "unfinished recordings", unfinished)
	return rs, err
}

const (
	agentByID   = `SELECT agent FROM agents WHERE id = $1`
	everyAgent  = `SELECT 0, agent FROM agents`
	streamStory = `SELECT global, kind, stream, seq, at, config, type, body FROM events
WHERE kind = $1 AND stream = $2 AND seq > $3 ORDER BY seq, global LIMIT $4`
)

// Agent returns a person of the roster, or ErrNotFound.
func (s *Store) Agent(ctx context.Context, id call.AgentID) (Agent, error) {
	return one[Agent](ctx, s, "agent "+string(id), nil, agentByID, key(string(id)))
}

// Agents returns the whole roster by id.
func (s *Store) Agents(ctx context.Context) ([]Agent, error) {
	as, err := s.Everybody(ctx)
	return slices.DeleteFunc(as, func(a Agent) bool { return !a.Removed.IsZero() }), err
}

// Everybody is Agents with those who have left the roster.
func (s *Store) Everybody(ctx context.Context) ([]Agent, error) {
	as, _, err := list[Agent](ctx, s, "agents", everyAgent)
	slices.SortFunc(as, func(a, b Agent) int { return strings.Compare(string(a.ID), string(b.ID)) })
	return as, err
}

// Story returns up to limit events of one stream behind a sequence (0: from the
// first on). Limit is 100 when 0, and at most 1,000.
func (s *Store) Story(ctx context.Context, of call.Stream, after int64, limit int) ([]call.Event, error) {
	return s.readEvents(ctx, "events of "+string(of.Kind)+" "+of.ID, streamStory, limit, clean(string(of.Kind)), key(of.ID), after)
}

// Events returns up to limit stored events behind a global sequence, in order.
// Limit is 100 when 0, and at most 1,000. To follow the journal, use Journal.Read.
func (s *Store) Events(ctx context.Context, after int64, limit int) ([]call.Event, error) {
	return s.readEvents(ctx, fmt.Sprintf("events behind %d", after), eventsBetween, limit, after, s.journal.tail.last())
}

func (s *Store) readEvents(ctx context.Context, what, query string, limit int, args ...any) ([]call.Event, error) {
	if limit <= 0 {
		limit = defaultLimit
	}
	outer := ctx
	ctx, cancel := reading(ctx)
	defer cancel()
	evs, err := s.db.events(outer, query, append(args, min(limit, mostRows))...)
	return evs, tried(ctx, what, err)
}

// LostCaller is somebody to be called back.
type LostCaller struct {
	Call   call.ID
	At     time.Time
	Queue  call.QueueID
	Number string
	Joined time.Time // the original arrival in the queue
	Reason string
}

const lostCallers = `SELECT global, at, call_id, queue, number, joined, reason FROM lost_callers
WHERE global < $1 ORDER BY global DESC LIMIT $2`

// LostCallers lists callers who were lost, the latest first. Before is a Page's Next or 0.
func (s *Store) LostCallers(ctx context.Context, before int64, limit int) (Page[LostCaller], error) {
	if before <= 0 {
		before = 1<<63 - 1
	}
	if limit <= 0 {
		limit = defaultLimit
	}
	limit = min(limit, mostRows)
	ctx, cancel := reading(ctx)
	defer cancel()
	var p Page[LostCaller]
	rows, err := s.db.query(ctx, lostCallers, before, limit)
	if err != nil {
		return p, tried(ctx, "lost callers", err)
	}
	defer rows.Close()
	var global int64
	for rows.Next() {
		var l LostCaller
		var at, joined int64
		if err := rows.Scan(&global, &at, &l.Call, &l.Queue, &l.Number, &joined, &l.Reason); err != nil {
			return p, tried(ctx, "lost callers", err)
		}
		l.At, l.Joined = instant(at), instant(joined)
		p.Items = append(p.Items, l)
	}
	if len(p.Items) == limit {
		p.Next = global
	}
	return p, tried(ctx, "lost callers", rows.Err())
}
