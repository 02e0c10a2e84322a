package web

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"firstline/call"
	"firstline/callqueue/sla"
)

type slaIn struct {
	From  time.Time    `query:"from" required:"true" doc:"the first instant at which an entry joined"`
	To    time.Time    `query:"to" required:"true" doc:"the first instant that is too late"`
	Queue call.QueueID `query:"queue" maxLength:"100" doc:"only this queue; staff is everybody's all the same"`
	Every string       `query:"every" enum:"15m,30m,1h,1d" doc:"one row for each such part of the period, counted from its begin; 1d is 24 hours. Without it, one row for the whole. At most 1,000 parts"`
	By    string       `query:"by" enum:"client" doc:"one row for each client too. The client of a call is that of the number dialled, by the centre that is in force now, also for calls from before it was activated"`
}

type slaOut struct{ Body SLAReport }

// SLAReport is the figures of a period, by queue. A figure that cannot be
// computed is null, never 0.
type SLAReport struct {
	From    time.Time `json:"from"`
	To      time.Time `json:"to"`
	Formula string    `json:"formula" doc:"of each row's service_level"`
	Queues  []SLARow  `json:"queues" doc:"by interval, queue and client; with by=client only those that had a caller"`
	Staff   SLAStaff  `json:"staff"`
}

// SLARow is one queue's line, of one interval and one client when they are told
// apart; its outcomes add up to Offered, with Waiting.
type SLARow struct {
	Queue          call.QueueID   `json:"queue"`
	Client         *string        `json:"client" doc:"null when clients are not told apart; empty when the number dialled is no particular client's"`
	From           time.Time      `json:"from"`
	To             time.Time      `json:"to" doc:"excluded"`
	Complete       bool           `json:"complete" doc:"false when there were more entries than one report holds, so that some are missing"`
	TargetPercent  float64        `json:"target_percent"`
	TargetMs       int64          `json:"target_ms"`
	TargetMixed    bool           `json:"target_mixed" doc:"the target changed within; each entry counts against its own, and the last is shown"`
	Offered        int            `json:"offered"`
	Answered       int            `json:"answered"`
	AnsweredWithin int            `json:"answered_within"`
	Abandoned      int            `json:"abandoned"`
	AbandonedShort int            `json:"abandoned_short"`
	Other          int            `json:"other"`
	Waiting        int            `json:"waiting"`
	ServiceLevel   *float64       `json:"service_level" doc:"percent; null when nothing counts"`
	WaitAverageMs  *int64         `json:"wait_average_ms" doc:"of the answered"`
	WaitLongestMs  *int64         `json:"wait_longest_ms"`
	HoldAverageMs  *int64         `json:"hold_average_ms" doc:"of the answered"`
	Levels         []SLALevel     `json:"levels" doc:"the service levels that are in use, side by side"`
	Handling       SLAHandling    `json:"handling"`
	Abandonment    SLAAbandonment `json:"abandonment"`
}

// SLALevel is one way to state a service level. T is the target of the entry.
type SLALevel struct {
	Name    string   `json:"name"`
	Percent *float64 `json:"percent" doc:"null when nothing counts"`
	Part    int      `json:"part"`
	Whole   int      `json:"whole"`
	Formula string   `json:"formula"`
}

// SLAHandling is how long agents were busy with those they answered, once that is
// over. The three parts add up to AHTMs.
type SLAHandling struct {
	Handled int    `json:"handled" doc:"answered, talked to and wrapped up"`
	AHTMs   *int64 `json:"aht_ms" doc:"mean; null when nobody was handled"`
	TalkMs  *int64 `json:"talk_ms" doc:"of it, without holds"`
	HoldMs  *int64 `json:"hold_ms"`
	WrapMs  *int64 `json:"wrap_ms"`
}

// SLAAbandonment is who gave up.
type SLAAbandonment struct {
	ShortMs       int64    `json:"short_ms" doc:"who gives up before is a short abandon"`
	Percent       *float64 `json:"percent" doc:"abandoned, short abandons apart / (all who left − short abandons)"`
	AllPercent    *float64 `json:"all_percent" doc:"abandoned, short abandons among them / all who left"`
	WaitAverageMs *int64   `json:"wait_average_ms" doc:"of all who gave up"`
	WaitLongestMs *int64   `json:"wait_longest_ms" doc:"of all who gave up"`
}

