package feature

import (
	"context"
	"errors"
	"strconv"
	"strings"
	"time"

	"go.uber.org/zap"

	"firstline/call"
	"firstline/intake/spoken"
)

// Limits of a prompt that is recorded.
const (
	longestPrompt = 2 * time.Minute
	takes         = 10 // in one call
	hearings      = 3  // of one of them by whoever presses nothing
)

// record asks who it is and what for, and then for a prompt, until whoever speaks says
// that callers shall hear it. Whoever hangs up before has changed nothing.
func (h *Handler) record(ctx context.Context, c *call.Call) string {
	if _, can := c.Leg.(call.Recorder); !can {
		h.cfg.Log.Warn("this front end records no prompts", zap.String("call", string(c.ID)))
		return "not-possible"
	}
	id, said := h.proved(ctx, c)
	if id == "" {
		return said
	}
	if !h.cfg.MayRecord(id) {
		h.cfg.Log.Warn("may record no prompts", zap.String("agent", string(id)), zap.String("device", string(c.Device)))
		return "not-possible"
	}
	use, said, err := h.purpose(ctx, c.Leg)
	for n := 0; err == nil && said == "" && n < takes; n++ {
		said, err = h.take(ctx, c, id, use)
	}
	if err != nil {
		h.cfg.Log.Info("prompt not recorded", zap.String("call", string(c.ID)), zap.Error(err))
	}
	return said
}

// purpose asks what the prompt is for, unless it can be for one thing only: an incident,
// by the digits of its ticket, or a calendar, by its place in their order. It returns what
// is left to say where it is for nothing.
func (h *Handler) purpose(ctx context.Context, leg call.Leg) (u spoken.Use, said string, err error) {
	uses := h.cfg.Prompts.Uses()
	switch {
	case len(uses.Incidents) == 0 && len(uses.Calendars) == 0:
		return u, "not-possible", nil
	case len(uses.Incidents) == 1 && len(uses.Calendars) == 0:
		return spoken.Use{Incident: uses.Incidents[0].ID}, "", nil
	case len(uses.Incidents) == 0 && len(uses.Calendars) == 1:
		return spoken.Use{Calendar: uses.Calendars[0]}, "", nil
	}
	for range tries {
		keyed, err := h.keyed(ctx, leg, said, "enter-number")
		if err != nil {
			return u, "", err
		}
		if u, known := named(uses, keyed); known {
			return u, "", nil
		}
		said = "menu-invalid"
	}
	return u, said, nil
}

// named is what a number stands for. Tickets have more digits than there are calendars.
func named(uses spoken.Uses, keyed string) (u spoken.Use, known bool) {
	for _, k := range uses.Incidents {
		if digits(string(k.Ticket)) == keyed {
			return spoken.Use{Incident: k.ID}, true
		}
	}
	if n, err := strconv.Atoi(keyed); err == nil && n >= 1 && n <= len(uses.Calendars) {
		return spoken.Use{Calendar: uses.Calendars[n-1]}, true
	}
	return u, false
}

func (h *Handler) keyed(ctx context.Context, leg call.Leg, prompts ...string) (string, error) {
	got, err := leg.Collect(ctx, call.Collect{Prompts: h.spoken(prompts...), Max: mostKeyed, Terminator: '#', First: firstKey})
	return got.Digits, err
}

// digits is the digits of a ticket's number.
func digits(s string) string {
	return strings.Map(func(r rune) rune {
		if r < '0' || r > '9' {
			return -1
		}
		return r
	}, s)
}

// take records once and plays it back. It returns what is left to say, or nothing to
// have it recorded again.
func (h *Handler) take(ctx context.Context, c *call.Call, id call.AgentID, u spoken.Use) (said string, err error) {
	if err := c.Leg.Play(ctx, h.media("record-prompt"), "tone:beep"); err != nil {
		return "", err
	}
	t, err := h.cfg.Prompts.Record(ctx, c.Leg)
	if err != nil {
		return "not-possible", err
	}
	_, err = c.Leg.Collect(ctx, call.Collect{First: longestPrompt, Fresh: true})
	if err != nil {
		t.Discard(ctx)
		return "", err
	}
	key, err := t.Stop(ctx)
	switch {
	case errors.Is(err, spoken.ErrSilent):
		t.Discard(ctx)
		return "", c.Leg.Play(ctx, h.media("message-empty"))
	case err != nil:
		t.Discard(ctx)
		return "not-possible", err
	}
	keep, again, err := h.review(ctx, c.Leg, key)
	if !keep {
		t.Discard(ctx)
		if err == nil && !again {
			return "goodbye", nil
		}
		return "", err
	}
	if err := t.Keep(ctx, u, "agent:"+string(id), c.Device); err != nil {
		return "not-possible", err
	}
	return "record-live", nil
}

// review plays a draft to who spoke, and asks what is to come of it.
func (h *Handler) review(ctx context.Context, leg call.Leg, key string) (keep, again bool, err error) {
	for range hearings {
		got, err := leg.Collect(ctx, call.Collect{Prompts: h.spoken(key, "record-review"), First: firstKey, Fresh: true})
		if err != nil {
			return false, false, err
		}
		switch got.Digits {
		case "1":
			return true, false, nil
		case "2":
			return false, true, nil
		}
	}
	return false, false, nil
}

// spoken is prompts by their keys, an empty one left out.
func (h *Handler) spoken(keys ...string) []call.Media {
	var out []call.Media
	for _, key := range keys {
		if key != "" {
			out = append(out, h.media(key))
		}
	}
	return out
}
