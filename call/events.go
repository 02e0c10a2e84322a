package call

import (
	"encoding/json"
	"time"
)

// The bodies of all events, by stream. Durations are in nanoseconds in JSON
// (fields named _ns). A body is never changed once released: a new meaning is a
// new type.

// The call stream.

type (
	// Arrived opens a call's stream; the ticket is opened in the same commit.
	//
	// From is the customer's side and To ours, whoever dialled.
	Arrived struct {
		Ticket  TicketID `json:"ticket"`
		Origin  string   `json:"origin"`
		From    Party    `json:"from"`
		To      Party    `json:"to"`
		Trunk   string   `json:"trunk,omitempty"`
		Test    bool     `json:"test,omitempty"`
		Out     bool     `json:"out,omitempty"`     // we dialled
		Consult ID       `json:"consult,omitempty"` // an agent asks somebody during that call; it is in no figure of callers
	}
	// StageEntered marks the journey's progress; Input is all that the stage
	// needs to be run again by another process.
	StageEntered struct {
		Stage string          `json:"stage"`
		Input json.RawMessage `json:"input,omitempty"`
	}
	// Answered says that the caller's leg was answered by us.
	Answered struct{}
	// Keyed is one input in the flow. Digits are masked ("****") where the node is secret.
	Keyed struct {
		Node     string `json:"node"`
		Digits   string `json:"digits"`
		Accepted bool   `json:"accepted"`
	}
	// Noticed says that the recording notice was played to its end.
	Noticed struct {
		Prompt   string `json:"prompt"`
		Version  string `json:"version,omitempty"` // checksum of the audio
		Language string `json:"language,omitempty"`
	}
	// Chose says what the caller chose in a flow that holds for the rest of the
	// call; what is empty is as before.
	Chose struct {
		Node       string `json:"node"`
		Language   string `json:"language,omitempty"`
		Unrecorded bool   `json:"unrecorded,omitempty"` // the caller does not want to be recorded
	}
	// Identified says how sure a flow is of who calls: unknown, maybe, known, said or
	// verified, and by what.
	Identified struct {
		Node     string `json:"node"`
		Level    string `json:"level"`
		Evidence string `json:"evidence"`
	}
	// QueueJoined opens a queue entry. Joined is when the wait began, which is
	// earlier than the event for a call that keeps its place.
	QueueJoined struct {
		Entry    EntryID     `json:"entry"`
		Queue    QueueID     `json:"queue"`
		Joined   time.Time   `json:"joined"`
		Need     Requirement `json:"need"`
		Tiers    Tiers       `json:"tiers,omitzero"`
		For      AgentID     `json:"for,omitempty"`      // for whom alone it is kept, for a while
		Priority int         `json:"priority,omitempty"` // higher goes first
		Parts    Parts       `json:"parts,omitempty"`    // that Priority is the sum of
		Target   Target      `json:"target"`
		Callback CallbackID  `json:"callback,omitempty"` // that the entry is a try of: nobody is on the line
		Client   string      `json:"client,omitempty"`   // whose line was called
		Class    string      `json:"class,omitempty"`    // for which agents may be kept
		Arrived  time.Time   `json:"arrived,omitzero"`   // of a call that was handed on: its place in the order counts from it, and not from Joined
		Only     bool        `json:"only,omitempty"`     // for the agent For and for nobody else: no call that was offered to the queue
		Sender   AgentID     `json:"sender,omitempty"`   // who handed the call on
	}
	// Offered says that an agent's phone is being rung for the entry.
	Offered struct {
		Offer OfferID       `json:"offer"`
		Agent AgentID       `json:"agent"`
		Ring  time.Duration `json:"ring_ns"` // until the offer is given up
		Why   string        `json:"why,omitempty"`
	}
	// OfferEnded closes an offer.
	OfferEnded struct {
		Offer  OfferID     `json:"offer"`
		Agent  AgentID     `json:"agent"`
		Result OfferResult `json:"result"`
		Cause  Cause       `json:"cause,omitzero"`
	}
	// QueueLeft closes a queue entry with its one outcome.
	QueueLeft struct {
		Entry   EntryID       `json:"entry"`
		Queue   QueueID       `json:"queue"`
		Outcome Outcome       `json:"outcome"`
		Agent   AgentID       `json:"agent,omitempty"`
		Wait    time.Duration `json:"wait_ns"` // from Joined to this event
	}
	// Connected says that caller and agent hear each other. Recording is empty
	// when the talk is not recorded. Agent is empty when it is somebody outside, at
	// Number.
	Connected struct {
		Agent     AgentID     `json:"agent"`
		Number    string      `json:"number,omitempty"`
		Leg       LegID       `json:"leg"`
		Bridge    BridgeID    `json:"bridge"`
		Recording RecordingID `json:"recording,omitempty"`
	}
	// Held says that one side put the other on hold.
	Held struct {
		By Side `json:"by"`
	}
	// Unheld ends what Held began.
	Unheld struct {
		By Side `json:"by"`
	}
	// Parted ends a talk; the call may go on.
	Parted struct {
		Agent AgentID `json:"agent"`
		By    Side    `json:"by"`
		Cause Cause   `json:"cause"`
	}
	// TransferAsked says that an agent's phone asked to hand the caller on. Refused
	// is why nothing came of it; empty when the caller goes to To.
	TransferAsked struct {
		Agent   AgentID `json:"agent"`
		To      string  `json:"to"`           // as it was dialled, or "agent:ben", "queue:second", "number:+49…"
		By      string  `json:"by,omitempty"` // who asked for it by other means than the phone: "agent:ana"
		Refused string  `json:"refused,omitempty"`
	}
	// TapBegan says that a supervisor's phone is on the conversation, or how it is
	// on it from now on.
	TapBegan struct {
		Leg    LegID    `json:"leg"`
		Device DeviceID `json:"device"`
		Mode   TapMode  `json:"mode"`
		By     string   `json:"by"` // "supervisor:<name>"
	}
	// TapEnded says that it is not any more.
	TapEnded struct {
		Leg LegID `json:"leg"`
	}
	// Ended closes the call's stream.
	Ended struct {
		Outcome  Outcome `json:"outcome"`
		Cause    Cause   `json:"cause"`
		Stage    string  `json:"stage"`
		Restored bool    `json:"restored,omitempty"` // written after a crash; the instant is the last sign of life
		Quality  Quality `json:"quality,omitzero"`   // of the caller's leg
	}
	// CallerLost puts a caller who left unserved through no wish of his own on
	// the list of those to be called back.
	CallerLost struct {
		Queue  QueueID   `json:"queue,omitempty"`
		Number string    `json:"number,omitempty"`
		Joined time.Time `json:"joined"` // the original arrival in the queue
		Reason string    `json:"reason"`
	}
	// QueueWidened says that the entry has reached a step of its queue, or is kept
	// for somebody no more: from now on Need is asked of agents, and those of Tiers
	// may be chosen.
	QueueWidened struct {
		Entry EntryID     `json:"entry"`
		Step  int         `json:"step"` // from 1; 0 is what the queue asks of itself
		Need  Requirement `json:"need"`
		Tiers Tiers       `json:"tiers,omitzero"`
		For   AgentID     `json:"for,omitempty"` // for whom alone it is kept
	}
	// QueueReprioritized says that somebody changed an entry's priority.
	QueueReprioritized struct {
		Entry    EntryID `json:"entry"`
		Priority int     `json:"priority"`
		By       string  `json:"by"` // "supervisor:<name>"
		Reason   string  `json:"reason"`
	}
	// QueueDecided says how all agents stood towards an entry at an offer, when
	// the entry changed its requirement, or when it left (without Offer). It
	// closes the interval that began at Since.
	QueueDecided struct {
		Entry    EntryID     `json:"entry"`
		Offer    OfferID     `json:"offer,omitempty"`
		Step     int         `json:"step,omitempty"`
		Since    time.Time   `json:"since"`
		Eligible int         `json:"eligible"` // who could be offered the call just now, the chosen one included
		Excluded []Exclusion `json:"excluded,omitempty"`
	}
	// Announced says what a waiting caller was told: a place, an estimate as a
	// range rounded up, or why there is no estimate. Zero fields were not told.
	Announced struct {
		Entry    EntryID       `json:"entry"`
		Queue    QueueID       `json:"queue"`
		Position int           `json:"position,omitempty"`
		Low      time.Duration `json:"low_ns,omitempty"`
		High     time.Duration `json:"high_ns,omitempty"`
		Mean     time.Duration `json:"mean_ns,omitempty"` // as computed, with the two below
		P50      time.Duration `json:"p50_ns,omitempty"`
		P90      time.Duration `json:"p90_ns,omitempty"`
		Why      string        `json:"why,omitempty"`    // it is more than was told before
		Silent   string        `json:"silent,omitempty"` // why no estimate was told
	}
	// PlaceKept says that a caller was given the place in a queue at which an earlier
	// call of theirs stood, and what proves that it was theirs.
	PlaceKept struct {
		Entry    EntryID   `json:"entry"`
		Queue    QueueID   `json:"queue"`
		Joined   time.Time `json:"joined"`
		Of       ID        `json:"of"`
		Evidence Evidence  `json:"evidence"`
	}
	// QueueExited says by which rule an entry left without an agent, and where the
	// rule sends it; the QueueLeft follows.
	QueueExited struct {
		Entry EntryID `json:"entry"`
		Rule  string  `json:"rule"`          // "overflow", "timeout", "no-agent", "key"
		Key   string  `json:"key,omitempty"` // that was pressed
		To    string  `json:"to,omitempty"`  // "queue:night", "hangup"
	}
)

