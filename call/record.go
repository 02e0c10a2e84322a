package call

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"time"
)

// Record is what is known of one call, folded from its stream: the row that the
// store keeps, the answer of the API, and what another process needs to take the
// call over. The zero Record is ready for the first event.
type Record struct {
	ID       ID        `json:"id"`
	Ticket   TicketID  `json:"ticket"`
	Origin   string    `json:"origin"`
	From     Party     `json:"from"`
	To       Party     `json:"to"`
	Trunk    string    `json:"trunk,omitempty"`
	Test     bool      `json:"test,omitempty"`
	Out      bool      `json:"out,omitempty"`     // we dialled: From is the customer all the same
	Consult  ID        `json:"consult,omitempty"` // the call during which an agent asks somebody by this one
	Config   string    `json:"config,omitempty"`  // hash of the centre that it came under
	Arrived  time.Time `json:"arrived"`
	Answered time.Time `json:"answered,omitzero"` // by us, not by an agent
	Ended    time.Time `json:"ended,omitzero"`
	Outcome  Outcome   `json:"outcome,omitempty"`
	Cause    Cause     `json:"cause,omitzero"`
	Restored bool      `json:"restored,omitempty"`
	Quality  Quality   `json:"quality,omitzero"`

	Language   string `json:"language,omitempty"`   // that the caller chose
	Identity   string `json:"identity,omitempty"`   // how sure its flow was of who calls
	Unrecorded bool   `json:"unrecorded,omitempty"` // the caller does not want to be recorded

	Stage      string          `json:"stage,omitempty"`
	StageInput json.RawMessage `json:"stage_input,omitempty"`
	StageAt    time.Time       `json:"stage_at,omitzero"`

	Path    []Step    `json:"path,omitempty"`
	Entries []Entry   `json:"entries,omitempty"`
	Talks   []Talk    `json:"talks,omitempty"`
	Lost    *LostNote `json:"lost,omitempty"`
	Panic   *Panic    `json:"panic,omitempty"`
}

// Step is one thing that the caller did or heard in the flow.
type Step struct {
	At       time.Time `json:"at"`
	Node     string    `json:"node"`
	Digits   string    `json:"digits,omitempty"`
	Accepted bool      `json:"accepted,omitempty"`
	Notice   string    `json:"notice,omitempty"` // prompt of a recording notice
}

// Entry is one stay in one queue. Left is zero while it waits.
type Entry struct {
	ID       EntryID     `json:"id"`
	Queue    QueueID     `json:"queue"`
	Joined   time.Time   `json:"joined"`
	Left     time.Time   `json:"left,omitzero"`
	Outcome  Outcome     `json:"outcome,omitempty"`
	Agent    AgentID     `json:"agent,omitempty"`
	Need     Requirement `json:"need"`
	Priority int         `json:"priority,omitempty"`
	Target   Target      `json:"target"`
	Opening  Opening     `json:"opening,omitzero"` // what it asked for as it joined; Need and Priority are the last in force
	Offers   []Offer     `json:"offers,omitempty"`
	Steps    []Widening  `json:"steps,omitempty"`     // that it reached
	Decided  []Decision  `json:"decided,omitempty"`   // in order: who could have taken it, and what kept the others
	Raised   []Raise     `json:"raised,omitempty"`    // changes of the priority by a person
	Exit     *EntryExit  `json:"exit_rule,omitempty"` // the rule by which it left, if one did
	Told     []Told      `json:"told,omitempty"`      // announcements, in order
	Callback CallbackID  `json:"callback,omitempty"`  // that it is a try of: nobody waits on the line
	Arrived  time.Time   `json:"arrived,omitzero"`    // of a call that was handed on: its place in the order
	Only     bool        `json:"only,omitempty"`      // for one agent alone
	Sender   AgentID     `json:"sender,omitempty"`    // who handed it on
}

// Told is one announcement to a waiting caller; zero fields were not told.
type Told struct {
	At       time.Time     `json:"at"`
	Position int           `json:"position,omitempty"`
	Low      time.Duration `json:"low_ns,omitempty"`
	High     time.Duration `json:"high_ns,omitempty"`
	Why      string        `json:"why,omitempty"` // it is more than was told before
}

