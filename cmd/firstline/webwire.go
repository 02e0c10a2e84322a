package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"sync"
	"time"

	"firstline/call"
	"firstline/callqueue"
	"firstline/intake"
	"firstline/recordings"
	"firstline/store"
	"firstline/tickets"
	"firstline/web"
)

// webConfig joins the pages and the API to the other rooms.
func (s *server) webConfig(seed []call.Event) web.Config {
	c := web.Config{
		Listen: s.cfg.HTTP.Listen.String(), Log: s.log.Named("web"),
		Journal:   webJournal{s.journal},
		BoardFrom: s.boardFrom,
		BoardSeed: seed,
		Events:    webEvents{s.store},
		Sessions:  &sessions{SignIns: s.store.SignIns()},
		Tokens:    &webTokens{s: s.store},
		Calls:     webCalls{s.store},
		Callbacks: webCallbacks{s},
		Lost:      webLost{s},
		Blocks:    webBlocks{s},
		Incidents: webIncidents{s},
		Endpoints: webEndpoints{s},
		Prompts:   webPrompts{s.spoken},
		Hours:     webHours{s},
		Flows:     webFlows{s},
		OnCall:    webOnCall{s.onCall},
		Tickets:   webTickets{s, s.tickets},
		Pager:     webPager{s},
		Levels:    webLevels{s},
		Articles:  webArticles{s.articles, s},
		Directory: s.directory,
		Agents:    s.roster,
		Devices:   webDevices{s},
		Desk:      s.queue,
		Past:      webPast{s},
		Estimates: s.lately,
		Roster:    webRoster{s.roster},
		Staff:     webStaff{s},
		Fallback:  webFallback{s},
		Queues:    s.centre,
		Audio:     webAudio{s.store, s.recordings},
		Talks:     webTalks{s},
		Reports:   webReports{s.store, s.centre},
		Centre:    webCentre{s},
		Metrics:   s.metrics(),
		Checks:    []web.Check{{Name: "journal", OK: s.journalIsWell}},
		Sounds:    s.soundFiles,
		Promises:  webPromises{s.promises},
		Months:    webMonths{s, tickets.NewDesk(s.journal, s.store.Numbers(), s.store), new(sync.Mutex)},
	}
	c.Hooks = webHooks{s, c.Tickets}
	if s.exchange.asterisk != nil {
		c.Nodes = webNodes{s}
		c.Checks = append(c.Checks, web.Check{Name: "asterisk", OK: s.nodesAreWell})
	}
	return c
}

// boardSeed is what the board must know from before boardFrom: the roster as it
// is, the beginnings of calls that are still up, who is owed a call, and who asked to be
// called back.
func (s *server) boardSeed(ctx context.Context) ([]call.Event, error) {
	open, err := s.store.OpenCalls(ctx)
	if err != nil {
		return nil, err
	}
	var seed []call.Event
	for _, r := range open {
		story, err := s.store.Story(ctx, call.Stream{Kind: call.StreamCall, ID: string(r.ID)}, 0, 1000)
		if err != nil {
			return nil, err
		}
		seed = append(seed, slices.DeleteFunc(story, func(e call.Event) bool { return e.Global > s.boardFrom })...)
	}
	slices.SortFunc(seed, func(a, b call.Event) int { return cmp.Compare(a.Global, b.Global) })
	people, err := s.store.Agents(ctx)
	for _, p := range people {
		seed = append(seed,
			call.AgentEvent(p.Since, p.ID, call.AgentSet{Name: p.Name, Device: p.Device, Level: p.Level, Skills: p.Skills}),
			call.AgentEvent(p.Since, p.ID, call.PresenceChanged{Presence: p.Presence, Reason: p.Reason}),
			call.AgentEvent(p.Active, p.ID, call.ActivityChanged{Activity: cmp.Or(p.Activity, call.Idle), Call: p.Call, Until: p.Until}))
	}
	if err != nil {
		return nil, err
	}
	owed, err := s.store.OpenLostItems(ctx)
	for _, it := range owed {
		seed = append(seed, call.LostEvent(it.Opened, it.ID, call.LostOpened{Call: it.Calls[0].ID, Ticket: it.Ticket, Queue: it.Queue, Joined: it.Joined}))
	}
	if err != nil {
		return nil, err
	}
	backs, err := s.store.OpenCallbacks(ctx)
	for _, c := range backs {
		seed = append(seed, call.CallbackEvent(c.At, c.ID, c.CallbackAsked))
	}
	return seed, err
}

// journalIsWell fails while events go to the local spool: calls go on, but a
// human should look.
func (s *server) journalIsWell(context.Context) error {
	if st := s.journal.Status(); st.Mode != store.Direct {
		return fmt.Errorf("the database has been away since %s; %d events wait in the spool", st.Since.Format(time.RFC3339), st.Spooled)
	}
	return nil
}

type webJournal struct{ j *store.Journal }

func (w webJournal) Read(after int64) web.Cursor { return w.j.Read(after) }

