package sla

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"time"

	"firstline/call"
)

// ErrOutOfOrder means that an event contradicts those before it (an entry that
// leaves twice). The ledger is as it was before.
var ErrOutOfOrder = errors.New("sla: event does not fit")

// Ledger keeps the entries of all queues: those that wait, and those that joined
// within Keep. It is for one goroutine. The zero value is not ready; use New.
type Ledger struct {
	cfg    Config
	global int64 // last event applied
	queues map[call.QueueID]*book
	calls  map[call.ID]*talk
	busy   map[call.AgentID]handling
	// requests are those to be called back: the open ones, and those of within Keep.
	requests map[call.CallbackID]*request
	latest   time.Time // newest Joined seen
	kept     int
}

// Config bounds what a Ledger remembers.
type Config struct {
	Keep time.Duration // 26 h, which holds the longest local day: reports reach back so far
	Max  int           // 500,000 entries over all queues, some 150 bytes each
	// Since is where the journal is read from, when that is not its start: figures of
	// what joined before are not complete.
	Since time.Time
	// Client says which client a call is for, by what is known when it arrives. Nil
	// means that nobody is told apart.
	Client func(call.Arrived) string
}

// New returns a Ledger without entries.
func New(cfg Config) *Ledger {
	cfg.Keep = cmp.Or(cfg.Keep, 26*time.Hour)
	cfg.Max = cmp.Or(cfg.Max, 500_000)
	return &Ledger{
		cfg: cfg, queues: make(map[call.QueueID]*book), calls: make(map[call.ID]*talk),
		busy: make(map[call.AgentID]handling), requests: make(map[call.CallbackID]*request),
	}
}

// book is one queue's entries.
type book struct {
	target  call.Target // of the last who joined
	entries []*stay     // by Joined
	from    time.Time   // entries that joined before may be missing
}

// stay is one entry.
type stay struct {
	id      call.EntryID
	joined  time.Time
	target  call.Target
	wait    time.Duration // once left
	outcome call.Outcome  // empty while it waits
	hold    time.Duration // of the talks that followed, once over
	held    time.Time     // since when the talk is on hold, zero when it is not
	client  string
	back    bool          // a try to call back: handled, and nothing else
	talked  time.Duration // with an agent, holds included, once over
	talks   time.Time     // since when a talk lasts, zero when none does
	wrapUp  time.Duration // of the agents afterwards, once over
	wraps   int           // how many wrap up now
}

// handling is what an agent does for an entry.
type handling struct {
	stay    *stay
	wrapped time.Time // since when it is wrapped up, zero when it is not
}

// talk is what is known of a call that has not ended.
type talk struct {
	test    bool
	client  string
	entry   *stay // the last one; holds count to it
	waits   bool
	holders [2]bool // caller, agent: both may hold at once, which counts once
}

// Apply takes the journal's next event. Events that were applied before (by
// their global number), events of no interest, and the leaving of a call whose
// joining was never read are passed over.
func (l *Ledger) Apply(ev call.Event) error {
	ours := []call.StreamKind{call.StreamCall, call.StreamAgent, call.StreamCallback}
	if !slices.Contains(ours, ev.Stream.Kind) || ev.Global != 0 && ev.Global <= l.global {
		return nil
	}
	if err := l.apply(ev); err != nil {
		return err
	}
	l.global = max(l.global, ev.Global)
	return nil
}

func (l *Ledger) apply(ev call.Event) error {
	if ev.Stream.Kind == call.StreamCallback {
		l.callback(ev)
		return nil
	}
	if b, ok := ev.Body.(call.ActivityChanged); ok {
		l.activity(call.AgentID(ev.Stream.ID), b, ev.At)
		return nil
	}
	id := call.ID(ev.Stream.ID)
	switch b := ev.Body.(type) {
	case call.Arrived:
		t := l.call(id)
		t.test = b.Test || b.Consult != "" // a question of an agent is no caller
		if l.cfg.Client != nil {
			t.client = l.cfg.Client(b)
		}
	case call.QueueJoined:
		return l.joined(l.call(id), b, ev.At)
	case call.QueueLeft:
		return l.left(l.calls[id], b)
	case call.Connected:
		if t := l.calls[id]; b.Agent != "" && t != nil && t.entry != nil && !t.waits && t.entry.talks.IsZero() {
			t.entry.talks = ev.At
		}
	case call.Held:
		l.hold(id, b.By, true, ev.At)
	case call.Unheld:
		l.hold(id, b.By, false, ev.At)
	case call.Parted:
		if t := l.calls[id]; t != nil {
			t.part(ev.At)
		}
	case call.Ended:
		t := l.calls[id]
		switch {
		case t == nil:
		case t.waits:
			return fmt.Errorf("%w: call %s ended while entry %s waits", ErrOutOfOrder, id, t.entry.id)
		default:
			t.part(ev.At)
			delete(l.calls, id)
		}
	}
	return nil
}

func (l *Ledger) call(id call.ID) *talk {
	t, ok := l.calls[id]
	if !ok {
		t = &talk{}
		l.calls[id] = t
	}
	return t
}

