package web_test

import (
	"encoding/json"
	"strconv"
	"strings"
	"testing"
	"time"

	"firstline/call"
	"firstline/web"
)

func snapshotOf(t *testing.T, m message) web.BoardView {
	t.Helper()
	var v web.BoardView
	if err := json.Unmarshal([]byte(m.data), &v); err != nil {
		t.Fatalf("snapshot: %v", err)
	}
	return v
}

func TestStreamBeginsWithASnapshotAndGoesOnWithPatches(t *testing.T) {
	d := newDesk(t)
	d.Hire(clock(), "ana", "Ana", call.Available, call.Idle)
	next := messages(t, d.ask("GET", "/api/v1/live", "agent-token", ""))
	first := until(t, next, func(m message) bool { return true })
	if first.event != "snapshot" {
		t.Fatalf("first message is %s, want snapshot", first.event)
	}
	d.Arrive(clock(), "T-100001", call.Party{Number: "+4930123456", Name: "Kim"}).Join("service-desk")
	m := until(t, next, func(m message) bool { return m.event == "patch" && strings.Contains(m.data, `"waiting":1`) })
	var p web.Patch
	if err := json.Unmarshal([]byte(m.data), &p); err != nil {
		t.Fatal(err)
	}
	if p.Totals == nil || p.Totals.Waiting != 1 || p.Calls == nil || p.Calls.Set[0].Number != "…456" || p.Queues.Set[0].LongestSince == nil {
		t.Errorf("patch %s", m.data)
	}
	if m.id != strconv.FormatInt(p.Seq, 10) || p.Seq == 0 {
		t.Errorf("id %q, want the journal's sequence %d", m.id, p.Seq)
	}
}

func TestStreamResumesWithASnapshotNoOlderThanTheLastMessageSeen(t *testing.T) {
	d := newDesk(t)
	first := d.ask("GET", "/api/v1/live", "agent-token", "")
	next := messages(t, first)
	c := d.Arrive(clock(), "T-100001", call.Party{}).Join("service-desk")
	seen := until(t, next, func(m message) bool { return strings.Contains(m.data, string(c.ID)) })
	first.Body.Close()
	c.After(7*time.Second).Abandon("service-desk", clock()) // while nobody looks
	next = messages(t, d.ask("GET", "/api/v1/live", "agent-token", "", "Last-Event-ID: "+seen.id))
	m := until(t, next, func(m message) bool { return true })
	last, err := strconv.ParseInt(seen.id, 10, 64)
	if err != nil || m.event != "snapshot" || snapshotOf(t, m).Seq < last {
		t.Errorf("resumed with %s %s after %s", m.event, m.id, seen.id)
	}
	gone := func(m message) bool {
		return m.event == "snapshot" && len(snapshotOf(t, m).Calls) == 0 || strings.Contains(m.data, `"drop":["`+string(c.ID))
	}
	if !gone(m) {
		until(t, next, gone)
	}
}

func TestBoardOnAWallNamesNobody(t *testing.T) {
	d := newDesk(t)
	d.Arrive(clock(), "T-100001", call.Party{Number: "+4930123456", Name: "Kim Example"}).Join("service-desk")
	for role, names := range map[string]bool{"kiosk": false, "agent": true} {
		next := messages(t, d.ask("GET", "/api/v1/live", role+"-token", ""))
		m := until(t, next, func(m message) bool { return strings.Contains(m.data, "T-100001") })
		if strings.Contains(m.data, "Kim Example") != names {
			t.Errorf("%s sees the caller's name: %v, want %v", role, !names, names)
		}
		if strings.Contains(m.data, "4930123456") {
			t.Errorf("%s sees the whole number: %s", role, m.data)
		}
	}
}
