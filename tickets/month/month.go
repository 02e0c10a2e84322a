// Package month says what a client was promised in a month, what of it was kept and what
// was missed, with the tickets behind each figure.
//
// A promise belongs to the month in which its clock began, by the calendar of the
// contract's zone. It is kept when its clock stopped in time, missed from the instant on
// at which it was late, and open until one of the two. A report is made from the tickets'
// histories, the contract and the instant at which it was known; the package does no I/O.
// A report that was sealed is never changed: what is known better later is a restatement,
// which names what differs.
package month

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"firstline/call"
	"firstline/tickets"
	"firstline/tickets/clock"
)

// ErrInvalid means that there is no such month, or that it is not over.
var ErrInvalid = errors.New("month")

// Month is a month of the calendar: 2026-10.
type Month string

// Bounds are the first instants of the month and of the next one, in a zone.
func (m Month) Bounds(zone *time.Location) (from, to time.Time, err error) {
	t, err := time.Parse("2006-01", string(m))
	if err != nil {
		return from, to, fmt.Errorf("%w: %q is not a month such as 2026-10", ErrInvalid, string(m))
	}
	first := func(month time.Month) time.Time { return time.Date(t.Year(), month, 1, 0, 0, 0, 0, zone).UTC() }
	return first(t.Month()), first(t.Month() + 1), nil
}

// Outcome is what became of a promise.
type Outcome string

// The outcomes of a promise.
const (
	Kept     Outcome = "kept"
	Missed   Outcome = "missed"
	Open     Outcome = "open"     // neither yet
	Excluded Outcome = "excluded" // its ticket was, with approval
)

// Input is what a report is made from.
type Input struct {
	Client   string
	Contract string // id
	Terms    tickets.Contract
	Zone     *time.Location
	Month    Month
	Known    time.Time // nothing that happened later is heeded
	Centre   string    // hash of the centre that the contract and its calendar are of
	Journal  int64     // last event of the journal that could be heeded
	Tickets  []tickets.Ticket
}

// Report is a month of a client.
type Report struct {
	Client       string      `json:"client"`
	Contract     string      `json:"contract"`
	Zone         string      `json:"zone"`
	Month        Month       `json:"month"`
	From         time.Time   `json:"from"`
	To           time.Time   `json:"to"` // excluded
	Inputs       Inputs      `json:"inputs"`
	Rows         []Row       `json:"rows"`
	Promises     []Promise   `json:"promises"`
	Exclusions   []Exclusion `json:"exclusions"`
	NotTechnical int         `json:"not_technical"` // tickets of the month that have no promises
	Restates     *Restates   `json:"restates,omitempty"`
}

// Inputs name what the report was made from.
type Inputs struct {
	Known   time.Time `json:"known"`
	Centre  string    `json:"centre"`
	Journal int64     `json:"journal"`
}

// Row counts the promises of one clock and priority. Made is kept, missed and open.
type Row struct {
	Clock    clock.Kind `json:"clock"`
	Priority int        `json:"priority"`
	Made     int        `json:"made"`
	Kept     int        `json:"kept"`
	Missed   int        `json:"missed"`
	Open     int        `json:"open"`
	Excluded int        `json:"excluded"`
}

// Promise is one promise: a turn of a clock of a ticket.
type Promise struct {
	Ticket   call.TicketID `json:"ticket"`
	Clock    clock.Kind    `json:"clock"`
	Turn     int           `json:"turn"`
	Priority int           `json:"priority"`
	Service  string        `json:"service,omitempty"`
	Outcome  Outcome       `json:"outcome"`
	Began    time.Time     `json:"began"`
	Due      time.Time     `json:"due,omitzero"` // when the time was used up, or would be
	Ended    time.Time     `json:"ended,omitzero"`
	SpentMs  int64         `json:"spent_ms"`
	WithinMs int64         `json:"within_ms"`
}

// Exclusion is an approved exclusion that touches the month.
type Exclusion struct {
	Ticket call.TicketID `json:"ticket"`
	tickets.Exclusion
}

// Make makes the report. ErrInvalid means that there is no such month.
func Make(in Input) (Report, error) {
	from, to, err := in.Month.Bounds(in.Zone)
	if err != nil {
		return Report{}, err
	}
	r := Report{
		Client: in.Client, Contract: in.Contract, Zone: in.Zone.String(), Month: in.Month, From: from, To: to,
		Inputs: Inputs{Known: call.Instant(in.Known), Centre: in.Centre, Journal: in.Journal},
		Rows:   []Row{}, Promises: []Promise{}, Exclusions: []Exclusion{},
	}
	for _, t := range in.Tickets {
		r.add(t, in)
	}
	slices.SortFunc(r.Promises, func(a, b Promise) int {
		return cmp.Or(a.Began.Compare(b.Began), cmp.Compare(a.Ticket, b.Ticket), cmp.Compare(a.Clock, b.Clock), cmp.Compare(a.Turn, b.Turn))
	})
	slices.SortStableFunc(r.Exclusions, func(a, b Exclusion) int { return cmp.Compare(a.Ticket, b.Ticket) })
	r.count()
	return r, nil
}

