// Package webtest is a desk in memory: a journal and what hangs on it, enough to
// run a web.Server on in tests, without a database, a switch or a queue.
package webtest

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"io"
	"slices"
	"sync"
	"time"

	"github.com/alexedwards/scs/v2/memstore"
	"go.uber.org/zap"

	"firstline/call"
	"firstline/call/pin"
	"firstline/callqueue"
	"firstline/callqueue/estimate"
	"firstline/callqueue/sla"
	"firstline/intake"
	"firstline/tickets"
	"firstline/tickets/customers"
	"firstline/tickets/oncall"
	"firstline/web"
)

// World implements all that web.Config asks for. Fields are set before use.
type World struct {
	Rules   []web.QueueRule
	Roles   map[string]web.Role       // hex SHA-256 of a token to its role
	Clients map[string]string         // number dialled to client
	Zones   map[string]*time.Location // client to zone; the desk's is that of "", and of all who have none
	zones   sync.Mutex                // guards Zones
	Log     *zap.Logger
	Reject  error // what verbs that change something answer, when not nil

	Directory *customers.Directory // empty at first

	mu      sync.Mutex // guards all below
	hours   call.HoursOverridden
	events  []call.Event
	seqs    map[call.Stream]int64
	more    chan struct{} // closed when events come
	calls   map[call.ID]*call.Record
	backs   map[call.CallbackID]*call.Callback
	tickets map[call.TicketID]*tickets.Ticket
	rows    map[call.RecordingID]*web.Recording
	audio   map[call.RecordingID][]byte
	revoked map[string]bool
	paused  []string
	care    *care
	onCall  *oncall.Desk

	endpoints *told
}

// New returns an empty desk with one queue.
func New() *World {
	w := &World{
		Rules: []web.QueueRule{{ID: "service-desk", Name: "Service desk", Target: call.Target{
			Within: 20 * time.Second, Percent: 80, ShortAbandon: 5 * time.Second,
		}}},
		Roles: make(map[string]web.Role), Log: zap.NewNop(),
		seqs: make(map[call.Stream]int64), more: make(chan struct{}),
		calls: make(map[call.ID]*call.Record), backs: make(map[call.CallbackID]*call.Callback), tickets: make(map[call.TicketID]*tickets.Ticket),
		rows: make(map[call.RecordingID]*web.Recording), audio: make(map[call.RecordingID][]byte),
		revoked: make(map[string]bool),
	}
	w.care = newCare(w)
	w.onCall = oncall.NewDesk(w, onCallPlan, nil, zap.NewNop())
	w.endpoints = newEndpoints(w)
	w.Directory = customers.New(customers.Config{Journal: w, PINs: noPINs{}, Cost: pin.Cost{Memory: 64, Passes: 1}}, nil, nil)
	return w
}

// noPINs keeps none: the directory has them.
type noPINs struct{}

func (noPINs) PutCustomerPINs(context.Context, map[call.CustomerID]string) error { return nil }

// Config is a server's configuration on this desk, on any free port.
func (w *World) Config() web.Config {
	return web.Config{
		Listen:    "127.0.0.1:0",
		Log:       w.Log,
		Journal:   w,
		Events:    w,
		Sessions:  memstore.NewWithCleanupInterval(0),
		Tokens:    w,
		Calls:     w,
		Callbacks: w,
		Lost:      worldLost{w.care},
		Blocks:    worldBlocks{w.care},
		Incidents: worldIncidents{w.care.known},
		Endpoints: secretsOf{w.endpoints},
		Hours:     w,
		Flows:     w,
		OnCall:    w.onCall,
		Pager:     worldPager{w},
		Tickets:   worldTickets{w},
		Agents:    w,
		Devices:   w,
		Desk:      w,
		Past:      w,
		Estimates: w,
		Roster:    w,
		Staff:     w,
		Fallback:  w,
		Queues:    w,
		Audio:     w,
		Talks:     w,
		Nodes:     w,
		Reports:   w,
		Centre:    w,
		Directory: w.Directory,
	}
}

// Add appends events to the journal. One that does not fit its call is a panic:
// the test's script is wrong.
func (w *World) Add(evs ...call.Event) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, e := range evs {
		w.seqs[e.Stream]++
		e.Global, e.Seq = int64(len(w.events)+1), w.seqs[e.Stream]
		w.events = append(w.events, e)
		w.fold(e)
	}
	close(w.more)
	w.more = make(chan struct{})
}

