// Package feature serves calls that are meant for the exchange itself: an agent
// dials *11 at any desk phone, keys number and PIN, and sits there from then on.
//
// Such a call is no support call. It is taken out before the journey, so it has no
// ticket, no record and no place in any figure; what it changes is in the journal
// as the agent's own event. Only our own phones, known by their digest, are heard.
// What is keyed is kept nowhere.
package feature

import (
	"context"
	"errors"
	"time"

	"go.uber.org/zap"

	"firstline/call"
	"firstline/callqueue/agents"
	"firstline/callqueue/roster"
	"firstline/intake/spoken"
)

// Codes are the numbers to dial. An empty one is not offered.
type Codes struct {
	SignIn  string
	SignOut string
	Break   string
	Back    string
	Record  string // what callers hear
}

// Roster is what a code changes: roster.Roster.
type Roster interface {
	At(device call.DeviceID) (agents.Agent, bool)
	CheckPIN(ctx context.Context, id call.AgentID, phone call.DeviceID, pin string) error
	SignIn(ctx context.Context, id call.AgentID, device call.DeviceID, by string) error
	SignOut(ctx context.Context, id call.AgentID, by string) error
	Resume(ctx context.Context, id call.AgentID, p call.Presence, reason, by string) error
}

// Config is what a Handler needs; all of it is required.
type Config struct {
	Next        call.Handler // serves every other number
	Roster      Roster
	Codes       func() Codes  // in force now
	BreakReason func() string // of a break that is taken by code
	Language    string        // of the prompts
	Prompts     *spoken.List  // that may be recorded
	MayRecord   func(call.AgentID) bool
	Log         *zap.Logger
}

// Limits of one call.
const (
	tries     = 3
	longest   = 2 * time.Minute
	recording = 15 * time.Minute // longest call that records a prompt
	firstKey  = 10 * time.Second
	mostKeyed = 64
)

// Handler implements call.Handler.
type Handler struct{ cfg Config }

// New returns a handler that keeps feature codes from cfg.Next.
func New(cfg Config) *Handler { return &Handler{cfg} }

// Known reports whether a number is a feature code.
func (h *Handler) Known(number string) bool { return h.verb(number) != nil }

type verb func(ctx context.Context, c *call.Call) (prompt string)

func (h *Handler) verb(number string) verb {
	codes := h.cfg.Codes()
	switch number {
	case "":
		return nil
	case codes.SignIn:
		return h.signIn
	case codes.SignOut:
		return h.signOut
	case codes.Break:
		return h.takeBreak
	case codes.Back:
		return h.comeBack
	case codes.Record:
		return h.record
	}
	return nil
}

// ServeCall serves a feature code, or hands the call on.
func (h *Handler) ServeCall(ctx context.Context, c *call.Call) {
	do := h.verb(c.To.Number)
	if do == nil {
		h.cfg.Next.ServeCall(ctx, c)
		return
	}
	log := h.cfg.Log.With(zap.String("call", string(c.ID)), zap.String("code", c.To.Number))
	if c.Device == "" {
		log.Warn("feature code from outside", zap.String("trunk", c.Trunk))
		_ = c.Leg.Hangup(context.WithoutCancel(ctx), call.Cause{Reason: call.Unreachable, SIP: 404}) // the leg is gone either way
		return
	}
	log = log.With(zap.String("device", string(c.Device)))
	limit := longest
	if c.To.Number == h.cfg.Codes().Record {
		limit = recording
	}
	ctx, cancel := context.WithTimeoutCause(ctx, limit, call.Cause{Reason: call.LimitPassed})
	defer cancel()
	err := c.Leg.Answer(ctx)
	if err == nil {
		if prompt := do(ctx, c); prompt != "" {
			log.Info("feature code", zap.String("said", prompt))
			err = c.Leg.Play(ctx, h.media(prompt))
		}
	}
	if err != nil {
		log.Debug("feature call ended early", zap.Error(err))
	}
	_ = c.Leg.Hangup(context.WithoutCancel(ctx), call.Cause{Reason: call.Completed}) // as above
}

