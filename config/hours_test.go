package config_test

import (
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"firstline/call/wall"
	"firstline/config"
	"firstline/ivr/hours"
)

func TestANumberWithHours(t *testing.T) {
	c, err := config.LoadCentre(fstest.MapFS{
		"numbers.yaml": {Data: []byte(`
1: {queue: a}
2: {queue: a, hours: desk}
3: {queue: a, hours: desk, closed: {prompt: goodbye}}
4: {queue: a, hours: desk, closed: {flow: night}}
`)},
		"queues.yaml":      {Data: []byte("a: {}\n")},
		"flows/night.yaml": {Data: []byte("start: n\nnodes: {n: {type: hangup}}\n")},
		"hours.yaml": {Data: []byte(`
calendars:
  desk:
    zone: Europe/Berlin
    weekly: {mon-thu: ["08:00-12:00", "13:00-18:00"], fri: "08:00-16:00", sat-sun: ["22:00-06:00"]}
    closed: [2026-12-25]
    open: {2026-12-24: ["08:00-12:00"]}
`)},
	}, keys(t))
	if err != nil {
		t.Fatal(err)
	}
	closed := func(n string) config.Closed { return c.Numbers[n].Closed }
	for number, want := range map[string]config.Closed{"1": {}, "2": {Prompt: "closed"}, "3": {Prompt: "goodbye"}, "4": {Flow: "night"}} {
		if closed(number) != want {
			t.Errorf("number %s: outside hours %+v, want %+v", number, closed(number), want)
		}
	}
	if c.Numbers["1"].Hours != "" || c.Numbers["2"].Hours != "desk" {
		t.Errorf("hours %q and %q", c.Numbers["1"].Hours, c.Numbers["2"].Hours)
	}
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	day, night := []hours.Span{{From: 480, To: 720}, {From: 780, To: 1080}}, []hours.Span{{From: 1320, To: 1800}}
	want := &hours.Calendar{
		Zone:   berlin,
		Weekly: [7][]hours.Span{night, day, day, day, day, {{From: 480, To: 960}}, night},
		Exceptions: map[wall.Date][]hours.Span{
			{Year: 2026, Month: 12, Day: 25}: nil,
			{Year: 2026, Month: 12, Day: 24}: {{From: 480, To: 720}},
		},
	}
	sameZone := cmp.Comparer(func(a, b *time.Location) bool { return a.String() == b.String() })
	if d := cmp.Diff(map[string]*hours.Calendar{"desk": want}, c.Calendars, sameZone, cmpopts.EquateEmpty()); d != "" {
		t.Errorf("calendars (-want +got):\n%s", d)
	}
}
