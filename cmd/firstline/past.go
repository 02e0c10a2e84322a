package main

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"go.uber.org/zap"

	"firstline/call"
	"firstline/callqueue"
	"firstline/config"
	"firstline/store"
)

// webPast tells from the journal how agents stood towards calls.
type webPast struct{ s *server }

// Waited implements web.Past.
func (w webPast) Waited(ctx context.Context, r *call.Record) ([]callqueue.Hindsight, error) {
	story, err := wholeStory(ctx, w.s.store, call.Stream{Kind: call.StreamCall, ID: string(r.ID)})
	if err != nil {
		return nil, away(err)
	}
	var all []callqueue.Hindsight
	for _, e := range r.Entries {
		h, err := w.waited(ctx, e, story)
		if err != nil {
			return nil, away(err)
		}
		all = append(all, h)
	}
	return all, nil
}

func wholeStory(ctx context.Context, s *store.Store, of call.Stream) ([]call.Event, error) {
	var all []call.Event
	for seq := int64(0); ; {
		evs, err := s.Story(ctx, of, seq, 1000)
		if err != nil || len(evs) == 0 {
			return all, err
		}
		all, seq = append(all, evs...), evs[len(evs)-1].Seq
	}
}

// stay is the part of a call's story that is one entry's, and where it lies in the
// journal.
func stay(id call.EntryID, story []call.Event) []call.Event {
	first := -1
	for i, ev := range story {
		switch b := ev.Body.(type) {
		case call.QueueJoined:
			if b.Entry == id {
				first = i
			}
		case call.QueueLeft:
			if b.Entry == id && first >= 0 {
				return story[first : i+1]
			}
		}
	}
	if first < 0 {
		return nil
	}
	return story[first:]
}

// waited reads an entry's time in the journal, in pages.
func (w webPast) waited(ctx context.Context, e call.Entry, story []call.Event) (callqueue.Hindsight, error) {
	own := stay(e.ID, story)
	r := &retrace{webPast: w, Retracer: callqueue.NewRetracer(e.ID)}
	if len(own) == 0 {
		return r.Hindsight(e.Joined), nil
	}
	after, to := own[0].Global, own[len(own)-1].Global
	if e.Left.IsZero() {
		to = w.s.journal.Status().LastGlobal
	}
	before, err := w.s.store.StaffAt(ctx, after)
	if err != nil {
		return callqueue.Hindsight{}, err
	}
	if err := r.read(ctx, before...); err != nil {
		return callqueue.Hindsight{}, err
	}
	for more := true; more; {
		evs, err := w.s.store.StaffBetween(ctx, after, to, 1000)
		if err != nil {
			return callqueue.Hindsight{}, err
		}
		if more = len(evs) > 0; more {
			after = evs[len(evs)-1].Global
		} else {
			after = to
		}
		for len(own) > 0 && own[0].Global <= after {
			evs, own = append(evs, own[0]), own[1:]
		}
		slices.SortFunc(evs, func(a, b call.Event) int { return cmp.Compare(a.Global, b.Global) })
		if err := r.read(ctx, evs...); err != nil {
			return callqueue.Hindsight{}, err
		}
	}
	return r.Hindsight(time.Now()), nil
}

// retrace gives a Retracer the rules with the events.
type retrace struct {
	webPast
	*callqueue.Retracer
}

func (r *retrace) read(ctx context.Context, evs ...call.Event) error {
	for _, ev := range evs {
		if b, ok := ev.Body.(call.ConfigActivated); ok {
			c, err := r.centreOf(ctx, b.Hash)
			if err != nil {
				r.s.log.Warn("a centre of the past cannot be read", zap.String("config", b.Hash), zap.Error(err))
				r.Unruled()
				continue
			}
			r.Rules(ev.At, c.Queues, c.Rules)
		}
		if err := r.Apply(ev); err != nil {
			return err
		}
	}
	return nil
}

// centreOf is the centre that was in force under a hash.
func (w webPast) centreOf(ctx context.Context, hash string) (*config.Centre, error) {
	if now := w.s.centre.now(); now.Hash == hash {
		return now, nil
	}
	data, err := w.s.store.Centre(ctx, hash)
	if err != nil {
		return nil, err
	}
	var files map[string][]byte
	if err := json.Unmarshal(data, &files); err != nil {
		return nil, fmt.Errorf("centre %s: %w", hash, err)
	}
	return config.LoadFiles(files, nil)
}