func (h *Handler) media(prompt string) call.Media {
	return call.Media("prompt:" + h.cfg.Language + "/" + prompt)
}

func by(c *call.Call) string { return "feature:" + string(c.Device) }

// What is said at the end, by how it went.
func (h *Handler) said(c *call.Call, err error, well string) string {
	switch {
	case err == nil:
		return well
	case errors.Is(err, roster.ErrWrongPIN), errors.Is(err, roster.ErrThrottled):
		return "sign-in-refused"
	case errors.Is(err, roster.ErrTaken):
		return "seat-taken"
	}
	h.cfg.Log.Warn("feature code refused", zap.String("call", string(c.ID)), zap.String("device", string(c.Device)), zap.Error(err))
	return "not-possible"
}

// signIn asks for number and PIN.
func (h *Handler) signIn(ctx context.Context, c *call.Call) string {
	id, said := h.proved(ctx, c)
	if id == "" {
		return said
	}
	return h.said(c, h.cfg.Roster.SignIn(ctx, id, c.Device, by(c)), "signed-in")
}

// proved asks for number and PIN, three times at most. Without an id it returns what is
// left to say; nothing to who is gone.
func (h *Handler) proved(ctx context.Context, c *call.Call) (id call.AgentID, said string) {
	for try := 1; ; try++ {
		id, pin, err := h.ask(ctx, c.Leg, said)
		if err != nil {
			return "", "" // gone
		}
		err = h.cfg.Roster.CheckPIN(ctx, id, c.Device, pin)
		if err == nil {
			return id, ""
		}
		said = h.said(c, err, "")
		h.cfg.Log.Info("sign-in refused", zap.String("call", string(c.ID)), zap.String("device", string(c.Device)), zap.Int("try", try))
		if try == tries || said != "sign-in-refused" {
			return "", said
		}
	}
}

// ask gathers number and PIN, after saying what was wrong before. Both are asked
// for whatever the first one was, so that nobody learns which numbers there are.
func (h *Handler) ask(ctx context.Context, leg call.Leg, wrong string) (id call.AgentID, pin string, err error) {
	prompts := []call.Media{h.media("enter-number")}
	if wrong != "" {
		prompts = append([]call.Media{h.media(wrong)}, prompts...)
	}
	number, err := leg.Collect(ctx, call.Collect{
		Prompts: prompts, Max: mostKeyed, Terminator: '#', First: firstKey, Between: firstKey,
	})
	if err != nil {
		return "", "", err
	}
	secret, err := leg.Collect(ctx, call.Collect{
		Prompts: []call.Media{h.media("enter-pin")}, Max: mostKeyed, Terminator: '#', First: firstKey,
	})
	return call.AgentID(number.Digits), secret.Digits, err
}

// signOut, takeBreak and comeBack are for whoever sits at the phone.
func (h *Handler) signOut(ctx context.Context, c *call.Call) string {
	a, ok := h.cfg.Roster.At(c.Device)
	if !ok {
		return "seat-empty"
	}
	return h.said(c, h.cfg.Roster.SignOut(ctx, a.ID, by(c)), "signed-out")
}

func (h *Handler) takeBreak(ctx context.Context, c *call.Call) string {
	return h.say(ctx, c, call.OnBreak, h.cfg.BreakReason(), "on-break")
}

func (h *Handler) comeBack(ctx context.Context, c *call.Call) string {
	return h.say(ctx, c, call.Available, "", "back-at-work")
}

// say changes presence of who is signed in at the phone. Who is logged out has to
// sign in with a PIN first, though the seat may still be theirs.
func (h *Handler) say(ctx context.Context, c *call.Call, p call.Presence, reason, well string) string {
	a, ok := h.cfg.Roster.At(c.Device)
	if !ok {
		return "seat-empty"
	}
	err := h.cfg.Roster.Resume(ctx, a.ID, p, reason, by(c))
	if errors.Is(err, roster.ErrNoSeat) {
		return "seat-empty"
	}
	return h.said(c, err, well)
}
