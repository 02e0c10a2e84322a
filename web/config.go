package web

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"time"

	"github.com/alexedwards/scs/v2"
	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"

	"firstline/call"
	"firstline/callqueue/sla"
	"firstline/intake"
	"firstline/intake/block"
	"firstline/tickets"
)

// Config is what a Server needs. Fields without a default named beside them must
// be set; Validate says which are missing, all at once.
type Config struct {
	Listen    string       // host:port; 127.0.0.1:8080; port 0 means any free one
	Listener  net.Listener // a Standby's; nil means that Listen is opened
	TLS       *tls.Config  // nil means plain HTTP
	PublicURL string       // what people type, for links; made from the listener when empty
	Log       *zap.Logger

	Journal   Journal
	BoardFrom int64        // the board is rebuilt from events after this sequence; 0 means all
	BoardSeed []call.Event // what the board must know from before BoardFrom: who there is, calls that are up; in order
	Events    Events
	Sessions  scs.Store
	Tokens    Tokens
	Calls     Calls
	Callbacks Callbacks
	Lost      Lost
	Blocks    Blocks
	Incidents Incidents
	Endpoints Endpoints
	Prompts   Prompts
	Hooks     Hooks // nil: none are taken
	Directory Directory
	Hours     Hours
	OnCall    OnCall
	Pager     Pager
	Levels    Levels
	Articles  Articles
	Flows     Flows
	Tickets   Tickets
	Agents    Agents
	Devices   Devices
	Desk      Desk
	Past      Past
	Estimates Estimates
	Roster    Roster
	Staff     Staff
	Fallback  Fallback
	Queues    Queues
	Audio     Recordings
	Talks     Talks
	Reports   Reports
	Centre    Centre
	Months    Months               // of promises; nil: none is reported
	Promises  Promises             // to customers; nil: the board tells nothing of them
	Sounds    http.Handler         // prompts for exchanges that fetch them, at /sounds/, open to all; nil: none
	Nodes     Nodes                // exchanges that are driven; nil: none
	Checks    []Check              // all must pass for /readyz
	Metrics   *prometheus.Registry // ours are registered on it; a new one
}

func (c Config) defaults() Config {
	c.Listen = cmp.Or(c.Listen, "127.0.0.1:8080")
	if c.Metrics == nil {
		c.Metrics = prometheus.NewRegistry()
	}
	return c
}

// Validate returns all faults of a configuration.
func (c Config) Validate() error {
	var faults []error
	for _, f := range []struct {
		name    string
		missing bool
	}{
		{"Log", c.Log == nil},
		{"Journal", c.Journal == nil},
		{"Events", c.Events == nil},
		{"Sessions", c.Sessions == nil},
		{"Tokens", c.Tokens == nil},
		{"Calls", c.Calls == nil},
		{"Callbacks", c.Callbacks == nil},
		{"Lost", c.Lost == nil},
		{"Blocks", c.Blocks == nil},
		{"Hours", c.Hours == nil},
		{"OnCall", c.OnCall == nil},
		{"Pager", c.Pager == nil},
		{"Levels", c.Levels == nil},
		{"Articles", c.Articles == nil},
		{"Flows", c.Flows == nil},
		{"Incidents", c.Incidents == nil},
		{"Endpoints", c.Endpoints == nil},
		{"Prompts", c.Prompts == nil},
		{"Directory", c.Directory == nil},
		{"Tickets", c.Tickets == nil},
		{"Agents", c.Agents == nil},
		{"Devices", c.Devices == nil},
		{"Desk", c.Desk == nil},
		{"Past", c.Past == nil},
		{"Estimates", c.Estimates == nil},
		{"Roster", c.Roster == nil},
		{"Staff", c.Staff == nil},
		{"Fallback", c.Fallback == nil},
		{"Queues", c.Queues == nil},
		{"Audio", c.Audio == nil},
		{"Talks", c.Talks == nil},
		{"Reports", c.Reports == nil},
		{"Centre", c.Centre == nil},
	} {
		if f.missing {
			faults = append(faults, fmt.Errorf("web: %s is not set", f.name))
		}
	}
	if c.Listen != "" {
		if _, _, err := net.SplitHostPort(c.Listen); err != nil {
			faults = append(faults, fmt.Errorf("web: listen address %q: %w", c.Listen, err))
		}
	}
	if c.PublicURL != "" {
		if u, err := url.Parse(c.PublicURL); err != nil || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https") {
			faults = append(faults, fmt.Errorf("web: public URL %q is not an http or https address", c.PublicURL))
		}
	}
	return errors.Join(faults...)
}

