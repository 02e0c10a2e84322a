package intake

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"go.uber.org/zap"

	"firstline/call"
	"firstline/callqueue"
	"firstline/ivr/say"
	"firstline/tickets"
	"firstline/tickets/oncall"
)

// Limits of asking somebody who has picked up.
const (
	pageAsks  = 3                // how often
	pageThink = 25 * time.Second // at least, also when the ringing took all of the step's time
)

// The keys of the question.
const (
	pageAcceptKey  = "1"
	pageDeclineKey = "2"
)

// attempt is one person who is phoned for a ticket: a call of its own.
type attempt struct {
	p      *Pager
	t      tickets.Ticket
	page   tickets.Page
	person oncall.Person
	rung   oncall.Rung
	id     call.ID
	ours   bool // an agent whom the queue has reserved
	log    *zap.Logger
}

// reserve keeps the queue from offering the person a call meanwhile, and says where to
// ring; the zero Endpoint for nowhere.
func (a *attempt) reserve(ctx context.Context) (call.Endpoint, error) {
	seat, err := a.p.d.Queue.Page(ctx, a.person.ID, a.id)
	switch {
	case errors.Is(err, callqueue.ErrUnknownAgent): // phoned, and never offered a call
	case err != nil:
		return call.Endpoint{}, err
	default:
		a.ours = true
	}
	switch {
	case a.person.Number != "":
		return call.Endpoint{Number: a.person.Number}, nil
	case a.person.Device != "":
		return a.person.Device.Endpoint(), nil
	}
	if seat == "" {
		return call.Endpoint{}, nil
	}
	return seat.Endpoint(), nil
}

func (a *attempt) free() {
	if a.ours {
		a.p.d.Queue.TalkEnded(a.person.ID, a.id, time.Now())
	}
}

// unrung passes over somebody who cannot be phoned.
func (a *attempt) unrung(ctx context.Context, how call.PageMiss) error {
	_, err := a.p.Tickets.StepPage(ctx, a.t.ID, call.PageMissed{Page: a.page.ID, Person: a.person.ID, How: how})
	return err
}

// run rings and asks. What is written last ends the try and its call together.
func (a *attempt) run(ctx context.Context, to call.Endpoint) error {
	line := a.p.line(a.t)
	if err := a.open(ctx, line); err != nil {
		return err
	}
	began := time.Now()
	ringing, stop := context.WithDeadlineCause(ctx, began.Add(a.rung.Wait), call.Cause{Reason: call.NoAnswer})
	defer stop()
	leg, err := a.reach(ringing, to, line)
	if err != nil {
		return a.close(ctx, missOf(err), call.AsCause(err))
	}
	a.p.d.Journal.Post(call.CallEvent(time.Now(), a.id, call.Answered{}))
	left := max(time.Until(began.Add(a.rung.Wait)), pageThink)
	asking, done := context.WithTimeoutCause(ctx, left, call.Cause{Reason: call.NoAnswer})
	defer done()
	how := a.ask(asking, leg)
	if how == "" {
		return a.accept(ctx, leg)
	}
	switch {
	case ctx.Err() != nil:
		a.bye(leg, "page-taken")
	case how == call.PageDeclined:
		a.bye(leg, "page-declined")
	default:
		a.bye(leg, "")
	}
	return a.close(ctx, how, call.CauseOf(leg.Context()))
}

// open makes the call and the try durable, before anything rings.
func (a *attempt) open(ctx context.Context, line string) error {
	now := call.Instant(time.Now())
	stage, err := entry(a.id, paging{Page: a.page.ID, Person: a.person.ID})
	if err != nil {
		return err
	}
	_, err = a.p.Tickets.StepPage(ctx, a.t.ID,
		call.PageRang{Page: a.page.ID, Call: a.id, Round: a.page.Round, Step: a.rung.Step, Person: a.person.ID, Why: a.rung.Why, WaitMs: a.rung.Wait.Milliseconds()},
		call.CallEvent(now, a.id, call.Arrived{
			Ticket: a.t.ID, Origin: fmt.Sprintf("page/%s/%s", a.page.ID, a.id), From: call.Party{Number: a.person.Number, Name: a.person.Name}, To: call.Party{Number: line}, Test: a.t.Test, Out: true,
		}), call.TicketEvent(now, a.t.ID, call.TicketJoined{Call: a.id, Why: "on call"}), stage)
	if err == nil {
		a.log.Info("phoned for an urgent ticket", zap.String("call", string(a.id)), zap.Int("round", a.page.Round), zap.Int("step", a.rung.Step))
	}
	return err
}

// reach rings until an answer, and leaves no leg behind that did not answer.
func (a *attempt) reach(ctx context.Context, to call.Endpoint, line string) (call.Leg, error) {
	o := call.Originate{ID: a.id.OutsideLeg(1), To: to, From: call.Party{Number: line, Name: string(a.t.ID)}, Ring: a.rung.Wait}
	if to.Number != "" {
		return a.p.d.reachOutside(ctx, o)
	}
	o.ID, o.Headers = a.id.AgentLeg(), map[string]string{"X-Firstline-Ticket": string(a.t.ID)}
	leg, err := a.p.d.Switch.Originate(ctx, o)
	if err != nil {
		return nil, err
	}
	if err := call.AwaitAnswer(ctx, leg, nil); err != nil {
		return nil, errors.Join(err, leg.Hangup(context.WithoutCancel(ctx), call.AsCause(err)))
	}
	return leg, nil
}

