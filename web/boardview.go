package web

import (
	"time"

	"firstline/call"
)

// CallState is where an open call stands.
type CallState string

// The states of a call on the board.
const (
	CallInFlow  CallState = "in-flow"
	CallWaiting CallState = "waiting"
	CallRinging CallState = "ringing" // waiting, and an agent's phone rings
	CallTalking CallState = "talking"
	CallOnHold  CallState = "on-hold"
	CallEnded   CallState = "ended"
)

// AgentState is presence and activity in one word.
type AgentState string

// The states of an agent on the board.
const (
	AgentAvailable   AgentState = "available"
	AgentRinging     AgentState = "ringing"
	AgentTalking     AgentState = "talking"
	AgentOnHold      AgentState = "on-hold"
	AgentWrapUp      AgentState = "wrap-up"
	AgentOnBreak     AgentState = "break"
	AgentUnreachable AgentState = "unreachable"
	AgentOffline     AgentState = "offline"
)

// BoardView is the board at one instant. Waits are told by their beginning, so
// that a reader counts seconds itself.
type BoardView struct {
	Seq    int64      `json:"seq" doc:"global sequence of the last event in it"`
	At     time.Time  `json:"at" doc:"the server's clock"`
	Totals Totals     `json:"totals"`
	Queues []QueueRow `json:"queues"`
	Agents []AgentRow `json:"agents"`
	Calls  []CallRow  `json:"calls"`
}

// Totals is the tiles. An agent who serves two queues counts once here.
type Totals struct {
	Waiting           int         `json:"waiting" doc:"on the line"`
	LongestSince      *time.Time  `json:"longest_since,omitempty"`
	ServiceLevel30m   *float64    `json:"service_level_30m" doc:"percent; null when nothing counts"`
	ServiceLevelToday *float64    `json:"service_level_today" doc:"percent; null when nothing counts"`
	AnsweredToday     int         `json:"answered_today"`
	AbandonedToday    int         `json:"abandoned_today"`
	AbandonedPercent  *float64    `json:"abandoned_percent" doc:"of left_today; null when nothing counts"`
	LeftToday         int         `json:"left_today" doc:"joined today and left, short abandons apart"`
	LostToday         int         `json:"lost_today" doc:"calls whose callers left unserved"`
	LostOpen          int         `json:"lost_open" doc:"callers to call back, whenever they were lost; the goal is none"`
	LostSince         *time.Time  `json:"lost_since,omitempty" doc:"arrival of the one who is owed a call the longest"`
	CallbacksOpen     int         `json:"callbacks_open" doc:"requests to be called back that are open, whenever they were made"`
	CallbacksSince    *time.Time  `json:"callbacks_since,omitempty" doc:"original arrival of the oldest of them"`
	CallbacksReached  int         `json:"callbacks_reached_today" doc:"of those who arrived today"`
	TicketsOpen       int         `json:"tickets_open" doc:"tickets that are not over"`
	TicketsLate       int         `json:"tickets_late" doc:"of them, those with a promise that is missed and still runs"`
	TicketDue         *TicketDue  `json:"ticket_due,omitempty" doc:"the promise that is missed next"`
	Zone              string      `json:"zone" doc:"whose day today is"`
	Complete          bool        `json:"complete" doc:"false when more callers joined today than the board keeps: figures of today are then of the latest"`
	Agents            AgentCounts `json:"agents"`
}

