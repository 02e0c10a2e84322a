package limp

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"sync"
	"time"

	"go.uber.org/zap"

	"firstline/call"
	"firstline/callqueue/queuelog"
	"firstline/intake/lost"
)

// Queue is what a queue of Asterisk's is here.
type Queue struct {
	ID     call.QueueID
	Target call.Target // whose short abandon counts, and against which it is measured
}

// Config is what a Desk needs; all of it is required except Agent and ShortAbandons.
type Config struct {
	// Queue says what a queue of Asterisk's is here; calls of one that is nothing
	// here are none of ours.
	Queue   func(name string) (Queue, bool)
	Journal call.Journal
	Tickets ticketDesk
	Lost    lostList
	// Known returns the calls that the journal has of an origin (see Origin), or by
	// an id that is not empty.
	Known func(ctx context.Context, origin string, id call.ID) ([]call.Record, error)
	// Caller is the normal form of a caller's number, and whose line was called.
	Caller func(c *call.Call) (number, client string)
	// Agent finds the person whom a queue member's name means; nil takes the name.
	Agent func(member string) call.AgentID
	// ShortAbandons says whether who gave up at once is owed a call, too; nil: no.
	ShortAbandons func() bool
	Log           *zap.Logger
}

type ticketDesk interface {
	// Opening returns a new ticket's id and the events that open it.
	Opening(at time.Time, c *call.Call, client string) (call.TicketID, []call.Event, error)
}

// lostList is the list of callers who are owed a call: lost.List.
type lostList interface {
	LeftDurably(ctx context.Context, a lost.Abandon, story ...call.Event) error
	Answered(number string, id call.ID, at time.Time)
}

// mostRemembered bounds how many imported calls are remembered beside the journal,
// which may lag behind while the database is away.
const mostRemembered = 10_000

// Desk journals calls of limp mode, each once, whoever imports them.
type Desk struct {
	cfg Config

	mu   sync.Mutex      // one call is looked up and journalled at a time
	done map[string]bool // journalled, by channel
}

// New returns a desk.
func New(cfg Config) *Desk { return &Desk{cfg: cfg, done: make(map[string]bool)} }

func (d *Desk) agent(member string) call.AgentID {
	if d.cfg.Agent != nil {
		return d.cfg.Agent(member)
	}
	return call.AgentID(cmp.Or(plain(member), "unknown"))
}

// Importer returns an importer of a node's log; node is the Asterisk's name, for
// people.
func (d *Desk) Importer(node string) *Importer {
	return &Importer{desk: d, node: plain(node), stories: make(map[string]*story)}
}

// Origin is the stable key (call.Call.Origin) of a call of limp mode, by its channel.
func Origin(channel string) string { return "queue_log/" + plain(channel) }

// Result says what became of the calls.
type Result struct {
	Imported int // are calls with tickets now
	Known    int // were before
	Open     int // are not over yet
}

// Importer gathers the lines of one log into calls and has each that is over
// journalled. It is for one goroutine.
type Importer struct {
	desk    *Desk
	node    string
	stories map[string]*story // by channel, not yet journalled
	alive   time.Time         // of the last line of any kind
}

// Take takes the log's next lines; nothing is written yet.
func (i *Importer) Take(lines []queuelog.Line) {
	for _, l := range lines {
		if l.Event == eventDied {
			i.died(l.At)
		}
		if l.At.After(i.alive) {
			i.alive = l.At
		}
		if _, ours := i.desk.cfg.Queue(l.Queue); !ours || l.Call == "" {
			continue
		}
		s := i.stories[l.Call]
		if s == nil {
			if l.Event != eventDID && l.Event != "ENTERQUEUE" {
				continue // what it belongs to is journalled, or began before the log
			}
			s = &story{}
			i.stories[l.Call] = s
		}
		s.add(l)
	}
}

// died ends the calls of an Asterisk that was started anew, at its last sign of life.
func (i *Importer) died(started time.Time) {
	for _, s := range i.stories {
		if _, _, last := s.at(); last.Before(started) && !s.complete(last) {
			s.add(queuelog.Line{At: earlier(i.alive, started), Event: eventDied})
		}
	}
}

func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

// Settle journals every call that is over by the time that it is. After an error
// what could not be written is still there, to be settled later.
func (i *Importer) Settle(ctx context.Context, now time.Time) (did Result, err error) {
	defer func() { did.Open = len(i.stories) }()
	for _, channel := range i.complete(now) {
		known, err := i.desk.journal(ctx, i.node, channel, i.stories[channel].Lines)
		if err != nil {
			return did, fmt.Errorf("call %s of queue_log: %w", plain(channel), err)
		}
		delete(i.stories, channel)
		if known {
			did.Known++
			continue
		}
		did.Imported++
	}
	return did, nil
}

