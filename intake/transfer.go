package intake

import (
	"time"

	"go.uber.org/zap"

	"firstline/call"
	"firstline/ivr"
)

// transfer is where the caller goes whom an agent hands on: to a number of the
// centre. nil means that nothing comes of it, and the conversation goes on.
func (k *talk) transfer(e call.LegEvent) Stage {
	next, refused := k.d.onwards(k.j, e.Target)
	k.d.Journal.Post(call.CallEvent(time.Now(), k.j.call.ID, call.TransferAsked{Agent: k.t.Agent, To: e.Target, Refused: refused}))
	if refused != "" {
		k.j.log.Warn("transfer refused", zap.String("agent", string(k.t.Agent)), zap.String("why", refused))
		return nil
	}
	k.j.log.Info("transferred", zap.String("agent", string(k.t.Agent)), zap.String("to", e.Target))
	return next
}

// onwards is the stage of a call that is handed on to a number, or why it cannot be.
func (d *Desk) onwards(j *journey, to string) (next Stage, refused string) {
	number, known := j.centre.Numbers[to]
	switch {
	case !known:
		return nil, "there is no such number"
	case number.Queue != "":
		return waitIn(j, number.Queue, call.Requirement{}, 0), ""
	case number.Flow != "":
		return Flow{Flow: number.Flow, State: ivr.State{Language: j.language()}}, ""
	}
	return nil, "the number leads nowhere"
}
