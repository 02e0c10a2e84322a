package lost

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"firstline/call"
	"firstline/call/calltest"
)

func nine() time.Time { return time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC) }

func newList(tries int) (*List, *calltest.Journal) {
	j := calltest.NewJournal()
	return New(Config{Journal: j.Process(), Tries: func() int { return tries }}, nil), j
}

func gone(n int, number string, left time.Time) Abandon {
	return Abandon{
		Call: call.ID(fmt.Sprintf("c%d", n)), Ticket: call.TicketID(fmt.Sprintf("T-%d", n)), From: call.Party{Number: number},
		Number: number, Queue: "service-desk", Joined: left.Add(-time.Minute), Left: left, Reason: "abandoned",
	}
}

// only is the one open item.
func only(t *testing.T, l *List) Item {
	t.Helper()
	open := l.Open()
	if len(open) != 1 {
		t.Fatalf("%d open items, want 1", len(open))
	}
	return open[0]
}

// told is the types of all events, and of ends which.
func told(j *calltest.Journal) string {
	var out []string
	for _, e := range j.Events() {
		text := e.Body.Type()
		if b, ok := e.Body.(call.LostEnded); ok {
			text += " " + string(b.End) + " by " + b.By
		}
		out = append(out, text)
	}
	return strings.Join(out, ", ")
}

func TestCallerWhoPhonesAgainKeepsTheFirstArrival(t *testing.T) {
	l, j := newList(3)
	l.Left(gone(1, "+4930123", nine()))
	l.Left(gone(2, "+4930123", nine().Add(time.Hour)))
	l.Left(gone(3, "+4930999", nine().Add(2*time.Hour)))
	open := l.Open()
	if len(open) != 2 || open[0].Count != 2 || open[0].Ticket != "T-1" || !open[0].Joined.Equal(nine().Add(-time.Minute)) {
		t.Errorf("%+v", open)
	}
	if got, want := told(j), "lost.opened, lost.again, lost.opened"; got != want {
		t.Error(got)
	}
}

func TestEndOfTheCallIsWrittenInFrontOfTheItem(t *testing.T) {
	l, j := newList(3)
	l.Left(gone(1, "", nine()), call.CallEvent(nine(), "c1", call.Arrived{}), call.CallEvent(nine(), "c1", call.Ended{Outcome: call.OutcomeAbandoned}))
	if got, want := told(j), "call.arrived, call.ended, lost.opened"; got != want {
		t.Error(got)
	}
}

func TestAnsweredRedialClosesTheItemByItself(t *testing.T) {
	l, j := newList(3)
	l.Left(gone(1, "+4930123", nine()))
	l.Answered("+4930999", "c8", nine().Add(time.Minute))
	l.Answered("", "c9", nine().Add(time.Minute))
	only(t, l)
	l.Answered("+4930123", "c2", nine().Add(time.Minute))
	if got, want := told(j), "lost.opened, lost.ended called-again-and-answered by system"; got != want || len(l.Open()) != 0 {
		t.Errorf("%s; open %+v", got, l.Open())
	}
}

func TestCallThatEndsAfterItsRedialWasAnsweredIsOnTheListAndOver(t *testing.T) {
	l, j := newList(3)
	l.Answered("+4930123", "c2", nine().Add(time.Second))
	l.Left(gone(1, "+4930123", nine()))
	if got, want := told(j), "lost.opened, lost.ended called-again-and-answered by system"; got != want {
		t.Error(got)
	}
	l.Left(gone(3, "+4930123", nine().Add(time.Minute))) // after the talk: owed a call
	only(t, l)
}

func TestCallerIsUnreachableAfterSoManyTriesInVain(t *testing.T) {
	l, j := newList(2)
	l.Left(gone(1, "+4930123", nine()))
	id := only(t, l).ID
	it, err := l.Try(t.Context(), id, Try{By: "agent:ana", Note: " engaged "})
	if err != nil || !it.Open() || it.Tries[0].Note != "engaged" {
		t.Fatalf("%+v, %v", it, err)
	}
	it, err = l.Try(t.Context(), id, Try{By: "agent:ben"})
	if err != nil || it.End != call.LostUnreachable || it.By != "agent:ben" {
		t.Fatalf("%+v, %v", it, err)
	}
	if got, want := told(j), "lost.opened, lost.tried, lost.tried, lost.ended unreachable by agent:ben"; got != want {
		t.Error(got)
	}
	if _, err := l.Try(t.Context(), id, Try{By: "agent:ana"}); !errors.Is(err, ErrUnknown) {
		t.Errorf("a try on an item that has ended: %v", err)
	}
}

