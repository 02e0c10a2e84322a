package intake

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"runtime/debug"
	"strings"
	"time"

	"go.uber.org/zap"

	"firstline/call"
	"firstline/callqueue"
	"firstline/intake/number"
	"firstline/ivr"
)

// Stage is one part of a journey. Its exported fields are all that it needs and
// are journalled as it is entered, so that another process can run it again.
type Stage interface {
	// Name is the stage's stable name in the journal.
	Name() string
	// Run does the stage's work and returns the next one; nil ends the journey.
	Run(ctx context.Context, d *Desk, j *journey) (Stage, error)
}

// journey is what a call carries from stage to stage.
type journey struct {
	call     *call.Call
	ticket   call.TicketID
	centre   *Centre
	log      *zap.Logger
	legs     map[call.LegID]call.Leg // agents' legs by id
	number   string                  // the caller's in its normal form; empty when withheld
	level    ivr.Identity            // how sure we are of who calls
	looked   call.CustomerID         // whom the last lookup found
	customer call.CustomerID         // who calls, verified
	class    string                  // theirs
	enriched <-chan struct{}         // closed when another system has said what it knows; nil: none is asked
	points   int                     // of the ticket's priority
	spoken   string                  // language that the caller chose; empty for none
	silent   bool                    // the caller does not want to be recorded
	noticed  bool                    // the recording notice was heard to its end
	entries  int                     // queue entries so far
	talks    int                     // conversations so far
	outs     int                     // numbers outside that were rung for it so far
	outcome  call.Outcome            // what the call would end with now
	stay     stay                    // the last time in a queue
	resumed  *call.Record            // what the last process left; nil after the first stage
	entered  bool                    // the stage about to run is in the journal already
	opened   bool                    // the call is in the journal

	answered bool            // the caller's leg is up
	ended    call.Cause      // that stopped a stage
	asked    call.CallbackID // the request that the caller made
	out      bool            // we dialled
	back     *callback       // that the call is an attempt of, or nil; with what follows
	expires  time.Time       // the request
	absent   bool            // it was the customer who was not there
	reached  bool            // the request has ended so
}

func (d *Desk) newJourney(c *call.Call) *journey {
	centre := d.centre.Load()
	return &journey{
		call: c, centre: centre, legs: map[call.LegID]call.Leg{},
		number:  number.Normal(c.From.Number, centre.Numbers[c.To.Number].Region),
		outcome: call.OutcomeEndedInFlow,
		log:     d.Log.With(zap.String("call", string(c.ID))),
	}
}

// ServeCall takes a new call to its end.
func (d *Desk) ServeCall(ctx context.Context, c *call.Call) {
	if d.aside(ctx, c) {
		return
	}
	d.serve(ctx, d.newJourney(c), Arrive{})
}

// serve runs stages from at to the end. A new call starts at Arrive, an adopted
// one where the journal left it.
func (d *Desk) serve(ctx context.Context, j *journey, at Stage) {
	for at != nil {
		next, err := d.run(ctx, j, at)
		if err != nil {
			next = d.leave(j, at, err)
		}
		at, j.resumed, j.entered = next, nil, false
	}
	if j.asked != "" {
		d.asked(j.asked)
	}
}

// run enters a stage and runs it. A panic in it ends this call alone.
func (d *Desk) run(ctx context.Context, j *journey, at Stage) (next Stage, err error) {
	defer func() {
		if p := recover(); p != nil {
			j.log.Error("stage panicked", zap.String("stage", at.Name()), zap.Any("panic", p), zap.ByteString("stack", debug.Stack()))
			err = fmt.Errorf("stage %s panicked: %v", at.Name(), p)
		}
	}()
	if j.out {
		ctx = j.call.Leg.Context() // which is the customer's once there is one
	}
	if j.opened && !j.entered {
		if err := d.enter(ctx, j, at); err != nil {
			return nil, err
		}
	}
	return at.Run(ctx, d, j)
}

// enter journals a stage's entry before it acts.
func (d *Desk) enter(ctx context.Context, j *journey, at Stage) error {
	ev, err := entry(j.call.ID, at)
	if err != nil {
		return err
	}
	if err := d.Journal.Append(context.WithoutCancel(ctx), ev); err != nil {
		return fmt.Errorf("enter %s: %w", at.Name(), err)
	}
	return nil
}

func entry(id call.ID, at Stage) (call.Event, error) {
	input, err := json.Marshal(at)
	if err != nil {
		return call.Event{}, fmt.Errorf("enter %s: %w", at.Name(), err)
	}
	return call.CallEvent(time.Now(), id, call.StageEntered{Stage: at.Name(), Input: input}), nil
}