// away turns the store's absence into the API's 503.
func away(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, store.ErrAway), errors.Is(err, store.ErrOwned):
		return fmt.Errorf("%w: %w", web.ErrUnavailable, err)
	case errors.Is(err, store.ErrNotFound):
		return fmt.Errorf("%w: %w", web.ErrNotFound, err)
	}
	return err
}

type webEvents struct{ s *store.Store }

func (w webEvents) Events(ctx context.Context, f web.EventFilter) ([]call.Event, error) {
	if f.Stream == (call.Stream{}) {
		evs, err := w.s.Events(ctx, f.After, f.Limit)
		return evs, away(err)
	}
	// One stream is short: what is behind a global sequence is sifted here.
	var out []call.Event
	for seq := int64(0); len(out) < f.Limit; {
		evs, err := w.s.Story(ctx, f.Stream, seq, 1000)
		if err != nil || len(evs) == 0 {
			return out, away(err)
		}
		seq = evs[len(evs)-1].Seq
		out = append(out, slices.DeleteFunc(evs, func(e call.Event) bool { return e.Global <= f.After })...)
	}
	return out[:f.Limit], nil
}

type webCalls struct{ s *store.Store }

func (w webCalls) Call(ctx context.Context, id call.ID) (call.Record, error) {
	r, err := w.s.Call(ctx, id)
	return r, away(err)
}

func (w webCalls) Calls(ctx context.Context, f web.CallFilter) ([]call.Record, error) {
	before, err := w.s.Position(ctx, call.StreamCall, string(f.Before))
	if err != nil {
		return nil, away(err)
	}
	p, err := w.s.Calls(ctx, store.CallFilter{
		Open: f.Open, Queue: f.Queue, Agent: f.Agent, Ticket: f.Ticket, Outcome: f.Outcome, Number: f.Number, Lost: f.Lost,
		Before: before, Limit: f.Limit,
	})
	return p.Items, away(err)
}

type webTickets struct {
	s    *server
	desk *tickets.Desk
}

func (w webTickets) Ticket(ctx context.Context, id call.TicketID) (tickets.Ticket, error) {
	t, err := w.s.store.Ticket(ctx, id)
	return t, away(err)
}

func (w webTickets) Tickets(ctx context.Context, f web.TicketFilter) ([]tickets.Ticket, error) {
	before, err := w.s.store.Position(ctx, call.StreamTicket, string(f.Before))
	if err != nil {
		return nil, away(err)
	}
	p, err := w.s.store.Tickets(ctx, store.TicketFilter{
		Text: f.Text, State: f.State, Client: f.Client, Caller: f.Caller, Handler: f.Handler, Priority: f.Priority, From: f.From, To: f.To,
		Before: before, Limit: f.Limit,
	})
	return p.Items, away(err)
}

// ChangeTicket writes an edit, which is refused as a note is.
func (w webTickets) ChangeTicket(ctx context.Context, id call.TicketID, e tickets.Edit) (tickets.Ticket, error) {
	centre := w.s.centre.now()
	t, err := w.desk.Change(ctx, id, e, tickets.Terms{Rules: centre.Tickets.Rules, Reopen: centre.Tickets.Reopen, Agent: w.works})
	return t, away(err)
}

func (w webTickets) works(id call.AgentID) bool {
	_, err := w.s.roster.Agent(id)
	return err == nil
}

func (w webTickets) Rules() tickets.Rules { return w.s.centre.now().Tickets.Rules }

func (w webTickets) Contract(client string) tickets.Contract {
	centre := w.s.centre.now()
	return centre.Tickets.Contracts[centre.Clients[client].Contract]
}

// AddNote writes a note. While the database is away it is refused: what a person
// edits is not spooled behind their back.
func (w webTickets) AddNote(ctx context.Context, id call.TicketID, n web.Note) (web.Note, error) {
	if err := w.desk.Note(ctx, id, n.Author, n.Text); err != nil {
		return n, away(err)
	}
	t, err := w.s.store.Ticket(ctx, id)
	if err != nil || len(t.Notes) == 0 {
		return n, away(err)
	}
	return web.Note(t.Notes[len(t.Notes)-1]), nil
}

type webAudio struct {
	s   *store.Store
	cat *recordings.Catalogue
}

func recordingView(r recordings.Recording) web.Recording {
	v := web.Recording{
		ID: r.ID, Call: r.Call, Ticket: r.Ticket, Agent: r.Agent, Began: r.Started, DurationMs: r.Duration.Milliseconds(),
		Bytes: r.Bytes, SHA256: r.SHA256, Interrupted: r.Interrupted, Fault: r.Fault,
	}
	if !r.Finished.IsZero() {
		v.Ended = &r.Finished
	}
	if r.Flag != nil {
		v.Flag = new(web.Act{At: r.Flag.At, By: r.Flag.By, Note: r.Flag.Reason})
	}
	return v
}

