//go:build e2e

package e2e

import (
	"encoding/json"
	"strings"
	"testing"
)

// toolReport is what firstline call --json prints.
type toolReport struct {
	From     string `json:"from"`
	Answered bool   `json:"answered"`
	Ticket   string `json:"ticket"`
	Call     string `json:"call"`
	Queue    string `json:"queue"`
	Agent    string `json:"agent"`
	Outcome  string `json:"outcome"`
	WaitMs   *int64 `json:"wait_ms"`
	HoldMs   *int64 `json:"hold_ms"`
	TalkMs   *int64 `json:"talk_ms"`
	Audio    struct {
		AgentMs      int64 `json:"agent_ms"`
		ReturnToneMs int64 `json:"return_tone_ms"`
		BothWays     *bool `json:"both_ways"`
	} `json:"audio"`
}

// tool runs one of firstline's own tools beside the server.
func (s *office) tool(args ...string) *process {
	s.t.Helper()
	return start(s.t, "firstline "+args[0], program(s.dir, args...))
}

func TestThreeCommandsMakeTheFirstCallAndTheBoardShowsIt(t *testing.T) {
	s := serve(t, setting{})
	live := s.api.follow()
	live.wait(t, "snapshot", `"queues"`, "service-desk")
	s.tool("phone", "--user", "2001", "--json").says(`"registered"`)
	caller := s.tool("call", "1000", "--press", "1", "--json")

	live.wait(t, "patch", `"state":"in-flow"`)
	live.wait(t, "patch", `"state":"talking"`, "2001")
	var board struct {
		Calls []struct {
			Ticket string `json:"ticket"`
			State  string `json:"state"`
			Agent  string `json:"agent"`
		} `json:"calls"`
	}
	s.api.get("/api/v1/board", &board)
	if len(board.Calls) != 1 || board.Calls[0].Agent != "2001" || board.Calls[0].State != "talking" {
		t.Errorf("the board has %+v", board.Calls)
	}

	if code := caller.exit(); code != 0 {
		t.Fatalf("firstline call: exit code %d", code)
	}
	var r toolReport
	out := caller.out.String()
	must(t, json.Unmarshal([]byte(out[strings.Index(out, "{"):]), &r))
	if !r.Answered || !strings.HasPrefix(r.Ticket, "T-1") || r.Agent != "2001" || r.Queue != "service-desk" || r.Outcome != "answered" {
		t.Errorf("the report: %s", out)
	}
	if r.WaitMs == nil || *r.WaitMs <= 0 || r.TalkMs == nil || *r.TalkMs <= 0 || r.HoldMs == nil || *r.HoldMs != 0 {
		t.Errorf("wait, talk or hold: %s", out)
	}
	if r.Audio.BothWays == nil || !*r.Audio.BothWays {
		t.Errorf("audio did not flow both ways: %s", out)
	}
	c := s.api.awaitEnd(r.From)
	if c.ID != r.Call || c.Ticket != r.Ticket || c.Agent != "2001" || len(c.Talks) != 1 || c.Talks[0].EndedBy != "caller" {
		t.Errorf("the API has %+v", c)
	}
	if len(board.Calls) == 1 && board.Calls[0].Ticket != r.Ticket {
		t.Errorf("the board had ticket %s, the caller %s", board.Calls[0].Ticket, r.Ticket)
	}
	live.wait(t, "patch", `"state":"wrap-up"`)
}

func TestCallSaysByItsExitCodeThatNobodyCame(t *testing.T) {
	s := serve(t, setting{})
	caller := s.tool("call", "1009", "--timeout", "2s", "--json")
	if code := caller.exit(); code != 3 {
		t.Errorf("exit code %d, want 3: answered, but no agent", code)
	}
	if caller := s.tool("call", "4711", "--json"); caller.exit() != 1 {
		t.Error("a number that nobody has can be called")
	}
}
