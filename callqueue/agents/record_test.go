package agents

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"firstline/call"
)

func at(s int) time.Time { return time.Date(2026, 3, 2, 9, 0, s, 0, time.UTC) }

// after folds one body for each second, from 0 on.
func after(t *testing.T, bodies ...call.Body) Record {
	t.Helper()
	var r Record
	for i, b := range bodies {
		ev := call.AgentEvent(at(i), "ana", b)
		ev.Global = int64(100 + i)
		if err := r.Apply(ev); err != nil {
			t.Fatal(err)
		}
	}
	return r
}

func TestRecordCountsAnsweredCallsAndTheirTalkTime(t *testing.T) {
	r := after(t, call.AgentSet{Name: "Ana", Level: 1}, call.PresenceChanged{Presence: call.Available},
		call.ActivityChanged{Activity: call.Offering, Call: "c1", Queue: "q", Client: "acme"},
		call.ActivityChanged{Activity: call.Talking, Call: "c1", Queue: "q", Client: "acme"},
		call.ActivityChanged{Activity: call.Holding, Call: "c1", Queue: "q", Client: "acme"},
		call.ActivityChanged{Activity: call.Talking, Call: "c1", Queue: "q", Client: "acme"})
	if r.Calls != 1 || r.Talked != 0 || !r.Talking.Equal(at(3)) || r.Client != "acme" {
		t.Errorf("in the talk: %+v", r)
	}
	r = after(t, call.AgentSet{Name: "Ana", Level: 1}, call.PresenceChanged{Presence: call.Available},
		call.ActivityChanged{Activity: call.Talking, Call: "adopted"},
		call.ActivityChanged{Activity: call.Idle, Talked: time.Minute},
		call.ActivityChanged{Activity: call.Offering, Call: "c1", Queue: "q", Client: "acme"},
		call.ActivityChanged{Activity: call.Talking, Call: "c1", Queue: "q", Client: "acme"},
		call.ActivityChanged{Activity: call.WrapUp, Call: "c1", Queue: "q", Client: "acme", Until: at(60), Talked: 5 * time.Second},
		call.ActivityChanged{Activity: call.Idle})
	want := Record{
		ID: "ana", Name: "Ana", Level: 1, Presence: call.Available, Since: at(1), Activity: call.Idle, Active: at(7), Free: at(7),
		Calls: 1, Talked: 65 * time.Second, Chosen: Chosen{"q": 104},
	}
	if diff := cmp.Diff(want, r); diff != "" {
		t.Errorf("afterwards (-want +got):\n%s", diff)
	}
}

func TestRecordKeepsTheIdleTimeOverAWithdrawnOffer(t *testing.T) {
	r := after(t, call.AgentSet{Name: "Ana"}, call.PresenceChanged{Presence: call.Available},
		call.ActivityChanged{Activity: call.Offering, Call: "c1", Queue: "q"},
		call.ActivityChanged{Activity: call.Idle, Since: at(1)})
	if !r.Free.Equal(at(1)) || !r.Active.Equal(at(3)) {
		t.Errorf("%+v", r)
	}
}

func TestWhoLeavesTheRosterInATalkIsKnownUntilItsEnd(t *testing.T) {
	bodies := []call.Body{
		call.AgentSet{Name: "Ana"},
		call.PresenceChanged{Presence: call.Available},
		call.ActivityChanged{Activity: call.Offering, Call: "c1", Queue: "q"},
		call.ActivityChanged{Activity: call.Talking, Call: "c1"},
		call.AgentRemoved{By: "roster:eva"},
	}
	if r := after(t, bodies...); !r.Here() {
		t.Errorf("in the talk: %+v", r)
	}
	bodies = append(bodies, call.ActivityChanged{Activity: call.Idle, Talked: time.Second})
	if r := after(t, bodies...); r.Here() {
		t.Errorf("after it: %+v", r)
	}
	r := after(t, append(bodies, call.AgentSet{Name: "Ana", Level: 2})...)
	want := Record{ID: "ana", Name: "Ana", Level: 2, Presence: call.LoggedOut, Since: at(6), Active: at(6), Free: at(6), Chosen: Chosen{"q": 102}}
	if diff := cmp.Diff(want, r); diff != "" {
		t.Errorf("taken on again (-want +got):\n%s", diff)
	}
}

func TestRecordOfAnotherStreamIsRefused(t *testing.T) {
	var r Record
	if err := r.Apply(call.CallEvent(at(0), "c1", call.Answered{})); err == nil || r.ID != "" {
		t.Errorf("%+v, %v", r, err)
	}
	if err := r.Apply(call.AgentEvent(at(0), "ana", call.Answered{})); err == nil {
		t.Error("an event that is no agent's is taken")
	}
}
