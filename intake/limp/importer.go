package limp

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"go.uber.org/zap"

	"firstline/call"
	"firstline/callqueue/queuelog"
)

// Queue is what a queue of Asterisk's is here.
type Queue struct {
	ID     call.QueueID
	Target call.Target // whose short abandon counts, and against which it is measured
}

// Config is what an Importer needs; all of it is required except Agent.
type Config struct {
	Node    string           // the Asterisk that wrote the log, for people
	Queues  map[string]Queue // by Asterisk's names; calls of other queues are none of ours
	Journal call.Journal
	Tickets ticketDesk
	// Known returns the calls of an origin (see Origin) that the journal has.
	Known func(ctx context.Context, origin string) ([]call.Record, error)
	// Agent finds the person whom a queue member's name means; nil takes the name.
	Agent func(member string) call.AgentID
	Log   *zap.Logger
}

type ticketDesk interface {
	// Opening returns a new ticket's id and the events that open it.
	Opening(at time.Time, c *call.Call) (call.TicketID, []call.Event, error)
}

func (c *Config) agent(member string) call.AgentID {
	if c.Agent != nil {
		return c.Agent(member)
	}
	return call.AgentID(cmp.Or(plain(member), "unknown"))
}

// Origin is the stable key (call.Call.Origin) of a call by its channel in Asterisk.
// A front end that uses it too has a call that it handed back to the dialplan found
// again, with its ticket.
func Origin(channel string) string { return "asterisk:" + plain(channel) }

// idOf makes a call's id from its channel: a UUIDv7 (RFC 9562 section 5.7) that is
// the same whenever the channel's lines are read.
func idOf(channel string, arrived time.Time) call.ID {
	sum := sha256.Sum256([]byte("queue_log\x00" + channel))
	b := sum[:16]
	ms := uint64(arrived.UnixMilli())
	for i := range 6 {
		b[i] = byte(ms >> (40 - 8*i))
	}
	b[6] = b[6]&0x0f | 0x70
	b[8] = b[8]&0x3f | 0x80
	h := hex.EncodeToString(b)
	return call.ID(h[:8] + "-" + h[8:12] + "-" + h[12:16] + "-" + h[16:20] + "-" + h[20:])
}

// Result says what became of the calls.
type Result struct {
	Imported int // are calls with tickets now
	Known    int // were before
	Open     int // are not over yet
}

// mostRemembered bounds how many imported calls are remembered beside the journal,
// which may lag behind while the database is away.
const mostRemembered = 10_000

// Importer gathers lines into calls and journals each that is over. It is for one
// goroutine. Use New.
type Importer struct {
	cfg     Config
	stories map[string]*story // by channel, not yet journalled
	alive   time.Time         // of the last line of any kind
	done    map[string]bool   // journalled by this importer
}

// New returns an importer that knows of nothing yet.
func New(cfg Config) *Importer {
	return &Importer{cfg: cfg, stories: make(map[string]*story), done: make(map[string]bool)}
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
		if _, ours := i.cfg.Queues[l.Queue]; !ours || l.Call == "" {
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
func (i *Importer) Settle(ctx context.Context, now time.Time) (Result, error) {
	var did Result
	for _, channel := range i.complete(now) {
		known, err := i.journal(ctx, channel, i.stories[channel].Lines)
		if err != nil {
			did.Open = len(i.stories)
			return did, fmt.Errorf("call %s of queue_log: %w", plain(channel), err)
		}
		delete(i.stories, channel)
		if known {
			did.Known++
			continue
		}
		did.Imported++
	}
	did.Open = len(i.stories)
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
func (i *Importer) journal(ctx context.Context, channel string, lines []queuelog.Line) (known bool, err error) {
	if i.done[channel] {
		return true, nil
	}
	before, err := i.cfg.Known(ctx, Origin(channel))
	if err != nil {
		return false, err
	}
	if slices.ContainsFunc(before, func(r call.Record) bool { return r.Stage == Stage }) {
		return true, nil
	}
	t := tell(i.cfg, channel, lines)
	evs, ticket, err := i.events(t, before)
	if err != nil {
		return false, err
	}
	if err := i.cfg.Journal.Append(ctx, evs...); err != nil {
		return false, err
	}
	if len(i.done) >= mostRemembered {
		clear(i.done)
	}
	i.done[channel] = true
	i.cfg.Log.Info("call of limp mode", zap.String("call", string(t.id)), zap.String("ticket", string(ticket)),
		zap.String("node", i.cfg.Node), zap.String("outcome", string(t.last)), zap.Time("arrived", t.call.Arrived))
	return false, nil
}

// events is everything that is journalled of a call. A call that firstline had
// begun to serve stays on its ticket.
func (i *Importer) events(t *tale, before []call.Record) ([]call.Event, call.TicketID, error) {
	var ticket call.TicketID
	var opening []call.Event
	if len(before) > 0 {
		ticket = before[0].Ticket
		opening = []call.Event{call.TicketEvent(t.began, ticket, call.TicketJoined{Call: t.id, Why: "it went on in Asterisk's dialplan"})}
	} else {
		var err error
		if ticket, opening, err = i.cfg.Tickets.Opening(t.call.Arrived, &t.call); err != nil {
			return nil, "", err
		}
	}
	evs := []call.Event{call.CallEvent(t.call.Arrived, t.id, call.Arrived{
		Ticket: ticket, Origin: t.call.Origin, From: t.call.From, To: t.call.To,
	})}
	evs = append(append(evs, opening...), t.events...)
	evs = append(evs, call.TicketEvent(t.at, ticket, call.TicketNoted{
		Note: call.NewUUID(t.at), Author: "firstline", Text: t.note(), Call: t.id,
	}))
	for n := range evs {
		evs[n].Config = call.ConfigAsterisk
	}
	return evs, ticket, nil
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
