package call

import "time"

// ConsultEnd is how a consultation ended.
type ConsultEnd string

const (
	ConsultDeclined  ConsultEnd = "declined"  // nobody answered
	ConsultReturned  ConsultEnd = "returned"  // the agent is back with the caller alone, or the conversation is over
	ConsultLeft      ConsultEnd = "left"      // the one asked hung up
	ConsultCompleted ConsultEnd = "completed" // the caller stays with the one asked
)

// Of the call stream, in a conversation.
type (
	// ConsultBegan says that the agent asks somebody, by a call of its own, while the
	// caller hears music.
	ConsultBegan struct {
		Call ID     `json:"call"`
		To   string `json:"to"` // "agent:ben", "queue:second", "number:+49…"
		By   string `json:"by,omitempty"`
	}
	// ConferenceBegan says that the three hear each other.
	ConferenceBegan struct {
		Call ID `json:"call"`
	}
	// ConsultEnded ends it.
	ConsultEnded struct {
		Call ID         `json:"call"`
		End  ConsultEnd `json:"end"`
	}
)

func (ConsultBegan) Type() string    { return "call.consult-began" }
func (ConferenceBegan) Type() string { return "call.conference-began" }
func (ConsultEnded) Type() string    { return "call.consult-ended" }

func consultDecoder(name string) (func([]byte) (Body, error), bool) {
	switch name {
	case ConsultBegan{}.Type():
		return decodeAs[ConsultBegan], true
	case ConferenceBegan{}.Type():
		return decodeAs[ConferenceBegan], true
	case ConsultEnded{}.Type():
		return decodeAs[ConsultEnded], true
	}
	return nil, false
}

// Consult is one consultation in a conversation. To is zero while it lasts.
type Consult struct {
	Call       ID         `json:"call"`
	With       string     `json:"with"`
	By         string     `json:"by,omitempty"`
	From       time.Time  `json:"from"`
	Conference time.Time  `json:"conference,omitzero"` // the three hear each other since
	To         time.Time  `json:"to,omitzero"`
	End        ConsultEnd `json:"end,omitempty"`
}

// consulted folds a consultation in; false when the event is none.
func (t *Talk) consulted(at time.Time, body Body) bool {
	last := len(t.Consults) - 1
	switch b := body.(type) {
	case ConsultBegan:
		t.Consults = append(t.Consults, Consult{Call: b.Call, With: b.To, By: b.By, From: at})
	case ConferenceBegan:
		if last >= 0 && t.Consults[last].Call == b.Call {
			t.Consults[last].Conference = at
		}
	case ConsultEnded:
		if last >= 0 && t.Consults[last].Call == b.Call {
			t.Consults[last].To, t.Consults[last].End = at, b.End
		}
	default:
		return false
	}
	return true
}