func (w *World) fold(e call.Event) {
	switch e.Stream.Kind {
	case call.StreamCall:
		id := call.ID(e.Stream.ID)
		if w.calls[id] == nil {
			w.calls[id] = new(call.Record)
		}
		if err := w.calls[id].Apply(e); err != nil {
			panic(err)
		}
	case call.StreamCallback:
		id := call.CallbackID(e.Stream.ID)
		if w.backs[id] == nil {
			w.backs[id] = new(call.Callback)
		}
		if err := w.backs[id].Apply(e); err != nil {
			panic(err)
		}
	case call.StreamLost, call.StreamBlock:
		if err := w.care.fold(e); err != nil {
			panic(err)
		}
	case call.StreamTicket:
		w.foldTicket(e)
	case call.StreamRecording:
		w.foldRecording(e)
	}
}

func (w *World) foldTicket(e call.Event) {
	id := call.TicketID(e.Stream.ID)
	if w.tickets[id] == nil {
		w.tickets[id] = new(tickets.Ticket)
	}
	if err := w.tickets[id].Apply(e); err != nil {
		panic(err)
	}
}

func (w *World) foldRecording(e call.Event) {
	id := call.RecordingID(e.Stream.ID)
	switch b := e.Body.(type) {
	case call.RecordingStarted:
		w.rows[id] = &web.Recording{ID: id, Call: b.Call, Ticket: b.Ticket, Agent: b.Agent, Began: e.At}
	case call.RecordingFinished:
		r := w.rows[id]
		at := e.At
		r.Ended, r.DurationMs, r.Bytes, r.SHA256 = &at, b.Duration.Milliseconds(), b.Bytes, b.SHA256
	}
}

// SetAudio sets the WAV of a recording as far as it is written.
func (w *World) SetAudio(id call.RecordingID, wav []byte) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.audio[id] = wav
}

// Revoke takes a token's role away.
func (w *World) Revoke(sum string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.revoked[sum] = true
}

// Paused is what the recorder was told, in order: "pause <call> <by>".
func (w *World) Paused() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.paused)
}

// Read implements web.Journal.
func (w *World) Read(after int64) web.Cursor { return &cursor{w, after} }

type cursor struct {
	w     *World
	after int64
}

