package callqueue_test

import (
	"errors"
	"testing"

	"firstline/call"
	"firstline/callqueue"
)

func TestPlaceCountsThoseWhoNeedTheSameAgents(t *testing.T) {
	printer := callqueue.Queue{ID: "printer", Need: call.Requirement{Skills: map[string]int{"printer": 1}}}
	network := callqueue.Queue{ID: "network", Need: call.Requirement{Skills: map[string]int{"network": 1}}}
	d := newDesk(t, printer, network)
	d.agent("ana", 1, map[string]int{"printer": 3})
	d.agent("ben", 1, map[string]int{"printer": 1})
	d.agent("cid", 1, map[string]int{"network": 1})
	d.do(callqueue.PresenceSet{Agent: "ben", Presence: call.OnBreak, Reason: "lunch", By: "self"})
	d.join("n1", "network")
	d.join("p1", "printer")
	d.join("n2", "network")
	last := d.join("p2", "printer")
	at, err := d.e.Place(last)
	if err != nil {
		t.Fatal(err)
	}
	if at.Ahead != 1 || at.Servers != 1 || at.Idle != 0 {
		t.Errorf("%+v, want one ahead and one agent, who is busy", at)
	}
	if _, err := d.e.Place("nobody"); !errors.Is(err, callqueue.ErrUnknownEntry) {
		t.Errorf("an entry that does not wait: %v", err)
	}
}
