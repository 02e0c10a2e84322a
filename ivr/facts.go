package ivr

import "time"

// Facts is what the expressions of a flow may ask about a call, by the names in
// their expr tags, beside the flow's own variables. It is the same for the whole
// call: what holds is what held when the call came.
type Facts struct {
	Caller   Caller
	Called   string // the number dialled
	Client   string // whose line it is; empty for no particular one
	Greeting string // prompt of the client's own greeting; empty for none
	Class    string // of the call; empty for none
	Ticket   string // its number, such as T-100123
	Identity Identity
	At       time.Time // when the call came, in the zone of the number dialled
}

// Caller is who calls, as far as the signalling says so.
type Caller struct {
	Number   string `expr:"number"` // in its normal form, empty when withheld
	Name     string `expr:"name"`
	Withheld bool   `expr:"withheld"`
	Calls    int    `expr:"calls"` // of late that nobody answered
}

// Moment is an instant on the clock on the wall.
type Moment struct {
	Hour    int    `expr:"hour"`
	Minute  int    `expr:"minute"`
	Weekday string `expr:"weekday"` // mon, tue, wed, thu, fri, sat, sun
	Date    string `expr:"date"`    // 2026-12-24
	Year    int    `expr:"year"`
	Month   int    `expr:"month"`
	Day     int    `expr:"day"`
}

func momentOf(t time.Time) Moment {
	return Moment{
		Hour: t.Hour(), Minute: t.Minute(), Weekday: weekday(t), Date: t.Format(time.DateOnly),
		Year: t.Year(), Month: int(t.Month()), Day: t.Day(),
	}
}

func weekday(t time.Time) string {
	return [...]string{"sun", "mon", "tue", "wed", "thu", "fri", "sat"}[t.Weekday()]
}

// QueueFacts is how a queue stands at the moment.
type QueueFacts struct {
	Waiting  int           `expr:"waiting"`  // callers
	Agents   int           `expr:"agents"`   // at work who may serve it
	Free     int           `expr:"free"`     // of them, those who could be offered a call now
	Longest  time.Duration `expr:"longest"`  // that somebody has waited
	Estimate time.Duration `expr:"estimate"` // of a new caller's wait; 0 when nobody can say
}

// Identity is how sure we are of who calls: the ladder from nobody to verified. A
// number alone never verifies anyone.
type Identity string

const (
	Unidentified Identity = "unknown"
	Possible     Identity = "maybe"    // the number is known, of several
	Recognised   Identity = "known"    // the number is known, of one
	Confirmed    Identity = "said"     // the caller confirmed what we said of the call
	Verified     Identity = "verified" // by an account and its PIN
)

// Identities is the ladder from its lowest step.
func Identities() []Identity {
	return []Identity{Unidentified, Possible, Recognised, Confirmed, Verified}
}
