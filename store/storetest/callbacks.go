package storetest

import (
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"firstline/call"
	"firstline/store"
)

// callbacksAreFound asks for two callbacks and ends one, with a restart between.
func callbacksAreFound(t *testing.T, engine Engine) {
	p := engine(t)
	s, stop := Start(t, p.Config)
	now := call.Instant(time.Now())
	var want [2]call.Callback
	for i := range want {
		ev := call.CallbackEvent(now, call.NewCallbackID(now.Add(time.Duration(i)*time.Millisecond)), call.CallbackAsked{
			Call: "c", Ticket: "T-1", Customer: call.Party{Number: "+49301"}, Line: call.Party{Number: "1000"},
			Queue: []call.QueueID{"a", "b"}[i], Joined: now, First: call.AgentFirst, Expires: now.Add(time.Hour), By: "caller",
		})
		Append(t, s.Journal(), ev)
		apply(t, &want[i], ev)
	}
	more := func(i int, b call.Body) {
		t.Helper()
		ev := call.CallbackEvent(now.Add(time.Minute), want[i].ID, b)
		Append(t, s.Journal(), ev)
		apply(t, &want[i], ev)
	}
	more(0, call.CallbackTried{Attempt: 1, Call: "x"})
	stop()
	s, _ = Start(t, p.Config)
	more(0, call.CallbackMissed{Attempt: 1, Counts: true, Cause: call.Cause{Reason: call.Busy}, Again: now.Add(time.Hour)})
	more(1, call.CallbackClosed{End: call.CallbackRedialled, Call: "y"})
	for i := range want {
		got, err := s.Callback(t.Context(), want[i].ID)
		if d := cmp.Diff(want[i], got); err != nil || d != "" {
			t.Errorf("callback %d: %v %s", i, err, d)
		}
	}
	open, err := s.OpenCallbacks(t.Context())
	if d := cmp.Diff(want[:1], open); err != nil || d != "" {
		t.Errorf("open: %v %s", err, d)
	}
	ended, err := s.Callbacks(t.Context(), store.CallbackFilter{Open: new(false), Queue: "b", Ticket: "T-1"})
	if d := cmp.Diff(want[1:], ended.Items); err != nil || d != "" {
		t.Errorf("ended: %v %s", err, d)
	}
	if _, err := s.Callback(t.Context(), "none"); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("unknown: %v", err)
	}
}

func apply(t *testing.T, c *call.Callback, ev call.Event) {
	t.Helper()
	if err := c.Apply(ev); err != nil {
		t.Fatal(err)
	}
}
