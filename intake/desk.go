package intake

import (
	"cmp"
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"go.uber.org/zap"

	"firstline/call"
	"firstline/callqueue"
	"firstline/callqueue/callers"
	"firstline/callqueue/estimate"
	"firstline/ivr"
	"firstline/recordings"
)

// Limits of what is done after the caller is gone.
const closeTimeout = 10 * time.Second

// Centre is what the journey needs of the centre's files. A call keeps the
// centre that it started with.
type Centre struct {
	Hash    string
	Numbers map[string]Number // by number dialled
	Flows   map[string]*ivr.Flow
	Queues  map[call.QueueID]callqueue.Queue // with their defaults filled in
	// Language is of callers whose number names none.
	Language string
	Notice   string // key of the prompt "this call is recorded", played before any recording; empty for none
	Trouble  string // key of the prompt before we hang up on a fault of ours; empty for none
	Full     string // key of the prompt for who finds a queue full that leads nowhere else; empty for none
	Announce map[call.QueueID]Announce
	// Callbacks are the queues whose callers may be called back.
	Callbacks map[call.QueueID]CallbackRule
	Outbound  Outbound
	// Patience is how long somebody is rung to whom a call is handed on; 30 s.
	Patience time.Duration
	Messages map[call.QueueID]MessageRule
	Places   map[call.QueueID]PlaceRule
	Blocked  Blocked
	// ShortAbandons are on the list of lost callers too.
	ShortAbandons bool
	// Recorded is the languages with recordings of their own, the first of which is
	// heard in place of others; none: all have.
	Recorded  []string
	Calendars map[string]Hours // by name, for flows that ask
	// Versions says which version of a prompt is played, by its checksum.
	Versions map[call.Media]string
}

func promptMedia(language, key string) call.Media {
	return call.Media("prompt:" + language + "/" + key)
}

// language is what callers of a number hear.
func (c *Centre) language(number string) string {
	return cmp.Or(c.Numbers[number].Language, c.Language)
}

// Number is where calls to one dialled number go: a flow, or straight to a queue.
type Number struct {
	Flow     string
	Queue    call.QueueID
	Language string         // of the caller; empty means the flow's own
	Client   string         // whose line it is; empty for no particular one
	Greeting string         // prompt of that client; empty for none
	Region   string         // country of callers' numbers that come without its code; empty: they stay as they are
	Class    string         // of its calls, for which agents may be kept and points given; empty for none
	Hours    Hours          // nil: always open
	Calendar string         // its name, by which it is overridden; empty for none
	Closed   Closed         // where new calls go outside hours
	Zone     *time.Location // of the clock that its flows ask, and by which callers name a time; nil: UTC
}

// The rooms that meet in the journey.
type (
	ticketDesk interface {
		// Opening returns a new ticket's id and the events that open it.
		Opening(at time.Time, c *call.Call, client string) (call.TicketID, []call.Event, error)
	}
	queues interface {
		Connect(ctx context.Context, w callqueue.Waiting) (callqueue.Result, error)
		// Expect has offers wait until entries of before a restart have joined again.
		Expect(ctx context.Context, entries []call.EntryID) error
		Press(ctx context.Context, entry call.EntryID, key string) error
		Place(ctx context.Context, entry call.EntryID) (estimate.Place, error)
		Load(ctx context.Context, q call.QueueID) (callqueue.Load, error)
		// Earlier is how many callers wait in a queue who joined before an instant.
		Earlier(ctx context.Context, q call.QueueID, than time.Time) (int, error)
		EndWrapUp(ctx context.Context, agent call.AgentID) error
		// TalkMoved says that an agent goes on in another call with the same leg.
		TalkMoved(agent call.AgentID, from, to call.ID)
		// CallOut reserves an agent for a call that they place, and says where they sit.
		CallOut(ctx context.Context, agent call.AgentID, id call.ID, client string) (call.DeviceID, error)
		// Page reserves somebody who is phoned for an urgent ticket, and says where they
		// sit; empty for nowhere.
		Page(ctx context.Context, agent call.AgentID, id call.ID) (call.DeviceID, error)
		// Sitting is the call that the agent at a phone talks in; empty for none.
		Sitting(ctx context.Context, device call.DeviceID) (call.ID, error)
		// Colleague is who has that id, or sits at that phone, and whether they could
		// be put through to a caller.
		Colleague(ctx context.Context, who string) (agent call.AgentID, there bool, err error)
		TalkBegan(agent call.AgentID, id call.ID)
		TalkEnded(agent call.AgentID, id call.ID, at time.Time)
		Holding(agent call.AgentID, held bool)
		Silent(agent call.AgentID, silent bool)
	}
	catalogue interface {
		// Begin takes note of a recording and returns the event that opens it.
		Begin(s recordings.Start) (call.Event, error)
		// Finish hands a recording in to be hashed and closed; fault says what is
		// missing, "" nothing.
		Finish(ctx context.Context, id call.RecordingID, r call.Recorded, fault string) error
	}
)

