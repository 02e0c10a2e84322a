package lost

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"go.uber.org/zap"

	"firstline/call"
)

// Errors that callers can match.
var (
	// ErrUnknown means that no such caller is on the list now.
	ErrUnknown = errors.New("lost: no such caller on the list")
	// ErrInvalid means that what is said is refused; the text says why.
	ErrInvalid = errors.New("lost: not valid")
)

// LongestNote is how many characters a note may have.
const LongestNote = 1000

// BySystem is who ends an item without a person.
const BySystem = "system"

// defaultTries is how many tries make a caller unreachable.
const defaultTries = 3

// Config is what a List needs.
type Config struct {
	Journal call.Journal
	Tries   func() int  // in vain, after which a caller is unreachable; nil or 0 means 3
	Log     *zap.Logger // nil means none
}

// List is the callers who are owed a call. Its methods are safe for use by many
// goroutines.
type List struct {
	cfg Config
	log *zap.Logger

	mu     sync.Mutex // guards what follows, and orders the events of all items; held while one is written
	open   map[call.LostID]*Item
	of     map[string]call.LostID // by number; withheld ones are not in it
	served map[string]service     // who was answered of late, by number
	swept  time.Time
}

// service is a talk that has begun; back, that it was the server that called.
type service struct {
	call call.ID
	at   time.Time
	back bool
}

// ends is how it takes an item off the list.
func (s service) ends(id call.LostID) []call.Event {
	if s.back {
		return []call.Event{
			call.LostEvent(s.at, id, call.LostTried{By: BySystem, Reached: true, Call: s.call}),
			call.LostEvent(s.at, id, call.LostEnded{End: call.LostCalledBack, By: BySystem, Call: s.call}),
		}
	}
	return []call.Event{call.LostEvent(s.at, id, call.LostEnded{End: call.LostCalledAgain, By: BySystem, Call: s.call})}
}

// remembered is how long a talk counts as the answer to an earlier call whose end
// comes to the list after it: far longer than closing a call takes.
const remembered = 5 * time.Minute

// New returns the list as the last process left it: open is the items without an end.
func New(cfg Config, open []Item) *List {
	if cfg.Log == nil {
		cfg.Log = zap.NewNop()
	}
	l := &List{
		cfg: cfg, log: cfg.Log, open: make(map[call.LostID]*Item), of: make(map[string]call.LostID),
		served: make(map[string]service),
	}
	for i := range open {
		it := open[i].clone()
		l.keep(&it)
	}
	return l
}

// Abandon is a call that ended although somebody should have answered.
type Abandon struct {
	Call   call.ID
	Ticket call.TicketID
	From   call.Party
	Number string // From's in its normal form; empty when withheld
	Client string
	Queue  call.QueueID
	Joined time.Time // the original arrival in the queue
	Left   time.Time // when the caller was gone
	Reason string
}

// Left puts the caller of a call on the list, or adds the call to what is there.
// The story that ends the call is written with it, in front, as one.
func (l *List) Left(a Abandon, story ...call.Event) {
	l.mu.Lock()
	defer l.mu.Unlock()
	it, evs := l.take(a)
	l.cfg.Journal.Post(slices.Concat(story, evs)...)
	l.settle(it)
}

// LeftDurably is Left that returns when it is durable. An error means that nothing
// has changed.
func (l *List) LeftDurably(ctx context.Context, a Abandon, story ...call.Event) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	it, evs := l.take(a)
	if err := l.cfg.Journal.Append(ctx, slices.Concat(story, evs)...); err != nil {
		return fmt.Errorf("lost: %w", err)
	}
	l.settle(it)
	return nil
}

// take decides what becomes of an abandon: the item as it will be, and how it came
// to that.
func (l *List) take(a Abandon) (*Item, []call.Event) {
	id, known := l.of[a.Number]
	if !known || a.Number == "" {
		return l.opening(a)
	}
	return l.happen(l.open[id], call.LostEvent(a.Left, id, call.LostAgain{
		Call: a.Call, Ticket: a.Ticket, Queue: a.Queue, Joined: a.Joined, Reason: a.Reason,
	}))
}

// opening opens an item. It ends at once when the same caller was answered in
// another call since: this one's end took longer to come here.
func (l *List) opening(a Abandon) (*Item, []call.Event) {
	id := call.LostID(call.NewUUID(a.Left))
	evs := []call.Event{call.LostEvent(a.Left, id, call.LostOpened{
		Call: a.Call, Ticket: a.Ticket, From: a.From, Number: a.Number, Client: a.Client,
		Queue: a.Queue, Joined: a.Joined, Reason: a.Reason,
	})}
	if s, ok := l.served[a.Number]; ok && a.Number != "" && !s.at.Before(a.Left) {
		evs = append(evs, s.ends(id)...)
	}
	return l.happen(&Item{}, evs...)
}

// happen is an item after events, which are not written yet.
func (l *List) happen(was *Item, evs ...call.Event) (*Item, []call.Event) {
	it := was.clone()
	for _, e := range evs {
		if err := it.Apply(e); err != nil {
			l.log.Error("list of lost callers", zap.Error(err)) // a rule of ours was broken
		}
	}
	return &it, evs
}