func TestCallerWhoIsReachedIsCalledBack(t *testing.T) {
	l, j := newList(1)
	l.Left(gone(1, "+4930123", nine()))
	it, err := l.Try(t.Context(), only(t, l).ID, Try{By: "system:callback", Reached: true, Call: "out-1"})
	if err != nil || it.End != call.LostCalledBack || it.Answer != "out-1" {
		t.Fatalf("%+v, %v", it, err)
	}
	if got, want := told(j), "lost.opened, lost.tried, lost.ended called-back by system:callback"; got != want {
		t.Error(got)
	}
}

func TestPersonTakesACallerOffTheListWithAReason(t *testing.T) {
	l, j := newList(3)
	l.Left(gone(1, "", nine()))
	l.Left(gone(2, "", nine()))
	open := l.Open()
	if _, err := l.Decline(t.Context(), open[0].ID, "supervisor:sue", " "); !errors.Is(err, ErrInvalid) {
		t.Errorf("declined without a reason: %v", err)
	}
	if _, err := l.Resolve(t.Context(), open[0].ID, "agent:ana", strings.Repeat("ä", LongestNote+1)); !errors.Is(err, ErrInvalid) {
		t.Errorf("a note of any length: %v", err)
	}
	if _, err := l.Resolve(t.Context(), open[0].ID, "", ""); !errors.Is(err, ErrInvalid) {
		t.Errorf("by nobody: %v", err)
	}
	if _, err := l.Resolve(t.Context(), "l9", "agent:ana", ""); !errors.Is(err, ErrUnknown) {
		t.Errorf("an item that is not there: %v", err)
	}
	if it, err := l.Decline(t.Context(), open[0].ID, "supervisor:sue", "a prank"); err != nil || it.Note != "a prank" {
		t.Errorf("%+v, %v", it, err)
	}
	if it, err := l.Resolve(t.Context(), open[1].ID, "agent:ana", ""); err != nil || it.End != call.LostResolved {
		t.Errorf("%+v, %v", it, err)
	}
	if got, want := told(j), "lost.opened, lost.opened, lost.ended declined by supervisor:sue, lost.ended resolved-elsewhere by agent:ana"; got != want {
		t.Error(got)
	}
}

func TestCallerWhoDialsWithoutEndDoesNotFillTheItem(t *testing.T) {
	l, _ := newList(3)
	for i := range 500 {
		l.Left(gone(i, "+4930123", nine().Add(time.Duration(i)*time.Second)))
	}
	it := only(t, l)
	if it.Count != 500 || len(it.Calls) != mostCalls || it.Calls[0].ID != "c0" || it.Calls[mostCalls-1].ID != "c499" {
		t.Errorf("%d calls, %d kept, from %s to %s", it.Count, len(it.Calls), it.Calls[0].ID, it.Calls[len(it.Calls)-1].ID)
	}
	for i := range 500 {
		l.Answered(fmt.Sprint("+49", i), "c", nine().Add(time.Duration(i)*time.Minute))
	}
	if n := len(l.served); n > 20 {
		t.Errorf("%d talks are remembered", n)
	}
}

func TestEventThatDoesNotFitAnItemChangesNothing(t *testing.T) {
	open := call.LostEvent(nine(), "l1", call.LostOpened{Call: "c1", Ticket: "T-1"})
	end := call.LostEvent(nine(), "l1", call.LostEnded{End: call.LostResolved, By: "agent:ana"})
	for name, story := range map[string][]call.Event{
		"a try on nothing":  {call.LostEvent(nine(), "l1", call.LostTried{})},
		"a second opening":  {open, open},
		"a second end":      {open, end, end},
		"a try on its end":  {open, end, call.LostEvent(nine(), "l1", call.LostTried{})},
		"a stream of calls": {open, call.CallEvent(nine(), "c1", call.Answered{})},
		"another body":      {open, call.LostEvent(nine(), "l1", call.Answered{})},
	} {
		var it Item
		last := len(story) - 1
		for _, e := range story[:last] {
			if err := it.Apply(e); err != nil {
				t.Fatalf("%s: %v", name, err)
			}
		}
		before := it.clone()
		if err := it.Apply(story[last]); err == nil {
			t.Errorf("%s fits", name)
		}
		if d := cmp.Diff(before, it); d != "" {
			t.Errorf("%s: %s", name, d)
		}
	}
}
