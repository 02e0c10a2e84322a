package webtest

import (
	"time"

	"firstline/call"
	"firstline/tickets/oncall"
)

// onCallPlan is two who take turns, week by week.
func onCallPlan() oncall.Plan {
	return oncall.Plan{
		People: map[call.AgentID]oncall.Person{"ana": {ID: "ana", Name: "Ana Silva", Device: "2001"}, "ben": {ID: "ben", Name: "Ben Okafor", Number: "+4930777"}},
		Groups: map[string]oncall.Group{"network": {ID: "network", Name: "Network", Level: 2, Queue: "network", People: []call.AgentID{"ben", "ana"}, Ladder: "night", Within: 30 * time.Minute}},
		Schedules: map[string]oncall.Schedule{"night": {ID: "night", Name: "Nights and weekends", Zone: time.UTC, Rotation: &oncall.Rotation{
			People: []call.AgentID{"ana", "ben"}, Days: 7, First: oncall.Date{Year: 2026, Month: time.January, Day: 5}, Hour: 9,
		}}},
		Ladders: map[string]oncall.Ladder{"night": {ID: "night", Name: "Night ladder", Steps: []oncall.Step{{Schedule: "night", Wait: time.Minute}, {Group: "network", Wait: time.Minute}}}},
		Rules:   []oncall.Rule{{Ladder: "night", Priority: 1}},
	}
}
