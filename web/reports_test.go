package web_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"firstline/call"
	"firstline/web"
	"firstline/web/webtest"
)

// shift is three hours of a morning, 40 calls to three numbers: most are talked to
// for 70 s of which 10 s on hold, some give up, and the last waits.
func shift(d *desk) (from time.Time) {
	from = time.Date(2026, 3, 2, 8, 0, 0, 0, time.UTC)
	d.Clients = map[string]string{"1001": "acme", "1002": "globex"}
	d.Hire(from.Add(-time.Hour), "ana", "Ana Brandt", call.Available, call.Idle)
	for n := range 40 {
		at := from.Add(time.Duration(n) * 270 * time.Second)
		c := d.ArriveOn([]string{"1000", "1001", "1002"}[n%3], at, webtest.TicketNumber(n), call.Party{Number: "+4930"}).Join("service-desk")
		switch {
		case n == 39:
		case n%7 == 3:
			c.After(3*time.Second).Abandon("service-desk", at)
		case n%7 == 5:
			c.After(30*time.Second).Abandon("service-desk", at)
		default:
			c.Offer("ana").After(time.Duration(4+n)*time.Second).Talk("service-desk", at)
			c.After(40 * time.Second).Hold().After(10 * time.Second).Unhold().After(20 * time.Second).HangUp()
			d.Add(call.AgentEvent(at.Add(time.Duration(74+n+15)*time.Second), "ana", call.ActivityChanged{Activity: call.Idle}))
		}
	}
	return from
}

func (d *desk) report(from time.Time, query string) web.SLAReport {
	d.t.Helper()
	res := d.ask("GET", "/api/v1/reports/sla?from="+from.Format(time.RFC3339)+"&to="+from.Add(3*time.Hour).Format(time.RFC3339)+query, "supervisor-token", "")
	wantStatus(d.t, res, 200)
	return decode[web.SLAReport](d.t, res)
}

// counts is what of a report adds up, levels by name as part and whole.
func counts(rows []web.SLARow) map[string]int {
	sum := make(map[string]int)
	for _, r := range rows {
		sum["offered"] += r.Offered
		sum["answered"] += r.Answered
		sum["within"] += r.AnsweredWithin
		sum["abandoned"] += r.Abandoned
		sum["short"] += r.AbandonedShort
		sum["other"] += r.Other
		sum["waiting"] += r.Waiting
		sum["handled"] += r.Handling.Handled
		for _, l := range r.Levels {
			sum[l.Name+" part"] += l.Part
			sum[l.Name+" whole"] += l.Whole
		}
	}
	return sum
}

func TestReportStatesEveryServiceLevelWithItsFormula(t *testing.T) {
	d := newDesk(t)
	rep := d.report(shift(d), "")
	if len(rep.Queues) != 1 {
		t.Fatalf("%d rows", len(rep.Queues))
	}
	row := rep.Queues[0]
	if row.Client != nil || row.Offered != 40 || row.Waiting != 1 || row.Offered != row.Answered+row.Abandoned+row.AbandonedShort+row.Other+row.Waiting {
		t.Errorf("%+v", row)
	}
	left := 0
	for _, n := range row.Outcomes {
		left += n
	}
	if len(row.Outcomes) != len(call.EntryOutcomes()) || left+row.Waiting != row.Offered || row.WaitingBeyond != 1 {
		t.Errorf("outcomes %v, %d waiting (%d too long) of %d", row.Outcomes, row.Waiting, row.WaitingBeyond, row.Offered)
	}
	if *row.WaitAllMs <= 0 || *row.WaitAllMs == *row.WaitAverageMs {
		t.Errorf("mean wait of all %d, of the answered %d", *row.WaitAllMs, *row.WaitAverageMs)
	}
	names := make(map[string]bool)
	for _, l := range row.Levels {
		names[l.Name] = true
		if l.Percent == nil || l.Formula == "" || *l.Percent != 100*float64(l.Part)/float64(l.Whole) {
			t.Errorf("%+v", l)
		}
		if l.Name == "without-short-abandons" && *l.Percent != *row.ServiceLevel {
			t.Errorf("the row says %v, its level %v", *row.ServiceLevel, *l.Percent)
		}
	}
	if len(names) != 8 {
		t.Errorf("levels %v", names)
	}
	h := row.Handling
	if h.Handled != row.Answered || *h.TalkMs != 60_000 || *h.HoldMs != 10_000 || *h.WrapMs != 15_000 || *h.AHTMs != 85_000 || *row.HoldAverageMs != 10_000 {
		t.Errorf("handling %+v", h)
	}
	if a := row.Abandonment; a.ShortMs != 5000 || *a.WaitLongestMs != 30_000 || *a.AllPercent != 100*float64(row.Abandoned+row.AbandonedShort)/39 {
		t.Errorf("abandonment %+v", a)
	}
}

