package call

import "time"

// StreamOutside is the calls that we placed to numbers outside, an hour in UTC each, so
// that what was begun of late is known after a restart without reading more.
const StreamOutside StreamKind = "outside"

// OutsideStream is the story of the hour of an instant.
func OutsideStream(at time.Time) Stream {
	return Stream{StreamOutside, at.UTC().Format("2006-01-02T15")}
}

// OutsideDialled says that a number outside was dialled; which one, the call's own story
// says.
type OutsideDialled struct {
	Leg LegID `json:"leg"`
}

// Type is the event's name.
func (OutsideDialled) Type() string { return "outside.dialled" }

// OutsideEvent is an event of the calls outside at an instant.
func OutsideEvent(at time.Time, b Body) Event {
	s := OutsideStream(at)
	return newEvent(at, s.Kind, s.ID, b)
}
