package store

import (
	"fmt"
	"time"

	"firstline/call"
)

// Agent is a person of the roster with what was last seen of him, folded from the
// agent's stream.
type Agent struct {
	ID       call.AgentID   `json:"id"`
	Name     string         `json:"name"`
	Device   call.DeviceID  `json:"device,omitempty"`
	Level    int            `json:"level"`
	Skills   map[string]int `json:"skills,omitempty"`
	Presence call.Presence  `json:"presence"`
	Reason   string         `json:"reason,omitempty"` // of the break
	Since    time.Time      `json:"since,omitzero"`   // of the presence
	Activity call.Activity  `json:"activity,omitempty"`
	Call     call.ID        `json:"call,omitempty"`
	Until    time.Time      `json:"until,omitzero"`   // end of wrap-up or of the offer
	Active   time.Time      `json:"active,omitzero"`  // since when the activity is what it is
	Removed  time.Time      `json:"removed,omitzero"` // off the roster since
}

// Apply folds the next event of the agent's stream in.
func (a *Agent) Apply(e call.Event) error {
	if e.Stream.Kind != call.StreamAgent {
		return fmt.Errorf("store: agent %s given a %s event", a.ID, e.Stream.Kind)
	}
	if a.Presence == "" {
		a.Presence = call.LoggedOut
	}
	a.ID = call.AgentID(e.Stream.ID)
	switch b := e.Body.(type) {
	case call.AgentSet:
		a.Name, a.Device, a.Level, a.Skills = b.Name, b.Device, b.Level, b.Skills
		a.Removed = time.Time{}
	case call.AgentSeated:
		a.Device = b.Device
	case call.AgentLeft:
		a.Device = ""
	case call.AgentRemoved:
		a.Device, a.Removed = "", e.At
	case call.PINChanged, call.ShiftsSet: // kept beside the journal
	case call.PresenceChanged:
		a.Presence, a.Reason, a.Since = b.Presence, b.Reason, e.At
	case call.ActivityChanged:
		a.Activity, a.Call, a.Until, a.Active = b.Activity, b.Call, b.Until, e.At
	case call.Unknown:
	default:
		return fmt.Errorf("store: agent %s cannot apply %s", a.ID, e.Body.Type())
	}
	return nil
}