// leave turns what stopped a stage into the last stage: the caller hung up, or
// something failed. The end of the ends is nil.
func (d *Desk) leave(j *journey, at Stage, err error) Stage {
	if errors.Is(err, call.ErrHandedOver) {
		return nil // the next process takes the call up where the journal has it
	}
	if _, last := at.(Finish); last {
		j.log.Error("call not closed", zap.Error(err))
		return nil
	}
	cause := call.AsCause(err)
	if j.call.Leg.Context().Err() != nil {
		cause = call.CauseOf(j.call.Leg.Context())
	}
	j.ended = cause
	switch cause.Reason {
	case call.Failed:
		j.log.Error("call failed", zap.String("stage", at.Name()), zap.Error(err))
		if j.entries == 0 {
			j.outcome = call.OutcomeSystemFailed
		}
	case call.SwitchGone: // no wish of the caller
		if j.entries == 0 {
			j.outcome = call.OutcomeSystemFailed
		}
	}
	return Finish{Outcome: j.outcome, Cause: cause, From: at.Name()}
}

// asking is the wait as a request to be called back keeps it.
func (w Wait) asking(q callqueue.Queue) AskCallback {
	return AskCallback{From: w.Queue, Need: w.Need, Priority: brought(q, w.Priority, w.Unserved), Joined: w.since()}
}

// brought is the priority with which a caller goes on elsewhere who came to a queue
// with one, and was not served so many times before.
func brought(q callqueue.Queue, priority, unserved int) int {
	if again := q.Again.Points(unserved); again > 0 {
		return cmp.Or(priority, q.Priority) + again
	}
	return priority
}

// Arrive opens the call and its ticket, durably, before anything above 100 is
// sent. The next stage's entry is part of the same commit.
type Arrive struct{}

func (Arrive) Name() string { return "arrive" }

func (a Arrive) Run(ctx context.Context, d *Desk, j *journey) (Stage, error) {
	if err := d.open(ctx, j); err != nil {
		return nil, err
	}
	return Route{}.Run(ctx, d, j)
}

// Route looks up where the number dialled leads.
type Route struct{}

func (Route) Name() string { return "route" }

func (Route) Run(_ context.Context, d *Desk, j *journey) (Stage, error) {
	if refuse, out := d.keptOut(j); out {
		return refuse, nil
	}
	by := d.overridden(j.centre.Numbers[j.call.To.Number].Calendar, j.call.Arrived)
	if by.Prompt != "" && by.State != hoursClosed {
		return Warn{Prompt: by.Prompt}, nil
	}
	return d.lead(j, by)
}

// lead is where a call goes, who is kept out and what is said first apart.
func (d *Desk) lead(j *journey, by call.HoursOverridden) (Stage, error) {
	next, err := j.centre.route(j.call, by)
	if w, wait := next.(Wait); wait {
		return d.informed(j, d.enqueue(j, w.Queue, w.Need, w.Priority)), nil
	}
	return next, err
}

// route is the first stage of a call by the number dialled, when it came and what
// was said of its hours then. Of a wait it names the queue alone.
func (c *Centre) route(k *call.Call, by call.HoursOverridden) (Stage, error) {
	dialled := c.Numbers[k.To.Number]
	if closed, out := dialled.turnedAway(k.Arrived, by); out {
		return closed, nil
	}
	switch {
	case dialled.Flow != "":
		return Flow{Flow: dialled.Flow, State: ivr.State{Language: dialled.Language}}, nil
	case dialled.Queue != "":
		return Wait{Queue: dialled.Queue}, nil
	}
	return nil, call.Cause{Reason: call.Failed, SIP: 404, Text: "number leads nowhere"}
}

func (d *Desk) open(ctx context.Context, j *journey) error {
	c := j.call
	ticket, opening, err := d.ticketFor(c, j.centre.Numbers[c.To.Number].Client)
	if err != nil {
		return fmt.Errorf("open ticket: %w", err)
	}
	evs := append([]call.Event{call.CallEvent(c.Arrived, c.ID, call.Arrived{
		Ticket: ticket, Origin: c.Origin, From: c.From, To: c.To, Trunk: c.Trunk, Test: c.Test,
	})}, opening...)
	evs = append(evs, d.recognise(j, ticket)...)
	stage, err := entry(c.ID, Route{})
	if err != nil {
		return err
	}
	// A caller who hangs up now still has a ticket: the commit is not cut short.
	if err := d.Journal.Append(context.WithoutCancel(ctx), append(evs, stage)...); err != nil {
		return fmt.Errorf("open call: %w", err)
	}
	j.opened, j.ticket = true, ticket
	j.log = j.log.With(zap.String("ticket", string(ticket)))
	d.enrich(j)
	j.log.Info("call arrived", zap.String("number", c.To.Number), zap.String("trunk", c.Trunk))
	return nil
}