// Evidence is what shows that two calls are of the same caller.
type Evidence string

// EvidenceNumber is that both showed the same number, where a queue takes that for
// proof. It can be made up, and be shared.
const EvidenceNumber Evidence = "number"

// Exclusion counts the agents whom one thing keeps from an entry.
type Exclusion struct {
	Reason string        `json:"reason"`            // "on break", "talking", "lacks printer ≥ 2"
	Agents int           `json:"agents"`            // at the instant of the decision
	Time   time.Duration `json:"time_ns,omitempty"` // over all agents, since the decision before
}

// The ticket stream.

type (
	// TicketOpened opens a ticket; Call is the call that it was opened for.
	TicketOpened struct {
		Call    ID     `json:"call,omitempty"`
		Subject string `json:"subject"`
		Caller  Party  `json:"caller"`
		Client  string `json:"client,omitempty"` // whose line it came in on
		Test    bool   `json:"test,omitempty"`
	}
	// TicketNoted is a person's remark.
	TicketNoted struct {
		Note   string `json:"note"` // UUIDv7
		Author string `json:"author"`
		Text   string `json:"text"`
		Call   ID     `json:"call,omitempty"`
	}
	// TicketJoined points a call at a ticket that is already open.
	TicketJoined struct {
		Call ID     `json:"call"`
		Why  string `json:"why"`
	}
)

