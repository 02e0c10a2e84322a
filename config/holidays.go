package config

import (
	"net"
	"net/url"

	"firstline/ivr/hours"
	"firstline/ivr/source"
)

// HolidaysFile is where a centre keeps a calendar of holidays.
func HolidaysFile(name string) string { return holidaysDir + "/" + name + ".ics" }

// holidays closes a calendar on the days of calendars of holidays, holidays/<name>.ics,
// where hours.yaml does not say otherwise of the day.
func (r *centreReader) holidays(c *hours.Calendar, v source.Value) {
	for _, item := range v.List() {
		name := item.Word("")
		data, ok := r.files[HolidaysFile(name.Text)]
		if !ok {
			r.noHolidays(name, item)
			continue
		}
		days, err := hours.ParseHolidays(data)
		if err != nil {
			r.faults.Add(source.Pos{File: HolidaysFile(name.Text)}, "%v", err)
			continue
		}
		for d := range days {
			if _, said := c.Exceptions[d]; !said {
				c.Exceptions[d] = nil
			}
		}
	}
}

// noHolidays tells of a calendar that is not there: one that is fetched is not
// there before the first time.
func (r *centreReader) noHolidays(name source.Word, v source.Value) {
	if _, fetched := r.centre.Holidays[name.Text]; fetched {
		r.centre.Hints.Add(name.Pos, "the holidays %q are not fetched yet: without them the line is open on them", name.Text)
		return
	}
	v.Fault("there are no holidays %q: put them into %s, or say where to fetch them: holidays: {%s: \"https://…\"}", name.Text, HolidaysFile(name.Text), name.Text)
}

// address reads where something is asked or fetched: over TLS, or from this machine.
func address(v source.Value) string {
	text := v.Text("")
	u, err := url.Parse(text)
	if err != nil || u.Host == "" || u.User != nil || u.Scheme != "https" && (u.Scheme != "http" || !isLoopback(u.Hostname())) {
		v.Fault("%q is no address that begins with https://", text)
		return ""
	}
	return text
}

func isLoopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}
