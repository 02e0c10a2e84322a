package tickets

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"firstline/call"
	"firstline/tickets/clock"
)

// Place is where a ticket is in the levels of support. The desk owns it to the end,
// wherever that is.
type Place string

// The places.
const (
	AtDesk  Place = "desk"    // level 1 works on it
	Offered Place = "offered" // to a group, which has not said yet that it takes it
	InGroup Place = "group"   // somebody of the group works on it
)

// Next are the places that may follow: one table for every way up and down. To offered
// from offered or a group leads further up.
func (p Place) Next() []Place {
	switch p {
	case AtDesk, "":
		return []Place{Offered}
	case Offered, InGroup:
		return []Place{Offered, InGroup, AtDesk}
	}
	return nil
}

// to is an error that matches ErrInvalid when a place may not follow.
func (p Place) to(next Place) error {
	if p == InGroup && next == InGroup || !slices.Contains(p.Next(), next) {
		return fmt.Errorf("%w: it is at the place %q, from where it does not go to %q", ErrInvalid, or(p, AtDesk), next)
	}
	return nil
}

func or(p, otherwise Place) Place {
	if p == "" {
		return otherwise
	}
	return p
}

// Support is how far up a ticket is.
type Support struct {
	Place Place        `json:"place,omitempty"` // empty: the desk
	Owner call.AgentID `json:"owner,omitempty"` // of the desk, who handed it up first
	Steps []Step       `json:"steps,omitempty"` // every hand-over, oldest first
	Stack []int        `json:"stack,omitempty"` // the steps by which it is where it is
}

// Step is one hand-over to a group, until it is returned or the ticket is over.
type Step struct {
	At       time.Time     `json:"at"`
	By       string        `json:"by"`
	Group    string        `json:"group"`
	Level    int           `json:"level"`
	Form     call.HandOver `json:"form"`
	Accepted time.Time     `json:"accepted,omitzero"`
	Agent    call.AgentID  `json:"agent,omitempty"`
	Left     time.Time     `json:"left,omitzero"` // returned, or handed further up
	Returned string        `json:"returned,omitempty"`
	LeftBy   string        `json:"left_by,omitempty"`
}

// Level is the level of support that works on it, or is to: 1 to 4.
func (s Support) Level() int {
	if st := s.step(); st != nil {
		return st.Level
	}
	return 1
}

// Group is who works on it, or is to; empty for the desk.
func (s Support) Group() string {
	if st := s.step(); st != nil {
		return st.Group
	}
	return ""
}

func (s *Support) step() *Step {
	if len(s.Stack) == 0 {
		return nil
	}
	return &s.Steps[s.Stack[len(s.Stack)-1]]
}

// escalated folds an event of the levels in; false when it is none.
func (t *Ticket) escalated(at time.Time, body call.Body) (bool, error) {
	switch b := body.(type) {
	case call.TicketEscalated:
		return true, t.handUp(at, b)
	case call.TicketAccepted:
		return true, t.accepted(at, b)
	case call.TicketReturned:
		return true, t.handBack(at, b)
	case call.ArticleUsed:
		if !slices.Contains(t.Articles, b.Article) {
			t.Articles = append(slices.Clip(t.Articles), b.Article)
			t.note(Change{At: at, By: b.By, What: "article", To: b.Article})
		}
		return true, nil
	case call.TicketRaised:
		t.Raised = append(t.Raised, b)
		t.note(Change{At: at, By: "system", What: "raised", To: strings.Join(b.Who, ", "), Why: fmt.Sprintf("%s at %d %%", b.Clock, b.Percent)})
		return true, nil
	}
	return false, nil
}

func (t *Ticket) handUp(at time.Time, b call.TicketEscalated) error {
	s := t.Support
	if err := s.Place.to(Offered); err != nil {
		return err
	}
	s.Steps, s.Stack = slices.Clone(s.Steps), slices.Clone(s.Stack)
	if len(s.Stack) == 0 {
		s.Owner = t.Handler
	} else {
		s.step().Left, s.step().LeftBy = at, b.By
	}
	t.change(Change{At: at, By: b.By, What: "level", From: fmt.Sprint(s.Level()), To: fmt.Sprintf("%d, %s", b.Level, b.Group), Why: b.Form.Findings})
	s.Steps = append(s.Steps, Step{At: at, By: b.By, Group: b.Group, Level: b.Level, Form: b.Form})
	s.Stack = append(s.Stack, len(s.Steps)-1)
	s.Place = Offered
	t.Support = s
	return nil
}

