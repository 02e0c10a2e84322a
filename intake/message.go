package intake

import (
	"cmp"
	"context"
	"fmt"
	"time"

	"go.uber.org/zap"

	"firstline/call"
	"firstline/recordings"
)

// MessageRule is how a queue's callers leave a message.
type MessageRule struct {
	Longest time.Duration // 2 min
	Silence time.Duration // after which it is over; 5 s
}

// Defaults fills in what is zero.
func (r MessageRule) Defaults() MessageRule {
	r.Longest = cmp.Or(r.Longest, 2*time.Minute)
	r.Silence = cmp.Or(r.Silence, 5*time.Second)
	return r
}

// Prompts of a caller who leaves a message.
const (
	promptLeaveMessage = "leave-message"
	promptMessageNoted = "message-noted"
	promptMessageEmpty = "message-empty"
	toneBeep           = call.Media("tone:beep")
)

// noMessage is why a caller is lost who chose to leave a message.
const noMessage = "no message was left"

// LeaveMessage asks a caller to speak. The message waits in the queue at the caller's
// place, as a request to be called back does.
type LeaveMessage AskCallback

// Name is the stage's name in the journal.
func (LeaveMessage) Name() string { return "leave-message" }

// Run greets, and begins to record. The request, the recording and the stage that
// listens are one commit: from here on a crash keeps what was said.
func (s LeaveMessage) Run(ctx context.Context, d *Desk, j *journey) (Stage, error) {
	leg, can := j.call.Leg.(call.Recorder)
	if !can {
		j.log.Warn("no messages are taken by this front end: the caller is asked for a number", zap.String("queue", string(s.From)))
		return AskCallback(s), nil
	}
	j.stay = stay{ask: AskCallback(s), left: call.Instant(time.Now()), outcome: call.OutcomeVoicemail, owed: noMessage}
	if j.entries == 0 {
		j.outcome = call.OutcomeVoicemail
	}
	if err := d.answer(ctx, j); err != nil {
		return nil, err
	}
	if err := j.call.Leg.Play(ctx, append(j.prompts(promptLeaveMessage), toneBeep)...); err != nil {
		return nil, fmt.Errorf("ask for a message: %w", err)
	}
	now := time.Now()
	take := TakeMessage{From: s.From, Callback: call.NewCallbackID(now), Recording: call.NewRecordingID(now)}
	r, err := leg.Record(ctx, take.Recording)
	if err != nil {
		return nil, fmt.Errorf("record a message: %w", err)
	}
	if err := d.openMessage(ctx, j, s, take, r, now); err != nil {
		_, stopped := r.Stop(context.WithoutCancel(ctx))
		j.log.Error("message", zap.NamedError("stopped", stopped), zap.Error(err))
		return nil, err
	}
	return take.listen(ctx, d, j, r, now)
}

// openMessage writes that a message is being recorded.
func (d *Desk) openMessage(ctx context.Context, j *journey, s LeaveMessage, take TakeMessage, r call.Recording, now time.Time) error {
	began, err := d.Recordings.Begin(recordings.Start{ID: take.Recording, Call: j.call.ID, Ticket: j.ticket, File: r.File(), At: now})
	if err != nil {
		return err
	}
	stage, err := entry(j.call.ID, take)
	if err != nil {
		return err
	}
	asked := j.centre.asked(j.record(), AskCallback(s), j.call.From.Number, "caller", now)
	asked.Message, asked.First = take.Recording, call.AgentFirst // who first hears what it is about
	return d.askCallback(ctx, take.Callback, asked, began, stage)
}

// TakeMessage listens to a caller's message.
type TakeMessage struct {
	From      call.QueueID     `json:"from"`
	Callback  call.CallbackID  `json:"callback"`
	Recording call.RecordingID `json:"recording"`
}

// Name is the stage's name in the journal.
func (TakeMessage) Name() string { return "take-message" }

// Run goes on for a process that took the call up: what was said before is kept, and
// more is not asked for.
func (s TakeMessage) Run(ctx context.Context, d *Desk, j *journey) (Stage, error) {
	j.asked = s.Callback
	if j.entries == 0 {
		j.outcome = call.OutcomeVoicemail
	}
	return s.noted(ctx, d, j)
}

func (s TakeMessage) listen(ctx context.Context, d *Desk, j *journey, r call.Recording, began time.Time) (Stage, error) {
	j.asked = s.Callback
	ever := s.untilOver(ctx, j, r, began)
	d.closeMessage(j, s.Recording, r)
	if heard, ok := r.(call.Attentive); ok { // now all of it is written
		_, ever = heard.Said()
	}
	if !ever {
		return s.empty(ctx, d, j)
	}
	j.stay.owed = "" // but the answer to the message
	return s.noted(ctx, d, j)
}