// Opening is how an entry began. At is when it joined its queue, which is later
// than the entry's Joined for a call that kept its place.
type Opening struct {
	At       time.Time   `json:"at"`
	Need     Requirement `json:"need"`
	Tiers    Tiers       `json:"tiers,omitzero"`
	For      AgentID     `json:"for,omitempty"`
	Priority int         `json:"priority,omitempty"`
	Parts    Parts       `json:"parts,omitempty"` // of Priority
	Client   string      `json:"client,omitempty"`
	Class    string      `json:"class,omitempty"`
}

// Widening is a step of the queue that an entry reached, or its return to
// everybody after it was kept for one agent.
type Widening struct {
	At    time.Time   `json:"at"`
	Step  int         `json:"step"`
	Need  Requirement `json:"need"`
	Tiers Tiers       `json:"tiers,omitzero"`
	For   AgentID     `json:"for,omitempty"`
}

// Decision is how all agents stood towards an entry at an instant, and in the
// time from Since on.
type Decision struct {
	At       time.Time   `json:"at"`
	Since    time.Time   `json:"since"`
	Offer    OfferID     `json:"offer,omitempty"`
	Eligible int         `json:"eligible"`
	Excluded []Exclusion `json:"excluded,omitempty"`
}

// Raise is a person's change of an entry's priority.
type Raise struct {
	At       time.Time `json:"at"`
	Priority int       `json:"priority"`
	By       string    `json:"by"`
	Reason   string    `json:"reason"`
}

// EntryExit is the rule by which an entry left.
type EntryExit struct {
	Rule string `json:"rule"`
	Key  string `json:"key,omitempty"`
	To   string `json:"to,omitempty"`
}

// Offer is one ringing of one agent.
type Offer struct {
	ID     OfferID     `json:"id"`
	Agent  AgentID     `json:"agent"`
	At     time.Time   `json:"at"`
	Ended  time.Time   `json:"ended,omitzero"`
	Result OfferResult `json:"result,omitempty"`
	Cause  Cause       `json:"cause,omitzero"`
	Why    string      `json:"why,omitempty"`
}

// Talk is one conversation with one agent, or with somebody outside. Ended is zero
// while it lasts.
type Talk struct {
	Agent     AgentID     `json:"agent"`
	Number    string      `json:"number,omitempty"` // of somebody outside, who is no agent
	Leg       LegID       `json:"leg"`
	Bridge    BridgeID    `json:"bridge"`
	Recording RecordingID `json:"recording,omitempty"`
	Began     time.Time   `json:"began"`
	Ended     time.Time   `json:"ended,omitzero"`
	EndedBy   Side        `json:"ended_by,omitempty"`
	Cause     Cause       `json:"cause,omitzero"`
	Holds     []Span      `json:"holds,omitempty"`
	Transfers []Transfer  `json:"transfers,omitempty"`
	Taps      []Tap       `json:"taps,omitempty"`
	Consults  []Consult   `json:"consults,omitempty"`
}

// Tap is one time that a supervisor's phone was on the conversation in one mode.
// To is zero while it lasts.
type Tap struct {
	Leg    LegID     `json:"leg"`
	Device DeviceID  `json:"device"`
	Mode   TapMode   `json:"mode"`
	By     string    `json:"by"`
	From   time.Time `json:"from"`
	To     time.Time `json:"to,omitzero"`
}

// Transfer is one wish of an agent to hand the caller on.
type Transfer struct {
	At      time.Time `json:"at"`
	To      string    `json:"to"`
	By      string    `json:"by,omitempty"`      // who asked, where it was not by the phone
	Refused string    `json:"refused,omitempty"` // why nothing came of it
}

// Span is one time on hold. To is zero while it lasts.
type Span struct {
	By   Side      `json:"by"`
	From time.Time `json:"from"`
	To   time.Time `json:"to,omitzero"`
}