// missOf is why somebody was not reached.
func missOf(err error) call.PageMiss {
	if errors.Is(err, ErrMayNotCall) || errors.Is(err, ErrTooManyCalls) {
		return call.PageUnreachable
	}
	switch call.AsCause(err).Reason {
	case call.NoAnswer:
		return call.PageNoAnswer
	case call.Busy:
		return call.PageBusy
	case call.Rejected:
		return call.PageDeclined
	}
	return call.PageUnreachable
}

// ask says what it is about and asks; empty when they accept. A key counts only once
// the question has begun: what was keyed before it, or comes from a machine that talks,
// is nobody's word.
func (a *attempt) ask(ctx context.Context, leg call.Leg) call.PageMiss {
	if err := leg.Play(ctx, a.p.summary(a.t)...); err != nil {
		return call.PageNoKey
	}
	for range pageAsks {
		got, err := leg.Collect(ctx, call.Collect{Prompts: a.p.prompts("page-question"), Fresh: true, Max: 1})
		switch {
		case err != nil:
			return call.PageNoKey
		case got.Digits == pageAcceptKey:
			return ""
		case got.Digits == pageDeclineKey:
			return call.PageDeclined
		}
	}
	return call.PageNoKey
}

// accept makes the person the handler, unless nobody is needed any more.
func (a *attempt) accept(ctx context.Context, leg call.Leg) error {
	ended := call.CallEvent(time.Now(), a.id, call.Ended{Outcome: call.OutcomeAnswered, Cause: call.Cause{Reason: call.Completed, Text: "accepted"}, Stage: paging{}.Name()})
	_, err := a.p.Tickets.AcceptPage(ctx, a.t.ID, a.page.ID, a.person.ID, a.id, ended)
	if err != nil {
		a.bye(leg, "page-taken")
		return errors.Join(err, a.ended(call.Cause{Reason: call.Completed, Text: "too late"}))
	}
	a.log.Info("urgent ticket accepted")
	a.bye(leg, "page-accepted")
	return nil
}

// bye says a last word and hangs up.
func (a *attempt) bye(leg call.Leg, prompt string) {
	ctx, cancel := context.WithTimeout(context.Background(), closeTimeout)
	defer cancel()
	if prompt != "" && leg.Context().Err() == nil {
		_ = leg.Play(ctx, a.p.prompts(prompt)...) // they may hang up first
	}
	if err := leg.Hangup(ctx, call.Cause{Reason: call.Completed}); err != nil {
		a.log.Warn("hang up", zap.Error(err))
	}
}

// close writes that they did not accept. A search that is over meanwhile has ended the
// try already; a server that stops leaves it for the next process.
func (a *attempt) close(ctx context.Context, how call.PageMiss, cause call.Cause) error {
	if ctx.Err() != nil {
		return a.ended(call.CauseOf(ctx))
	}
	a.log.Info("not accepted", zap.String("cause", string(how)))
	_, err := a.p.Tickets.StepPage(ctx, a.t.ID, call.PageMissed{Page: a.page.ID, Call: a.id, Person: a.person.ID, How: how, Cause: cause}, a.end(cause))
	if errors.Is(err, tickets.ErrPage) {
		return errors.Join(err, a.ended(cause))
	}
	return err
}

func (a *attempt) end(cause call.Cause) call.Event {
	return call.CallEvent(time.Now(), a.id, call.Ended{Outcome: call.OutcomeNotReached, Cause: cause, Stage: paging{}.Name()})
}

// ended writes the end of the call alone.
func (a *attempt) ended(cause call.Cause) error {
	a.p.d.Journal.Post(a.end(cause))
	return nil
}

// line is our number that people see: the centre's word, else the line of the ticket's
// client.
func (p *Pager) line(t tickets.Ticket) string {
	if line := p.Plan().Line; line != "" {
		return line
	}
	numbers := p.d.centre.Load().Numbers
	var all []string
	for n, to := range numbers {
		if to.Client == t.Client {
			all = append(all, n)
		}
	}
	if len(all) == 0 {
		for n := range numbers {
			all = append(all, n)
		}
	}
	if len(all) == 0 {
		return ""
	}
	return slices.Min(all)
}

// summary says which ticket it is, how severe, of which service and client.
func (p *Pager) summary(t tickets.Ticket) []call.Media {
	keys := append([]string{"page-intro"}, say.Ticket(string(t.ID))...)
	if t.Class.Severity != "" {
		keys = append(keys, "page-severity-"+t.Class.Severity)
	}
	if t.Class.Priority > 0 {
		keys = append(append(keys, "page-priority"), say.Digits(fmt.Sprint(t.Class.Priority))...)
	}
	for _, of := range []struct{ key, id string }{{"page-service", t.Class.Service}, {"page-client", t.Client}} {
		if of.id != "" {
			keys = append(append(keys, of.key), p.spoken(of.id)...)
		}
	}
	return p.prompts(keys...)
}

// spoken is a name of the centre's files: by the prompt that the centre gives it, else
// letter by letter.
func (p *Pager) spoken(id string) []string {
	if prompt := p.Plan().Spoken[id]; prompt != "" {
		return []string{prompt}
	}
	return say.Ticket(strings.ToLower(id))
}

func (p *Pager) prompts(keys ...string) []call.Media {
	c := p.d.centre.Load()
	var all []call.Media
	for _, k := range keys {
		all = append(all, promptMedia(c.Language, k))
	}
	return all
}

// paging is the one stage of such a call. It does not outlive a process: the person is
// phoned again.
type paging struct {
	Page   string       `json:"page"`
	Person call.AgentID `json:"person"`
}

func (paging) Name() string { return "page" }

// Run is never reached: the attempt does the work.
func (paging) Run(context.Context, *Desk, *journey) (Stage, error) { return nil, call.ErrState }
