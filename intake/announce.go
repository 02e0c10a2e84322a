package intake

import (
	"context"
	"time"

	"go.uber.org/zap"

	"firstline/call"
	"firstline/callqueue"
	"firstline/callqueue/estimate"
	"firstline/ivr/say"
)

// Announce says what the callers of a queue are told while they wait. The zero
// Announce tells them nothing.
type Announce struct {
	Position bool
	Estimate bool
	Prompts  []string      // keys, one at each announcement, in turn
	First    time.Duration // after joining; Every when 0
	Every    time.Duration // 0: no announcements
}

func (a Announce) silent() bool {
	return a.Every <= 0 || !a.Position && !a.Estimate && len(a.Prompts) == 0
}

// forecaster estimates waits from what handling and patience were of late.
type forecaster interface {
	Estimate(now time.Time, q call.QueueID, at estimate.Place) (estimate.Range, estimate.Reason, bool)
}

// teller tells one waiting caller where they stand. It never tells a worse place
// than before, nor a longer wait without a reason.
type teller struct {
	d        *Desk
	j        *journey
	entry    call.EntryID
	queue    call.QueueID
	what     Announce
	language string // of the caller
	heard    string // whose grammar says numbers: that of the recordings they hear
	told     int    // announcements so far
	position int    // told last; 0 for none
	said     estimate.Said
}

// tell plays music and announcements until ctx ends. The music's clock is common,
// so an announcement does not start it again.
func (t *teller) tell(ctx context.Context, music call.Media) error {
	next := t.what.First
	if next <= 0 {
		next = t.what.Every
	}
	timer := time.NewTimer(next)
	defer timer.Stop()
	for {
		if err := t.j.call.Leg.Hold(ctx, music); err != nil {
			return err
		}
		if t.what.silent() {
			return nil
		}
		select {
		case <-timer.C:
			if media := t.announcement(ctx); len(media) > 0 {
				if err := t.j.call.Leg.Play(ctx, media...); err != nil {
					return err
				}
			}
			timer.Reset(t.what.Every)
		case <-ctx.Done():
			return nil
		}
	}
}

// announcement is what to say now, and journals it.
func (t *teller) announcement(ctx context.Context) []call.Media {
	now := time.Now()
	at, err := t.d.Queue.Place(ctx, t.entry)
	if err != nil {
		return nil // leaving the queue just now
	}
	a := call.Announced{Entry: t.entry, Queue: t.queue}
	var keys []string
	if position := at.Ahead + 1; t.what.Position && (t.position == 0 || position <= t.position) {
		t.position, a.Position = position, position
		keys = append(keys, positionKeys(t.heard, position)...)
	}
	if t.what.Estimate && t.d.Forecast != nil {
		if r, reason, ok := t.d.Forecast.Estimate(now, t.queue, at); ok {
			t.said = t.said.Next(now, at, r)
			said := t.said.Range
			a.Low, a.High, a.Why = said.Low, said.High, string(t.said.Why)
			a.Mean, a.P50, a.P90 = said.Mean, said.P50, said.P90
			keys = append(keys, estimateKeys(t.heard, t.said.Range)...)
		} else {
			a.Silent = string(reason)
		}
	}
	if n := len(t.what.Prompts); n > 0 {
		keys = append(keys, t.what.Prompts[t.told%n])
	}
	t.told++
	if len(keys) > 0 || a.Silent != "" {
		t.d.Journal.Post(call.CallEvent(now, t.j.call.ID, a))
	}
	media := make([]call.Media, len(keys))
	for i, k := range keys {
		media[i] = promptMedia(t.language, k)
	}
	return media
}

// positionKeys are the prompts that say a place in the queue.
func positionKeys(language string, position int) []string {
	if position == 1 {
		return []string{"queue-next"}
	}
	return append([]string{"queue-position"}, say.Number(language, position)...)
}

// estimateKeys are the prompts that say a wait, as a range of whole minutes.
func estimateKeys(language string, r estimate.Range) []string {
	low, high := int(r.Low/time.Minute), int(r.High/time.Minute)
	if high <= 1 {
		return []string{"queue-soon"}
	}
	return append([]string{"queue-estimate"}, say.Wait(language, low, high)...)
}

func (d *Desk) newTeller(j *journey, q callqueue.Queue, entry call.EntryID) *teller {
	return &teller{
		d: d, j: j, entry: entry, queue: q.ID, what: j.centre.Announce[q.ID],
		language: j.language(), heard: j.centre.heard(j.language()),
	}
}

// play tells until ctx ends, and says in the log why it cannot.
func (t *teller) play(ctx context.Context, music call.Media) {
	if err := t.tell(ctx, music); err != nil && ctx.Err() == nil && t.j.call.Leg.Context().Err() == nil {
		t.j.log.Error("no music or announcements", zap.String("queue", string(t.queue)), zap.Error(err))
	}
}