func (w webAudio) Recording(ctx context.Context, id call.RecordingID) (web.Recording, error) {
	r, err := w.s.Recording(ctx, id)
	return recordingView(r), away(err)
}

func (w webAudio) Recordings(ctx context.Context, f web.RecordingFilter) ([]web.Recording, error) {
	before, err := w.s.Position(ctx, call.StreamRecording, string(f.Before))
	if err != nil {
		return nil, away(err)
	}
	p, err := w.s.Recordings(ctx, store.RecordingFilter{Call: f.Call, Ticket: f.Ticket, Agent: f.Agent, Before: before, Limit: f.Limit})
	var out []web.Recording
	for _, r := range p.Items {
		out = append(out, recordingView(r))
	}
	return out, away(err)
}

func (w webAudio) Open(ctx context.Context, id call.RecordingID) (io.ReadSeekCloser, error) {
	f, _, err := w.cat.Open(ctx, id)
	if err != nil {
		if _, known := w.s.Recording(ctx, id); known == nil {
			return nil, fmt.Errorf("%w: %w", web.ErrGone, err)
		}
		return nil, away(err)
	}
	return f, nil
}

// webTalks lets supervisors act on conversations.
type webTalks struct{ s *server }

func conflict(err error) error {
	cause, unanswered := errors.AsType[call.Cause](err)
	switch {
	case errors.Is(err, intake.ErrTooManyCalls):
		return err
	case errors.Is(err, intake.ErrNotTalking), errors.Is(err, intake.ErrNotRecorded):
		return fmt.Errorf("%w: %w", web.ErrConflict, err)
	case errors.Is(err, call.ErrUnsupported):
		return fmt.Errorf("%w: %w", web.ErrUnsupported, err)
	case unanswered && cause.Reason != call.Failed:
		return fmt.Errorf("%w: %w", web.ErrConflict, err)
	}
	return err
}

func (w webTalks) PauseRecording(ctx context.Context, id call.ID, by string) error {
	return conflict(w.s.desk.PauseRecording(ctx, id, by))
}

func (w webTalks) ResumeRecording(ctx context.Context, id call.ID, by string) error {
	return conflict(w.s.desk.ResumeRecording(ctx, id, by))
}

func (w webTalks) CallOut(ctx context.Context, o intake.CallOut) (call.ID, error) {
	return w.s.desk.CallOut(ctx, o)
}

func (w webTalks) Consult(ctx context.Context, id call.ID, to intake.Target, by string) error {
	return conflict(w.s.desk.Consult(ctx, id, to, by))
}

func (w webTalks) EndConsult(ctx context.Context, id call.ID) error {
	return conflict(w.s.desk.EndConsult(ctx, id))
}

func (w webTalks) CompleteConsult(ctx context.Context, id call.ID) error {
	return conflict(w.s.desk.CompleteConsult(ctx, id))
}

func (w webTalks) SwapConsult(ctx context.Context, id call.ID) error {
	return conflict(w.s.desk.SwapConsult(ctx, id))
}

func (w webTalks) Conference(ctx context.Context, id call.ID) error {
	return conflict(w.s.desk.Conference(ctx, id))
}

func (w webTalks) Transfer(ctx context.Context, id call.ID, to intake.Target, by string) error {
	return conflict(w.s.desk.Transfer(ctx, id, to, by))
}

// Tap refuses phones where an agent is at work: the queue alone rings those.
func (w webTalks) Tap(ctx context.Context, id call.ID, device call.DeviceID, mode call.TapMode, by string) error {
	now, err := w.s.queue.Snapshot(ctx)
	if err != nil {
		return err
	}
	for _, a := range now.Agents {
		if a.Device == device && (a.Presence == call.Available || a.Presence == call.Finishing) {
			return fmt.Errorf("%w: %s takes calls at phone %s", web.ErrConflict, a.ID, device)
		}
	}
	return conflict(w.s.desk.Tap(ctx, id, device, mode, by))
}

// webDevices hashes the phones' passwords for the realm.
type webDevices struct{ s *server }

func (w webDevices) SetPassword(ctx context.Context, user call.DeviceID, password string) error {
	return away(w.s.store.Devices().PutDevice(ctx, credential(string(user), w.s.cfg.SIP.Domain, password)))
}

type webCentre struct{ s *server }

func (w webCentre) Reload(ctx context.Context, by string) (string, error) {
	return told(w.s.reload(ctx, by))
}

func (w webCentre) GoBack(ctx context.Context, version, by string) (string, error) {
	hash, err := w.s.goBack(ctx, version, by)
	if errors.Is(err, store.ErrNotFound) {
		return "", fmt.Errorf("%w: %w", web.ErrNotFound, err)
	}
	return told(hash, err)
}

// told is what became of an activation in the words of the API.
func told(hash string, err error) (string, error) {
	if err != nil && !errors.Is(err, callqueue.ErrBusy) && !errors.Is(err, store.ErrAway) {
		return "", fmt.Errorf("%w: %w", web.ErrInvalid, err)
	}
	return hash, away(err)
}
