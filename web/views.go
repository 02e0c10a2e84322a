package web

import (
	"cmp"
	"time"

	"firstline/call"
)

// The shapes of the API. Durations are integers in milliseconds (…_ms), instants
// RFC 3339 in UTC.

// Party is one side of a call. Both fields are text from outside.
type Party struct {
	Number string `json:"number,omitempty" doc:"E.164 or extension; empty when withheld"`
	Name   string `json:"name,omitempty" doc:"display name as signalled"`
}

// Cause is why something ended.
type Cause struct {
	Reason string `json:"reason"`
	SIP    int    `json:"sip,omitempty"`
	Q850   int    `json:"q850,omitempty"`
	Text   string `json:"text,omitempty"`
}

// Call is a call's record with its computed times.
type Call struct {
	ID       call.ID       `json:"id"`
	Ticket   call.TicketID `json:"ticket"`
	From     Party         `json:"from"`
	To       Party         `json:"to"`
	Trunk    string        `json:"trunk,omitempty"`
	Test     bool          `json:"test,omitempty" doc:"kept out of figures"`
	Out      bool          `json:"out,omitempty" doc:"we dialled; from is the customer all the same"`
	Consult  call.ID       `json:"consult,omitempty" doc:"the call during which an agent asks somebody by this one"`
	Arrived  time.Time     `json:"arrived"`
	Answered *time.Time    `json:"answered,omitempty" doc:"by the server, not by an agent"`
	Ended    *time.Time    `json:"ended,omitempty"`
	Open     bool          `json:"open"`
	State    CallState     `json:"state"`
	Stage    string        `json:"stage,omitempty"`
	Outcome  call.Outcome  `json:"outcome,omitempty"`
	Cause    *Cause        `json:"cause,omitempty"`
	Restored bool          `json:"restored,omitempty" doc:"closed after a crash; the end is the last sign of life"`
	Queue    call.QueueID  `json:"queue,omitempty" doc:"the last queue"`
	Agent    call.AgentID  `json:"agent,omitempty" doc:"the last agent talked to"`

	WaitMs int64 `json:"wait_ms" doc:"time in queues, until now while it waits"`
	HoldMs int64 `json:"hold_ms" doc:"time on hold while talking"`
	TalkMs int64 `json:"talk_ms" doc:"time with agents, holds included"`

	Path       []Step             `json:"path"`
	Entries    []Entry            `json:"entries"`
	Talks      []Talk             `json:"talks"`
	Recordings []call.RecordingID `json:"recordings"`
	Lost       *LostNote          `json:"lost,omitempty"`
	Panic      *Act               `json:"panic,omitempty" doc:"an agent ended the conversation by the panic button"`
}

// Step is one thing that the caller keyed or heard.
type Step struct {
	At       time.Time `json:"at"`
	Node     string    `json:"node"`
	Digits   string    `json:"digits,omitempty"`
	Accepted bool      `json:"accepted,omitempty"`
	Notice   string    `json:"notice,omitempty"`
}

// Entry is one stay in one queue.
type Entry struct {
	ID       call.EntryID `json:"id"`
	Queue    call.QueueID `json:"queue"`
	Joined   time.Time    `json:"joined"`
	Left     *time.Time   `json:"left,omitempty"`
	Outcome  call.Outcome `json:"outcome,omitempty"`
	Agent    call.AgentID `json:"agent,omitempty"`
	WaitMs   int64        `json:"wait_ms"`
	TargetMs int64        `json:"target_ms" doc:"to be answered within"`
	Offers   []Offer      `json:"offers"`
}

// Offer is one ringing of one agent.
type Offer struct {
	ID     call.OfferID     `json:"id"`
	Agent  call.AgentID     `json:"agent"`
	At     time.Time        `json:"at"`
	Ended  *time.Time       `json:"ended,omitempty"`
	Result call.OfferResult `json:"result,omitempty"`
	Why    string           `json:"why,omitempty"`
}

// Talk is one conversation with one agent.
type Talk struct {
	Agent     call.AgentID     `json:"agent" doc:"empty for somebody outside"`
	Number    string           `json:"number,omitempty" doc:"of somebody outside, to whom the caller was handed on"`
	Began     time.Time        `json:"began"`
	Ended     *time.Time       `json:"ended,omitempty"`
	EndedBy   call.Side        `json:"ended_by,omitempty"`
	Cause     *Cause           `json:"cause,omitempty"`
	Recording call.RecordingID `json:"recording,omitempty"`
	Holds     []Span           `json:"holds"`
	Transfers []Transfer       `json:"transfers,omitempty" doc:"what the agent asked for, in order"`
	Consults  []Consult        `json:"consults,omitempty" doc:"whom the agent asked during it, in order"`
}

// Consult is one question of an agent to somebody else.
type Consult struct {
	Call       call.ID         `json:"call" doc:"by which the one was asked"`
	With       string          `json:"with" doc:"agent:…, queue:…, number:…"`
	By         string          `json:"by,omitempty"`
	From       time.Time       `json:"from"`
	Conference *time.Time      `json:"conference,omitempty" doc:"the three hear each other since"`
	To         *time.Time      `json:"to,omitempty"`
	End        call.ConsultEnd `json:"end,omitempty" enum:"declined,returned,left,completed"`
}

