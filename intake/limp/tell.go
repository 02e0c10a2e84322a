package limp

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	"firstline/call"
	"firstline/callqueue/queuelog"
)

// Stage is the stage of all calls that the dialplan served.
const Stage = "fallback"

// input is what the stage notes: where the story comes from.
type input struct {
	Node    string `json:"node"`
	Channel string `json:"channel"` // Asterisk's unique id
	Queue   string `json:"queue"`   // as Asterisk calls it
}

// tale is a story being told: the call's events, and what a ticket's note says.
type tale struct {
	desk    *Desk
	node    string
	id      call.ID
	channel string
	call    call.Call
	ticket  call.TicketID // once it has one
	began   beginning
	at      time.Time // of the line being told
	events  []call.Event
	noted   []string

	entries int
	entry   call.EntryID
	queue   Queue // that it is in, was in last, or is to come to
	joined  time.Time
	waits   bool
	waited  time.Duration // in the last entry that it left
	left    time.Time     // that entry
	offers  int
	last    call.Outcome // of the last entry
	talks   int
	with    call.AgentID // whom it talks to; empty when to nobody
	since   time.Time    // the talk
	message string
	gone    bool
	cause   call.Cause
}

// beginning is what the first lines say.
type beginning struct {
	at time.Time
	as call.ID // as which firstline had begun to serve it; empty when it had not
}

// tell makes a call of a story.
func tell(d *Desk, node, channel string, lines []queuelog.Line) *tale {
	t := &tale{desk: d, node: node, channel: channel, began: beginning{at: lines[0].At}, cause: call.Cause{Reason: call.Hangup}}
	t.call = call.Call{Origin: Origin(channel), Arrived: arrival(channel, t.began.at)}
	t.id = call.DerivedID(t.call.Arrived, t.call.Origin)
	t.call.ID = t.id
	t.at = t.began.at
	t.add(call.StageEntered{Stage: Stage, Input: t.input(lines[0].Queue)})
	t.add(call.Answered{})
	for _, l := range lines {
		if l.At.After(t.at) { // a clock that is set back takes nobody's wait away
			t.at = l.At
		}
		t.line(l)
	}
	t.end()
	slices.SortStableFunc(t.events, func(a, b call.Event) int { return a.At.Compare(b.At) })
	return t
}

func (t *tale) input(queue string) json.RawMessage {
	b, err := json.Marshal(input{Node: t.node, Channel: plain(t.channel), Queue: plain(queue)})
	if err != nil { // strings only
		panic(fmt.Sprintf("limp: %v", err))
	}
	return b
}

func (t *tale) add(b call.Body) { t.events = append(t.events, call.CallEvent(t.at, t.id, b)) }

func (t *tale) addAt(at time.Time, b call.Body) {
	t.events = append(t.events, call.CallEvent(at, t.id, b))
}

func (t *tale) line(l queuelog.Line) {
	switch l.Event {
	case eventDID:
		t.call.To.Number = cmp.Or(t.call.To.Number, plain(l.Field(0)))
		t.began.as = cmp.Or(t.began.as, call.ID(plain(l.Field(1))))
		t.queue = t.queueOf(l)
	case "ENTERQUEUE":
		t.joinedQueue(l)
	case "RINGNOANSWER":
		t.rang(l, time.Duration(l.Number(0))*time.Millisecond, call.OfferMissed)
	case "RINGCANCELED":
		t.rang(l, time.Duration(l.Number(0))*time.Millisecond, call.OfferWithdrawn)
	case "CONNECT":
		t.connected(l)
	case "ABANDON":
		t.leftQueue(t.abandoned(), "")
	case "EXITWITHTIMEOUT":
		t.leftQueue(call.OutcomeTimeoutOverflow, "")
	case "EXITEMPTY":
		t.leftQueue(call.OutcomeEmpty, "")
	case "EXITWITHKEY":
		t.leftQueue(call.OutcomeExitKey, "")
	case "WITHDRAW":
		t.leftQueue(call.OutcomeWithdrawn, "")
	case "SYSCOMPAT":
		t.failed("the phones had no codec in common")
	case eventDied:
		t.failed("Asterisk stopped")
	case "COMPLETECALLER":
		t.parted(call.SideCaller, call.Cause{Reason: call.Hangup})
	case "COMPLETEAGENT":
		t.parted(call.SideAgent, call.Cause{Reason: call.Hangup})
	case "TRANSFER", "BLINDTRANSFER", "ATTENDEDTRANSFER":
		t.parted(call.SideAgent, call.Cause{Reason: call.Completed, Text: "transferred"})
	case eventVoicemail:
		t.message = plain(l.Field(0))
	case eventHangup:
		t.gone = true
	}
}

