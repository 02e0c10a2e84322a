package web_test

import (
	"strings"
	"testing"
	"time"

	"firstline/call"
	"firstline/web"
)

func TestAFlowIsDrawnWithTheCallsAtEachNode(t *testing.T) {
	d := newDesk(t)
	now := time.Now()
	d.Arrive(now, "T-100001", call.Party{}).At("welcome", "main")
	d.Arrive(now, "T-100002", call.Party{}).At("welcome", "main", "account").GiveUp()

	list := decode[struct{ Flows []web.FlowRow }](t, d.ask("GET", "/api/v1/flows", "agent-token", ""))
	if len(list.Flows) != 1 || list.Flows[0].Now != 1 || list.Flows[0].Entered != 2 || list.Flows[0].Left != 1 || list.Flows[0].Numbers[0] != "1000" {
		t.Errorf("flows %+v", list.Flows)
	}
	g := decode[web.FlowGraph](t, d.ask("GET", "/api/v1/flows/support/graph", "agent-token", ""))
	seen := map[string]string{}
	for _, b := range g.Boxes {
		seen[b.Node] = b.Count.String()
	}
	if seen["main"] != "1 now, 2 today, 0 left" || seen["account"] != "0 now, 1 today, 1 left" || seen["desk"] != "0 now, 0 today, 0 left" {
		t.Errorf("counts %v", seen)
	}
	if len(g.Arrows) == 0 || g.Width == 0 || !strings.HasPrefix(g.Arrows[0].Path, "M") {
		t.Errorf("the drawing has no places: %+v", g)
	}
}

func TestAFlowIsDrawnInEachForm(t *testing.T) {
	d := newDesk(t)
	d.Arrive(time.Now(), "T-100001", call.Party{}).At("main")
	for format, want := range map[string]struct{ kind, part string }{
		"svg":     {"image/svg+xml", "1 now, 1 today, 0 left</text>"},
		"mermaid": {"text/vnd.mermaid", "flowchart TD"},
		"text":    {"text/plain; charset=utf-8", "support/main: menu menu-main [1 now, 1 today, 0 left]"},
	} {
		res := d.ask("GET", "/api/v1/flows/support/graph?format="+format, "agent-token", "")
		wantStatus(t, res, 200)
		if kind := res.Header.Get("Content-Type"); kind != want.kind {
			t.Errorf("%s comes as %s", format, kind)
		}
		if body := text(t, res); !strings.Contains(body, want.part) {
			t.Errorf("%q is not in %s", want.part, body)
		}
	}
	wantStatus(t, d.ask("GET", "/api/v1/flows/none/graph", "agent-token", ""), 404)
	wantStatus(t, d.ask("GET", "/api/v1/flows/support/graph?format=png", "agent-token", ""), 422)
}

func TestVersionsOfTheCentreAreListedNewestFirst(t *testing.T) {
	d := newDesk(t)
	list := decode[struct{ Versions []web.CentreVersion }](t, d.ask("GET", "/api/v1/centre/versions", "admin-token", ""))
	if len(list.Versions) != 2 || !list.Versions[0].Now || list.Versions[1].Hash != "4567" {
		t.Errorf("versions %+v", list.Versions)
	}
}