// untilOver returns when the caller has pressed a key, hung up or fallen silent, or
// the message is long enough; and whether anything was said, as far as is known.
func (s TakeMessage) untilOver(ctx context.Context, j *journey, r call.Recording, began time.Time) (ever bool) {
	rule := j.centre.Messages[s.From].Defaults()
	longest := time.NewTimer(rule.Longest)
	defer longest.Stop()
	look := time.NewTicker(500 * time.Millisecond)
	defer look.Stop()
	for {
		select {
		case e := <-j.call.Leg.Events():
			if e.Kind == call.LegDigit && e.At.After(began) {
				return true
			}
		case <-look.C:
			heard, ok := r.(call.Attentive)
			if !ok {
				continue
			}
			if last, ever := heard.Said(); time.Since(began)-last > rule.Silence {
				return ever
			}
		case <-longest.C:
			return true
		case <-j.call.Leg.Context().Done():
			return true
		case <-ctx.Done():
			return true
		}
	}
}

// closeMessage ends the recording, which is catalogued as others are.
func (d *Desk) closeMessage(j *journey, id call.RecordingID, r call.Recording) {
	ctx, cancel := context.WithTimeout(context.Background(), closeTimeout)
	defer cancel()
	fault := ""
	audio, err := r.Stop(ctx)
	if err != nil {
		fault = err.Error()
	}
	if err := d.Recordings.Finish(ctx, id, audio, fault); err != nil {
		j.log.Error("message not catalogued", zap.String("recording", string(id)), zap.Error(err))
	}
}

// empty ends the request of a caller who said nothing: that is for the list of lost
// callers, where somebody may still call them.
func (s TakeMessage) empty(ctx context.Context, d *Desk, j *journey) (Stage, error) {
	b, err := d.callbacks.find(s.Callback)
	if err == nil {
		err = b.end(ctx, call.CallbackClosed{End: call.CallbackWithdrawn, By: "system", Reason: "nothing was said"})
	}
	if err != nil {
		j.log.Warn("empty message", zap.Error(err))
	}
	if err := d.say(ctx, j, promptMessageEmpty); err != nil {
		return nil, err
	}
	return Finish{Outcome: j.outcome, Cause: call.Cause{Reason: call.Completed, Text: noMessage}, From: s.Name()}, nil
}

func (s TakeMessage) noted(ctx context.Context, d *Desk, j *journey) (Stage, error) {
	if err := d.say(ctx, j, promptMessageNoted); err != nil {
		return nil, err
	}
	return Finish{Outcome: j.outcome, Cause: call.Cause{Reason: call.Completed, Text: "message left"}, From: s.Name()}, nil
}

// Prompts of an agent who gets a message.
const promptMessageWaits = "message-waits"

// hearings is how often an agent hears a message who presses nothing.
const hearings = 3

// hear plays a caller's message to the agent who got it, until they say what is to
// come of it: settled, or to be called back.
func (d *Desk) hear(ctx context.Context, j *journey, agent call.Leg, message call.RecordingID) (settled bool, err error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	stop := context.AfterFunc(agent.Context(), func() { cancel(call.CauseOf(agent.Context())) })
	defer stop()
	said := []call.Media{promptMedia(j.centre.Language, promptMessageWaits)}
	if media, err := d.playable(ctx, message); err == nil {
		said = append(said, media)
	} else {
		j.log.Error("message cannot be played", zap.String("recording", string(message)), zap.Error(err))
	}
	callable := d.mayCall(j.call.From.Number)
	for n := 0; n < hearings; n++ {
		got, err := agent.Collect(ctx, call.Collect{Prompts: said, First: 10 * time.Second, Fresh: true})
		switch {
		case err != nil:
			return false, err
		case got.Digits == "2":
			return true, nil
		case got.Digits == "1" && callable:
			return false, nil
		case got.Digits == "*":
			n--
		}
	}
	return false, call.Cause{Reason: call.NoAnswer, Text: "the agent heard the message and pressed nothing"}
}

func (d *Desk) playable(ctx context.Context, id call.RecordingID) (call.Media, error) {
	if d.Playable == nil {
		return "", call.ErrUnsupported
	}
	return d.Playable(ctx, id)
}

// SettleCallback ends a request of which nothing is left to do, by somebody's word:
// the message was heard, for example. ErrNoCallback.
func (d *Desk) SettleCallback(ctx context.Context, id call.CallbackID, by, note string) error {
	b, err := d.callbacks.find(id)
	if err != nil {
		return err
	}
	return b.end(ctx, call.CallbackClosed{End: call.CallbackSettled, By: by, Reason: note})
}