// callerMemory knows who phoned of late, by number.
type callerMemory interface {
	// OfTicket is the agent who talked last in a call of a ticket.
	OfTicket(t call.TicketID) (call.AgentID, bool)
	Handler(number string, since time.Time) (call.AgentID, bool)
	Unserved(number string, since time.Time) int
	// Dropped is the place in a queue that a number left since an instant.
	Dropped(number string, q call.QueueID, since time.Time) (callers.Place, bool)
}

// Config is what a Desk needs; all of it is required except Lookups, Forecast, Callers,
// MayCall, Playable, Version and PauseLimit.
type Config struct {
	Journal    call.Journal
	Switch     call.Switch
	Tickets    ticketDesk
	Queue      queues
	Recordings catalogue
	Lost       lostList
	Blocks     blocks
	Incidents  incidents    // nil: none is ever known
	Lookups    lookups      // nil: flows look nothing up
	Forecast   forecaster   // nil: nobody is told an estimate
	Callers    callerMemory // nil: nobody is known to have phoned before
	Log        *zap.Logger
	MayCall    func(number string) bool // number policy of outgoing calls; nil: none may be called
	// Playable makes a recording something that a leg can play; nil: none can be.
	Playable func(ctx context.Context, id call.RecordingID) (call.Media, error)
	// Version is a centre of before, by its hash, for calls that outlived a process;
	// nil: they go on under the one in force.
	Version    func(ctx context.Context, hash string) (*Centre, error)
	PauseLimit time.Duration // a paused recording resumes by itself; 0 means 120 s
}

// Desk serves calls. It implements call.Handler.
type Desk struct {
	Config
	centre atomic.Pointer[Centre]
	wg     sync.WaitGroup // adopted journeys

	callbacks *callbacks
	lines     lines // outside

	mu      sync.Mutex // guards what follows
	talks   map[call.ID]chan<- order
	hours   map[string]call.HoursOverridden
	crashed map[string]call.TicketID // tickets of calls that died with the last process, by origin
	placed  map[call.ID]bool         // whose place somebody has taken
}

// New returns a desk that serves calls by centre c.
func New(cfg Config, c *Centre) *Desk {
	if cfg.PauseLimit == 0 {
		cfg.PauseLimit = 120 * time.Second
	}
	d := &Desk{Config: cfg, callbacks: newCallbacks(), talks: map[call.ID]chan<- order{}, hours: map[string]call.HoursOverridden{}, crashed: map[string]call.TicketID{}, placed: map[call.ID]bool{}}
	d.centre.Store(c)
	return d
}

// SetCentre activates another centre for calls that come from now on.
func (d *Desk) SetCentre(c *Centre) { d.centre.Store(c) }

// Close waits for adopted journeys; the front end waits for the others.
func (d *Desk) Close() { d.wg.Wait() }

// Known reports whether a dialled number leads anywhere.
func (d *Desk) Known(number string) bool {
	_, ok := d.centre.Load().Numbers[number]
	return ok
}

// Errors of the recording controls.
var (
	// ErrNotTalking means that the call has no conversation now.
	ErrNotTalking = errors.New("intake: the call is not in a conversation")
	// ErrNotRecorded means that the conversation is not recorded.
	ErrNotRecorded = errors.New("intake: the conversation is not recorded")
)

// PauseRecording writes silence into the call's recording until
// ResumeRecording, or until the limit passes. by says who, for the journal.
func (d *Desk) PauseRecording(ctx context.Context, id call.ID, by string) error {
	return d.command(ctx, id, func(ctx context.Context, k *talk) error { return k.setPaused(ctx, true, by) })
}

// ResumeRecording ends a pause.
func (d *Desk) ResumeRecording(ctx context.Context, id call.ID, by string) error {
	return d.command(ctx, id, func(ctx context.Context, k *talk) error { return k.setPaused(ctx, false, by) })
}

// order is a command to the goroutine that serves a talk, which does it.
type order struct {
	do   func(context.Context, *talk) error
	done chan error // capacity 1
}

func (d *Desk) command(ctx context.Context, id call.ID, do func(context.Context, *talk) error) error {
	o := order{do, make(chan error, 1)}
	d.mu.Lock()
	orders := d.talks[id]
	d.mu.Unlock()
	if orders == nil {
		return ErrNotTalking
	}
	ctx, cancel := context.WithTimeout(ctx, closeTimeout)
	defer cancel()
	select {
	case orders <- o:
	case <-ctx.Done():
		return ErrNotTalking
	}
	select {
	case err := <-o.done:
		return err
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

func (d *Desk) setTalk(id call.ID, orders chan<- order) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if orders == nil {
		delete(d.talks, id)
		return
	}
	d.talks[id] = orders
}
