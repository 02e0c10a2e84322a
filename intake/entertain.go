package intake

import (
	"context"
	"sync"
	"time"

	"go.uber.org/zap"

	"firstline/call"
	"firstline/callqueue"
)

// sounds is what a waiting caller hears: the recording notice if it is still
// due, then music and announcements. It plays beside the wait, so the place in the queue and the
// ringing of a phone do not have to wait for it. It also listens: a key that is
// an exit of the queue ends the wait.
type sounds struct {
	cancel context.CancelFunc
	wg     sync.WaitGroup
	notice chan struct{} // closed when the notice is over, or was not due
	heard  bool          // the notice was heard to its end; read after notice is closed
}

func (d *Desk) entertain(ctx context.Context, j *journey, q callqueue.Queue, w Wait) *sounds {
	ctx, cancel := context.WithCancel(ctx)
	s := &sounds{cancel: cancel, notice: make(chan struct{}), heard: j.noticed}
	t := d.newTeller(j, q, w.Entry)
	if w.Only != "" { // in no line: there is no place to tell, and no way out
		t.what, q.Keys = Announce{}, nil
	}
	s.wg.Go(func() {
		s.playNotice(ctx, d, j, q)
		t.play(ctx, q.Music)
	})
	s.wg.Go(func() { d.heed(ctx, j, q, w.Entry, time.Now()) })
	return s
}

// heed hands the caller's keys to the queue until ctx ends. What was keyed before
// the wait was meant for somebody else.
func (d *Desk) heed(ctx context.Context, j *journey, q callqueue.Queue, entry call.EntryID, since time.Time) {
	for {
		select {
		case e := <-j.call.Leg.Events():
			if _, exit := q.Keys[string(e.Digit)]; !exit || e.Kind != call.LegDigit || !e.At.After(since) {
				continue
			}
			if err := d.Queue.Press(ctx, entry, string(e.Digit)); err != nil && ctx.Err() == nil {
				j.log.Warn("exit key", zap.String("key", string(e.Digit)), zap.Error(err))
			}
		case <-ctx.Done():
			return
		}
	}
}

func (s *sounds) playNotice(ctx context.Context, d *Desk, j *journey, q callqueue.Queue) {
	defer close(s.notice)
	if !s.heard {
		s.heard = d.notice(ctx, j, q)
	}
}

// notice tells the caller that the call is recorded, where it will be, and reports
// whether that was heard to its end. Without it nothing is recorded.
func (d *Desk) notice(ctx context.Context, j *journey, q callqueue.Queue) bool {
	if !q.Record || j.silent || j.centre.Notice == "" {
		return false
	}
	language := j.language()
	notice := promptMedia(language, j.centre.Notice)
	if err := j.call.Leg.Play(ctx, notice); err != nil {
		return false // gone, or no such prompt
	}
	j.noticed = true
	d.Journal.Post(call.CallEvent(time.Now(), j.call.ID, call.Noticed{
		Prompt: j.centre.Notice, Version: j.centre.Versions[notice], Language: language,
	}))
	return true
}

// noticed waits for the notice to end and reports whether it was heard.
func (s *sounds) noticed() bool {
	<-s.notice
	return s.heard
}

// stop ends the sounds and returns when nothing plays on their behalf any more.
func (s *sounds) stop() {
	s.cancel()
	s.wg.Wait()
}
