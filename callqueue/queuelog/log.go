package queuelog

import (
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"firstline/call"
	"firstline/callqueue/agents"
)

// Config says what the journal does not.
type Config struct {
	// Queues is each queue with what it needs: agents who meet it are its members.
	Queues map[call.QueueID]call.Requirement
	// Roster is who was there before the first event, and how they were.
	Roster []Member
	// Agent is how an agent is written; nil means by name, or by id without one.
	Agent func(agents.Agent) string
	// CallerNames adds the caller's name to ENTERQUEUE (log-caller-id-name = yes).
	CallerNames bool
	// HideNumbers leaves the caller's number out.
	HideNumbers bool
}

// Member is an agent as known before the first event.
type Member struct {
	agents.Agent
	Presence call.Presence
}

// Log turns events into lines. It is for one goroutine. The zero value is not
// ready; use New.
type Log struct {
	cfg     Config
	queues  []call.QueueID // sorted
	members map[call.AgentID]*Member
	calls   map[call.ID]*story
	waiting map[call.QueueID][]*story // in the order of service
	line    []byte
	at      time.Time
}

// story is what has to be remembered of a call.
type story struct {
	id       call.ID
	from     call.Party
	test     bool
	keyed    string // last key in the flow or the queue
	entry    call.EntryID
	queue    call.QueueID
	joined   time.Time
	priority int
	original int    // position at which it joined, from 1
	direct   bool   // the entry is for one agent alone, of which app_queue knows nothing
	to       string // where an agent hands the caller on

	offers map[call.OfferID]time.Time // that ring, since
	gone   []withdrawn                // offers that ended with the caller's leaving
	taken  call.OfferID               // the offer that was answered, and how long it rang
	rang   time.Duration
	agent  call.AgentID // of the talk; empty when there is none
	hold   int64        // seconds
	talks  time.Time
}

type withdrawn struct {
	agent call.AgentID
	at    time.Time
	rang  time.Duration
}

// New returns a Log at its beginning.
func New(cfg Config) *Log {
	l := &Log{
		cfg: cfg, queues: slices.Sorted(maps.Keys(cfg.Queues)), members: make(map[call.AgentID]*Member),
		calls: make(map[call.ID]*story), waiting: make(map[call.QueueID][]*story),
	}
	for _, m := range cfg.Roster {
		l.members[m.ID] = &m
	}
	return l
}

// Append appends the lines that an event makes, each with its end of line, and
// returns the extended buffer. Most events make none.
func (l *Log) Append(dst []byte, ev call.Event) []byte {
	l.line, l.at = dst, ev.At
	switch ev.Stream.Kind {
	case call.StreamCall:
		l.call(call.ID(ev.Stream.ID), ev.Body)
	case call.StreamAgent:
		l.agent(call.AgentID(ev.Stream.ID), ev.Body)
	case call.StreamSystem:
		l.system(ev.Body)
	}
	dst, l.line = l.line, nil
	return dst
}

const none = "NONE"

// write appends one line. Text of people must not break the format.
func (l *Log) write(id, queue, agent, event string, data ...string) {
	l.line = strconv.AppendInt(l.line, l.at.Unix(), 10)
	for _, field := range append([]string{id, queue, agent, event}, data...) {
		l.line = append(l.line, '|')
		for i := range len(field) {
			c := field[i]
			if c == '|' || c < ' ' || c == 0x7f {
				c = '_' // as app_queue does in caller names
			}
			l.line = append(l.line, c)
		}
	}
	if len(data) == 0 {
		l.line = append(l.line, '|') // Asterisk ends the prefix with one
	}
	l.line = append(l.line, '\n')
}

func (l *Log) system(b call.Body) {
	switch b := b.(type) {
	case call.Started:
		l.write(none, none, none, "QUEUESTART")
	case call.ConfigActivated:
		if b.By != "start" {
			l.write(none, none, none, "CONFIGRELOAD")
		}
	}
}

func (l *Log) call(id call.ID, b call.Body) {
	if a, ok := b.(call.Arrived); ok {
		l.calls[id] = &story{id: id, from: a.From, test: a.Test, offers: make(map[call.OfferID]time.Time)}
		return
	}
	c := l.calls[id]
	if c == nil {
		c = &story{id: id, offers: make(map[call.OfferID]time.Time)} // arrived before the first event read
		l.calls[id] = c
	}
	if _, ends := b.(call.Ended); ends {
		l.parted(c, call.SideSystem) // when nobody said so before
		delete(l.calls, id)
		return
	}
	if c.test {
		return
	}
	switch b := b.(type) {
	case call.Keyed:
		c.keyed = b.Digits
	case call.QueueJoined:
		if c.direct = b.Only; !c.direct {
			l.joined(c, b)
		}
	case call.Offered:
		c.offers[b.Offer] = l.at
	case call.OfferEnded:
		if !c.direct {
			l.offerEnded(c, b)
		}
	case call.QueueLeft:
		if !c.direct {
			l.left(c, b)
		}
	case call.Connected:
		if c.agent != "" {
			c.talks = l.at
		}
	case call.TransferAsked:
		if b.Refused == "" {
			c.to = b.To
		}
	case call.Parted:
		l.parted(c, b.By)
	}
}