// Transfer is one wish of an agent to hand the caller on.
type Transfer struct {
	At      time.Time `json:"at"`
	To      string    `json:"to" doc:"as it was dialled, or agent:…, queue:…, number:…"`
	By      string    `json:"by,omitempty" doc:"who asked, where it was not by the phone"`
	Refused string    `json:"refused,omitempty" doc:"why nothing came of it"`
}

// Span is one time on hold.
type Span struct {
	By   call.Side  `json:"by"`
	From time.Time  `json:"from"`
	To   *time.Time `json:"to,omitempty"`
}

// LostNote says that the caller is to be called back.
type LostNote struct {
	At     time.Time    `json:"at"`
	Queue  call.QueueID `json:"queue,omitempty"`
	Joined time.Time    `json:"joined"`
	Reason string       `json:"reason"`
}

// Note is one remark on a ticket.
type Note struct {
	ID     string    `json:"id"`
	At     time.Time `json:"at"`
	Author string    `json:"author"`
	Text   string    `json:"text"`
	Call   call.ID   `json:"call,omitempty"`
}

// Recording is a row of the catalogue. Ended is absent while it grows.
type Recording struct {
	ID          call.RecordingID `json:"id"`
	Call        call.ID          `json:"call"`
	Ticket      call.TicketID    `json:"ticket"`
	Agent       call.AgentID     `json:"agent"`
	Began       time.Time        `json:"began"`
	Ended       *time.Time       `json:"ended,omitempty"`
	DurationMs  int64            `json:"duration_ms" doc:"0 while it grows"`
	Bytes       int64            `json:"bytes" doc:"0 while it grows"`
	SHA256      string           `json:"sha256,omitempty"`
	Interrupted bool             `json:"interrupted,omitempty" doc:"closed after a crash"`
	Fault       string           `json:"fault,omitempty" doc:"incomplete, and why"`
	Flag        *Act             `json:"flag,omitempty" doc:"somebody wants it kept"`
}

// callView is the record as the API shows it at now.
func callView(r *call.Record, now time.Time) Call {
	v := Call{
		ID: r.ID, Ticket: r.Ticket, From: Party(r.From), To: Party(r.To), Trunk: r.Trunk, Test: r.Test, Out: r.Out, Consult: r.Consult,
		Arrived: r.Arrived, Answered: instant(r.Answered), Ended: instant(r.Ended), Open: r.Open(),
		State: stateOf(r).state, Stage: r.Stage, Outcome: r.Outcome, Cause: causeView(r.Cause), Restored: r.Restored,
		WaitMs: r.Wait(now).Milliseconds(), HoldMs: r.Hold(now).Milliseconds(), TalkMs: r.Talk(now).Milliseconds(),
		Path: []Step{}, Entries: []Entry{}, Talks: []Talk{}, Recordings: []call.RecordingID{},
	}
	for _, s := range r.Path {
		v.Path = append(v.Path, Step(s))
	}
	for _, e := range r.Entries {
		v.Queue = e.Queue
		v.Entries = append(v.Entries, entryView(e, r, now))
	}
	for _, t := range r.Talks {
		v.Agent = cmp.Or(t.Agent, v.Agent)
		v.Talks = append(v.Talks, talkView(t))
		if t.Recording != "" {
			v.Recordings = append(v.Recordings, t.Recording)
		}
	}
	if r.Lost != nil {
		v.Lost = new(LostNote(*r.Lost))
	}
	if r.Panic != nil {
		v.Panic = &Act{At: r.Panic.At, By: r.Panic.By, Note: r.Panic.Reason}
	}
	return v
}

func entryView(e call.Entry, r *call.Record, now time.Time) Entry {
	end := now
	switch {
	case !e.Left.IsZero():
		end = e.Left
	case !r.Open():
		end = r.Ended
	}
	v := Entry{
		ID: e.ID, Queue: e.Queue, Joined: e.Joined, Left: instant(e.Left), Outcome: e.Outcome, Agent: e.Agent,
		WaitMs: end.Sub(e.Joined).Milliseconds(), TargetMs: e.Target.Within.Milliseconds(), Offers: []Offer{},
	}
	for _, o := range e.Offers {
		v.Offers = append(v.Offers, Offer{
			ID: o.ID, Agent: o.Agent, At: o.At, Ended: instant(o.Ended), Result: o.Result, Why: o.Why,
		})
	}
	return v
}

func talkView(t call.Talk) Talk {
	v := Talk{
		Agent: t.Agent, Number: t.Number, Began: t.Began, Ended: instant(t.Ended), EndedBy: t.EndedBy,
		Cause: causeView(t.Cause), Recording: t.Recording, Holds: []Span{},
	}
	for _, h := range t.Holds {
		v.Holds = append(v.Holds, Span{By: h.By, From: h.From, To: instant(h.To)})
	}
	for _, x := range t.Transfers {
		v.Transfers = append(v.Transfers, Transfer(x))
	}
	for _, x := range t.Consults {
		v.Consults = append(v.Consults, Consult{
			Call: x.Call, With: x.With, By: x.By, From: x.From, Conference: instant(x.Conference), To: instant(x.To), End: x.End,
		})
	}
	return v
}

func causeView(c call.Cause) *Cause {
	if c.Reason == "" {
		return nil
	}
	return &Cause{Reason: string(c.Reason), SIP: c.SIP, Q850: c.Q850, Text: c.Text}
}

// instant is nil for the zero time, so that JSON leaves it out.
func instant(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}
