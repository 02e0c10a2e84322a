package traffic_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"firstline/call"
	"firstline/ivr"
	"firstline/ivr/traffic"
)

// line writes the events of calls as the journey does.
type line struct {
	t    *testing.T
	book *traffic.Book
}

func (l line) at(id call.ID, at time.Time, flow, node string) {
	l.t.Helper()
	input, err := json.Marshal(map[string]any{"flow": "support", "state": ivr.State{Flow: flow, Node: node, Language: "en"}})
	if err != nil {
		l.t.Fatal(err)
	}
	l.book.Apply(call.CallEvent(at, id, call.StageEntered{Stage: "flow", Input: input}))
}

func (l line) end(id call.ID, at time.Time, stage string, why call.Reason) {
	l.book.Apply(call.CallEvent(at, id, call.StageEntered{Stage: "finish"}))
	l.book.Apply(call.CallEvent(at, id, call.Ended{Stage: stage, Cause: call.Cause{Reason: why}}))
}

func (l line) want(now time.Time, want map[ivr.Place]ivr.Count) {
	l.t.Helper()
	if diff := cmp.Diff(want, l.book.Counts(now)); diff != "" {
		l.t.Errorf("counts (-want +got):\n%s", diff)
	}
}

func newLine(t *testing.T, zone string) line {
	t.Helper()
	loc, err := time.LoadLocation(zone)
	if err != nil {
		t.Fatal(err)
	}
	return line{t, traffic.New(func() *time.Location { return loc })}
}

func place(node string) ivr.Place { return ivr.Place{Flow: "support", Node: node} }

func TestACallIsCountedAtEachNodeAndOnceNow(t *testing.T) {
	l, now := newLine(t, "UTC"), time.Date(2026, 3, 2, 10, 0, 0, 0, time.UTC)
	l.book.Apply(call.CallEvent(now, "a", call.Arrived{}))
	l.at("a", now, "", "") // the stage begins, and no node yet
	l.at("a", now, "support", "welcome")
	l.at("a", now, "support", "main")
	l.at("a", now, "support", "main") // again
	l.want(now, map[ivr.Place]ivr.Count{place("welcome"): {Entered: 1}, place("main"): {Now: 1, Entered: 2}})
	l.book.Apply(call.CallEvent(now, "a", call.StageEntered{Stage: "wait"}))
	l.want(now, map[ivr.Place]ivr.Count{place("welcome"): {Entered: 1}, place("main"): {Entered: 2}})
	l.end("a", now, "wait", call.Hangup) // in the queue, which is no drop-off of the flow
	l.want(now, map[ivr.Place]ivr.Count{place("welcome"): {Entered: 1}, place("main"): {Entered: 2}})
}

func TestWhoHangsUpInANodeHasLeftThere(t *testing.T) {
	l, now := newLine(t, "UTC"), time.Date(2026, 3, 2, 10, 0, 0, 0, time.UTC)
	for id, why := range map[call.ID]call.Reason{"a": call.Hangup, "b": call.MediaLost, "c": call.Completed, "d": call.Failed} {
		l.at(id, now, "support", "main")
		l.end(id, now, "flow", why)
	}
	l.want(now, map[ivr.Place]ivr.Count{place("main"): {Entered: 4, Left: 2}})
}

func TestCallsOfASubFlowAreCountedThere(t *testing.T) {
	l, now := newLine(t, "UTC"), time.Date(2026, 3, 2, 10, 0, 0, 0, time.UTC)
	l.at("a", now, "identify", "who")
	l.want(now, map[ivr.Place]ivr.Count{{Flow: "identify", Node: "who"}: {Now: 1, Entered: 1}})
}

func TestTestCallsAreInNoCount(t *testing.T) {
	l, now := newLine(t, "UTC"), time.Date(2026, 3, 2, 10, 0, 0, 0, time.UTC)
	l.book.Apply(call.CallEvent(now, "a", call.Arrived{Test: true}))
	l.at("a", now, "support", "main")
	l.want(now, map[ivr.Place]ivr.Count{})
}

func TestTheDayBeginsAtTheDesksMidnight(t *testing.T) {
	l := newLine(t, "Europe/Berlin")
	evening := time.Date(2026, 3, 2, 22, 59, 0, 0, time.UTC) // 23:59 in Berlin
	l.at("a", evening, "support", "welcome")
	l.at("b", evening, "support", "welcome")
	l.end("b", evening, "flow", call.Hangup)
	night := evening.Add(2 * time.Minute)
	l.want(night, map[ivr.Place]ivr.Count{place("welcome"): {Now: 1}}) // it is still there, and came yesterday
	l.at("a", night, "support", "main")
	l.at("c", evening, "support", "welcome") // written late
	l.want(night, map[ivr.Place]ivr.Count{place("welcome"): {Now: 1}, place("main"): {Now: 1, Entered: 1}})
}

func TestACallFromBeforeTheReaderBeganCountsFromItsNextNode(t *testing.T) {
	l, now := newLine(t, "UTC"), time.Date(2026, 3, 2, 10, 0, 0, 0, time.UTC)
	l.book.Apply(call.CallEvent(now, "a", call.Ended{Stage: "flow", Cause: call.Cause{Reason: call.Hangup}}))
	l.book.Apply(call.CallEvent(now, "b", call.StageEntered{Stage: "flow", Input: []byte(`{"state":`)})) // of a version that we do not know
	l.want(now, map[ivr.Place]ivr.Count{})
}