func (t *tale) joinedQueue(l queuelog.Line) {
	if t.waits {
		t.leftQueue(call.OutcomeMoved, "")
	}
	t.call.From.Number = cmp.Or(t.call.From.Number, plain(l.Field(1)))
	t.call.From.Name = cmp.Or(t.call.From.Name, plain(l.Field(3)))
	t.join(t.queueOf(l))
}

// queueOf is what the line's queue is here; one that is nothing here any more keeps
// its name.
func (t *tale) queueOf(l queuelog.Line) Queue {
	if q, ours := t.desk.cfg.Queue(l.Queue); ours {
		return q
	}
	return Queue{ID: call.QueueID(plain(l.Queue))}
}

func (t *tale) join(q Queue) {
	t.entries++
	t.entry, t.queue, t.joined, t.waits, t.offers = t.id.Entry(t.entries), q, t.at, true, 0
	t.add(call.QueueJoined{Entry: t.entry, Queue: q.ID, Joined: t.at, Target: q.Target})
}

// rang tells an offer from its end and how long it rang.
func (t *tale) rang(l queuelog.Line, rang time.Duration, r call.OfferResult) call.OfferID {
	if !t.waits {
		return ""
	}
	t.offers++
	offer, agent := t.entry.Offer(t.offers), t.desk.agent(l.Agent)
	began := t.at.Add(-max(rang, 0))
	if began.Before(t.joined) {
		began = t.joined
	}
	t.addAt(began, call.Offered{Offer: offer, Agent: agent, Why: "Asterisk's queue"})
	t.add(call.OfferEnded{Offer: offer, Agent: agent, Result: r})
	return offer
}

func (t *tale) connected(l queuelog.Line) {
	if !t.waits {
		return
	}
	offer := t.rang(l, time.Duration(l.Number(2))*time.Second, call.OfferAnswered)
	agent := t.desk.agent(l.Agent)
	t.leftQueue(call.OutcomeAnswered, agent)
	t.talks++
	t.with, t.since = agent, t.at
	t.add(call.Connected{Agent: agent, Leg: offer.AgentLeg(), Bridge: t.id.Bridge(t.talks)})
	t.noted = append(t.noted, fmt.Sprintf("answered by %s after %v", plain(cmp.Or(l.Agent, string(agent))), t.waited))
}

func (t *tale) abandoned() call.Outcome {
	if t.at.Sub(t.joined) < t.queue.Target.ShortAbandon {
		return call.OutcomeAbandonedShort
	}
	return call.OutcomeAbandoned
}

func (t *tale) leftQueue(out call.Outcome, agent call.AgentID) {
	if !t.waits {
		return
	}
	t.waits, t.last, t.waited, t.left = false, out, t.at.Sub(t.joined), t.at
	t.add(call.QueueLeft{Entry: t.entry, Queue: t.queue.ID, Outcome: out, Agent: agent, Wait: t.waited})
}

func (t *tale) parted(by call.Side, why call.Cause) {
	if t.with == "" {
		return
	}
	t.add(call.Parted{Agent: t.with, By: by, Cause: why})
	t.noted = append(t.noted, fmt.Sprintf("talked %v", t.at.Sub(t.since)))
	t.with, t.cause = "", why
}