// Next implements web.Cursor.
func (c *cursor) Next(ctx context.Context) ([]call.Event, error) {
	for {
		c.w.mu.Lock()
		evs, more := slices.Clone(c.w.events[min(c.after, int64(len(c.w.events))):]), c.w.more
		c.w.mu.Unlock()
		if len(evs) > 0 {
			c.after += int64(len(evs))
			return evs, nil
		}
		select {
		case <-more:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// Events implements web.Events.
func (w *World) Events(_ context.Context, f web.EventFilter) ([]call.Event, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	var out []call.Event
	for _, e := range w.events {
		fits := f.Stream.Kind == "" || f.Stream.Kind == e.Stream.Kind && (f.Stream.ID == "" || f.Stream.ID == e.Stream.ID)
		if e.Global > f.After && fits && len(out) < f.Limit {
			out = append(out, e)
		}
	}
	return out, nil
}

// TokenRole implements web.Tokens.
func (w *World) TokenRole(_ context.Context, sum string) (web.Role, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if r, ok := w.Roles[sum]; ok && !w.revoked[sum] {
		return r, nil
	}
	return "", web.ErrNotFound
}

// Calls implements web.Calls.
func (w *World) Calls(_ context.Context, f web.CallFilter) ([]call.Record, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	var out []call.Record
	for _, r := range w.calls {
		if fits(r, f) {
			out = append(out, *r)
		}
	}
	slices.SortFunc(out, func(a, b call.Record) int { return bytes.Compare([]byte(b.ID), []byte(a.ID)) })
	return out[:min(len(out), f.Limit)], nil
}

func fits(r *call.Record, f web.CallFilter) bool {
	inQueue := slices.ContainsFunc(r.Entries, func(e call.Entry) bool { return e.Queue == f.Queue })
	withAgent := slices.ContainsFunc(r.Talks, func(t call.Talk) bool { return t.Agent == f.Agent })
	return (f.Open == nil || *f.Open == r.Open()) &&
		(f.Queue == "" || inQueue) && (f.Agent == "" || withAgent) &&
		(f.Ticket == "" || f.Ticket == r.Ticket) && (f.Outcome == "" || f.Outcome == r.Outcome) &&
		(!f.Lost || r.Lost != nil) && (f.Before == "" || r.ID < f.Before)
}

// Call implements web.Calls.
func (w *World) Call(_ context.Context, id call.ID) (call.Record, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if r, ok := w.calls[id]; ok {
		return *r, nil
	}
	return call.Record{}, web.ErrNotFound
}

// Why implements web.Desk.
func (w *World) Why(_ context.Context, entry call.EntryID) (callqueue.Why, error) {
	return callqueue.Why{Entry: entry, Text: "1 on break"}, nil
}

// Waited implements web.Past over the desk's own events, without rules.
func (w *World) Waited(_ context.Context, r *call.Record) ([]callqueue.Hindsight, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	var all []callqueue.Hindsight
	for _, e := range r.Entries {
		t := callqueue.NewRetracer(e.ID)
		for _, ev := range w.events {
			if err := t.Apply(ev); err != nil {
				return nil, err
			}
		}
		all = append(all, t.Hindsight(time.Now()))
	}
	return all, nil
}

// SetPriority implements web.Desk.
func (w *World) SetPriority(context.Context, call.EntryID, int, string, string) error { return nil }

// EndWrapUp implements web.Desk.
func (w *World) EndWrapUp(context.Context, call.AgentID) error { return nil }

// ExtendWrapUp implements web.Desk.
func (w *World) ExtendWrapUp(context.Context, call.AgentID, time.Time) error { return nil }

// Score implements web.Estimates.
func (w *World) Score(call.QueueID) estimate.Score { return estimate.Score{} }

// SetPassword implements web.Devices.
func (w *World) SetPassword(context.Context, call.DeviceID, string) error { return nil }

// SetPresence implements web.Agents.
func (w *World) SetPresence(_ context.Context, id call.AgentID, p call.Presence, reason, by string) error {
	w.mu.Lock()
	known := slices.ContainsFunc(w.events, func(e call.Event) bool {
		return e.Stream == call.Stream{Kind: call.StreamAgent, ID: string(id)}
	})
	w.mu.Unlock()
	switch {
	case !known:
		return web.ErrNotFound
	case w.Reject != nil:
		return w.Reject
	}
	w.Add(call.AgentEvent(time.Now(), id, call.PresenceChanged{Presence: p, Reason: reason, By: by}))
	return nil
}

// Queues implements web.Queues.
func (w *World) Queues() []web.QueueRule { return w.Rules }

// Zone implements web.Queues.
func (w *World) Zone() *time.Location { return w.zone("") }

// SetZones says where days begin, by client.
func (w *World) SetZones(z map[string]*time.Location) {
	w.zones.Lock()
	defer w.zones.Unlock()
	w.Zones = z
}

func (w *World) zone(client string) *time.Location {
	w.zones.Lock()
	defer w.zones.Unlock()
	return cmp.Or(w.Zones[client], w.Zones[""], time.UTC)
}

// Recordings implements web.Recordings.
func (w *World) Recordings(_ context.Context, f web.RecordingFilter) ([]web.Recording, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	var out []web.Recording
	for _, r := range w.rows {
		if (f.Call == "" || f.Call == r.Call) && (f.Ticket == "" || f.Ticket == r.Ticket) &&
			(f.Agent == "" || f.Agent == r.Agent) && (f.Before == "" || r.ID < f.Before) {
			out = append(out, *r)
		}
	}
	slices.SortFunc(out, func(a, b web.Recording) int { return bytes.Compare([]byte(b.ID), []byte(a.ID)) })
	return out[:min(len(out), f.Limit)], nil
}

// Recording implements web.Recordings.
func (w *World) Recording(_ context.Context, id call.RecordingID) (web.Recording, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if r, ok := w.rows[id]; ok {
		return *r, nil
	}
	return web.Recording{}, web.ErrNotFound
}

// Open implements web.Recordings.
func (w *World) Open(_ context.Context, id call.RecordingID) (io.ReadSeekCloser, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if a, ok := w.audio[id]; ok {
		return audioFile{bytes.NewReader(a)}, nil
	}
	return nil, web.ErrGone
}

type audioFile struct{ *bytes.Reader }

// Close implements io.Closer.
func (audioFile) Close() error { return nil }

// PauseRecording implements web.Talks.
func (w *World) PauseRecording(_ context.Context, id call.ID, by string) error {
	return w.tellRecorder("pause", id, by)
}

// ResumeRecording implements web.Talks.
func (w *World) ResumeRecording(_ context.Context, id call.ID, by string) error {
	return w.tellRecorder("resume", id, by)
}

func (w *World) tellRecorder(verb string, id call.ID, by string) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	r, ok := w.calls[id]
	switch {
	case !ok:
		return web.ErrNotFound
	case r.Talking() == nil:
		return fmt.Errorf("nothing is recorded now: %w", web.ErrConflict)
	}
	w.paused = append(w.paused, verb+" "+string(id)+" "+by)
	return nil
}

// Nodes implements web.Nodes.
func (w *World) Nodes() []web.Node { return []web.Node{{Name: "pbx", Up: true}} }

// Drain implements web.Nodes.
func (w *World) Drain(_ context.Context, name string, _ bool, _ string) error {
	if name != "pbx" {
		return web.ErrNotFound
	}
	return nil
}

// CallOut implements web.Talks; it is told with what the recorder was told.
func (w *World) CallOut(_ context.Context, o intake.CallOut) (call.ID, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	id := call.NewID(time.Now())
	w.paused = append(w.paused, "call to "+o.Customer.Number+" "+string(id)+" "+o.By)
	return id, nil
}

// Consult implements web.Talks, as the methods below do.
func (w *World) Consult(_ context.Context, id call.ID, to intake.Target, by string) error {
	return w.tellRecorder("consult "+to.String(), id, by)
}

func (w *World) EndConsult(_ context.Context, id call.ID) error { return w.tellRecorder("end", id, "") }

func (w *World) CompleteConsult(_ context.Context, id call.ID) error {
	return w.tellRecorder("complete", id, "")
}

func (w *World) SwapConsult(_ context.Context, id call.ID) error {
	return w.tellRecorder("swap", id, "")
}

func (w *World) Conference(_ context.Context, id call.ID) error {
	return w.tellRecorder("conference", id, "")
}

// Transfer implements web.Talks; it is told with what the recorder was told.
func (w *World) Transfer(_ context.Context, id call.ID, to intake.Target, by string) error {
	return w.tellRecorder("transfer to "+to.String(), id, by)
}

// Tap implements web.Talks; it is told with what the recorder was told.
func (w *World) Tap(_ context.Context, id call.ID, device call.DeviceID, mode call.TapMode, by string) error {
	return w.tellRecorder(string(mode)+" "+string(device)+" on", id, by)
}

// SLA implements web.Reports over the desk's own events. Numbers that Clients
// does not name serve no particular client.
func (w *World) SLA(_ context.Context, f web.SLAFilter) (web.SLAReport, error) {
	const forever = 100 * 365 * 24 * time.Hour
	ledger := sla.New(sla.Config{Keep: forever, Client: func(a call.Arrived) string { return w.Clients[a.To.Number] }})
	staff := sla.NewStaff(forever)
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, ev := range w.events {
		staff.Apply(ev)
		if err := ledger.Apply(ev); err != nil {
			return web.SLAReport{}, err
		}
	}
	return web.SLABooks{Ledger: ledger, Staff: staff, Zone: w.zone}.Report(f, time.Now())
}

// Reload implements web.Centre.
func (w *World) Reload(_ context.Context, by string) (string, error) {
	if w.Reject != nil {
		return "", w.Reject
	}
	w.Add(call.SystemEvent(time.Now(), call.ConfigActivated{Hash: "0123abcd", By: by}))
	return "0123abcd", nil
}

// GoBack implements web.Centre. It knows one version of before, "4567".
func (w *World) GoBack(_ context.Context, version, by string) (string, error) {
	if version != "4567" && version != "previous" {
		return "", web.ErrNotFound
	}
	w.Add(call.SystemEvent(time.Now(), call.ConfigActivated{Hash: "4567", By: by}))
	return "4567", nil
}

// Hours implements web.Hours with one calendar, "desk", which is open.
func (w *World) Hours(context.Context, time.Time) []web.CalendarState {
	w.mu.Lock()
	defer w.mu.Unlock()
	return []web.CalendarState{{Calendar: "desk", Open: true, By: w.hours}}
}

// Override implements web.Hours.
func (w *World) Override(_ context.Context, o call.HoursOverridden) error {
	if o.Calendar != "desk" {
		return fmt.Errorf("%w: there is no calendar %q", web.ErrInvalid, o.Calendar)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.hours = o
	return nil
}
