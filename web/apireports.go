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
	From  string       `query:"from" required:"true" maxLength:"40" example:"2026-03-01" doc:"the first instant at which an entry joined: an instant (RFC 3339), or a date, which is its first instant in the row's zone"`
	To    string       `query:"to" required:"true" maxLength:"40" example:"2026-04-01" doc:"the first instant that is too late, in the same forms: a date is not part of the period"`
	Queue call.QueueID `query:"queue" maxLength:"100" doc:"only this queue; staff is everybody's all the same"`
	Every string       `query:"every" enum:"15m,30m,1h,1d,1w,1mo" doc:"one row for each such part of the period. 15m, 30m and 1h are counted from its begin; 1d, 1w (from Monday on) and 1mo are days, weeks and months of the calendar in the row's zone, whatever their length. Without it, one row for the whole. At most 1,000 parts, and 20,000 rows"`
	By    string       `query:"by" enum:"client" doc:"one row for each client too. The client of a call is that of the number dialled, by the centre that is in force now, also for calls from before it was activated"`
	Zone  string       `query:"zone" maxLength:"64" example:"Europe/Berlin" doc:"of dates, days, weeks and months (IANA). Without it each client's own with by=client, else the desk's"`
}

type slaOut struct{ Body SLAReport }

// SLAReport is the figures of a period, by queue. A figure that cannot be
// computed is null, never 0.
type SLAReport struct {
	From    time.Time `json:"from"`
	To      time.Time `json:"to"`
	Zone    string    `json:"zone" doc:"in which dates were read for from, to and staff: what was asked for, or the desk's"`
	Formula string    `json:"formula" doc:"of each row's service_level"`
	Queues  []SLARow  `json:"queues" doc:"by interval, queue and client; with by=client only those that had a caller"`
	Staff   SLAStaff  `json:"staff"`
	StaffBy []SLAPart `json:"staff_by" doc:"the same for each part of the period, in the report's zone; empty without every"`
}

// SLAPart is how all agents spent one part of the period.
type SLAPart struct {
	From time.Time `json:"from"`
	To   time.Time `json:"to" doc:"excluded"`
	SLAStaff
}