// SLAStaff is how all agents spent the period, as far as it is over.
type SLAStaff struct {
	Agents    int              `json:"agents" doc:"staffed at some time"`
	Occupancy *float64         `json:"occupancy" doc:"percent; null when nobody was staffed"`
	Formula   string           `json:"formula"`
	StaffedMs int64            `json:"staffed_ms" doc:"the sum of states_ms"`
	StatesMs  map[string]int64 `json:"states_ms" doc:"ready, offered, talking, on-hold, wrap-up, outbound, break, unreachable"`
	BreaksMs  map[string]int64 `json:"breaks_ms" doc:"by reason; the sum is states_ms.break"`
}

const (
	longestReport   = 400 * 24 * time.Hour
	reportIntervals = 1000
)

func (s *Server) reportSLA(ctx context.Context, in *slaIn) (*slaOut, error) {
	every := map[string]time.Duration{"15m": 15 * time.Minute, "30m": 30 * time.Minute, "1h": time.Hour, "1d": 24 * time.Hour}[in.Every]
	length := in.To.Sub(in.From)
	switch {
	case !in.From.Before(in.To):
		return nil, huma.Error422UnprocessableEntity("the period is empty", &huma.ErrorDetail{
			Location: "query.to", Message: "expected an instant after from", Value: in.To,
		})
	case length > longestReport:
		return nil, huma.Error422UnprocessableEntity("the period is longer than 400 days")
	case every > 0 && length > reportIntervals*every:
		return nil, huma.Error422UnprocessableEntity("the period has more than 1,000 such intervals", &huma.ErrorDetail{
			Location: "query.every", Message: "expected a longer interval or a shorter period", Value: in.Every,
		})
	}
	rep, err := s.cfg.Reports.SLA(ctx, SLAFilter{
		From: in.From.UTC(), To: in.To.UTC(), Queue: in.Queue, Every: every, ByClient: in.By == "client",
	})
	if err != nil {
		return nil, err
	}
	return &slaOut{Body: rep}, nil
}

func (s *Server) reportRoutes(api huma.API) {
	register(s, api, operation(http.MethodGet, "/reports/sla", "report-sla", "Service level of a period", Supervisor), s.reportSLA)
}

// SLAReportOf is the report that a filter asks for, from what a ledger and a staff
// hold, as known at now. The error is sla.ErrSpan's.
func SLAReportOf(f SLAFilter, now time.Time, ledger *sla.Ledger, staff *sla.Staff) (SLAReport, error) {
	out := SLAReport{From: f.From, To: f.To, Formula: Formula, Queues: []SLARow{}}
	span := sla.Span{Now: now, From: f.From, To: f.To, Every: f.Every, ByClient: f.ByClient}
	figures, err := ledger.Figures(span)
	if err != nil {
		return out, err
	}
	for _, x := range figures {
		if f.Queue == "" || x.Queue == f.Queue {
			out.Queues = append(out.Queues, slaRow(x, f.ByClient))
		}
	}
	span.Every = 0
	spent, err := staff.Figures(span, nil)
	if err != nil {
		return out, err
	}
	out.Staff = slaStaff(spent[0])
	return out, nil
}

func slaRow(f sla.Figures, byClient bool) SLARow {
	ours := f.Level(sla.LevelOurs)
	row := SLARow{
		Queue: f.Queue, From: f.From, To: f.To, Complete: f.Complete,
		TargetPercent: f.Target.Percent, TargetMs: f.Target.Within.Milliseconds(), TargetMixed: f.Mixed,
		Offered: f.Offered, Answered: f.Outcomes[call.OutcomeAnswered], AnsweredWithin: ours.Part,
		Abandoned: f.Outcomes[call.OutcomeAbandoned], AbandonedShort: f.Outcomes[call.OutcomeAbandonedShort],
		Waiting: f.Waiting, ServiceLevel: ours.Percent, WaitAverageMs: milliseconds(f.ASA),
		Handling: SLAHandling{
			Handled: f.Handled, TalkMs: milliseconds(f.Talk), HoldMs: milliseconds(f.Hold), WrapMs: milliseconds(f.WrapUp),
		},
		Abandonment: SLAAbandonment{
			ShortMs: f.Target.ShortAbandon.Milliseconds(), Percent: share(f.Abandonment), AllPercent: share(f.AbandonAll),
			WaitAverageMs: milliseconds(f.AbandonWait), WaitLongestMs: milliseconds(f.GivenUpAt),
		},
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