func (r *Report) add(t tickets.Ticket, in Input) {
	if t.Test || t.Client != in.Client {
		return
	}
	if t.Class.Kind == tickets.NotTechnical {
		if !t.Opened.Before(r.From) && t.Opened.Before(r.To) {
			r.NotTechnical++
		}
		return
	}
	whole := slices.ContainsFunc(t.Excluded, tickets.Exclusion.Whole)
	turn, touched := map[clock.Kind]int{}, false
	for _, x := range t.Promises(in.Terms, in.Known) {
		p := Promise{
			Ticket: t.ID, Clock: x.Kind, Turn: turn[x.Kind], Priority: cmp.Or(t.Class.Priority, in.Terms.Default), Service: t.Class.Service,
			Began: call.Instant(x.Began), Due: call.Instant(x.Due), Ended: call.Instant(x.Ended), SpentMs: x.Spent.Milliseconds(), WithinMs: x.Within.Milliseconds(),
		}
		turn[x.Kind]++
		if x.Began.Before(r.From) || !x.Began.Before(r.To) {
			continue
		}
		touched = true
		switch {
		case whole:
			p.Outcome = Excluded
		case x.Late:
			p.Outcome = Missed
		case x.State == clock.Stopped:
			p.Outcome = Kept
		default:
			p.Outcome = Open
		}
		r.Promises = append(r.Promises, p)
	}
	for _, x := range t.Excluded {
		if touched {
			r.Exclusions = append(r.Exclusions, Exclusion{Ticket: t.ID, Exclusion: x})
		}
	}
}

// count makes the rows of the promises, by clock and priority.
func (r *Report) count() {
	for _, p := range r.Promises {
		i := slices.IndexFunc(r.Rows, func(row Row) bool { return row.Clock == p.Clock && row.Priority == p.Priority })
		if i < 0 {
			i = len(r.Rows)
			r.Rows = append(r.Rows, Row{Clock: p.Clock, Priority: p.Priority})
		}
		row := &r.Rows[i]
		switch p.Outcome {
		case Kept:
			row.Kept++
		case Missed:
			row.Missed++
		case Open:
			row.Open++
		case Excluded:
			row.Excluded++
		}
		row.Made = row.Kept + row.Missed + row.Open
	}
	order := clock.Kinds()
	slices.SortFunc(r.Rows, func(a, b Row) int {
		return cmp.Or(cmp.Compare(slices.Index(order, a.Clock), slices.Index(order, b.Clock)), cmp.Compare(a.Priority, b.Priority))
	})
}

// Sealed is a report as it is kept: its very text, and the hash of that.
type Sealed struct {
	Version int       `json:"version"` // from 1
	At      time.Time `json:"at"`
	Hash    string    `json:"hash"` // SHA-256 of Text, in hex
	Text    []byte    `json:"-"`
}

// Seal is a report as a version of its month. ErrInvalid means that the month was not
// over when it was known.
func (r Report) Seal(version int, at time.Time) (Sealed, error) {
	if r.Inputs.Known.Before(r.To) {
		return Sealed{}, fmt.Errorf("%w: %s ends at %s in %s: it cannot be sealed before", ErrInvalid, r.Month, r.To.Format(time.RFC3339), r.Zone)
	}
	text, err := json.Marshal(r)
	if err != nil {
		return Sealed{}, fmt.Errorf("report of %s: %w", r.Month, err)
	}
	sum := sha256.Sum256(text)
	return Sealed{Version: version, At: call.Instant(at), Hash: hex.EncodeToString(sum[:]), Text: text}, nil
}

// Report reads what was sealed. An error means that it is not what its hash says.
func (s Sealed) Report() (Report, error) {
	var r Report
	if sum := sha256.Sum256(s.Text); hex.EncodeToString(sum[:]) != s.Hash {
		return r, fmt.Errorf("version %d is not as it was sealed: its hash is not %s", s.Version, s.Hash)
	}
	if err := json.Unmarshal(s.Text, &r); err != nil {
		return r, fmt.Errorf("version %d: %w", s.Version, err)
	}
	return r, nil
}

// Restates says of which version a report is a restatement, and what differs.
type Restates struct {
	Version     int          `json:"version"`
	Hash        string       `json:"hash"`
	Differences []Difference `json:"differences"`
}

// Difference is a promise that is told otherwise; nil where one of the two has it not.
type Difference struct {
	Was *Promise `json:"was,omitempty"`
	Is  *Promise `json:"is,omitempty"`
}

// Restate is the report as a restatement of what was sealed. same is that no promise is
// told otherwise.
func (r Report) Restate(sealed Sealed) (again Report, same bool, err error) {
	old, err := sealed.Report()
	if err != nil {
		return r, false, err
	}
	r.Restates = &Restates{Version: sealed.Version, Hash: sealed.Hash, Differences: differences(old.Promises, r.Promises)}
	return r, len(r.Restates.Differences) == 0 && old.NotTechnical == r.NotTechnical && len(old.Exclusions) == len(r.Exclusions), nil
}

type promiseKey struct {
	ticket call.TicketID
	clock  clock.Kind
	turn   int
}

func (p Promise) key() promiseKey { return promiseKey{p.Ticket, p.Clock, p.Turn} }

// counts is what a promise counts as: how far an open one was does not differ it.
func (p Promise) counts() Promise {
	p.SpentMs = 0
	if p.Outcome == Open || p.Outcome == Excluded {
		p.Due = time.Time{}
	}
	return p
}

func differences(was, is []Promise) []Difference {
	out := []Difference{}
	old := make(map[promiseKey]Promise)
	for _, p := range was {
		old[p.key()] = p
	}
	for _, p := range is {
		before, known := old[p.key()]
		delete(old, p.key())
		switch {
		case !known:
			out = append(out, Difference{Is: &p})
		case before.counts() != p.counts():
			out = append(out, Difference{Was: &before, Is: &p})
		}
	}
	for _, p := range was {
		if _, gone := old[p.key()]; gone {
			out = append(out, Difference{Was: &p})
		}
	}
	return out
}
