package call

// The ticket stream of an urgent ticket, for which people are phoned one after the
// other until somebody accepts it. Page names one such search, a UUIDv7.

// PageMiss is why somebody who was phoned did not accept.
type PageMiss string

const (
	PageDeclined    PageMiss = "declined"    // by key, or by their phone
	PageNoAnswer    PageMiss = "no-answer"   // rang, and nobody picked up
	PageNoKey       PageMiss = "no-key"      // picked up, and nobody pressed a key: a voicemail box does as well
	PageBusy        PageMiss = "busy"        // in another call
	PageUnreachable PageMiss = "unreachable" // no phone that could be rung, or no permission to call the number
	PageInterrupted PageMiss = "interrupted" // the server stopped meanwhile; the same person is phoned again
)

// PageEnd is how a search ended.
type PageEnd string

const (
	PageAccepted  PageEnd = "accepted"  // somebody has it
	PageCancelled PageEnd = "cancelled" // nobody is needed any more, or a person said so
	PageExhausted PageEnd = "exhausted" // nobody accepted in all rounds: a supervisor has to act
)

type (
	// PageBegan begins the search along a ladder.
	PageBegan struct {
		Page   string `json:"page"`
		Ladder string `json:"ladder"`
		Cause  string `json:"cause"` // by which rule, or "by hand"; the same one begins no second search
		By     string `json:"by"`
		Why    string `json:"why,omitempty"`
	}
	// PageRang says that somebody is phoned, by a call of its own.
	PageRang struct {
		Page   string  `json:"page"`
		Call   ID      `json:"call"`
		Round  int     `json:"round"` // from 1
		Step   int     `json:"step"`  // of the ladder, from 1
		Person AgentID `json:"person"`
		Why    string  `json:"why,omitempty"` // "schedule night"
		WaitMs int64   `json:"wait_ms"`
	}
	// PageMissed says that they did not accept.
	PageMissed struct {
		Page   string   `json:"page"`
		Call   ID       `json:"call,omitempty"`
		Person AgentID  `json:"person"`
		How    PageMiss `json:"how"`
		Cause  Cause    `json:"cause,omitzero"`
	}
	// PageRound says that everybody on the ladder was phoned in vain: a supervisor is
	// told. Phoned is 0 when nobody was on call at all.
	PageRound struct {
		Page   string `json:"page"`
		Round  int    `json:"round"`
		Phoned int    `json:"phoned"`
	}
	// PageEnded ends the search.
	PageEnded struct {
		Page   string  `json:"page"`
		End    PageEnd `json:"end"`
		Person AgentID `json:"person,omitempty"` // who accepted
		Call   ID      `json:"call,omitempty"`
		By     string  `json:"by"`
		Why    string  `json:"why,omitempty"`
	}
)

func (PageBegan) Type() string  { return "ticket.page-began" }
func (PageRang) Type() string   { return "ticket.page-rang" }
func (PageMissed) Type() string { return "ticket.page-missed" }
func (PageRound) Type() string  { return "ticket.page-round" }
func (PageEnded) Type() string  { return "ticket.page-ended" }

func pageDecoder(name string) (func([]byte) (Body, error), bool) {
	switch name {
	case PageBegan{}.Type():
		return decodeAs[PageBegan], true
	case PageRang{}.Type():
		return decodeAs[PageRang], true
	case PageMissed{}.Type():
		return decodeAs[PageMissed], true
	case PageRound{}.Type():
		return decodeAs[PageRound], true
	case PageEnded{}.Type():
		return decodeAs[PageEnded], true
	}
	return nil, false
}
