package web_test

import (
	"net/url"
	"testing"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/google/go-cmp/cmp"

	"firstline/call"
	"firstline/web"
	"firstline/web/webtest"
)

func zone(t *testing.T, name string) *time.Location {
	t.Helper()
	z, err := time.LoadLocation(name)
	if err != nil {
		t.Fatal(err)
	}
	return z
}

// hourly is a caller for acme and one for globex on every hour from an instant on,
// each of whom gives up after 30 s.
func hourly(d *desk, from time.Time, hours int) {
	d.Clients = map[string]string{"1001": "acme", "1002": "globex"}
	for n := range hours {
		for i, number := range []string{"1001", "1002"} {
			at := from.Add(time.Duration(n) * time.Hour)
			d.ArriveOn(number, at, webtest.TicketNumber(2*n+i), call.Party{Number: "+4930"}).Join("service-desk").After(30*time.Second).Abandon("service-desk", at)
		}
	}
}

func (d *desk) days(query url.Values) []web.SLARow {
	d.t.Helper()
	res := d.ask("GET", "/api/v1/reports/sla?"+query.Encode(), "supervisor-token", "")
	wantStatus(d.t, res, 200)
	return decode[web.SLAReport](d.t, res).Queues
}

// line is what a row says of its interval, by the clock of its zone.
type line struct {
	Client, From string
	Hours        float64
	Offered      int
}

func lines(t *testing.T, rows []web.SLARow) (all []line) {
	t.Helper()
	for _, r := range rows {
		l := line{From: r.From.In(zone(t, r.Zone)).Format("2006-01-02 15:04"), Hours: r.To.Sub(r.From).Hours(), Offered: r.Offered}
		if r.Client != nil {
			l.Client = *r.Client
		}
		all = append(all, l)
	}
	return all
}

// On 29 March 2026 the clocks of Berlin go from 2 to 3, on 25 October from 3 back to 2.
func TestDaysOfAReportAreThoseOfTheDesksCalendar(t *testing.T) {
	d := newDesk(t)
	berlin := zone(t, "Europe/Berlin")
	d.SetZones(map[string]*time.Location{"": berlin})
	hourly(d, time.Date(2026, 3, 27, 0, 0, 0, 0, time.UTC), 5*24)
	hourly(d, time.Date(2026, 10, 23, 0, 0, 0, 0, time.UTC), 5*24)
	for _, c := range []struct {
		from, to, every string
		want            []line
	}{
		{"2026-03-28", "2026-03-31", "1d", []line{{"", "2026-03-28 00:00", 24, 48}, {"", "2026-03-29 00:00", 23, 46}, {"", "2026-03-30 00:00", 24, 48}}},
		{"2026-10-24", "2026-10-27", "1d", []line{{"", "2026-10-24 00:00", 24, 48}, {"", "2026-10-25 00:00", 25, 50}, {"", "2026-10-26 00:00", 24, 48}}},
		{"2026-03-28", "2026-03-31", "1w", []line{{"", "2026-03-28 00:00", 47, 94}, {"", "2026-03-30 00:00", 24, 48}}},
		{"2026-10-23", "2026-10-28", "1mo", []line{{"", "2026-10-23 00:00", 121, 238}}}, // the first two hours lie before the story
	} {
		got := lines(t, d.days(url.Values{"from": {c.from}, "to": {c.to}, "every": {c.every}}))
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%s to %s by %s:\n%s", c.from, c.to, c.every, diff)
		}
	}
}

// Each client's manager reads the days of the client's own country.
func TestDaysOfAClientAreThoseOfItsOwnCalendar(t *testing.T) {
	d := newDesk(t)
	d.SetZones(map[string]*time.Location{"": time.UTC, "acme": zone(t, "Europe/Berlin"), "globex": zone(t, "America/New_York")})
	hourly(d, time.Date(2026, 3, 27, 0, 0, 0, 0, time.UTC), 5*24)
	ask := url.Values{"from": {"2026-03-28"}, "to": {"2026-03-30"}, "every": {"1d"}, "by": {"client"}}
	want := []line{
		{"acme", "2026-03-28 00:00", 24, 24},
		{"globex", "2026-03-28 00:00", 24, 24},
		{"acme", "2026-03-29 00:00", 23, 23},
		{"globex", "2026-03-29 00:00", 24, 24}, // its clocks changed three weeks before
	}
	if diff := cmp.Diff(want, lines(t, d.days(ask))); diff != "" {
		t.Error(diff)
	}
	// One zone for all, when it is named.
	ask.Set("zone", "Asia/Kolkata")
	want = []line{
		{"acme", "2026-03-28 00:00", 24, 24},
		{"globex", "2026-03-28 00:00", 24, 24},
		{"acme", "2026-03-29 00:00", 24, 24},
		{"globex", "2026-03-29 00:00", 24, 24},
	}
	if diff := cmp.Diff(want, lines(t, d.days(ask))); diff != "" {
		t.Error(diff)
	}
	// Instants are the same for everybody; only where days are cut differs.
	ask = url.Values{"from": {"2026-03-28T00:00:00Z"}, "to": {"2026-03-29T00:00:00Z"}, "every": {"1d"}, "by": {"client"}}
	want = []line{
		{"acme", "2026-03-28 01:00", 23, 23},
		{"globex", "2026-03-27 20:00", 4, 4},
		{"globex", "2026-03-28 00:00", 20, 20},
		{"acme", "2026-03-29 00:00", 1, 1},
	}
	if diff := cmp.Diff(want, lines(t, d.days(ask))); diff != "" {
		t.Error(diff)
	}
}

func TestPeriodsThatAreNoneAreToldWhere(t *testing.T) {
	d := newDesk(t)
	for query, where := range map[string]string{
		"from=yesterday&to=2026-03-02":                                       "query.from",
		"from=2026-03-01&to=2026-02-30":                                      "query.to",
		"from=2026-03-02&to=2026-03-02":                                      "query.to",
		"from=2024-03-02&to=2026-03-02":                                      "query.to",
		"from=2026-03-01&to=2026-03-02&zone=Europe%2FBerln":                  "query.zone",
		"from=2026-03-01&to=2026-03-02&zone=Local":                           "query.zone",
		"from=2026-03-01&to=2026-03-20&every=15m":                            "query.every",
		"from=2026-03-01T00:00:00Z&to=2026-03-01T00:00:00%2B01:00&by=client": "query.to",
	} {
		res := d.ask("GET", "/api/v1/reports/sla?"+query, "supervisor-token", "")
		wantStatus(t, res, 422)
		if p := decode[huma.ErrorModel](t, res); len(p.Errors) != 1 || p.Errors[0].Location != where {
			t.Errorf("%s: %+v, want a fault of %s", query, p, where)
		}
	}
}
