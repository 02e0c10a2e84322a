package config_test

import (
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"firstline/config"
)

func TestAClientsDaysAreThoseOfItsZoneOrItsHoursOrTheDesk(t *testing.T) {
	files := fstest.MapFS{
		"numbers.yaml": {Data: []byte(`
1: {queue: a, client: own, hours: berlin}
2: {queue: a, client: by-hours, hours: tokyo}
3: {queue: a, client: by-hours}
4: {queue: a, client: torn, hours: tokyo}
5: {queue: a, client: torn, hours: berlin}
6: {queue: a, hours: berlin}
`)},
		"clients.yaml": {Data: []byte("own: {zone: America/New_York}\nby-hours: {}\ntorn: {}\nquiet: {}\n")},
		"queues.yaml":  {Data: []byte("a: {}\n")},
		"hours.yaml": {Data: []byte(`
zone: Europe/Lisbon
calendars:
  berlin: {zone: Europe/Berlin, weekly: {mon-fri: ["08:00-18:00"]}}
  tokyo: {zone: Asia/Tokyo, weekly: {mon-fri: ["08:00-18:00"]}}
`)},
	}
	c, err := config.LoadCentre(files, keys(t))
	if err != nil {
		t.Fatal(err)
	}
	for client, want := range map[string]string{
		"own": "America/New_York", "by-hours": "Asia/Tokyo", "torn": "Europe/Lisbon", "quiet": "Europe/Lisbon", "": "Europe/Lisbon", "gone": "Europe/Lisbon",
	} {
		if got := c.Zone(client).String(); got != want {
			t.Errorf("client %q: %s, want %s", client, got, want)
		}
	}
	if got := c.Advice(nil); len(got) != 1 || !strings.Contains(got[0], `"torn": its numbers keep the hours of [Asia/Tokyo Europe/Berlin]`) {
		t.Errorf("advice %q", got)
	}
}

func TestTheDesksZoneIsThatOfItsOnlyCalendarsElseUTC(t *testing.T) {
	const one, other = "  a: {zone: Europe/Berlin, weekly: {mon: \"08:00-18:00\"}}\n", "  b: {zone: Asia/Tokyo, weekly: {mon: \"08:00-18:00\"}}\n"
	for hours, want := range map[string]string{
		"":                                     "UTC",
		"calendars:\n" + one:                   "Europe/Berlin",
		"calendars:\n" + one + other:           "UTC",
		"zone: Asia/Tokyo\ncalendars:\n" + one: "Asia/Tokyo",
		"zone: Asia/Tokyo\n":                   "Asia/Tokyo",
	} {
		files := fstest.MapFS{"numbers.yaml": {Data: []byte("1: {queue: a}\n")}, "queues.yaml": {Data: []byte("a: {}\n")}}
		if hours != "" {
			files["hours.yaml"] = &fstest.MapFile{Data: []byte(hours)}
		}
		c, err := config.LoadCentre(files, keys(t))
		if err != nil {
			t.Fatal(err)
		}
		if got := c.Zone("").String(); got != want {
			t.Errorf("%q: %s, want %s", slices.Collect(strings.Lines(hours)), got, want)
		}
	}
}
