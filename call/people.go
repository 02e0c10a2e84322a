package call

import "strings"

// The agent stream, beside AgentSet: who sits where, and who is gone. AgentSet
// says where a person sits as well, so a stream may begin with it alone.

type (
	// AgentSeated says that a person signed in at a phone. Whoever sat there
	// before has left, and so has this person any other phone.
	AgentSeated struct {
		Device DeviceID `json:"device"`
		By     string   `json:"by"` // "feature:<device>", "supervisor:<name>", "roster:<name>"
	}
	// AgentLeft says that a person signed out: they sit nowhere.
	AgentLeft struct {
		Device DeviceID `json:"device"` // that was left
		By     string   `json:"by"`
	}
	// AgentRemoved takes a person off the roster. The stream stays; a later
	// AgentSet takes them on again.
	AgentRemoved struct {
		By string `json:"by"`
	}
	// PINChanged says that a person has another PIN, or none. It never holds one.
	PINChanged struct {
		By  string `json:"by"`
		Set bool   `json:"set"`
	}
	// ShiftsSet says that a person's planned hours were replaced; the calendar
	// itself is kept beside the journal.
	ShiftsSet struct {
		By     string `json:"by"`
		Shifts int    `json:"shifts"` // entries of the calendar, before they recur
		SHA256 string `json:"sha256"` // of the calendar, in hex
	}
)

func (AgentSeated) Type() string  { return "agent.seated" }
func (AgentLeft) Type() string    { return "agent.left" }
func (AgentRemoved) Type() string { return "agent.removed" }
func (PINChanged) Type() string   { return "agent.pin" }
func (ShiftsSet) Type() string    { return "agent.shifts" }

func peopleDecoder(name string) (func([]byte) (Body, error), bool) {
	switch name {
	case AgentSeated{}.Type():
		return decodeAs[AgentSeated], true
	case AgentLeft{}.Type():
		return decodeAs[AgentLeft], true
	case AgentRemoved{}.Type():
		return decodeAs[AgentRemoved], true
	case PINChanged{}.Type():
		return decodeAs[PINChanged], true
	case ShiftsSet{}.Type():
		return decodeAs[ShiftsSet], true
	}
	return nil, false
}

// telScheme marks a seat that is no phone of ours but a number (RFC 3966).
const telScheme = "tel:"

// NumberDevice is the seat of a person who takes calls on a number, reached
// through a trunk: "tel:+491701234567".
func NumberDevice(number string) DeviceID { return DeviceID(telScheme + number) }

// Number is the number of a seat that NumberDevice made, and whether d is one.
func (d DeviceID) Number() (string, bool) { return strings.CutPrefix(string(d), telScheme) }

// Endpoint is how the seat is reached: a device of ours, or a number through
// whichever trunk may dial it.
func (d DeviceID) Endpoint() Endpoint {
	if n, ok := d.Number(); ok {
		return Endpoint{Number: n}
	}
	return Endpoint{Device: d}
}

// Masked is the seat for logs and boards: of a number its last three digits only.
func (d DeviceID) Masked() string {
	n, ok := d.Number()
	if !ok {
		return string(d)
	}
	return telScheme + "…" + n[max(0, len(n)-3):]
}
