package intake

import (
	"context"
	"slices"
	"time"

	"go.uber.org/zap"

	"firstline/call"
	"firstline/callqueue"
	"firstline/ivr"
)

// Leave takes a call out of a queue by one of its exits: says what the exit says,
// and goes where it leads. A call that goes to another queue keeps its place.
type Leave struct {
	From     call.QueueID          `json:"from"`
	Outcome  call.Outcome          `json:"outcome"` // of the entry
	To       callqueue.Destination `json:"to"`
	Prompt   string                `json:"prompt,omitempty"`
	Priority int                   `json:"priority,omitempty"` // in the next queue
	Unserved int                   `json:"unserved,omitempty"` // calls of this caller that nobody answered of late
	Need     call.Requirement      `json:"need"`               // that the call itself brings
	Joined   time.Time             `json:"joined"`
	Passed   []call.QueueID        `json:"passed,omitempty"` // From, and those before it that sent the call on in no time
}

func (Leave) Name() string { return "leave" }

// exit is the stage after a queue that nobody answered in.
func exit(w Wait, r callqueue.Result) Stage {
	l := Leave{From: w.Queue, Outcome: r.Outcome, Unserved: w.Unserved, Need: w.Need, Joined: w.since()}
	l.Passed = append(slices.Clone(w.Passed), w.Queue)
	if r.Exit != nil {
		l.To, l.Prompt, l.Priority = r.Exit.To, r.Exit.Prompt, r.Exit.Priority
	}
	return l
}

// full is the stage of a call that a full queue did not take.
func (d *Desk) full(j *journey, w Wait) Stage {
	j.entries-- // it never joined
	if j.entries == 0 {
		j.outcome = call.OutcomeNoCapacity
	}
	return Leave{From: w.Queue, Outcome: call.OutcomeNoCapacity, Prompt: j.centre.Full, Joined: w.Joined}
}

// asking is the wait as a request to be called back keeps it.
func (l Leave) asking() AskCallback {
	return AskCallback{From: l.From, Need: l.Need, Priority: l.Priority, Joined: l.Joined}
}

// stay is the time in the queue as it counts while the call is on its way out of it.
func (l Leave) stay(at time.Time) stay {
	s := stay{ask: l.asking(), left: at, outcome: l.Outcome}
	switch l.To.Kind { // for who is gone before the request is taken
	case callqueue.ToCallback:
		s.owed = notTaken
	case callqueue.ToVoicemail:
		s.owed = noMessage
	}
	return s
}

// Run says the prompt, best effort, and leads on.
func (l Leave) Run(ctx context.Context, d *Desk, j *journey) (Stage, error) {
	j.stay = l.stay(call.Instant(time.Now()))
	if l.Prompt != "" {
		media := promptMedia(j.language(), l.Prompt)
		if err := j.call.Leg.Play(ctx, media); err != nil {
			if j.call.Leg.Context().Err() != nil {
				return nil, err
			}
			j.log.Error("exit without its prompt", zap.String("prompt", l.Prompt), zap.Error(err))
		}
	}
	switch l.To.Kind {
	case callqueue.ToQueue:
		if slices.Contains(l.Passed, call.QueueID(l.To.Name)) { // it would be sent on for ever
			j.log.Error("the exits of queues lead in a circle", zap.Any("queues", l.Passed), zap.String("back to", l.To.Name))
			break
		}
		w := waitIn(j, call.QueueID(l.To.Name), l.Need, l.Priority)
		w.Joined, w.Unserved, w.Passed = l.Joined, l.Unserved, l.Passed
		return w, nil
	case callqueue.ToCallback:
		return l.asking(), nil
	case callqueue.ToVoicemail:
		return LeaveMessage(l.asking()), nil
	case callqueue.ToFlow:
		language := j.language()
		return Flow{Flow: l.To.Name, State: ivr.State{Language: language}}, nil
	case callqueue.ToNumber:
		return HandOut{Number: l.To.Name, From: l.From, Place: Place{Arrived: l.Joined, Priority: l.Priority, Need: l.Need}}, nil
	}
	return Finish{Outcome: j.outcome, Cause: call.Cause{Reason: call.Completed, Text: "queue: " + string(l.Outcome)}, From: l.Name()}, nil
}
