package intake

import (
	"time"

	"go.uber.org/zap"

	"firstline/call"
	"firstline/callqueue/callers"
)

// PlaceRule lets a caller who was cut off while waiting, and calls again, have the old
// place. What proves that it is the same caller is said in the journal.
type PlaceRule struct {
	Within time.Duration // of leaving; 0: nobody has
}

// resumes is the old place of a caller who comes to a queue again, and whether there is
// one. Who is the same caller: today, who shows the same number, where the queue takes
// that for proof; who withholds it never is. A place is had once.
func (d *Desk) resumes(j *journey, q call.QueueID, w Wait) (callers.Place, bool) {
	rule := j.centre.Places[q]
	if rule.Within <= 0 || d.Callers == nil || j.number == "" {
		return callers.Place{}, false
	}
	at, ok := d.Callers.Dropped(j.number, q, time.Now().Add(-rule.Within))
	if !ok || !d.takePlace(at.Call) {
		return callers.Place{}, false
	}
	d.Journal.Post(call.CallEvent(time.Now(), j.call.ID, call.PlaceKept{
		Entry: w.Entry, Queue: q, Joined: at.Joined, Of: at.Call, Evidence: call.EvidenceNumber,
	}))
	j.log.Info("place kept", zap.String("of", string(at.Call)), zap.Time("joined", at.Joined))
	return at, true
}

// takePlace reports whether a call's place was not taken before. What the journal's
// readers know may be a moment old: of two who come at once one has it.
func (d *Desk) takePlace(of call.ID) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.placed[of] {
		return false
	}
	d.placed[of] = true
	return true
}