// settle makes what was written so.
func (l *List) settle(it *Item) {
	if it.Open() {
		l.keep(it)
		return
	}
	delete(l.open, it.ID)
	if l.of[it.Number] == it.ID {
		delete(l.of, it.Number)
	}
	l.log.Info("caller off the list", zap.String("lost", string(it.ID)), zap.String("ticket", string(it.Ticket)), zap.String("end", string(it.End)))
}

func (l *List) keep(it *Item) {
	l.open[it.ID] = it
	if it.Number != "" {
		l.of[it.Number] = it.ID
	}
}

// Answered says that a caller with this number talks to an agent since an instant:
// what was open of the calls before is over.
func (l *List) Answered(number string, id call.ID, at time.Time) {
	l.serve(number, service{call: id, at: at})
}

// CalledBack is Answered where it was the server that called.
func (l *List) CalledBack(number string, id call.ID, at time.Time) {
	l.serve(number, service{call: id, at: at, back: true})
}

func (l *List) serve(number string, s service) {
	if number == "" {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.remember(number, s)
	it := l.open[l.of[number]]
	if it == nil || it.Latest().After(s.at) {
		return
	}
	it, evs := l.happen(it, s.ends(it.ID)...)
	l.cfg.Journal.Post(evs...)
	l.settle(it)
}

func (l *List) remember(number string, s service) {
	if s.at.Sub(l.swept) > remembered {
		l.swept = s.at
		for n, old := range l.served {
			if s.at.Sub(old.at) > remembered {
				delete(l.served, n)
			}
		}
	}
	if !s.at.Before(l.served[number].at) {
		l.served[number] = s
	}
}

// Try says that somebody tried to call back: whoever was reached is off the list,
// and so is, as unreachable, whoever was not in so many tries. It returns the item
// as it is then. ErrUnknown, ErrInvalid.
func (l *List) Try(ctx context.Context, id call.LostID, t Try) (Item, error) {
	t.Note = strings.TrimSpace(t.Note)
	if err := valid(t.By, t.Note); err != nil {
		return Item{}, err
	}
	t.At = time.Now()
	return l.act(ctx, id, func(it *Item) []call.Event {
		evs := []call.Event{call.LostEvent(t.At, id, call.LostTried{By: t.By, Reached: t.Reached, Call: t.Call, Note: t.Note})}
		switch {
		case t.Reached:
			evs = append(evs, call.LostEvent(t.At, id, call.LostEnded{End: call.LostCalledBack, By: t.By, Call: t.Call}))
		case it.Missed()+1 >= l.tries():
			evs = append(evs, call.LostEvent(t.At, id, call.LostEnded{End: call.LostUnreachable, By: t.By}))
		}
		return evs
	})
}

func (l *List) tries() int {
	if l.cfg.Tries != nil && l.cfg.Tries() > 0 {
		return l.cfg.Tries()
	}
	return defaultTries
}

// Resolve says that the caller's problem was settled another way. ErrUnknown,
// ErrInvalid.
func (l *List) Resolve(ctx context.Context, id call.LostID, by, note string) (Item, error) {
	return l.end(ctx, id, call.LostResolved, by, note)
}

// Decline says that nobody will call back, and why. ErrUnknown, ErrInvalid.
func (l *List) Decline(ctx context.Context, id call.LostID, by, reason string) (Item, error) {
	if strings.TrimSpace(reason) == "" {
		return Item{}, fmt.Errorf("%w: say why nobody calls back", ErrInvalid)
	}
	return l.end(ctx, id, call.LostDeclined, by, reason)
}

func (l *List) end(ctx context.Context, id call.LostID, end call.LostEnd, by, note string) (Item, error) {
	note = strings.TrimSpace(note)
	if err := valid(by, note); err != nil {
		return Item{}, err
	}
	return l.act(ctx, id, func(*Item) []call.Event {
		return []call.Event{call.LostEvent(time.Now(), id, call.LostEnded{End: end, By: by, Note: note})}
	})
}

func valid(by, note string) error {
	switch {
	case by == "":
		return fmt.Errorf("%w: nobody is named", ErrInvalid)
	case utf8.RuneCountInString(note) > LongestNote:
		return fmt.Errorf("%w: the note is longer than %d characters", ErrInvalid, LongestNote)
	}
	return nil
}

// act writes what a person says of an open item, and returns when it is durable.
// An error means that nothing has changed.
func (l *List) act(ctx context.Context, id call.LostID, decide func(*Item) []call.Event) (Item, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	it := l.open[id]
	if it == nil {
		return Item{}, fmt.Errorf("%w: %s", ErrUnknown, id)
	}
	it, evs := l.happen(it, decide(it)...)
	if err := l.cfg.Journal.Append(ctx, evs...); err != nil {
		return Item{}, fmt.Errorf("lost: %w", err)
	}
	l.settle(it)
	return it.clone(), nil
}

// Open returns the items without an end, those who wait longest first.
func (l *List) Open() []Item {
	l.mu.Lock()
	defer l.mu.Unlock()
	out := make([]Item, 0, len(l.open))
	for _, it := range l.open {
		out = append(out, it.clone())
	}
	slices.SortFunc(out, byArrival)
	return out
}

func byArrival(a, b Item) int {
	return cmp.Or(a.Joined.Compare(b.Joined), cmp.Compare(a.ID, b.ID))
}