// LostNote says that the caller is to be called back.
type LostNote struct {
	At     time.Time `json:"at"`
	Queue  QueueID   `json:"queue,omitempty"`
	Joined time.Time `json:"joined"`
	Reason string    `json:"reason"`
}

// Panic says that an agent ended a conversation by the panic button.
type Panic struct {
	At     time.Time `json:"at"`
	By     string    `json:"by"`
	Reason string    `json:"reason,omitempty"`
}

// Asks is what the entry asks for now, or asked for last.
func (e *Entry) Asks() Widening {
	if n := len(e.Steps); n > 0 {
		return e.Steps[n-1]
	}
	return Widening{At: e.Opening.At, Need: e.Opening.Need, Tiers: e.Opening.Tiers, For: e.Opening.For}
}

// Open reports whether the call has not ended.
func (r *Record) Open() bool { return r.Ended.IsZero() }

// Waiting is the entry that waits, or nil.
func (r *Record) Waiting() *Entry {
	if n := len(r.Entries); n > 0 && r.Entries[n-1].Left.IsZero() {
		return &r.Entries[n-1]
	}
	return nil
}

// Talking is the talk that lasts, or nil.
func (r *Record) Talking() *Talk {
	if n := len(r.Talks); n > 0 && r.Talks[n-1].Ended.IsZero() {
		return &r.Talks[n-1]
	}
	return nil
}

// Wait is the time in queues until now, over all entries. A call that went from
// one queue to the next at its old place has entries that overlap: what they
// share counts once.
func (r *Record) Wait(now time.Time) time.Duration {
	var d time.Duration
	var covered time.Time // entries are in order of time
	for _, e := range r.Entries {
		d += beyond(e.Joined, until(e.Left, r.limit(now)), &covered)
	}
	return d
}

// beyond is the part of a span that lies behind covered, which it moves.
func beyond(from, to time.Time, covered *time.Time) time.Duration {
	if from.Before(*covered) {
		from = *covered
	}
	if !to.After(from) {
		return 0
	}
	*covered = to
	return to.Sub(from)
}

// Talk is the time in conversation with agents until now, holds included.
func (r *Record) Talk(now time.Time) time.Duration {
	var d time.Duration
	for _, t := range r.Talks {
		if t.Agent == "" {
			continue
		}
		d += until(t.Ended, r.limit(now)).Sub(t.Began)
	}
	return d
}

// Hold is the time on hold until now. Both sides holding at once counts once.
func (r *Record) Hold(now time.Time) time.Duration {
	var d time.Duration
	for _, t := range r.Talks {
		d += t.hold(until(t.Ended, r.limit(now)))
	}
	return d
}

func (t *Talk) hold(end time.Time) time.Duration {
	var d time.Duration
	var covered time.Time // spans are in order of From
	for _, s := range t.Holds {
		d += beyond(s.From, until(s.To, end), &covered)
	}
	return d
}

func (t *Talk) endTap(leg LegID, at time.Time) {
	for i := range t.Taps {
		if t.Taps[i].Leg == leg {
			t.Taps[i].To = until(t.Taps[i].To, at)
		}
	}
}

func (r *Record) limit(now time.Time) time.Time { return until(r.Ended, now) }

func until(t, otherwise time.Time) time.Time {
	if t.IsZero() {
		return otherwise
	}
	return t
}

