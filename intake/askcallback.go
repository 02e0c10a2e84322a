package intake

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"firstline/call"
)

// Prompts of a caller who wants to be called back.
const (
	promptEnterNumber    = "enter-number"
	promptNumberUnknown  = "number-unknown"
	promptCallbackNumber = "callback-number"
	promptCallbackChange = "callback-change"
	promptCallbackWhen   = "callback-when"
	promptCallbackAfter  = "callback-after"
	promptCallbackNoted  = "callback-noted"
	promptInvalid        = "menu-invalid"
)

const (
	longestNumber = 16 // digits, with what goes before E.164's fifteen
	numberTries   = 3
	changes       = 5 // that one caller makes to a request
)

// AskCallback takes a caller's request to be called back. It is taken before
// anything is read back, so that a caller who hangs up at that is called.
type AskCallback struct {
	From     call.QueueID     `json:"from"`
	Need     call.Requirement `json:"need"`
	Priority int              `json:"priority,omitempty"`
	Joined   time.Time        `json:"joined"`
}

// Name is the stage's name in the journal.
func (AskCallback) Name() string { return "ask-callback" }

// notTaken is why a caller is lost who chose to be called back.
const notTaken = "no number to call back"

// Run asks for a number where the caller's own cannot be called, and takes the
// request. Reading it back is part of the same commit, so that a process that takes
// the call up does not ask twice.
func (s AskCallback) Run(ctx context.Context, d *Desk, j *journey) (Stage, error) {
	number := j.call.From.Number
	j.stay = stay{ask: s, left: call.Instant(time.Now()), outcome: call.OutcomeCallbackTaken, owed: notTaken}
	if !d.mayCall(number) {
		var err error
		if number, err = d.askNumber(ctx, j); err != nil {
			return nil, err
		}
	}
	if number == "" {
		return Finish{Outcome: j.outcome, Cause: call.Cause{Reason: call.Completed, Text: notTaken}, From: s.Name()}, nil
	}
	now := time.Now()
	back := ReadBack{Callback: call.NewCallbackID(now), Number: number}
	read, err := entry(j.call.ID, back)
	if err != nil {
		return nil, err
	}
	if err := d.askCallback(ctx, back.Callback, j.centre.asked(j.record(), s, number, "caller", now), read); err != nil {
		return nil, err
	}
	j.stay.owed = "" // but the callback
	return back.Run(ctx, d, j)
}

// ReadBack says the number of a request that was taken, and lets the caller give
// another number, or the time after which to call.
type ReadBack struct {
	Callback call.CallbackID `json:"callback"`
	Number   string          `json:"number"`
}

// Name is the stage's name in the journal.
func (ReadBack) Name() string { return "read-back" }

// Run asks until the caller has nothing more to change.
func (s ReadBack) Run(ctx context.Context, d *Desk, j *journey) (Stage, error) {
	j.asked = s.Callback
	for range changes {
		said := append(j.prompts(promptCallbackNumber), j.digits(s.Number)...)
		got, err := j.call.Leg.Collect(ctx, call.Collect{Prompts: append(said, j.prompts(promptCallbackChange)...), Fresh: true})
		if err != nil {
			return nil, fmt.Errorf("read the number back: %w", err)
		}
		done := false
		switch got.Digits {
		case "2":
			done, err = d.otherNumber(ctx, j, &s)
		case "3":
			done, err = d.otherTime(ctx, j, s)
		default:
			done = true
		}
		switch {
		case errors.Is(err, ErrNoCallback): // over meanwhile, by a redial for example
			done = true
		case err != nil:
			return nil, err
		}
		if done {
			break
		}
	}
	if err := d.say(ctx, j, promptCallbackNoted); err != nil {
		return nil, err
	}
	return Finish{Outcome: j.outcome, Cause: call.Cause{Reason: call.Completed, Text: "called back later"}, From: s.Name()}, nil
}

// otherNumber takes another number to call; done when none came.
func (d *Desk) otherNumber(ctx context.Context, j *journey, s *ReadBack) (done bool, err error) {
	number, err := d.askNumber(ctx, j)
	if err != nil || number == "" {
		return true, err
	}
	s.Number = number
	return false, d.ChangeCallback(ctx, s.Callback, call.CallbackChanged{Number: number, By: "caller"})
}