func (l *Log) joined(c *story, b call.QueueJoined) {
	c.entry, c.queue, c.joined, c.priority, c.keyed, c.gone = b.Entry, b.Queue, b.Joined, b.Priority, "", nil
	line := l.waiting[b.Queue]
	i, _ := slices.BinarySearchFunc(line, c, order)
	l.waiting[b.Queue] = slices.Insert(line, i, c)
	c.original = i + 1
	data := []string{"", c.from.Number, strconv.Itoa(c.original)}
	if l.cfg.HideNumbers {
		data[1] = ""
	}
	if l.cfg.CallerNames {
		data = append(data, c.from.Name)
	}
	l.write(string(c.id), string(b.Queue), none, "ENTERQUEUE", data...)
}

// order is the order of service in one queue.
func order(a, b *story) int {
	if a.priority != b.priority {
		return b.priority - a.priority
	}
	if c := a.joined.Compare(b.joined); c != 0 {
		return c
	}
	return strings.Compare(string(a.entry), string(b.entry))
}

func (l *Log) offerEnded(c *story, b call.OfferEnded) {
	since, ok := c.offers[b.Offer]
	if !ok {
		since = l.at
	}
	rang := l.at.Sub(since)
	switch b.Result {
	case call.OfferAnswered: // told when the caller leaves the queue
		c.taken, c.rang = b.Offer, rang
	case call.OfferWithdrawn:
		c.gone = append(c.gone, withdrawn{b.Agent, l.at, rang})
	default:
		l.write(string(c.id), string(c.queue), l.name(b.Agent), "RINGNOANSWER", milliseconds(rang))
	}
	delete(c.offers, b.Offer)
}

func (l *Log) left(c *story, b call.QueueLeft) {
	if c.queue == "" { // joined before the first event read
		c.queue, c.joined = b.Queue, l.at.Add(-b.Wait)
	}
	line := l.waiting[b.Queue]
	i := slices.Index(line, c)
	if i >= 0 {
		l.waiting[b.Queue] = slices.Delete(line, i, i+1)
	} else {
		c.original = 1
		i = 0
	}
	wait := l.at.Unix() - c.joined.Unix()
	if b.Outcome == call.OutcomeAnswered {
		l.answered(c, b, wait)
		return
	}
	for _, g := range c.gone {
		if g.at.Equal(l.at) {
			l.write(string(c.id), string(b.Queue), l.name(g.agent), "RINGCANCELED", milliseconds(g.rang))
		}
	}
	event, first, last := exitOf(b.Outcome, c.keyed)
	data := []string{strconv.Itoa(i + 1), strconv.Itoa(c.original), strconv.FormatInt(wait, 10)}
	if event == "EXITWITHKEY" {
		data = append([]string{first}, data...)
	}
	if event == "WITHDRAW" {
		data = append(data, last)
	}
	l.write(string(c.id), string(b.Queue), none, event, data...)
}

// exitOf names how app_queue would tell an outcome, with the key or the info that
// goes with it.
func exitOf(out call.Outcome, keyed string) (event, key, info string) {
	switch out {
	case call.OutcomeAbandoned, call.OutcomeAbandonedShort:
		return "ABANDON", "", ""
	case call.OutcomeTimeoutOverflow, call.OutcomeVoicemail:
		return "EXITWITHTIMEOUT", "", ""
	case call.OutcomeEmpty:
		return "EXITEMPTY", "", ""
	case call.OutcomeExitKey, call.OutcomeCallbackTaken:
		return "EXITWITHKEY", keyed, ""
	}
	return "WITHDRAW", "", string(out[:min(len(out), 40)])
}

func (l *Log) answered(c *story, b call.QueueLeft, wait int64) {
	clear(c.offers)
	c.agent, c.hold, c.talks = b.Agent, wait, l.at
	l.write(string(c.id), string(b.Queue), l.name(b.Agent), "CONNECT",
		strconv.FormatInt(wait, 10), string(c.taken.AgentLeg()), strconv.FormatInt(int64(c.rang/time.Second), 10))
}

func (l *Log) parted(c *story, by call.Side) {
	if c.agent == "" {
		return
	}
	event := "COMPLETEAGENT"
	if by == call.SideCaller {
		event = "COMPLETECALLER"
	}
	data := []string{strconv.FormatInt(c.hold, 10), strconv.FormatInt(l.at.Unix()-c.talks.Unix(), 10), strconv.Itoa(c.original)}
	if c.to != "" && by == call.SideAgent {
		event, data = "BLINDTRANSFER", append([]string{c.to, "firstline"}, data...)
	}
	l.write(string(c.id), string(c.queue), l.name(c.agent), event, data...)
	c.agent, c.to = "", ""
}

func milliseconds(d time.Duration) string { return strconv.FormatInt(d.Milliseconds(), 10) }