func TestIntervalsAndClientsOfAReportAddUpToTheWhole(t *testing.T) {
	d := newDesk(t)
	from := shift(d)
	whole := counts(d.report(from, "").Queues)
	for query, rows := range map[string]int{"&every=15m": 12, "&every=30m": 6, "&every=1h": 3, "&every=1d": 1, "&by=client": 3, "&every=1h&by=client": 9} {
		rep := d.report(from, query)
		if diff := cmp.Diff(whole, counts(rep.Queues)); diff != "" || len(rep.Queues) != rows {
			t.Errorf("%s: %d rows, want %d (-whole +sum):\n%s", query, len(rep.Queues), rows, diff)
		}
	}
	clients := make(map[string]int)
	for _, r := range d.report(from, "&by=client").Queues {
		clients[*r.Client] = r.Offered
	}
	if diff := cmp.Diff(map[string]int{"": 14, "acme": 13, "globex": 13}, clients); diff != "" {
		t.Error(diff)
	}
	if rep := d.report(from, "&queue=other"); len(rep.Queues) != 0 {
		t.Errorf("rows of a queue without callers: %+v", rep.Queues)
	}
}

func TestFiguresOfNobodyAreNull(t *testing.T) {
	d := newDesk(t)
	from := shift(d)
	res := d.ask("GET", "/api/v1/reports/sla?from=2026-03-02T00:00:00Z&to=2026-03-02T01:00:00Z", "supervisor-token", "")
	body := text(t, res)
	for _, want := range []string{
		`"service_level":null`, `"percent":null`, `"all_percent":null`, `"wait_average_ms":null`, `"wait_longest_ms":null`,
		`"aht_ms":null`, `"talk_ms":null`, `"occupancy":null`, `"staffed_ms":0`, `"formula":"answered within target`,
	} {
		if !strings.Contains(body, want) {
			t.Errorf("without %s: %s", want, body)
		}
	}
	if strings.Contains(body, `percent":0,`) {
		t.Errorf("a percentage of nobody: %s", body)
	}
	if rep := d.report(from.Add(-24*time.Hour), ""); rep.Staff.Occupancy != nil || rep.Staff.Agents != 0 {
		t.Errorf("staff %+v", rep.Staff)
	}
}

func TestStaffedTimeIsTheSumOfItsStates(t *testing.T) {
	d := newDesk(t)
	from := shift(d)
	d.Add(call.AgentEvent(from.Add(178*time.Minute), "ana", call.PresenceChanged{Presence: call.OnBreak, Reason: "lunch"}))
	st := d.report(from, "").Staff
	var sum int64
	for _, ms := range st.StatesMs {
		sum += ms
	}
	if st.Agents != 1 || st.StaffedMs != (3*time.Hour).Milliseconds() || sum != st.StaffedMs {
		t.Errorf("staffed %d, states %v", st.StaffedMs, st.StatesMs)
	}
	var parts web.SLAStaff
	parts.StatesMs = make(map[string]int64)
	by := d.report(from, "&every=30m").StaffBy
	for _, p := range by {
		parts.StaffedMs += p.StaffedMs
		for state, ms := range p.StatesMs {
			parts.StatesMs[state] += ms
		}
		if p.Occupancy == nil || p.To.Sub(p.From) != 30*time.Minute {
			t.Errorf("part %+v", p)
		}
	}
	if diff := cmp.Diff(st.StatesMs, parts.StatesMs); len(by) != 6 || parts.StaffedMs != st.StaffedMs || diff != "" {
		t.Errorf("%d parts, staffed %d of %d (-whole +parts):\n%s", len(by), parts.StaffedMs, st.StaffedMs, diff)
	}
	if st.BreaksMs["lunch"] != 120_000 || st.StatesMs["break"] != 120_000 {
		t.Errorf("breaks %v", st.BreaksMs)
	}
	busy := st.StatesMs["talking"] + st.StatesMs["on-hold"] + st.StatesMs["wrap-up"]
	if want := 100 * float64(busy) / float64(st.StaffedMs-120_000); st.Occupancy == nil || *st.Occupancy != want || st.Formula == "" {
		t.Errorf("occupancy %v, want %v", st.Occupancy, want)
	}
}
