package intake

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"go.uber.org/zap"

	"firstline/call"
	"firstline/callqueue"
	"firstline/ivr"
)

// Target is whom a caller is handed on to: exactly one of its fields is set.
type Target struct {
	Agent  call.AgentID
	Queue  call.QueueID
	Number string // outside, as policy allows
}

// String writes "agent:ben", "queue:second" or "number:+49…".
func (t Target) String() string {
	switch {
	case t.Agent != "":
		return "agent:" + string(t.Agent)
	case t.Queue != "":
		return "queue:" + string(t.Queue)
	}
	return "number:" + t.Number
}

// targetOf reads what String writes.
func targetOf(s string) (t Target, ok bool) {
	kind, name, ok := strings.Cut(s, ":")
	switch {
	case !ok:
		return t, false
	case kind == "agent":
		t.Agent = call.AgentID(name)
	case kind == "queue":
		t.Queue = call.QueueID(name)
	case kind == "number":
		t.Number = name
	default:
		return t, false
	}
	return t, true
}

// ErrNobody means that the caller cannot be handed on there: there is no such agent
// or queue, or the agent cannot take a call now.
var ErrNobody = errors.New("intake: nobody to hand the caller on to")

// Transfer hands the caller of a conversation on, who hears music until somebody
// answers: the agent's part in it is over. A call that nobody answers comes back to
// that agent. by says who asked, for the journal. ErrNotTalking, ErrNobody,
// ErrMayNotCall.
func (d *Desk) Transfer(ctx context.Context, id call.ID, to Target, by string) error {
	return d.command(ctx, id, func(ctx context.Context, k *talk) error {
		next, err := k.handOn(ctx, to)
		k.noteTransfer(to.String(), by, err)
		if err == nil {
			k.end = &parting{call.SideAgent, transferred(), next}
		}
		return err
	})
}

func transferred() call.Cause { return call.Cause{Reason: call.Completed, Text: "transferred"} }

// referred is where the caller goes whom the agent's phone hands on: to a number of
// the centre, to a colleague, or outside. nil means that nothing comes of it, and the
// conversation goes on.
func (k *talk) referred(ctx context.Context, e call.LegEvent) Stage {
	if next, ok := k.attended(ctx, e); ok {
		return next
	}
	next, to, err := k.dialled(ctx, e.Target)
	k.noteTransfer(to, "", err)
	if err != nil {
		return nil
	}
	return next
}

func (k *talk) noteTransfer(to, by string, err error) {
	asked := call.TransferAsked{Agent: k.t.Agent, To: to, By: by}
	if err != nil {
		asked.Refused = strings.TrimPrefix(err.Error(), "intake: ")
		k.j.log.Warn("transfer refused", zap.String("agent", string(k.t.Agent)), zap.Error(err))
	} else {
		k.j.log.Info("transferred", zap.String("agent", string(k.t.Agent)))
	}
	k.d.Journal.Post(call.CallEvent(time.Now(), k.j.call.ID, asked))
}

// dialled is the stage of a call that is handed on to what an agent dialled, and how
// the journal names it.
func (k *talk) dialled(ctx context.Context, to string) (Stage, string, error) {
	if k.t.Agent == "" {
		return nil, to, fmt.Errorf("%w: nobody of ours asks for it", ErrNobody)
	}
	if f := k.j.centre.Numbers[to].Flow; f != "" {
		return Flow{Flow: f, State: ivr.State{Language: k.j.language()}}, to, nil
	}
	target, err := k.d.resolve(ctx, k.j.centre, to)
	if err != nil {
		return nil, to, err
	}
	if target.Queue == "" { // a number of ours stays as it was dialled
		to = target.String()
	}
	next, err := k.handOn(ctx, target)
	return next, to, err
}

// resolve is whom an agent means who dials a number of the centre, a colleague's, or
// one outside.
func (d *Desk) resolve(ctx context.Context, c *Centre, dialled string) (Target, error) {
	if q := c.Numbers[dialled].Queue; q != "" {
		return Target{Queue: q}, nil
	}
	agent, _, err := d.Queue.Colleague(ctx, dialled)
	switch outside := keyedNumber(dialled); {
	case err == nil:
		return Target{Agent: agent}, nil
	case d.mayCall(outside):
		return Target{Number: outside}, nil
	}
	return Target{}, fmt.Errorf("%w: there is no such number, and none outside may be called so", ErrNobody)
}

// handOn is the stage of a call that is handed on.
func (k *talk) handOn(ctx context.Context, to Target) (Stage, error) {
	if err := k.d.takes(ctx, k.j.centre, to, k.t.Agent); err != nil {
		return nil, err
	}
	return k.t.onwards(k.j, to, k.pauseEnds), nil
}

// onwards is the stage of a call that was handed on from t.
func (t Talk) onwards(j *journey, to Target, paused time.Time) Stage {
	from := t.Queue
	if _, known := j.centre.Queues[from]; !known {
		from = j.centre.home(j.call.To.Number)
	}
	p, s := t.Place, &Sent{By: t.Agent, Queue: from, Need: t.Place.Need}
	p.Paused = paused
	switch {
	case to.Agent != "":
		return handed(j, from, s, p).to(to.Agent)
	case to.Queue != "":
		return handed(j, to.Queue, s, p)
	}
	return HandOut{Number: to.Number, From: from, Sent: s, Place: p}
}

// takes says what keeps a caller from being handed on there by somebody, if anything.
func (d *Desk) takes(ctx context.Context, c *Centre, to Target, by call.AgentID) error {
	switch {
	case to.Agent != "" && to.Agent == by:
		return fmt.Errorf("%w: %s has the call already", ErrNobody, by)
	case to.Agent != "":
		switch _, there, err := d.Queue.Colleague(ctx, string(to.Agent)); {
		case errors.Is(err, callqueue.ErrUnknownAgent):
			return fmt.Errorf("%w: there is no agent %s", ErrNobody, to.Agent)
		case err != nil:
			return err
		case !there:
			return fmt.Errorf("%w: %s takes no calls now", ErrNobody, to.Agent)
		}
	case to.Queue != "":
		if _, known := c.Queues[to.Queue]; !known {
			return fmt.Errorf("%w: there is no queue %s", ErrNobody, to.Queue)
		}
	case !d.mayCall(to.Number):
		return fmt.Errorf("%w: %s", ErrMayNotCall, to.Number)
	}
	return nil
}