// Apply folds the next event of the call's stream in. An event that does not fit
// (a second end, a hold without a talk) is an error and changes nothing. Applying
// events again from the first one onto a zero Record gives the same Record.
func (r *Record) Apply(e Event) error {
	if e.Stream.Kind != StreamCall {
		return fmt.Errorf("call: record of %s given a %s event", r.ID, e.Stream.Kind)
	}
	switch b := e.Body.(type) {
	case Arrived:
		if r.ID != "" {
			return fmt.Errorf("call: %s arrived twice", r.ID)
		}
		*r = Record{
			ID: ID(e.Stream.ID), Ticket: b.Ticket, Origin: b.Origin, From: b.From, To: b.To,
			Trunk: b.Trunk, Test: b.Test, Out: b.Out, Consult: b.Consult, Arrived: e.At, Config: e.Config,
		}
	case StageEntered:
		r.Stage, r.StageInput, r.StageAt = b.Stage, b.Input, e.At
	case Answered:
		r.Answered = e.At
	case Keyed:
		r.Path = append(r.Path, Step{At: e.At, Node: b.Node, Digits: b.Digits, Accepted: b.Accepted})
	case Noticed:
		r.Path = append(r.Path, Step{At: e.At, Node: "notice", Notice: b.Prompt})
	case Chose:
		r.Language, r.Unrecorded = cmp.Or(b.Language, r.Language), b.Unrecorded || r.Unrecorded
	case Identified:
		r.Identity = b.Level
	case Filed:
		r.Ticket = b.Ticket
	case CallerLost:
		r.Lost = &LostNote{At: e.At, Queue: b.Queue, Joined: b.Joined, Reason: b.Reason}
	case Panicked:
		r.Panic = &Panic{At: e.At, By: b.By, Reason: b.Reason}
	case Ended:
		return r.end(e.At, b)
	case Unknown:
	default:
		if err := r.applyQueue(e); !errors.Is(err, errNotMine) {
			return err
		}
		return r.applyTalk(e)
	}
	return nil
}

func (r *Record) end(at time.Time, b Ended) error {
	if !r.Open() {
		return fmt.Errorf("call: %s ended twice", r.ID)
	}
	if e := r.Waiting(); e != nil {
		return fmt.Errorf("call: %s ended while entry %s waits", r.ID, e.ID)
	}
	if t := r.Talking(); t != nil {
		return fmt.Errorf("call: %s ended while talking to %s", r.ID, t.Agent)
	}
	r.Ended, r.Outcome, r.Cause, r.Restored, r.Quality = at, b.Outcome, b.Cause, b.Restored, b.Quality
	r.Stage = b.Stage
	return nil
}

var errNotMine = errors.New("call: not a queue event")

func (r *Record) applyQueue(ev Event) error {
	switch b := ev.Body.(type) {
	case QueueJoined:
		if e := r.Waiting(); e != nil {
			return fmt.Errorf("call: %s joined %s while entry %s waits", r.ID, b.Queue, e.ID)
		}
		r.Entries = append(r.Entries, Entry{
			ID: b.Entry, Queue: b.Queue, Joined: b.Joined, Need: b.Need, Priority: b.Priority, Target: b.Target, Callback: b.Callback,
			Arrived: b.Arrived, Only: b.Only, Sender: b.Sender,
			Opening: Opening{At: ev.At, Need: b.Need, Tiers: b.Tiers, For: b.For, Priority: b.Priority, Parts: b.Parts, Client: b.Client, Class: b.Class},
		})
	case Offered:
		e := r.entry(b.Offer.Entry())
		if e == nil {
			return fmt.Errorf("call: %s has no entry for offer %s", r.ID, b.Offer)
		}
		e.Offers = append(e.Offers, Offer{ID: b.Offer, Agent: b.Agent, At: ev.At, Why: b.Why})
	case OfferEnded:
		o := r.offer(b.Offer)
		if o == nil {
			return fmt.Errorf("call: %s has no offer %s", r.ID, b.Offer)
		}
		o.Ended, o.Result, o.Cause = ev.At, b.Result, b.Cause
	case QueueLeft:
		e := r.entry(b.Entry)
		if e == nil || !e.Left.IsZero() {
			return fmt.Errorf("call: %s does not wait in entry %s", r.ID, b.Entry)
		}
		e.Left, e.Outcome, e.Agent = e.Joined.Add(b.Wait), b.Outcome, b.Agent
	default:
		return r.applyWait(ev)
	}
	return nil
}

