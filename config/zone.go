package config

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// Zone is by whose calendar the days of a client's calls are counted, in reports:
// the client's own zone, else that of its numbers' hours, when they have but one,
// else the desk's, which is also that of calls to no particular client ("").
func (c *Centre) Zone(client string) *time.Location {
	if z := c.Clients[client].Zone; z != nil {
		return z
	}
	if all := c.zonesOf(client); client != "" && len(all) == 1 {
		return all[0]
	}
	return c.deskZone()
}

// deskZone is where the desk's day begins: as hours.yaml says, else the zone of its
// calendars, when they have but one, else UTC.
func (c *Centre) deskZone() *time.Location {
	if c.DeskZone != nil {
		return c.DeskZone
	}
	var zones []*time.Location
	for _, calendar := range c.Calendars {
		zones = append(zones, calendar.Zone)
	}
	if zones = distinct(zones); len(zones) == 1 {
		return zones[0]
	}
	return time.UTC
}

// zonesOf is the zones of the hours of a client's numbers.
func (c *Centre) zonesOf(client string) []*time.Location {
	var zones []*time.Location
	for _, n := range c.Numbers {
		if calendar := c.Calendars[n.Hours]; calendar != nil && n.Client == client {
			zones = append(zones, calendar.Zone)
		}
	}
	return distinct(zones)
}

// distinct is one of each zone, by name.
func distinct(zones []*time.Location) []*time.Location {
	byName := func(a, b *time.Location) int { return strings.Compare(a.String(), b.String()) }
	slices.SortFunc(zones, byName)
	return slices.CompactFunc(zones, func(a, b *time.Location) bool { return byName(a, b) == 0 })
}

// adviseZones names clients whose calendar is in doubt.
func (c *Centre) adviseZones() []string {
	var advice []string
	for _, id := range slices.Sorted(maps.Keys(c.Clients)) {
		if all := c.zonesOf(id); c.Clients[id].Zone == nil && len(all) > 1 {
			advice = append(advice, fmt.Sprintf("client %q: its numbers keep the hours of %v; without a zone of its own, its days in reports are those of %v",
				id, all, c.deskZone()))
		}
	}
	return advice
}

// ZoneOf is on which clock a number's flows look: that of its hours, else its client's.
func (c *Centre) ZoneOf(n Number) *time.Location {
	if calendar := c.Calendars[n.Hours]; calendar != nil {
		return calendar.Zone
	}
	return c.Zone(n.Client)
}