// Journal gives readers of live events.
type Journal interface {
	// Read returns a cursor that stands behind the event with this global sequence.
	Read(after int64) Cursor
}

// Cursor reads the journal in order. It has one reader.
type Cursor interface {
	// Next waits for events and returns at least one, in order and without gaps,
	// or an error when ctx ends or the journal cannot be read just now.
	Next(ctx context.Context) ([]call.Event, error)
}

// Events looks up what the journal keeps, without waiting.
type Events interface {
	Events(ctx context.Context, f EventFilter) ([]call.Event, error)
}

// EventFilter asks for events after a global sequence, oldest first. A zero
// Stream means all streams; a Stream without ID all of its kind.
type EventFilter struct {
	After  int64
	Stream call.Stream
	Limit  int
}

// Tokens knows the API tokens by the lower-case hex SHA-256 of their text.
type Tokens interface {
	// TokenRole is the role of a token; ErrNotFound when there is none such.
	TokenRole(ctx context.Context, sha256 string) (Role, error)
}

// Calls reads the records of calls. Unknown ids are ErrNotFound.
type Calls interface {
	// Calls returns the newest first.
	Calls(ctx context.Context, f CallFilter) ([]call.Record, error)
	Call(ctx context.Context, id call.ID) (call.Record, error)
}

// CallFilter narrows a list of calls; a zero field does not narrow.
type CallFilter struct {
	Open    *bool // true: only calls that have not ended; false: only those that have
	Queue   call.QueueID
	Agent   call.AgentID
	Ticket  call.TicketID
	Outcome call.Outcome
	Number  string  // of the caller, as signalled
	Lost    bool    // only callers who left unserved and are to be called back
	Before  call.ID // only calls that arrived before this one
	Limit   int
}

// Tickets reads tickets and adds notes. Unknown ids are ErrNotFound.
type Tickets interface {
	// Tickets returns the newest first, without notes.
	Tickets(ctx context.Context, f TicketFilter) ([]tickets.Ticket, error)
	// Ticket returns one with its notes, oldest first.
	Ticket(ctx context.Context, id call.TicketID) (tickets.Ticket, error)
	// AddNote returns the note as it was kept, with id and instant.
	AddNote(ctx context.Context, id call.TicketID, n Note) (Note, error)
	// ChangeTicket is tickets.Desk.Change by the rules in force.
	ChangeTicket(ctx context.Context, id call.TicketID, e tickets.Edit) (tickets.Ticket, error)
	Joining
	callerPast
	// Rules are how problems are graded now.
	Rules() tickets.Rules
	// Contract is what a client was promised; the zero one for nobody in particular.
	Contract(client string) tickets.Contract
}

// TicketFilter narrows a list of tickets; a zero field does not narrow.
type TicketFilter struct {
	Text     string // words that it has, in any order
	State    tickets.State
	Client   string
	Caller   string // number
	Handler  call.AgentID
	Priority int
	From, To time.Time     // opened in [From, To)
	Before   call.TicketID // only tickets older than this one
	Limit    int
}

// Agents changes what people say of themselves. Who there is and what they do,
// the board knows from events.
type Agents interface {
	// SetPresence changes an agent's presence on behalf of by ("supervisor:ana").
	// An unknown agent is ErrNotFound, a break without its reason ErrInvalid.
	SetPresence(ctx context.Context, id call.AgentID, p call.Presence, reason, by string) error
}

// Devices keeps the phones' passwords.
type Devices interface {
	// SetPassword lets a phone register as user with a password.
	SetPassword(ctx context.Context, user call.DeviceID, password string) error
}