func (t *Ticket) accepted(at time.Time, b call.TicketAccepted) error {
	s := t.Support
	if err := s.Place.to(InGroup); err != nil {
		return err
	}
	if s.Group() != b.Group {
		return fmt.Errorf("%w: it is offered to %s, not to %s", ErrInvalid, s.Group(), b.Group)
	}
	s.Steps = slices.Clone(s.Steps)
	s.step().Accepted, s.step().Agent, s.Place = at, b.Agent, InGroup
	t.Support = s
	t.change(Change{At: at, By: b.By, What: "handler", From: string(t.Handler), To: string(b.Agent), Why: "accepted by " + b.Group})
	t.Handler = b.Agent
	return nil
}

// handBack takes a ticket back to where it came from, with who handled it there.
func (t *Ticket) handBack(at time.Time, b call.TicketReturned) error {
	s := t.Support
	if err := s.Place.to(AtDesk); err != nil {
		return err
	}
	s.Steps, s.Stack = slices.Clone(s.Steps), slices.Clone(s.Stack)
	gone := s.step()
	gone.Left, gone.LeftBy, gone.Returned = at, b.By, b.Why
	from := gone.Level
	s.Stack = s.Stack[:len(s.Stack)-1]
	s.Place, t.Handler = AtDesk, s.Owner
	if was := s.step(); was != nil {
		was.Left, s.Place = time.Time{}, InGroup
		if t.Handler = was.Agent; was.Accepted.IsZero() { // it was handed on unaccepted
			s.Place = Offered
		}
	}
	t.Support = s
	t.change(Change{At: at, By: b.By, What: "level", From: fmt.Sprint(from), To: fmt.Sprint(s.Level()), Why: b.Why})
	return nil
}

// Levels are the operational clocks of every hand-over: response until somebody of the
// group accepts it or gives it back, resolution while the group has it. Within is what
// a group has promised for the response, in hours; zero for nothing.
func (t Ticket) Levels(within func(group string) (time.Duration, clock.Calendar), now time.Time) [][]clock.Reading {
	var all [][]clock.Reading
	for _, st := range t.Support.Steps {
		d, hours := within(st.Group)
		terms := clock.Terms{"": {}}
		if d > 0 {
			terms[""][clock.Response] = clock.Target{Within: d, Calendar: hours}
		}
		all = append(all, slices.DeleteFunc(clock.Read(t.momentsOf(st), terms, now), func(r clock.Reading) bool { return r.Kind == clock.Update }))
	}
	return all
}

// momentsOf is the ticket's history as a group sees it: it begins with the hand-over,
// and ends when the group is rid of it.
func (t Ticket) momentsOf(st Step) []clock.Moment {
	out := []clock.Moment{{At: st.At, Mark: clock.Opened}}
	waits := false
	for _, m := range t.Moments {
		switch {
		case m.At.Before(st.At):
			waits = m.Mark == clock.Paused || waits && m.Mark != clock.Resumed && m.Mark != clock.Resolved
		case m.Mark == clock.Paused, m.Mark == clock.Resumed, m.Mark == clock.Resolved, m.Mark == clock.Reopened:
			out = append(out, m)
		}
	}
	if waits {
		out = slices.Insert(out, 1, clock.Moment{At: st.At, Mark: clock.Paused})
	}
	for at, mark := range map[time.Time]clock.Mark{st.Accepted: clock.Responded, st.Left: clock.Resolved} {
		if !at.IsZero() {
			out = append(out, clock.Moment{At: at, Mark: mark})
		}
	}
	slices.SortStableFunc(out, func(a, b clock.Moment) int { return a.At.Compare(b.At) })
	if st.Left.IsZero() {
		return out
	}
	return slices.DeleteFunc(out, func(m clock.Moment) bool { return m.At.After(st.Left) })
}

// LongestForm is how much may be said in one field of a hand-over, in characters.
const LongestForm = 4000

// Escalation is what somebody wants of the levels of support.
type Escalation struct {
	By      string
	Version int64 // of the ticket on which it was decided
}