// ticketFor gives a call its ticket: the one of a call that died with the last
// process when this is the same INVITE sent again, else a new one.
func (d *Desk) ticketFor(c *call.Call, client string) (call.TicketID, []call.Event, error) {
	d.mu.Lock()
	t, again := d.crashed[c.Origin]
	d.mu.Unlock()
	if again {
		if d.Problems != nil {
			is, release := d.Problems.Hold("", t)
			release()
			t = is
		}
		return t, []call.Event{call.TicketEvent(c.Arrived, t, call.TicketJoined{Call: c.ID, Why: "the same INVITE after a restart"})}, nil
	}
	return d.Tickets.Opening(c.Arrived, c, client)
}

// Flow runs the menu.
type Flow struct {
	Flow  string    `json:"flow"`
	State ivr.State `json:"state"`
	// Closed is why a call that came outside hours is in this flow.
	Closed string `json:"closed,omitempty"`
}

func (Flow) Name() string { return "flow" }

func (f Flow) Run(ctx context.Context, d *Desk, j *journey) (Stage, error) {
	flow := j.centre.Flows[f.Flow]
	if flow == nil {
		return nil, fmt.Errorf("flow %q is not in this centre", f.Flow)
	}
	if f.Closed != "" {
		j.outcome = call.OutcomeClosed
	}
	if err := d.answer(ctx, j); err != nil {
		return nil, err
	}
	r, err := ivr.Run(ctx, d.line(ctx, j, f), flow, f.State)
	if err != nil {
		return nil, err
	}
	switch to := r.(type) {
	case ivr.Queue:
		return d.informed(j, d.enqueue(j, to.Queue, to.Need, to.Priority)), nil
	case ivr.Voicemail:
		return LeaveMessage{From: to.Queue, Need: to.Need, Priority: to.Priority, Joined: call.Instant(time.Now())}, nil
	case ivr.Hangup:
		if to.Routed && j.entries == 0 {
			j.outcome = call.OutcomeRoutedOut
		}
		return Finish{Outcome: j.outcome, Cause: call.Cause{Reason: to.Reason, Text: f.Closed}, From: f.Name()}, nil
	}
	return nil, fmt.Errorf("flow %q ends in %T, which this version cannot follow", f.Flow, r)
}

// tell journals what happens in a flow.
func (d *Desk) tell(j *journey, f Flow, h ivr.Happening) {
	now, id := time.Now(), j.call.ID
	switch h := h.(type) {
	case ivr.Entered:
		if ev, err := entry(id, Flow{Flow: f.Flow, State: h.State, Closed: f.Closed}); err == nil {
			d.Journal.Post(ev)
		}
	case ivr.Keyed:
		d.Journal.Post(call.CallEvent(now, id, call.Keyed(h)))
	case ivr.Declined, ivr.Spoken, ivr.Identified, ivr.Classified, ivr.Decided, ivr.Troubled:
		d.heard(j, h)
	case ivr.Noticed:
		j.noticed = true
		b := call.Noticed(h)
		b.Version = j.centre.Versions[promptMedia(b.Language, b.Prompt)]
		d.Journal.Post(call.CallEvent(now, id, b))
	}
}

func (d *Desk) answer(ctx context.Context, j *journey) error {
	if j.answered || j.resumed != nil && !j.resumed.Answered.IsZero() {
		return nil
	}
	if err := j.call.Leg.Answer(ctx); err != nil {
		return fmt.Errorf("answer: %w", err)
	}
	j.answered = true
	d.Journal.Post(call.CallEvent(time.Now(), j.call.ID, call.Answered{}))
	return nil
}