// The agent stream.

type (
	// AgentSet creates or changes a person of the roster.
	AgentSet struct {
		Name   string         `json:"name"`
		Device DeviceID       `json:"device,omitempty"` // where the person sits; empty when signed in nowhere
		Level  int            `json:"level"`            // support level 1 to 4
		Skills map[string]int `json:"skills,omitempty"` // skill to level 1..10
	}
	// PresenceChanged is what the person says.
	PresenceChanged struct {
		Presence Presence `json:"presence"`
		Reason   string   `json:"reason,omitempty"` // break reason
		By       string   `json:"by,omitempty"`     // "self", "supervisor:<name>", "system:missed"
	}
	// ActivityChanged is what the system sees. Call is set while there is one, with
	// Queue and Client when it came from a queue.
	ActivityChanged struct {
		Activity Activity      `json:"activity"`
		Call     ID            `json:"call,omitempty"`
		Queue    QueueID       `json:"queue,omitempty"`
		Client   string        `json:"client,omitempty"`
		Until    time.Time     `json:"until,omitzero"`      // end of wrap-up or of the offer
		Since    time.Time     `json:"since,omitzero"`      // of who is idle: waits for a call since, where that is earlier
		Talked   time.Duration `json:"talked_ns,omitempty"` // in the talk that this ends
		Misses   int           `json:"misses,omitempty"`    // offers missed in a row
	}
	// AgentRested says that a person is left alone for a moment after an offer
	// that came to nothing, or, without a reason, that this is over.
	AgentRested struct {
		Reason string    `json:"reason,omitempty"` // "declined just now"
		Until  time.Time `json:"until,omitzero"`
	}
)

// The recording stream.

