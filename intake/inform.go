package intake

import (
	"context"
	"errors"
	"fmt"

	"go.uber.org/zap"

	"firstline/call"
	"firstline/intake/incident"
)

// incidents are the problems that are known: incident.List.
type incidents interface {
	// For is the incident of which a queue's callers for a client are told.
	For(q call.QueueID, client string) (incident.Incident, bool)
	Incident(id call.IncidentID) (incident.Incident, error)
	All() []incident.Incident
	// Tell changes what callers hear, with what goes with it.
	Tell(ctx context.Context, id call.IncidentID, prompt string, message call.RecordingID, by string, besides ...call.Event) (incident.Incident, error)
	// Affect adds a caller, durably.
	Affect(ctx context.Context, a call.IncidentAffected, besides ...call.Event) error
}

// Prompts of a caller whose problem is known.
const (
	promptIncident         = "incident-known"
	promptIncidentAffected = "incident-affected"
	promptIncidentNoted    = "incident-noted"
)

// informed is the stage of a call that goes to a queue: told of a known incident first,
// where there is one for its callers.
func (d *Desk) informed(j *journey, w Wait) Stage {
	if d.Incidents == nil || j.back != nil {
		return w
	}
	i, known := d.Incidents.For(w.Queue, j.centre.Numbers[j.call.To.Number].Client)
	if !known {
		return w
	}
	return Inform{Incident: i.ID, Wait: w}
}

// Inform tells a caller of a known incident before they wait. Who says that they are
// affected is put on its list and needs no agent; everybody else waits, since the
// moment at which they came.
type Inform struct {
	Incident call.IncidentID `json:"incident"`
	Wait     Wait            `json:"wait"`
}

// Name is the stage's name in the journal.
func (Inform) Name() string { return "inform" }

// Run says what is known, and takes one key. An incident that ended meanwhile is no
// reason to say anything.
func (s Inform) Run(ctx context.Context, d *Desk, j *journey) (Stage, error) {
	j.entries-- // which it joins when it waits
	i, err := d.Incidents.Incident(s.Incident)
	if err != nil || !i.Open() {
		return s.waits(j), nil
	}
	if err := d.answer(ctx, j); err != nil {
		return nil, err
	}
	if err := d.status(ctx, j, i); err != nil {
		return nil, err
	}
	before := j.outcome
	j.outcome = call.OutcomeDeflected // who hangs up now knows what they called for
	got, err := j.call.Leg.Collect(ctx, call.Collect{Prompts: j.prompts(promptIncidentAffected)})
	if err != nil {
		return nil, fmt.Errorf("ask whether affected: %w", err)
	}
	if got.Digits == "1" {
		err = d.Incidents.Affect(ctx, call.IncidentAffected{Incident: s.Incident, Call: j.call.ID, Ticket: j.ticket, Number: j.call.From.Number})
	}
	switch {
	case got.Digits != "1", errors.Is(err, incident.ErrUnknown): // over at that moment: an agent shall hear of it
		j.outcome = before
		return s.waits(j), nil
	case err != nil:
		return nil, err
	}
	if err := d.say(ctx, j, promptIncidentNoted); err != nil {
		return nil, err
	}
	return Finish{Outcome: j.outcome, Cause: call.Cause{Reason: call.Completed, Text: "incident " + string(s.Incident)}, From: s.Name()}, nil
}

func (s Inform) waits(j *journey) Stage {
	j.entries++
	return s.Wait
}

// status plays what is to be said of an incident: what was recorded for it, else a
// prompt. It is heard to its end; a key pressed meanwhile counts for the question.
func (d *Desk) status(ctx context.Context, j *journey, i incident.Incident) error {
	if i.Message != "" {
		media, err := d.playable(ctx, i.Message)
		if err == nil {
			err = j.call.Leg.Play(ctx, media)
		}
		if err == nil || j.call.Leg.Context().Err() != nil {
			return err
		}
		j.log.Error("what was recorded for the incident cannot be played", zap.String("recording", string(i.Message)), zap.Error(err))
	}
	if i.Prompt != "" {
		err := j.call.Leg.Play(ctx, promptMedia(j.language(), i.Prompt))
		if err == nil || j.call.Leg.Context().Err() != nil {
			return err
		}
		j.log.Error("what is to be said of the incident cannot be played", zap.String("prompt", i.Prompt), zap.Error(err))
	}
	return d.say(ctx, j, promptIncident)
}
