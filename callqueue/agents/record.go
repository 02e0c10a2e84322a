package agents

import (
	"cmp"
	"fmt"
	"time"

	"firstline/call"
)

// Record is what is known of one person, folded from their stream: the row that
// the store keeps, and all that the next process needs to go on as this one did.
// The zero Record is ready for the first event.
type Record struct {
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

	Queue     call.QueueID  `json:"queue,omitempty"`     // that the call came from
	Client    string        `json:"client,omitempty"`    // whose call it is, from the offer to the end of the wrap-up
	Free      time.Time     `json:"free,omitzero"`       // waits for a call since, when idle
	Talking   time.Time     `json:"talking,omitzero"`    // begin of the talk, while there is one
	Calls     int           `json:"calls,omitempty"`     // answered
	Talked    time.Duration `json:"talked_ns,omitempty"` // in all of them
	Misses    int           `json:"misses,omitempty"`    // in a row
	Rest      string        `json:"rest,omitempty"`      // why the person is left alone for a moment
	RestUntil time.Time     `json:"rest_until,omitzero"` //
	Chosen    Chosen        `json:"chosen_at,omitempty"` // by which queues
}

// Chosen is, by queue, the journal's number of the last offer to a person.
// Whoever has the greatest of a queue was chosen last.
type Chosen map[call.QueueID]int64

// Agent is the person as the queue has to know them.
func (r *Record) Agent() Agent {
	return Agent{ID: r.ID, Name: r.Name, Device: r.Device, Level: r.Level, Skills: r.Skills}
}

// Here reports whether the queue knows the person: who leaves the roster in the
// middle of a talk is known until its end.
func (r *Record) Here() bool { return r.ID != "" && (r.Removed.IsZero() || Busy(r.Activity)) }

// Apply folds the next event of the person's stream in. An event of another kind
// of stream is an error and changes nothing.
func (r *Record) Apply(e call.Event) error {
	if e.Stream.Kind != call.StreamAgent {
		return fmt.Errorf("agents: record of %s given a %s event", r.ID, e.Stream.Kind)
	}
	if r.Presence == "" {
		*r = fresh(e)
	}
	switch b := e.Body.(type) {
	case call.AgentSet:
		if !r.Here() { // taken on again
			chosen := r.Chosen
			*r = fresh(e)
			r.Chosen = chosen
		}
		r.Name, r.Device, r.Level, r.Skills, r.Removed = b.Name, b.Device, b.Level, b.Skills, time.Time{}
	case call.AgentSeated:
		r.Device = b.Device
	case call.AgentLeft:
		r.Device = ""
	case call.AgentRemoved:
		r.Device, r.Removed = "", e.At
	case call.PINChanged, call.ShiftsSet: // kept beside the journal
	case call.PresenceChanged:
		if b.Presence != r.Presence {
			r.Since = e.At
		}
		if b.Presence == call.Available && r.Presence != call.Available {
			r.Free, r.Misses = e.At, 0
		}
		r.Presence, r.Reason = b.Presence, b.Reason
	case call.ActivityChanged:
		r.move(e, b)
	case call.AgentRested:
		r.Rest, r.RestUntil = b.Reason, b.Until
	case call.Unknown:
	default:
		return fmt.Errorf("agents: %s cannot apply %s", r.ID, e.Body.Type())
	}
	return nil
}

// fresh is somebody of whom nothing is known but that they are.
func fresh(e call.Event) Record {
	return Record{ID: call.AgentID(e.Stream.ID), Presence: call.LoggedOut, Since: e.At, Active: e.At, Free: e.At}
}

func (r *Record) move(e call.Event, b call.ActivityChanged) {
	switch b.Activity {
	case call.Offering:
		if b.Queue != "" {
			chosen := Chosen{b.Queue: e.Global}
			for q, n := range r.Chosen { // a copy of the Record keeps its own
				chosen[q] = max(n, chosen[q])
			}
			r.Chosen = chosen
		}
	case call.Talking:
		if r.Activity == call.Offering {
			r.Calls++
		}
		if !Busy(r.Activity) {
			r.Talking = e.At
		}
	case call.Idle:
		r.Free = cmp.Or(b.Since, e.At)
	}
	if !Busy(b.Activity) {
		r.Talking = time.Time{}
	}
	r.Talked += b.Talked
	r.Activity, r.Active, r.Until, r.Misses = b.Activity, e.At, b.Until, b.Misses
	r.Call, r.Queue, r.Client = b.Call, b.Queue, b.Client
}