type (
	// RecordingStarted opens a recording: the audio grows from now on.
	RecordingStarted struct {
		Call   ID       `json:"call"`
		Ticket TicketID `json:"ticket"`
		Agent  AgentID  `json:"agent"`
		File   string   `json:"file"` // relative to the recordings folder
	}
	// RecordingPaused begins a span of digital silence.
	RecordingPaused struct {
		By     string        `json:"by"`
		Offset time.Duration `json:"offset_ns"` // from the start of the audio
		Limit  time.Duration `json:"limit_ns,omitempty"`
	}
	// RecordingResumed ends the span.
	RecordingResumed struct {
		By     string        `json:"by"`
		Offset time.Duration `json:"offset_ns"`
	}
	// RecordingFinished closes a recording: the file is complete and hashed.
	RecordingFinished struct {
		Call        ID            `json:"call"`
		Duration    time.Duration `json:"duration_ns"`
		Bytes       int64         `json:"bytes"`
		SHA256      string        `json:"sha256"`
		Interrupted bool          `json:"interrupted,omitempty"` // closed after a crash
		Fault       string        `json:"fault,omitempty"`       // "disk full": incomplete, and why
	}
)

// The system stream.

type (
	// Started says that a process has begun.
	Started struct {
		Boot    string `json:"boot"` // UUIDv7 of this process
		Version string `json:"version"`
		Seed    uint64 `json:"seed,omitempty"` // of the queues' draws: with it the same inputs give the same offers
	}
	// Stopped says that it ended as it was asked to; a crash leaves none.
	Stopped struct {
		Boot   string `json:"boot"`
		Reason string `json:"reason"`
	}
	// HoursOverridden says that somebody set a calendar's hours aside: its lines are
	// open or closed whatever it says, or new callers hear a prompt first. Without
	// any of them the calendar holds again.
	HoursOverridden struct {
		Calendar string    `json:"calendar"`
		State    string    `json:"state,omitempty"`  // open, closed, or empty: as the calendar says
		Prompt   string    `json:"prompt,omitempty"` // said first to new callers; to those who are turned away, in place of the number's
		Until    time.Time `json:"until,omitzero"`   // zero: until somebody says otherwise
		By       string    `json:"by"`
		Reason   string    `json:"reason,omitempty"`
	}
	// ConfigActivated says that a centre came into force; Hash is its content's SHA-256.
	ConfigActivated struct {
		Hash string `json:"hash"`
		By   string `json:"by"`
	}
)

func (Arrived) Type() string            { return "call.arrived" }
func (StageEntered) Type() string       { return "call.stage" }
func (Answered) Type() string           { return "call.answered" }
func (Keyed) Type() string              { return "call.keyed" }
func (Noticed) Type() string            { return "call.noticed" }
func (Chose) Type() string              { return "call.chose" }
func (Identified) Type() string         { return "call.identified" }
func (QueueJoined) Type() string        { return "queue.joined" }
func (Offered) Type() string            { return "queue.offered" }
func (OfferEnded) Type() string         { return "queue.offer-ended" }
func (QueueLeft) Type() string          { return "queue.left" }
func (Connected) Type() string          { return "call.connected" }
func (Held) Type() string               { return "call.held" }
func (Unheld) Type() string             { return "call.unheld" }
func (Parted) Type() string             { return "call.parted" }
func (TransferAsked) Type() string      { return "call.transfer-asked" }
func (TapBegan) Type() string           { return "call.tap-began" }
func (TapEnded) Type() string           { return "call.tap-ended" }
func (Ended) Type() string              { return "call.ended" }
func (CallerLost) Type() string         { return "call.lost" }
func (QueueWidened) Type() string       { return "queue.widened" }
func (QueueReprioritized) Type() string { return "queue.reprioritized" }
func (QueueDecided) Type() string       { return "queue.decided" }
func (Announced) Type() string          { return "queue.announced" }
func (PlaceKept) Type() string          { return "queue.place-kept" }
func (QueueExited) Type() string        { return "queue.exited" }
func (TicketOpened) Type() string       { return "ticket.opened" }
func (TicketNoted) Type() string        { return "ticket.noted" }
func (TicketJoined) Type() string       { return "ticket.joined" }
func (AgentSet) Type() string           { return "agent.set" }
func (PresenceChanged) Type() string    { return "agent.presence" }
func (ActivityChanged) Type() string    { return "agent.activity" }
func (AgentRested) Type() string        { return "agent.rested" }
func (RecordingStarted) Type() string   { return "recording.started" }
func (RecordingPaused) Type() string    { return "recording.paused" }
func (RecordingResumed) Type() string   { return "recording.resumed" }
func (RecordingFinished) Type() string  { return "recording.finished" }
func (Started) Type() string            { return "system.started" }
func (Stopped) Type() string            { return "system.stopped" }
func (HoursOverridden) Type() string    { return "system.hours" }
func (ConfigActivated) Type() string    { return "system.config" }

