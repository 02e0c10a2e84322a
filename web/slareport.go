package web

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"firstline/call"
	"firstline/callqueue/sla"
)

// SLABooks is what a report is made from.
type SLABooks struct {
	Ledger *sla.Ledger
	Staff  *sla.Staff
	Zone   func(client string) *time.Location // whose days a client's calls are counted in; the desk's for ""
}

// Report is the report that a filter asks for, as known at now. The error is
// sla.ErrSpan's.
func (b SLABooks) Report(f SLAFilter, now time.Time) (SLAReport, error) {
	zone := b.Zone
	if f.Zone != nil {
		zone = func(string) *time.Location { return f.Zone }
	}
	desk := zone("")
	out := SLAReport{From: f.From.In(desk).UTC(), To: f.To.In(desk).UTC(), Zone: desk.String(), Formula: Formula, Queues: []SLARow{}, StaffBy: []SLAPart{}}
	rows, err := b.rows(f, now, zone)
	if err != nil {
		return out, err
	}
	out.Queues = append(out.Queues, rows...)
	return out, b.staff(&out, sla.Span{Now: now, From: out.From, To: out.To, Every: in(f.Every, desk)})
}

// staff adds how all agents spent the span, and each part of it when it is cut.
func (b SLABooks) staff(out *SLAReport, span sla.Span) error {
	every := span.Every
	span.Every = sla.Every{}
	spent, err := b.Staff.Figures(span, nil)
	if err != nil {
		return err
	}
	out.Staff = slaStaff(spent[0])
	if span.Every = every; every == (sla.Every{}) {
		return nil
	}
	parts, err := b.Staff.Figures(span, nil)
	for _, p := range parts {
		out.StaffBy = append(out.StaffBy, SLAPart{p.From, p.To, slaStaff(p)})
	}
	return err
}

// in is a cut by the calendar of a zone.
func in(every sla.Every, zone *time.Location) sla.Every {
	if every.Unit != "" {
		every.Zone = zone
	}
	return every
}

// rows are by interval, queue and client. Clients of one zone share their intervals.
func (b SLABooks) rows(f SLAFilter, now time.Time, zone func(string) *time.Location) ([]SLARow, error) {
	clients := []string{""}
	if f.ByClient {
		clients = b.Ledger.Clients()
	}
	zones := make(map[string]*time.Location)
	for _, client := range clients {
		zones[zone(client).String()] = zone(client)
	}
	var rows []SLARow
	for _, name := range slices.Sorted(maps.Keys(zones)) {
		figures, err := b.figures(f, zones[name], now)
		if err != nil {
			return nil, err
		}
		for _, x := range figures {
			if (f.Queue == "" || x.Queue == f.Queue) && (!f.ByClient || zone(x.Client).String() == name) {
				rows = append(rows, slaRow(x, zones[name], f.ByClient))
			}
		}
	}
	if len(zones) > 1 {
		slices.SortStableFunc(rows, func(a, b SLARow) int {
			return cmp.Or(a.From.Compare(b.From), cmp.Compare(a.Queue, b.Queue), cmp.Compare(*a.Client, *b.Client))
		})
	}
	return rows, nil
}

// figures are those of all queues and clients, with days and dates of a zone. In
// some zones the period may not have begun.
func (b SLABooks) figures(f SLAFilter, zone *time.Location, now time.Time) ([]sla.Figures, error) {
	span := sla.Span{Now: now, From: f.From.In(zone), To: f.To.In(zone), Every: in(f.Every, zone), ByClient: f.ByClient}
	if f.ByClient && !span.From.Before(span.To) {
		return nil, nil
	}
	return b.Ledger.Figures(span)
}

func slaRow(f sla.Figures, zone *time.Location, byClient bool) SLARow {
	ours := f.Level(sla.LevelOurs)
	row := SLARow{
		Queue: f.Queue, From: f.From, To: f.To, Zone: zone.String(), Complete: f.Complete,
		TargetPercent: f.Target.Percent, TargetMs: f.Target.Within.Milliseconds(), TargetMixed: f.Mixed,
		Offered: f.Offered, Answered: f.Outcomes[call.OutcomeAnswered], AnsweredWithin: ours.Part,
		Abandoned: f.Outcomes[call.OutcomeAbandoned], AbandonedShort: f.Outcomes[call.OutcomeAbandonedShort],
		Waiting: f.Waiting, WaitingBeyond: f.Beyond, Outcomes: make(map[string]int),
		ServiceLevel: ours.Percent, WaitAverageMs: milliseconds(f.ASA), WaitAllMs: milliseconds(f.Wait),
		Handling: SLAHandling{
			Handled: f.Handled, TalkMs: milliseconds(f.Talk), HoldMs: milliseconds(f.Hold), WrapMs: milliseconds(f.WrapUp),
		},
		Abandonment: SLAAbandonment{
			ShortMs: f.Target.ShortAbandon.Milliseconds(), Percent: share(f.Abandonment), AllPercent: share(f.AbandonAll),
			WaitAverageMs: milliseconds(f.AbandonWait), WaitLongestMs: milliseconds(f.GivenUpAt),
		},
	}
	row.Callbacks = slaCallbacks(f.Callbacks)
	for _, out := range call.EntryOutcomes() {
		row.Outcomes[string(out)] = f.Outcomes[out]
	}
	row.Other = row.Offered - row.Waiting - row.Answered - row.Abandoned - row.AbandonedShort
	if byClient {
		row.Client = &f.Client
	}
	if f.Offered > 0 {
		row.WaitLongestMs = milliseconds(&f.LongestWait)
	}
	if row.Answered > 0 {
		row.HoldAverageMs = new((f.Held / time.Duration(row.Answered)).Milliseconds())
	}
	if h := &row.Handling; h.Handled > 0 {
		h.AHTMs = new(*h.TalkMs + *h.HoldMs + *h.WrapMs) // so that what is shown adds up
	}
	for _, l := range f.Levels {
		row.Levels = append(row.Levels, SLALevel(l))
	}
	return row
}

func slaCallbacks(f sla.Callbacks) SLACallbacks {
	c := SLACallbacks{
		Asked: f.Asked, Open: f.Open, Reached: f.Ends[call.CallbackReached], Tries: f.Tries, Ends: make(map[string]int), WaitAverageMs: milliseconds(f.Wait),
	}
	for _, end := range call.CallbackEnds() {
		c.Ends[string(end)] = f.Ends[end]
	}
	if c.Reached > 0 {
		c.WaitLongestMs = milliseconds(&f.Longest)
	}
	return c
}

// slaStaff cuts each part to milliseconds and adds those up, so that the sums hold.
func slaStaff(f sla.StaffFigures) SLAStaff {
	out := SLAStaff{
		Agents: f.Agents, Occupancy: f.Occupancy, Formula: f.Formula,
		StatesMs: map[string]int64{}, BreaksMs: map[string]int64{},
	}
	for reason, d := range f.Breaks {
		out.BreaksMs[reason] = d.Milliseconds()
		out.StatesMs[string(sla.StateBreak)] += d.Milliseconds()
	}
	for state, d := range f.States {
		if state != sla.StateBreak {
			out.StatesMs[string(state)] = d.Milliseconds()
		}
	}
	for _, ms := range out.StatesMs {
		out.StaffedMs += ms
	}
	return out
}

func milliseconds(d *time.Duration) *int64 {
	if d == nil {
		return nil
	}
	return new(d.Milliseconds())
}

func share(r *sla.Rate) *float64 {
	if r == nil {
		return nil
	}
	return &r.Percent
}