// applyWait folds in what happened to an entry while it waited.
func (r *Record) applyWait(ev Event) error {
	var id EntryID
	switch b := ev.Body.(type) {
	case QueueWidened:
		id = b.Entry
	case QueueReprioritized:
		id = b.Entry
	case QueueDecided:
		id = b.Entry
	case Announced:
		return r.tell(ev.At, b)
	case PlaceKept:
		return nil // the entry's Joined says it
	case QueueExited:
		id = b.Entry
	default:
		return errNotMine
	}
	e := r.entry(id)
	if e == nil || !e.Left.IsZero() {
		return fmt.Errorf("call: %s does not wait in entry %s", r.ID, id)
	}
	switch b := ev.Body.(type) {
	case QueueWidened:
		e.Need = b.Need
		e.Steps = append(e.Steps, Widening{At: ev.At, Step: b.Step, Need: b.Need, Tiers: b.Tiers, For: b.For})
	case QueueReprioritized:
		e.Priority = b.Priority
		e.Raised = append(e.Raised, Raise{At: ev.At, Priority: b.Priority, By: b.By, Reason: b.Reason})
	case QueueDecided:
		e.Decided = append(e.Decided, Decision{At: ev.At, Since: b.Since, Offer: b.Offer, Eligible: b.Eligible, Excluded: b.Excluded})
	case QueueExited:
		e.Exit = &EntryExit{Rule: b.Rule, Key: b.Key, To: b.To}
	}
	return nil
}

// tell folds an announcement in, which may have begun as the entry left.
func (r *Record) tell(at time.Time, b Announced) error {
	e := r.entry(b.Entry)
	if e == nil {
		return fmt.Errorf("call: %s has no entry %s to tell", r.ID, b.Entry)
	}
	e.Told = append(e.Told, Told{At: at, Position: b.Position, Low: b.Low, High: b.High, Why: b.Why})
	return nil
}

func (r *Record) applyTalk(ev Event) error {
	switch b := ev.Body.(type) {
	case Connected:
		if t := r.Talking(); t != nil {
			return fmt.Errorf("call: %s connected to %s while talking to %s", r.ID, b.Agent, t.Agent)
		}
		r.Talks = append(r.Talks, Talk{Agent: b.Agent, Number: b.Number, Leg: b.Leg, Bridge: b.Bridge, Recording: b.Recording, Began: ev.At})
		return nil
	case Held:
		if t := r.Talking(); t != nil {
			t.Holds = append(t.Holds, Span{By: b.By, From: ev.At})
			return nil
		}
	case Unheld:
		if t := r.Talking(); t != nil {
			for i := range t.Holds {
				if t.Holds[i].By == b.By && t.Holds[i].To.IsZero() {
					t.Holds[i].To = ev.At
				}
			}
			return nil
		}
	case TapBegan:
		if t := r.Talking(); t != nil {
			t.endTap(b.Leg, ev.At)
			t.Taps = append(t.Taps, Tap{Leg: b.Leg, Device: b.Device, Mode: b.Mode, By: b.By, From: ev.At})
			return nil
		}
	case TapEnded:
		if t := r.Talking(); t != nil {
			t.endTap(b.Leg, ev.At)
			return nil
		}
	case ConsultBegan, ConferenceBegan, ConsultEnded:
		if t := r.Talking(); t != nil {
			t.consulted(ev.At, ev.Body)
			return nil
		}
	case TransferAsked:
		if t := r.Talking(); t != nil {
			t.Transfers = append(t.Transfers, Transfer{At: ev.At, To: b.To, By: b.By, Refused: b.Refused})
			return nil
		}
	case Parted:
		if t := r.Talking(); t != nil {
			t.Ended, t.EndedBy, t.Cause = ev.At, b.By, b.Cause
			for i := range t.Holds {
				t.Holds[i].To = until(t.Holds[i].To, ev.At)
			}
			return nil
		}
	default:
		return fmt.Errorf("call: %s cannot apply %s", r.ID, ev.Body.Type())
	}
	return fmt.Errorf("call: %s is not talking: %s", r.ID, ev.Body.Type())
}

func (r *Record) entry(id EntryID) *Entry {
	for i := range r.Entries {
		if r.Entries[i].ID == id {
			return &r.Entries[i]
		}
	}
	return nil
}

func (r *Record) offer(id OfferID) *Offer {
	e := r.entry(id.Entry())
	if e == nil {
		return nil
	}
	for i := range e.Offers {
		if e.Offers[i].ID == id {
			return &e.Offers[i]
		}
	}
	return nil
}