// Queues is what the board needs of the active centre.
type Queues interface {
	// Queues are in the order to show them.
	Queues() []QueueRule
	// Zone is where the desk's day begins.
	Zone() *time.Location
}

// QueueRule is what the board needs of a queue's rules.
type QueueRule struct {
	ID     call.QueueID
	Name   string
	Need   call.Requirement
	Target call.Target
}

// Recordings reads the catalogue and the audio. Unknown ids are ErrNotFound.
type Recordings interface {
	// Recordings returns the newest first.
	Recordings(ctx context.Context, f RecordingFilter) ([]Recording, error)
	Recording(ctx context.Context, id call.RecordingID) (Recording, error)
	// Open gives the WAV, which may still be growing. ErrGone when the catalogue
	// knows it but its audio is no longer there.
	Open(ctx context.Context, id call.RecordingID) (io.ReadSeekCloser, error)
}

// RecordingFilter narrows a list of recordings; a zero field does not narrow.
type RecordingFilter struct {
	Call   call.ID
	Ticket call.TicketID
	Agent  call.AgentID
	Before call.RecordingID
	Limit  int
}

// Talks acts on conversations that are up. ErrConflict when there is none now, or
// nothing of it is recorded.
type Talks interface {
	PauseRecording(ctx context.Context, id call.ID, by string) error
	ResumeRecording(ctx context.Context, id call.ID, by string) error
	// Tap rings a supervisor's phone and puts it on the conversation, or changes how
	// it is on it. ErrConflict too when somebody works at the phone or it does not
	// answer, ErrUnsupported when the call's front end cannot.
	Tap(ctx context.Context, id call.ID, device call.DeviceID, mode call.TapMode, by string) error
	// CallOut has an agent call a customer. ErrInvalid when policy does not allow the
	// number or the line is none of ours, ErrConflict when the agent cannot call now.
	CallOut(ctx context.Context, o intake.CallOut) (call.ID, error)
	// Consult rings somebody for an agent to ask, while the caller hears music; the
	// others end it, join the caller to the one asked, swap, or bring all together.
	// ErrConflict as it does not fit, ErrInvalid as for Transfer, ErrUnsupported when
	// the front end joins no three.
	Consult(ctx context.Context, id call.ID, to intake.Target, by string) error
	EndConsult(ctx context.Context, id call.ID) error
	CompleteConsult(ctx context.Context, id call.ID) error
	SwapConsult(ctx context.Context, id call.ID) error
	Conference(ctx context.Context, id call.ID) error
	// Transfer hands the caller on. ErrConflict too when the agent takes no calls now,
	// ErrInvalid when policy does not allow the number or there is no such target.
	Transfer(ctx context.Context, id call.ID, to intake.Target, by string) error
	// Panic ends the conversation at once and returns the block that is proposed; the
	// zero Block when there can be none.
	Panic(ctx context.Context, id call.ID, by, reason string) (block.Block, error)
}

// Reports computes figures of finished periods.
type Reports interface {
	SLA(ctx context.Context, f SLAFilter) (SLAReport, error)
}

// SLAFilter asks for the entries that joined in [From, To).
type SLAFilter struct {
	From, To Edge
	Queue    call.QueueID   // empty means all
	Every    sla.Every      // one row for each; zero means one for the whole. Its zone is that of the row
	ByClient bool           // one row for each client
	Zone     *time.Location // of dates and of the calendar; nil: each client's own with ByClient, else the desk's
}

// Centre reloads the centre's files, and goes back to an earlier version. A faulty centre is ErrInvalid, with the
// faults as text, and changes nothing.
type Centre interface {
	// Reload returns the hash of the centre that is now in force.
	Reload(ctx context.Context, by string) (hash string, err error)
	// GoBack activates a version by its hash, or the one before with "previous".
	GoBack(ctx context.Context, version, by string) (hash string, err error)
}

// Check is one condition of being ready to serve.
type Check struct {
	Name string
	OK   func(ctx context.Context) error // called with a deadline of 2 s
}