// Escalate offers a ticket to a group of a level, with what was tried and found.
// ErrNotFound, ErrStale, ErrInvalid.
func (d *Desk) Escalate(ctx context.Context, id call.TicketID, e Escalation, group string, level int, form call.HandOver) (Ticket, error) {
	form.Tried, form.Findings = strings.TrimSpace(form.Tried), strings.TrimSpace(form.Findings)
	return d.level(ctx, id, e, func(t Ticket) (call.Body, error) {
		var faults []error
		for what, text := range map[string]string{"what was tried": form.Tried, "what was found": form.Findings} {
			if text == "" || utf8.RuneCountInString(text) > LongestForm {
				faults = append(faults, fmt.Errorf("%w: say %s, in up to %d characters", ErrInvalid, what, LongestForm))
			}
		}
		switch now := t.Support.Level(); {
		case t.State.Over():
			faults = append(faults, fmt.Errorf("%w: it is %s", ErrInvalid, t.State))
		case level < now, level == now && t.Support.Group() == group:
			faults = append(faults, fmt.Errorf("%w: level %d has it; to a level below, return it", ErrInvalid, now))
		}
		return call.TicketEscalated{Group: group, Level: level, Form: form, By: e.By}, errors.Join(faults...)
	})
}

// Accept makes somebody of the group that a ticket is offered to its handler.
func (d *Desk) Accept(ctx context.Context, id call.TicketID, e Escalation, agent call.AgentID) (Ticket, error) {
	return d.level(ctx, id, e, func(t Ticket) (call.Body, error) {
		return call.TicketAccepted{Group: t.Support.Group(), Agent: agent, By: e.By}, nil
	})
}

// Return gives a ticket back to where it came from, with a reason.
func (d *Desk) Return(ctx context.Context, id call.TicketID, e Escalation, why string) (Ticket, error) {
	why = strings.TrimSpace(why)
	return d.level(ctx, id, e, func(t Ticket) (call.Body, error) {
		if why == "" || utf8.RuneCountInString(why) > LongestReason {
			return nil, fmt.Errorf("%w: say why it is returned, in up to %d characters", ErrInvalid, LongestReason)
		}
		return call.TicketReturned{Group: t.Support.Group(), By: e.By, Why: why}, nil
	})
}

// Raise notes who is to be told of a ticket that takes long; once for a share.
func (d *Desk) Raise(ctx context.Context, id call.TicketID, b call.TicketRaised) (Ticket, error) {
	return d.step(ctx, id, func(t Ticket) ([]call.Body, error) {
		same := func(r call.TicketRaised) bool {
			return r.Clock == b.Clock && r.Turn == b.Turn && r.Percent == b.Percent
		}
		if slices.ContainsFunc(t.Raised, same) || t.State.Over() {
			return nil, nil
		}
		return []call.Body{b}, nil
	})
}

func (d *Desk) level(ctx context.Context, id call.TicketID, e Escalation, do func(Ticket) (call.Body, error)) (Ticket, error) {
	return d.step(ctx, id, func(t Ticket) ([]call.Body, error) {
		if e.Version != t.Version {
			return nil, fmt.Errorf("%w: it is at version %d, this was decided on %d", ErrStale, t.Version, e.Version)
		}
		b, err := do(t)
		return []call.Body{b}, err
	})
}

// EscalateLive says that a call of the ticket went up to a group, and who took it. A
// ticket that is with that level already stays where it is.
func (d *Desk) EscalateLive(ctx context.Context, id call.TicketID, group string, level int, agent call.AgentID, by string) (Ticket, error) {
	return d.step(ctx, id, func(t Ticket) ([]call.Body, error) {
		if t.State.Over() || level < t.Support.Level() || t.Support.Group() == group {
			return nil, nil
		}
		form := call.HandOver{Tried: "in the call", Findings: "the call went up with its caller"}
		bodies := []call.Body{call.TicketEscalated{Group: group, Level: level, Form: form, By: by}}
		if agent != "" {
			bodies = append(bodies, call.TicketAccepted{Group: group, Agent: agent, By: "agent:" + string(agent)})
		}
		return bodies, nil
	})
}

// UseArticle links an article that somebody has worked by; a second time changes nothing.
func (d *Desk) UseArticle(ctx context.Context, id call.TicketID, article, by string) (Ticket, error) {
	return d.step(ctx, id, func(t Ticket) ([]call.Body, error) {
		if slices.Contains(t.Articles, article) {
			return nil, nil
		}
		return []call.Body{call.ArticleUsed{Article: article, By: by}}, nil
	})
}

// SolvedAt is the level that worked on a ticket when it was settled; 0 while it is not.
func (t Ticket) SolvedAt() int {
	if !t.State.Over() {
		return 0
	}
	return t.Support.Level()
}
