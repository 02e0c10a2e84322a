package intake

import (
	"context"
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
	promptCallbackNoted  = "callback-noted"
)

const (
	longestNumber = 16 // digits, with what goes before E.164's fifteen
	numberTries   = 3
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

// Run asks for a number where the caller's own cannot be called, takes the
// request, and lets the caller give another number.
func (s AskCallback) Run(ctx context.Context, d *Desk, j *journey) (Stage, error) {
	number := j.call.From.Number
	j.stay = stay{ask: s, left: call.Instant(time.Now()), outcome: call.OutcomeCallbackTaken, owed: "no number to call back"}
	if !d.mayCall(number) {
		var err error
		if number, err = d.askNumber(ctx, j); err != nil {
			return nil, err
		}
	}
	if number == "" {
		return Finish{Outcome: j.outcome, Cause: call.Cause{Reason: call.Completed, Text: "no number to call back"}, From: s.Name()}, nil
	}
	id, err := d.AskCallback(ctx, j.centre.asked(j.record(), s, number, "caller", time.Now()))
	if err != nil {
		return nil, err
	}
	j.stay.owed = "" // but the callback
	if err := d.readBack(ctx, j, id, number); err != nil {
		return nil, err
	}
	return Finish{Outcome: j.outcome, Cause: call.Cause{Reason: call.Completed, Text: "called back later"}, From: s.Name()}, nil
}

// asked is a request for a waiting call's callback at its place in a queue.
func (c *Centre) asked(j *call.Record, s AskCallback, number, by string, now time.Time) call.CallbackAsked {
	rule := c.Callbacks[s.From].Defaults()
	return call.CallbackAsked{
		Call: j.ID, Ticket: j.Ticket, Customer: call.Party{Number: number, Name: j.From.Name}, Line: j.To,
		Queue: s.From, Need: s.Need, Priority: s.Priority, Joined: s.Joined,
		First: rule.First, Expires: call.Instant(now.Add(rule.Within)), By: by, Test: j.Test,
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

// readBack says the number, and takes another one when the caller presses 2.
func (d *Desk) readBack(ctx context.Context, j *journey, id call.CallbackID, number string) error {
	for range numberTries {
		said := append(j.prompts(promptCallbackNumber), j.digits(number)...)
		got, err := j.call.Leg.Collect(ctx, call.Collect{Prompts: append(said, j.prompts(promptCallbackChange)...), Fresh: true})
		if err != nil {
			return fmt.Errorf("read the number back: %w", err)
		}
		if got.Digits != "2" {
			break
		}
		other, err := d.askNumber(ctx, j)
		if err != nil {
			return err
		}
		if other == "" {
			break
		}
		if err := d.ChangeCallback(ctx, id, call.CallbackChanged{Number: other, By: "caller"}); err != nil {
			return err
		}
		number = other
	}
	return d.say(ctx, j, promptCallbackNoted)
}

// record is what is known of the call without its story.
func (j *journey) record() *call.Record {
	return &call.Record{ID: j.call.ID, Ticket: j.ticket, From: j.call.From, To: j.call.To, Test: j.call.Test}
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