// Wait keeps the caller in a queue. Joined is when the wait began.
type Wait struct {
	Entry    call.EntryID     `json:"entry"`
	Queue    call.QueueID     `json:"queue"`
	Need     call.Requirement `json:"need"`
	Priority int              `json:"priority,omitempty"`
	Joined   time.Time        `json:"joined"`
	Came     time.Time        `json:"came,omitzero"`      // of a call that took the place of an earlier one: its own begin
	Unserved int              `json:"unserved,omitempty"` // calls of this caller that nobody answered of late
	Prefer   call.AgentID     `json:"prefer,omitempty"`   // who knows the caller's problem
	Callback call.CallbackID  `json:"callback,omitempty"`
	Arrived  time.Time        `json:"arrived,omitzero"` // of a call that was handed on: its place in the order
	Only     call.AgentID     `json:"only,omitempty"`   // for whom alone it waits
	Sent     *Sent            `json:"sent,omitempty"`   // by whom it was handed on
	Paused   time.Time        `json:"paused,omitzero"`  // a recording that follows is, until then
	Class    string           `json:"class,omitempty"`  // of a caller who is verified, in place of the line's
	Ticket   int              `json:"ticket,omitempty"` // points of the ticket's priority
	Passed   []call.QueueID   `json:"passed,omitempty"` // that sent the call on in no time
}

func (Wait) Name() string { return "wait" }

// enqueue is the wait of a call that comes to a queue from outside: who phoned
// before may have the same agent again, and goes before others when unserved.
func (d *Desk) enqueue(j *journey, q call.QueueID, need call.Requirement, priority int) Wait {
	if d.Problems != nil {
		j.points = j.centre.Points[d.Problems.PriorityOf(j.ticket)]
	}
	w := waitIn(j, q, need, priority)
	rules, now := j.centre.Queues[q], time.Now()
	if joined, ok := d.redialled(context.Background(), j, q); ok {
		w.Joined, w.Came = joined, w.Joined
	} else if at, ok := d.resumes(j, q, w); ok {
		w.Joined, w.Came = at.Joined, w.Joined
	}
	if d.Callers == nil {
		return w
	}
	if rules.Sticky.Within > 0 {
		w.Prefer = d.handler(j, now.Add(-rules.Sticky.Within))
	}
	if rules.Again.Within > 0 {
		w.Unserved = d.Callers.Unserved(j.number, now.Add(-rules.Again.Within))
	}
	return w
}

// handler is who knows the problem: the agent who talked last in a call of the same
// ticket, however long ago, else the one whom the caller talked to since an instant.
// Tickets name no handler themselves yet.
func (d *Desk) handler(j *journey, since time.Time) call.AgentID {
	if agent, ok := d.Callers.OfTicket(j.ticket); ok {
		return agent
	}
	if agent, ok := d.Callers.Handler(j.number, since); ok {
		return agent
	}
	return ""
}

// inNoTime is how short a stay in a queue is that was none.
const inNoTime = time.Second

func waitIn(j *journey, q call.QueueID, need call.Requirement, priority int) Wait {
	j.entries++
	return Wait{Class: j.class, Ticket: j.points, Entry: j.call.ID.Entry(j.entries), Queue: q, Need: need, Priority: priority, Joined: call.Instant(time.Now())}
}

// Run waits until an agent answers, the caller leaves, or a rule ends the wait.
func (w Wait) Run(ctx context.Context, d *Desk, j *journey) (Stage, error) {
	if err := d.answer(ctx, j); err != nil {
		return nil, err
	}
	q := j.centre.Queues[w.Queue]
	sounds := d.entertain(ctx, j, q, w)
	defer sounds.stop()
	j.awaitFacts(ctx)
	began := time.Now()
	r, err := d.Queue.Connect(ctx, w.waiting(j))
	if time.Since(began) >= inNoTime {
		w.Passed = nil
	}
	if r.Outcome != "" && j.back == nil {
		j.outcome = r.Outcome
	}
	if r.Outcome != "" {
		j.stay = stay{ask: w.asking(q), left: call.Instant(time.Now()), outcome: r.Outcome}
	}
	switch {
	case w.Sent != nil && (errors.Is(err, callqueue.ErrFull) || errors.Is(err, callqueue.ErrUnknownAgent)):
		j.entries--
		return w.Sent.recalled(j, w.place(q)), nil
	case errors.Is(err, callqueue.ErrFull):
		return d.full(j, w), nil
	case err != nil:
		return nil, fmt.Errorf("queue %s: %w", w.Queue, err)
	case r.Leg != nil:
		j.legs[r.Leg.ID()] = r.Leg
		j.outcome = call.OutcomeAnswered
		return talkWith(j, w, r, q.Record && sounds.noticed()), nil
	}
	if next, sent := w.unheard(j, r.Outcome); sent {
		return next, nil
	}
	return exit(w, r), nil
}