// otherTime takes the time after which to call, and says it; done when none came.
func (d *Desk) otherTime(ctx context.Context, j *journey, s ReadBack) (done bool, err error) {
	for range numberTries {
		got, err := j.call.Leg.Collect(ctx, call.Collect{Prompts: j.prompts(promptCallbackWhen), Max: 4, First: 10 * time.Second, Fresh: true})
		if err != nil {
			return true, fmt.Errorf("ask for a time: %w", err)
		}
		after, ok := nextTime(time.Now(), got.Digits, j.centre.Numbers[j.call.To.Number].Zone)
		if !ok {
			if err := d.say(ctx, j, promptInvalid); err != nil {
				return true, err
			}
			continue
		}
		if err := d.ChangeCallback(ctx, s.Callback, call.CallbackChanged{After: call.Instant(after), By: "caller"}); err != nil {
			return true, err
		}
		return false, j.call.Leg.Play(ctx, append(j.prompts(promptCallbackAfter), j.digits(got.Digits)...)...)
	}
	return true, nil
}

// nextTime is when the clock of a zone shows four digits, HHMM, the next time.
func nextTime(now time.Time, digits string, zone *time.Location) (time.Time, bool) {
	clock, err := time.Parse("1504", digits)
	if err != nil {
		return time.Time{}, false
	}
	if zone == nil {
		zone = time.UTC
	}
	y, m, d := now.In(zone).Date()
	at := time.Date(y, m, d, clock.Hour(), clock.Minute(), 0, 0, zone)
	if !at.After(now) {
		at = time.Date(y, m, d+1, clock.Hour(), clock.Minute(), 0, 0, zone)
	}
	return at, true
}

// asked is a request for a waiting call's callback at its place in a queue.
func (c *Centre) asked(j *call.Record, s AskCallback, number, by string, now time.Time) call.CallbackAsked {
	rule := c.Callbacks[s.From].Defaults()
	return call.CallbackAsked{
		Call: j.ID, Ticket: j.Ticket, Customer: call.Party{Number: number, Name: j.From.Name}, Line: j.To,
		Queue: s.From, Need: s.Need, Priority: s.Priority, Joined: s.Joined,
		First: rule.First, Expires: call.Instant(now.Add(rule.Within)), By: by, Test: j.Test, Silent: j.Unrecorded,
	}
}

// owed is the callback at the old place that a caller is owed whom we lost while
// waiting, where the queue calls back and number policy allows. Others are for the
// list of lost callers.
func (d *Desk) owed(rec *call.Record, w AskCallback, why string) (call.Event, bool) {
	centre := d.centre.Load()
	rule, calls := centre.Callbacks[w.From]
	if !calls || !d.mayCall(rec.From.Number) {
		return call.Event{}, false
	}
	now := time.Now()
	asked := centre.asked(rec, w, rec.From.Number, "system:"+why, now)
	asked.Held = rule.Review
	return call.CallbackEvent(now, call.NewCallbackID(now), asked), true
}

// askNumber has the caller key a number that may be called; empty when none came.
func (d *Desk) askNumber(ctx context.Context, j *journey) (string, error) {
	for range numberTries {
		got, err := j.call.Leg.Collect(ctx, call.Collect{
			Prompts: j.prompts(promptEnterNumber), Max: longestNumber, Terminator: '#', First: 10 * time.Second, Between: 5 * time.Second, Fresh: true,
		})
		if err != nil {
			return "", fmt.Errorf("ask for a number: %w", err)
		}
		if number := keyedNumber(got.Digits); d.mayCall(number) {
			return number, nil
		}
		if err := d.say(ctx, j, promptNumberUnknown); err != nil {
			return "", err
		}
	}
	return "", nil
}

// keyedNumber writes a number as keyed, with 00 before the country, as E.164.
func keyedNumber(digits string) string {
	if rest, ok := strings.CutPrefix(digits, "00"); ok {
		return "+" + rest
	}
	return digits
}

// record is what is known of the call without its story.
func (j *journey) record() *call.Record {
	return &call.Record{ID: j.call.ID, Ticket: j.ticket, From: j.call.From, To: j.call.To, Test: j.call.Test, Unrecorded: j.silent}
}

// prompts are the media of prompts in the caller's language.
func (j *journey) prompts(keys ...string) []call.Media {
	language := j.language()
	out := make([]call.Media, len(keys))
	for i, k := range keys {
		out[i] = promptMedia(language, k)
	}
	return out
}

// digits are the prompts that say a number.
func (j *journey) digits(number string) []call.Media {
	var keys []string
	for _, c := range number {
		if c >= '0' && c <= '9' {
			keys = append(keys, "digit-"+string(c))
		}
	}
	return j.prompts(keys...)
}