func (t *tale) failed(why string) {
	if !t.waits && t.with == "" {
		return
	}
	t.cause = call.Cause{Reason: call.SwitchGone, Text: why}
	t.leftQueue(call.OutcomeSystemFailed, "")
	t.parted(call.SideSystem, t.cause)
}

// end closes what the log left open and says how the caller was served.
func (t *tale) end() {
	switch {
	case t.waits && t.gone:
		t.leftQueue(t.abandoned(), "")
	case t.waits || t.with != "" && !t.gone:
		t.failed("the log says no more")
	case t.with != "":
		t.parted(call.SideCaller, call.Cause{Reason: call.Hangup})
	}
	if t.entries == 0 { // the queue let nobody in, which it does not log
		t.join(t.queue)
		t.leftQueue(call.OutcomeEmpty, "")
	}
	if t.message != "" && t.last != call.OutcomeAnswered {
		t.voicemail()
	}
	if t.last != call.OutcomeAnswered {
		t.noted = append(t.noted, fmt.Sprintf("%s after %v", t.reason(), t.waited))
	}
	if t.unserved() {
		t.add(call.CallerLost{Queue: t.queue.ID, Number: t.call.From.Number, Joined: t.call.Arrived, Reason: t.reason()})
	}
	t.add(call.Ended{Outcome: t.last, Cause: t.cause, Stage: Stage})
}

// voicemail makes the message the outcome of the last entry.
func (t *tale) voicemail() {
	t.last = call.OutcomeVoicemail
	for i := len(t.events) - 1; i >= 0; i-- {
		if b, ok := t.events[i].Body.(call.QueueLeft); ok {
			b.Outcome = call.OutcomeVoicemail
			t.events[i].Body = b
			return
		}
	}
}

// unserved reports whether the caller is owed a call. Who pressed a key or was
// taken out is somewhere else.
func (t *tale) unserved() bool {
	switch t.last {
	case call.OutcomeAnswered, call.OutcomeExitKey, call.OutcomeWithdrawn:
		return false
	case call.OutcomeAbandonedShort:
		return t.desk.cfg.ShortAbandons != nil && t.desk.cfg.ShortAbandons()
	}
	return true
}

// reason is why a caller left the queue without an agent.
func (t *tale) reason() string {
	switch t.last {
	case call.OutcomeVoicemail:
		return "left a message"
	case call.OutcomeAbandoned, call.OutcomeAbandonedShort:
		return "gave up"
	case call.OutcomeSystemFailed:
		return t.cause.Text
	case call.OutcomeExitKey:
		return "left by a key"
	case call.OutcomeWithdrawn:
		return "was taken out of the queue"
	}
	return "was not answered"
}

// note is what the ticket says of it.
func (t *tale) note() string {
	text := fmt.Sprintf("Asterisk (%s) took this call while firstline was away: %s.", t.node, strings.Join(t.noted, ", "))
	if t.message != "" {
		text += fmt.Sprintf("\nVoicemail: %s.wav", t.message)
	}
	return text
}

// longestText is what is kept of a text of the log, in characters.
const longestText = 200

// plain is text of the log without what could mean something to a terminal, a log
// or a page: control characters are dropped, and it is cut.
func plain(s string) string {
	s = strings.TrimSpace(strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || r == unicode.ReplacementChar {
			return -1
		}
		return r
	}, strings.ToValidUTF8(s, "")))
	if runes := []rune(s); len(runes) > longestText {
		return string(runes[:longestText])
	}
	return s
}

// arrival is when the call came: the channel's making, where its unique id tells
// ([systemname-]seconds.serial), which is before the queue's first line for a call
// that firstline had begun to serve.
func arrival(channel string, first time.Time) time.Time {
	seconds, _, found := strings.Cut(channel[strings.LastIndexByte(channel, '-')+1:], ".")
	sec, err := strconv.ParseInt(seconds, 10, 64)
	made := time.Unix(sec, 0).UTC()
	if !found || err != nil || made.After(first) || first.Sub(made) > 24*time.Hour {
		return first
	}
	return made
}