func bodyDecoder(name string) (func([]byte) (Body, error), bool) {
	switch name {
	case Arrived{}.Type():
		return decodeAs[Arrived], true
	case StageEntered{}.Type():
		return decodeAs[StageEntered], true
	case Answered{}.Type():
		return decodeAs[Answered], true
	case Keyed{}.Type():
		return decodeAs[Keyed], true
	case Noticed{}.Type():
		return decodeAs[Noticed], true
	case Chose{}.Type():
		return decodeAs[Chose], true
	case Identified{}.Type():
		return decodeAs[Identified], true
	case QueueJoined{}.Type():
		return decodeAs[QueueJoined], true
	case Offered{}.Type():
		return decodeAs[Offered], true
	case OfferEnded{}.Type():
		return decodeAs[OfferEnded], true
	case QueueLeft{}.Type():
		return decodeAs[QueueLeft], true
	case Connected{}.Type():
		return decodeAs[Connected], true
	case Held{}.Type():
		return decodeAs[Held], true
	case Unheld{}.Type():
		return decodeAs[Unheld], true
	case Parted{}.Type():
		return decodeAs[Parted], true
	case TransferAsked{}.Type():
		return decodeAs[TransferAsked], true
	case TapBegan{}.Type():
		return decodeAs[TapBegan], true
	case TapEnded{}.Type():
		return decodeAs[TapEnded], true
	case Ended{}.Type():
		return decodeAs[Ended], true
	case CallerLost{}.Type():
		return decodeAs[CallerLost], true
	case QueueWidened{}.Type():
		return decodeAs[QueueWidened], true
	case QueueReprioritized{}.Type():
		return decodeAs[QueueReprioritized], true
	case QueueDecided{}.Type():
		return decodeAs[QueueDecided], true
	case Announced{}.Type():
		return decodeAs[Announced], true
	case PlaceKept{}.Type():
		return decodeAs[PlaceKept], true
	case QueueExited{}.Type():
		return decodeAs[QueueExited], true
	case TicketOpened{}.Type():
		return decodeAs[TicketOpened], true
	case TicketNoted{}.Type():
		return decodeAs[TicketNoted], true
	case TicketJoined{}.Type():
		return decodeAs[TicketJoined], true
	case AgentSet{}.Type():
		return decodeAs[AgentSet], true
	case PresenceChanged{}.Type():
		return decodeAs[PresenceChanged], true
	case ActivityChanged{}.Type():
		return decodeAs[ActivityChanged], true
	case AgentRested{}.Type():
		return decodeAs[AgentRested], true
	case RecordingStarted{}.Type():
		return decodeAs[RecordingStarted], true
	case RecordingPaused{}.Type():
		return decodeAs[RecordingPaused], true
	case RecordingResumed{}.Type():
		return decodeAs[RecordingResumed], true
	case RecordingFinished{}.Type():
		return decodeAs[RecordingFinished], true
	case Started{}.Type():
		return decodeAs[Started], true
	case Stopped{}.Type():
		return decodeAs[Stopped], true
	case HoursOverridden{}.Type():
		return decodeAs[HoursOverridden], true
	case ConfigActivated{}.Type():
		return decodeAs[ConfigActivated], true
	}
	if decode, ok := consultDecoder(name); ok {
		return decode, true
	}
	if decode, ok := ticketDecoder(name); ok {
		return decode, true
	}
	if decode, ok := onCallDecoder(name); ok {
		return decode, true
	}
	if decode, ok := customerDecoder(name); ok {
		return decode, true
	}
	if decode, ok := connectDecoder(name); ok {
		return decode, true
	}
	if decode, ok := incidentDecoder(name); ok {
		return decode, true
	}
	return callbackDecoder(name)
}