// QueueRow is one queue's line.
type QueueRow struct {
	ID                call.QueueID `json:"id"`
	Name              string       `json:"name"`
	Waiting           int          `json:"waiting" doc:"on the line"`
	LongestSince      *time.Time   `json:"longest_since,omitempty"`
	TargetPercent     float64      `json:"target_percent"`
	TargetMs          int64        `json:"target_ms"`
	ServiceLevel30m   *float64     `json:"service_level_30m" doc:"percent; null when nothing counts"`
	ServiceLevelToday *float64     `json:"service_level_today" doc:"percent; null when nothing counts"`
	OfferedToday      int          `json:"offered_today" doc:"entries that joined today and have ended"`
	AnsweredToday     int          `json:"answered_today"`
	AbandonedToday    int          `json:"abandoned_today"`
	ShortToday        int          `json:"short_today"`
	OtherToday        int          `json:"other_today"`
	WaitAverageMs     *int64       `json:"wait_average_ms" doc:"of those answered today; null when none was"`
	CallbacksOpen     int          `json:"callbacks_open" doc:"requests to be called back that are open: they keep their places among those who wait"`
	CallbacksTaken    int          `json:"callbacks_taken_today" doc:"requests of those who arrived today"`
	CallbacksReached  int          `json:"callbacks_reached_today" doc:"of callbacks_taken_today; such an answer is not among answered_today"`
	Agents            AgentCounts  `json:"agents" doc:"who qualify for this queue"`
}

// AgentCounts counts agents by state.
type AgentCounts struct {
	Available   int `json:"available"`
	Ringing     int `json:"ringing"`
	Talking     int `json:"talking" doc:"on hold included"`
	WrapUp      int `json:"wrap_up"`
	Break       int `json:"break"`
	Unreachable int `json:"unreachable"`
	Offline     int `json:"offline"`
}

// AgentRow is one agent.
type AgentRow struct {
	ID       call.AgentID   `json:"id"`
	Name     string         `json:"name"`
	Device   call.DeviceID  `json:"device,omitempty"`
	Level    int            `json:"level"`
	Skills   map[string]int `json:"skills,omitempty"`
	Presence call.Presence  `json:"presence"`
	Reason   string         `json:"reason,omitempty" doc:"of the break"`
	State    AgentState     `json:"state" enum:"available,ringing,talking,on-hold,wrap-up,break,unreachable,offline"`
	Since    time.Time      `json:"since"`
	Call     call.ID        `json:"call,omitempty"`
	Ticket   call.TicketID  `json:"ticket,omitempty" doc:"of that call: a page opens it when the phone rings"`
	Until    *time.Time     `json:"until,omitempty" doc:"end of wrap-up or of the offer"`
}

// CallRow is one open call. The number is masked and the name is left out where
// a board hangs on a wall.
type CallRow struct {
	ID       call.ID       `json:"id"`
	Ticket   call.TicketID `json:"ticket"`
	Number   string        `json:"number" doc:"last digits only"`
	Name     string        `json:"name,omitempty"`
	To       string        `json:"to"`
	Queue    call.QueueID  `json:"queue,omitempty"`
	State    CallState     `json:"state" enum:"in-flow,waiting,ringing,talking,on-hold,ended"`
	Stage    string        `json:"stage,omitempty"`
	Since    time.Time     `json:"since" doc:"in this state"`
	Joined   *time.Time    `json:"joined,omitempty" doc:"when the last wait began"`
	WaitMs   int64         `json:"wait_ms" doc:"of waits that are over"`
	TargetMs int64         `json:"target_ms"`
	Agent    call.AgentID  `json:"agent,omitempty"`
	Test     bool          `json:"test,omitempty"`
	Callback bool          `json:"callback,omitempty" doc:"we call back: nobody is on the line while it waits"`
}

func (c *AgentCounts) add(s AgentState) {
	switch s {
	case AgentAvailable:
		c.Available++
	case AgentRinging:
		c.Ringing++
	case AgentTalking, AgentOnHold:
		c.Talking++
	case AgentWrapUp:
		c.WrapUp++
	case AgentOnBreak:
		c.Break++
	case AgentUnreachable:
		c.Unreachable++
	case AgentOffline:
		c.Offline++
	}
}

// wall is the view without what strangers passing by should not read.
func (v BoardView) wall() BoardView {
	calls := make([]CallRow, len(v.Calls))
	for i, c := range v.Calls {
		c.Name = ""
		calls[i] = c
	}
	v.Calls = calls
	return v
}