func (l *Ledger) joined(t *talk, b call.QueueJoined, at time.Time) error {
	if t.waits {
		return fmt.Errorf("%w: %s joined while %s waits", ErrOutOfOrder, b.Entry, t.entry.id)
	}
	t.part(at)
	s := &stay{id: b.Entry, joined: b.Joined, target: b.Target, client: t.client, back: b.Callback != ""}
	t.entry, t.waits, t.holders = s, true, [2]bool{}
	if t.test || b.Only { // handed on to one agent: the queue was offered nothing
		return nil
	}
	k := l.book(b.Queue)
	k.target = b.Target
	k.insert(s)
	l.kept++
	l.latest = later(l.latest, s.joined)
	l.trim()
	return nil
}

func (l *Ledger) book(queue call.QueueID) *book {
	k, ok := l.queues[queue]
	if !ok {
		k = &book{from: l.cfg.Since}
		l.queues[queue] = k
	}
	return k
}

// insert keeps the order of Joined; nearly always the new one is the last.
func (k *book) insert(s *stay) {
	i := len(k.entries)
	for i > 0 && k.entries[i-1].joined.After(s.joined) {
		i--
	}
	k.entries = slices.Insert(k.entries, i, s)
}

func (l *Ledger) left(t *talk, b call.QueueLeft) error {
	if t == nil || t.entry == nil {
		return nil // joined before the journal was read
	}
	if !t.waits || t.entry.id != b.Entry {
		return fmt.Errorf("%w: %s leaves and does not wait", ErrOutOfOrder, b.Entry)
	}
	if !slices.Contains(call.EntryOutcomes(), b.Outcome) {
		return fmt.Errorf("%w: %s leaves as %q, which is no outcome of a queue entry", ErrOutOfOrder, b.Entry, b.Outcome)
	}
	t.waits = false
	t.entry.wait, t.entry.outcome = b.Wait, b.Outcome
	return nil
}

func (l *Ledger) hold(id call.ID, by call.Side, on bool, at time.Time) {
	t := l.calls[id]
	if t == nil || t.entry == nil || t.waits {
		return // a talk that came from no queue
	}
	who := 0
	if by == call.SideAgent {
		who = 1
	}
	before := t.holders != [2]bool{}
	t.holders[who] = on
	after := t.holders != [2]bool{}
	switch {
	case !before && after:
		t.entry.held = at
	case before && !after:
		t.entry.unhold(at)
	}
}

// part ends the talk, if there is one.
func (t *talk) part(at time.Time) {
	if t.entry == nil {
		return
	}
	t.entry.unhold(at)
	t.entry.talked = t.entry.talkAt(at)
	t.entry.talks = time.Time{}
	t.holders = [2]bool{}
}

// activity keeps the wrap-up, which outlives the call: the agent's events say
// when it began and ended, and which call it is for.
func (l *Ledger) activity(id call.AgentID, b call.ActivityChanged, at time.Time) {
	h := l.busy[id]
	wraps := b.Activity == call.WrapUp
	if wraps && !h.wrapped.IsZero() {
		return // its end was moved
	}
	if !h.wrapped.IsZero() {
		h.stay.wrapUp += max(at.Sub(h.wrapped), 0)
		h.stay.wraps--
		delete(l.busy, id)
	}
	switch b.Activity {
	case call.Talking, call.Holding:
		t := l.calls[b.Call]
		if t == nil || t.entry == nil || t.waits { // with somebody of no queue
			delete(l.busy, id)
			return
		}
		l.busy[id] = handling{stay: t.entry}
	case call.WrapUp:
		if h.stay != nil {
			h.wrapped = at
			h.stay.wraps++
			l.busy[id] = h
		}
	default:
		delete(l.busy, id)
	}
}

func (s *stay) talkAt(now time.Time) time.Duration {
	if s.talks.IsZero() {
		return s.talked
	}
	return s.talked + max(now.Sub(s.talks), 0)
}

func (s *stay) unhold(at time.Time) {
	s.hold = s.holdAt(at)
	s.held = time.Time{}
}

func (s *stay) holdAt(now time.Time) time.Duration {
	if s.held.IsZero() {
		return s.hold
	}
	return s.hold + max(now.Sub(s.held), 0)
}

func (s *stay) waitAt(now time.Time) time.Duration {
	if s.outcome == "" {
		return max(now.Sub(s.joined), 0)
	}
	return s.wait
}

// trim lets go of entries that joined longer than Keep before the newest, and of
// the oldest beyond Max. Who waits is kept, however old.
func (l *Ledger) trim() {
	old := l.latest.Add(-l.cfg.Keep)
	for _, k := range l.queues {
		for i := k.oldest(); i >= 0 && k.entries[i].joined.Before(old); i = k.oldest() {
			l.forget(k, i)
		}
	}
	for l.kept > l.cfg.Max {
		var from *book
		at := -1
		for _, k := range l.queues {
			i := k.oldest()
			if i >= 0 && (from == nil || k.entries[i].joined.Before(from.entries[at].joined)) {
				from, at = k, i
			}
		}
		if from == nil {
			return // all of them wait
		}
		l.forget(from, at)
	}
}

// oldest is the index of the first entry that has left, -1 when there is none.
// Those before it wait, which is few unless something hangs.
func (k *book) oldest() int {
	return slices.IndexFunc(k.entries, func(s *stay) bool { return s.outcome != "" })
}

func (l *Ledger) forget(k *book, i int) {
	s := k.entries[i]
	if i == 0 {
		k.entries[0] = nil
		k.entries = k.entries[1:]
	} else {
		k.entries = slices.Delete(k.entries, i, i+1)
	}
	if from := s.joined.Add(1); from.After(k.from) { // one that joined before may have come later
		k.from = from
	}
	l.kept--
}