// waiting is what the queue has to know of the call, and what it knew before a
// restart.
func (w Wait) waiting(j *journey) callqueue.Waiting {
	number := j.centre.Numbers[j.call.To.Number]
	ask := callqueue.Waiting{
		Entry: w.Entry, Queue: w.Queue, Need: w.Need, Priority: w.Priority, Unserved: w.Unserved, Joined: w.Joined, Came: w.Came,
		Client: number.Client, Class: cmp.Or(w.Class, number.Class), TicketPriority: w.Ticket, Prefer: w.Prefer, PreferFor: j.centre.Queues[w.Queue].Sticky.For,
		From: j.call.From, Ticket: j.ticket, Test: j.call.Test, Callback: w.Callback, Arrived: w.Arrived, Only: w.Only,
	}
	if w.Sent != nil {
		ask.Patience, ask.Back = j.centre.Patience, w.Sent.Back
		if w.Only == "" {
			ask.Sender = w.Sent.By
		}
	}
	if j.resumed == nil {
		return ask
	}
	was := j.resumed.Waiting()
	if was == nil {
		return ask
	}
	ask.Resumed, ask.Offers, ask.Asks = true, len(was.Offers), was.Asks()
	for _, r := range was.Raised {
		if !strings.HasPrefix(r.By, "system:") { // a supervisor's word outlives the process
			ask.Priority, ask.Set = r.Priority, true
		}
	}
	return ask
}

// Talk joins caller and agent, or somebody outside, at Number, to whom the caller was
// handed on. Recording is empty when nothing is recorded.
type Talk struct {
	Queue     call.QueueID     `json:"queue"`
	Agent     call.AgentID     `json:"agent"`
	Leg       call.LegID       `json:"leg"`
	Bridge    call.BridgeID    `json:"bridge"`
	Recording call.RecordingID `json:"recording,omitempty"`
	Number    string           `json:"number,omitempty"`
	Place     Place            `json:"place"`
}

func (Talk) Name() string { return "talk" }

func talkWith(j *journey, w Wait, r callqueue.Result, record bool) Talk {
	j.talks++
	t := Talk{
		Queue: w.Queue, Agent: r.Agent, Leg: r.Leg.ID(), Bridge: j.call.ID.Bridge(j.talks), Place: w.place(j.centre.Queues[w.Queue]),
	}
	if record && !j.silent {
		t.Recording = call.NewRecordingID(time.Now())
	}
	return t
}

// Run lasts as long as the conversation. The agent is released and the
// recording closed whatever ends it.
func (t Talk) Run(ctx context.Context, d *Desk, j *journey) (Stage, error) {
	if t.Agent != "" {
		defer func() { d.Queue.TalkEnded(t.Agent, j.call.ID, time.Now()) }()
	}
	talk, err := d.join(ctx, j, t)
	if err != nil {
		if j.call.Leg.Context().Err() == nil { // the caller is there, and hears nobody
			j.stay.outcome = call.OutcomeSystemFailed
		}
		return nil, err
	}
	d.served(j, talk.began)
	end := talk.converse(ctx)
	talk.part(end.by, end.cause)
	if end.next != nil {
		return end.next, nil
	}
	return Finish{Outcome: j.outcome, Cause: end.cause, From: t.Name()}, nil
}

// Finish hangs up whatever is left and closes the call.
type Finish struct {
	Outcome call.Outcome `json:"outcome"`
	Cause   call.Cause   `json:"cause"`
	From    string       `json:"from"` // the stage that ended the journey
	// Elsewhere says that the caller was handed on to somebody whom we do not know.
	Elsewhere bool `json:"elsewhere,omitempty"`
}

func (Finish) Name() string { return "finish" }

func (f Finish) Run(ctx context.Context, d *Desk, j *journey) (Stage, error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), closeTimeout)
	defer cancel()
	leg := j.call.Leg
	if f.Cause.Reason == call.Failed && j.centre.Trouble != "" && leg.Context().Err() == nil {
		trouble := promptMedia(j.language(), j.centre.Trouble)
		_ = leg.Play(ctx, trouble) // best effort: the call ends either way
	}
	if err := leg.Hangup(ctx, f.Cause); err != nil {
		j.log.Warn("hang up", zap.Error(err))
	}
	if !j.opened {
		return nil, nil // refused before it became a call
	}
	d.end(j, f, quality(leg))
	j.log.Info("call ended", zap.String("outcome", string(f.Outcome)), zap.String("stage", f.From), zap.String("cause", f.Cause.Error()))
	return nil, nil
}

// quality is a leg's figures where the front end has them.
func quality(l call.Leg) call.Quality {
	if q, ok := l.(interface{ Quality() call.Quality }); ok {
		return q.Quality()
	}
	return call.Quality{}
}
