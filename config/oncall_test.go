package config_test

import (
	"errors"
	"testing"
	"testing/fstest"
	"time"

	"firstline/config"
	"firstline/tickets/oncall"
)

func onCallCentre(text string) fstest.MapFS {
	return fstest.MapFS{
		"numbers.yaml":      {Data: []byte("1000: {queue: desk, client: acme}\n")},
		"queues.yaml":       {Data: []byte("desk: {}\n")},
		"clients.yaml":      {Data: []byte("acme: {name: Acme}\n")},
		"hours.yaml":        {Data: []byte("calendars:\n  office: {zone: Europe/Berlin, weekly: {mon-fri: [\"08:00-18:00\"], sat-sun: []}}\n")},
		"oncall.yaml":       {Data: []byte(text)},
		"oncall/vendor.ics": {Data: []byte("BEGIN:VCALENDAR\nBEGIN:VEVENT\nUID:1\nSUMMARY:Ben\nDTSTART:20260323T180000\nDTEND:20260324T080000\nEND:VEVENT\nEND:VCALENDAR\n")},
	}
}

func TestOnCallIsReadWithItsDefaults(t *testing.T) {
	c, err := config.LoadCentre(onCallCentre(`
line: "1000"
people: {ana: {name: Ana, number: "+4930123"}, ben: {name: Ben, device: 2002}}
groups: {network: {level: 3, queue: desk, people: [ben], ladder: night}}
schedules:
  night: {zone: Europe/Berlin, rotate: weekly, at: "09:00", from: 2026-01-05, people: [ana, ben]}
  vendor: {zone: Europe/Berlin, calendar: vendor}
ladders:
  night: {steps: [{schedule: night}, {group: network, wait: 30s}]}
urgent:
  - {priority: 1, closed: office, ladder: night}
  - {on: breach, clock: response, ladder: night}
`), nil)
	if err != nil {
		t.Fatal(err)
	}
	p := c.OnCall
	night := time.Date(2026, 3, 24, 2, 0, 0, 0, time.UTC)
	if on, _ := p.Schedules["vendor"].At(night, nil); on.Person != "ben" {
		t.Errorf("the calendar: %+v", on)
	}
	if on, _ := p.Schedules["night"].At(night, nil); on.Person != "ben" { // the twelfth week
		t.Errorf("the rotation: %+v", on)
	}
	l, _ := p.Ladder("network")
	if l.ID != "night" || l.Rounds != 3 || l.Steps[0].Wait != time.Minute || l.Steps[1].Wait != 30*time.Second {
		t.Errorf("%+v", l)
	}
	if p.People["ana"].Number != "+4930123" || p.People["ben"].Device != "2002" || p.Groups["network"].Level != 3 {
		t.Errorf("%+v", p)
	}
	for want, at := range map[int]time.Time{1: night, 0: night.Add(10 * time.Hour)} {
		if got := p.Urgent(oncall.Facts{Trigger: oncall.Graded, Priority: 1}, at); got != want {
			t.Errorf("at %v: rule %d, want %d", at, got, want)
		}
	}
}

func TestEveryFaultOfOnCallIsToldAtItsLine(t *testing.T) {
	_, err := config.LoadCentre(onCallCentre(`
line: "1001"
people: {ana: {number: "030/123"}, ben: {number: "+4930123", device: 2002}}
groups: {network: {people: [bne]}}
schedules:
  night: {zone: Europe/Berlin, rotate: weekley, at: "9", from: 5.1.2026, people: [ana]}
  empty: {zone: Europe/Berlin, from: 2026-01-05, people: []}
  vendor: {zone: Europe/Berlin, calendar: vendors}
ladders:
  night: {steps: [{schedule: nigth}, {wait: 1s}, {person: ana, group: network}]}
urgent:
  - {closed: ofice, ladder: night}
  - {priority: 1, ladder: day}
`), nil)
	var faults config.Faults
	if !errors.As(err, &faults) {
		t.Fatal(err)
	}
	want := `oncall.yaml:2:7: there is no number of this centre "1001" (did you mean "1000"?)
oncall.yaml:3:24: "030/123" is not a number: up to 15 digits, with + before a country code
oncall.yaml:3:70: ben has a number and a device: give them one of the two
oncall.yaml:4:29: there is no person "bne" (did you mean "ben"?)
oncall.yaml:6:40: "weekley" is not one of weekly, daily (did you mean "weekly"?)
oncall.yaml:6:53: "9" is no time of day such as 09:00 (did you mean "09:00"?)
oncall.yaml:6:64: "5.1.2026" is no date: want a date such as 2026-12-24 (did you mean "2026-01-05"?)
oncall.yaml:7:58: "people" is empty
oncall.yaml:8:43: there is no calendar "vendors": put it into oncall/vendors.ics
oncall.yaml:10:3: step 3 names more than one of person, schedule and group
oncall.yaml:10:30: there is no schedule "nigth" (did you mean "night"?)
oncall.yaml:10:38: this step names nobody: give it a person, a schedule or a group
oncall.yaml:10:45: "wait" is 1s; it may be from 5s to 10m0s
oncall.yaml:12:5: every ticket would be urgent: give it a priority, kinds of problem, or on: breach
oncall.yaml:12:14: there is no calendar "ofice" (did you mean "office"?)
oncall.yaml:13:27: there is no ladder "day"`
	if got := faults.Error(); got != want {
		t.Errorf("%s", got)
	}
}