// complete is the channels of calls that are over, in the order in which they came.
func (i *Importer) complete(now time.Time) []string {
	var channels []string
	for channel, s := range i.stories {
		if s.complete(now) {
			channels = append(channels, channel)
		}
	}
	slices.SortFunc(channels, func(a, b string) int {
		return cmp.Or(i.stories[a].Lines[0].At.Compare(i.stories[b].Lines[0].At), cmp.Compare(a, b))
	})
	return channels
}

// journal writes a call with its ticket in one commit, unless it is known.
func (d *Desk) journal(ctx context.Context, node, channel string, lines []queuelog.Line) (known bool, err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.done[channel] {
		return true, nil
	}
	t := tell(d, node, channel, lines)
	before, err := d.cfg.Known(ctx, t.call.Origin, t.began.as)
	if err != nil {
		return false, err
	}
	if slices.ContainsFunc(before, func(r call.Record) bool { return r.Stage == Stage }) {
		return true, nil
	}
	evs, err := d.events(t, before)
	if err != nil {
		return false, err
	}
	if err := d.write(ctx, t, evs); err != nil {
		return false, err
	}
	d.remember(t)
	return false, nil
}

// write makes the call durable. Who left unserved is put on the list with it, and
// who was answered is taken off.
func (d *Desk) write(ctx context.Context, t *tale, evs []call.Event) error {
	number, client := d.cfg.Caller(&t.call)
	if t.unserved() {
		return d.cfg.Lost.LeftDurably(ctx, lost.Abandon{
			Call: t.id, Ticket: t.ticket, From: t.call.From, Number: number, Client: client,
			Queue: t.queue.ID, Joined: t.call.Arrived, Left: t.left, Reason: t.reason(),
		}, evs...)
	}
	if err := d.cfg.Journal.Append(ctx, evs...); err != nil {
		return err
	}
	if t.last == call.OutcomeAnswered {
		d.cfg.Lost.Answered(number, t.id, t.left)
	}
	return nil
}

func (d *Desk) remember(t *tale) {
	if len(d.done) >= mostRemembered {
		clear(d.done)
	}
	d.done[t.channel] = true
	d.cfg.Log.Info("call of limp mode", zap.String("call", string(t.id)), zap.String("ticket", string(t.ticket)),
		zap.String("node", t.node), zap.String("outcome", string(t.last)), zap.Time("arrived", t.call.Arrived))
}

// events is everything that is journalled of a call. A call that firstline had
// begun to serve stays on its ticket.
func (d *Desk) events(t *tale, before []call.Record) ([]call.Event, error) {
	var opening []call.Event
	if len(before) > 0 {
		t.ticket = before[0].Ticket
		opening = []call.Event{call.TicketEvent(t.began.at, t.ticket, call.TicketJoined{Call: t.id, Why: "it went on in Asterisk's dialplan"})}
	} else {
		var err error
		if t.ticket, opening, err = d.cfg.Tickets.Opening(t.call.Arrived, &t.call, ""); err != nil {
			return nil, err
		}
	}
	evs := []call.Event{call.CallEvent(t.call.Arrived, t.id, call.Arrived{
		Ticket: t.ticket, Origin: t.call.Origin, From: t.call.From, To: t.call.To,
	})}
	evs = append(append(evs, opening...), t.events...)
	evs = append(evs, call.TicketEvent(t.at, t.ticket, call.TicketNoted{
		Note: call.NewUUID(t.at), Author: "firstline", Text: t.note(), Call: t.id,
	}))
	for n := range evs {
		evs[n].Config = call.ConfigAsterisk
	}
	return evs, nil
}

// state is what has to be kept of an importer between two processes.
type state struct {
	Stories map[string]*story `json:"stories,omitempty"`
	Alive   time.Time         `json:"alive,omitzero"`
}

// MarshalJSON writes the calls that are not journalled yet.
func (i *Importer) MarshalJSON() ([]byte, error) {
	return json.Marshal(state{i.stories, i.alive})
}

// UnmarshalJSON reads what MarshalJSON wrote into a new importer.
func (i *Importer) UnmarshalJSON(b []byte) error {
	var s state
	if err := json.Unmarshal(b, &s); err != nil {
		return err
	}
	i.alive = s.Alive
	for channel, st := range s.Stories {
		if st != nil && len(st.Lines) > 0 {
			i.stories[channel] = st
		}
	}
	return nil
}
