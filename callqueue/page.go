package callqueue

import (
	"context"
	"time"

	"firstline/call"
)

// Page reserves somebody who is phoned for an urgent ticket, whether they are at work
// or not, and says where they sit; empty for nowhere. It ends by TalkEnded.
// ErrUnknownAgent, ErrTalking, ErrBusy.
func (d *Dispatcher) Page(ctx context.Context, agent call.AgentID, id call.ID) (device call.DeviceID, err error) {
	err = d.ask(ctx, func(now time.Time) error {
		if err := d.apply(now, CallOut{Agent: agent, Call: id, Page: true}); err != nil {
			return err
		}
		a := d.engine.agents[agent]
		if a.presence != call.LoggedOut && d.engine.reachable(a) {
			device = a.Device
		}
		return nil
	})
	return device, err
}