// SLARow is one queue's line, of one interval and one client when they are told
// apart; its outcomes add up to Offered, with Waiting.
type SLARow struct {
	Queue          call.QueueID   `json:"queue"`
	Client         *string        `json:"client" doc:"null when clients are not told apart; empty when the number dialled is no particular client's"`
	From           time.Time      `json:"from"`
	To             time.Time      `json:"to" doc:"excluded"`
	Zone           string         `json:"zone" doc:"whose calendar and dates the interval follows"`
	Complete       bool           `json:"complete" doc:"false when there were more entries than one report holds, so that some are missing"`
	TargetPercent  float64        `json:"target_percent"`
	TargetMs       int64          `json:"target_ms"`
	TargetMixed    bool           `json:"target_mixed" doc:"the target changed within; each entry counts against its own, and the last is shown"`
	Offered        int            `json:"offered"`
	Answered       int            `json:"answered"`
	AnsweredWithin int            `json:"answered_within"`
	Abandoned      int            `json:"abandoned"`
	AbandonedShort int            `json:"abandoned_short"`
	Other          int            `json:"other" doc:"left otherwise; outcomes says how"`
	Waiting        int            `json:"waiting"`
	WaitingBeyond  int            `json:"waiting_beyond" doc:"of waiting: longer than the target already"`
	Outcomes       map[string]int `json:"outcomes" doc:"every outcome that there is; with waiting they add up to offered"`
	ServiceLevel   *float64       `json:"service_level" doc:"percent; null when nothing counts"`
	WaitAverageMs  *int64         `json:"wait_average_ms" doc:"of the answered: ASA"`
	WaitAllMs      *int64         `json:"wait_all_ms" doc:"mean, of all who left, however they left"`
	WaitLongestMs  *int64         `json:"wait_longest_ms"`
	HoldAverageMs  *int64         `json:"hold_average_ms" doc:"of the answered"`
	Levels         []SLALevel     `json:"levels" doc:"the service levels that are in use, side by side"`
	Handling       SLAHandling    `json:"handling"`
	Abandonment    SLAAbandonment `json:"abandonment"`
	Callbacks      SLACallbacks   `json:"callbacks"`
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
	Handled int    `json:"handled" doc:"answered or called back, talked to and wrapped up"`
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

// SLACallbacks is what became of the requests to be called back of those who arrived
// in the period. Tries to call them back are no callers: they are in no other figure
// but handling. Asked is open and the sum of ends.
type SLACallbacks struct {
	Asked         int            `json:"asked" doc:"by callers, and by the server for those whom a fault cut off"`
	Open          int            `json:"open"`
	Reached       int            `json:"reached" doc:"the customer talked to an agent"`
	Ends          map[string]int `json:"ends" doc:"every end that there is"`
	Tries         int            `json:"tries"`
	WaitAverageMs *int64         `json:"wait_average_ms" doc:"of those reached, from the original arrival until they talked; null when none was"`
	WaitLongestMs *int64         `json:"wait_longest_ms" doc:"of those reached"`
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

// everies are the lengths and units that a period may be cut by.
func everies(name string) sla.Every {
	switch name {
	case "15m":
		return sla.Every{Length: 15 * time.Minute}
	case "30m":
		return sla.Every{Length: 30 * time.Minute}
	case "1h":
		return sla.Every{Length: time.Hour}
	case "1d":
		return sla.Every{Unit: sla.Day}
	case "1w":
		return sla.Every{Unit: sla.Week}
	case "1mo":
		return sla.Every{Unit: sla.Month}
	}
	return sla.Every{}
}

func (s *Server) reportSLA(ctx context.Context, in *slaIn) (*slaOut, error) {
	f, err := in.filter(s.cfg.Queues.Zone())
	if err != nil {
		return nil, err
	}
	rep, err := s.cfg.Reports.SLA(ctx, f)
	if err != nil {
		return nil, err
	}
	return &slaOut{Body: rep}, nil
}

// filter reads what is asked for; dates are judged in the desk's zone when no other
// is named.
func (in *slaIn) filter(desk *time.Location) (SLAFilter, error) {
	f := SLAFilter{Queue: in.Queue, Every: everies(in.Every), ByClient: in.By == "client"}
	var fault error
	refuse := func(what, at, want string, got any) {
		if fault == nil {
			fault = huma.Error422UnprocessableEntity(what, &huma.ErrorDetail{Location: at, Message: want, Value: got})
		}
	}
	for _, e := range []struct {
		edge *Edge
		text string
		at   string
	}{{&f.From, in.From, "query.from"}, {&f.To, in.To, "query.to"}} {
		var err error
		if *e.edge, err = ParseEdge(e.text); err != nil {
			refuse(err.Error(), e.at, "expected 2026-03-01 or 2026-03-01T09:00:00+01:00", e.text)
		}
	}
	zone := desk
	if in.Zone != "" {
		var err error
		if f.Zone, err = time.LoadLocation(in.Zone); err != nil || f.Zone == time.Local {
			refuse("there is no such time zone", "query.zone", "expected a name such as Europe/Berlin", in.Zone)
		}
		zone = f.Zone
	}
	if fault != nil {
		return f, fault
	}
	from, to := f.From.In(zone), f.To.In(zone)
	length := to.Sub(from)
	switch {
	case !from.Before(to):
		refuse("the period is empty", "query.to", "expected a later end than from", in.To)
	case length > longestReport:
		refuse("the period is longer than 400 days", "query.to", "expected a shorter period", in.To)
	case f.Every.Length > 0 && length > reportIntervals*f.Every.Length:
		refuse("the period has more than 1,000 such intervals", "query.every", "expected a longer interval or a shorter period", in.Every)
	}
	return f, fault
}

func (s *Server) reportRoutes(api huma.API) {
	register(s, api, operation(http.MethodGet, "/reports/sla", "report-sla", "Service level of a period", Supervisor), s.reportSLA)
	s.monthRoutes(api)
}
