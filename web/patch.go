package web

import (
	"encoding/json"
	"fmt"
	"time"
)

// Patch is what changed on the board since the message before. A section that
// did not change is absent.
type Patch struct {
	Seq    int64            `json:"seq"`
	At     time.Time        `json:"at"`
	Totals *Totals          `json:"totals,omitempty"`
	Queues *Delta[QueueRow] `json:"queues,omitempty"`
	Agents *Delta[AgentRow] `json:"agents,omitempty"`
	Calls  *Delta[CallRow]  `json:"calls,omitempty"`
}

// Delta is the rows of a section that are new or changed, whole, and the ids of
// those that are gone.
type Delta[R any] struct {
	Set  []R      `json:"set"`
	Drop []string `json:"drop"`
}

// Ping says that the stream lives; Seq lets a reader see whether the board is
// behind, Live whether the journal can be read just now.
type Ping struct {
	Seq  int64     `json:"seq"`
	At   time.Time `json:"at"`
	Live bool      `json:"live"`
}

// shown is what the readers of one audience have: rows by id, as JSON.
type shown struct {
	totals string
	queues map[string]string
	agents map[string]string
	calls  map[string]string
}

// patch compares a view with what is shown, and says whether anything changed.
func (s *shown) patch(v BoardView) (Patch, bool, error) {
	p := Patch{Seq: v.Seq, At: v.At}
	totals, err := json.Marshal(v.Totals)
	if err != nil {
		return p, false, fmt.Errorf("totals: %w", err)
	}
	if string(totals) != s.totals {
		p.Totals, s.totals = &v.Totals, string(totals)
	}
	if p.Queues, s.queues, err = diff(s.queues, v.Queues, func(r QueueRow) string { return string(r.ID) }); err != nil {
		return p, false, err
	}
	if p.Agents, s.agents, err = diff(s.agents, v.Agents, func(r AgentRow) string { return string(r.ID) }); err != nil {
		return p, false, err
	}
	if p.Calls, s.calls, err = diff(s.calls, v.Calls, func(r CallRow) string { return string(r.ID) }); err != nil {
		return p, false, err
	}
	return p, p.Totals != nil || p.Queues != nil || p.Agents != nil || p.Calls != nil, nil
}

func diff[R any](old map[string]string, rows []R, id func(R) string) (*Delta[R], map[string]string, error) {
	d := Delta[R]{Set: []R{}, Drop: []string{}}
	now := make(map[string]string, len(rows))
	for _, r := range rows {
		text, err := json.Marshal(r)
		if err != nil {
			return nil, nil, fmt.Errorf("row: %w", err)
		}
		now[id(r)] = string(text)
		if old[id(r)] != string(text) {
			d.Set = append(d.Set, r)
		}
	}
	for k := range old {
		if _, still := now[k]; !still {
			d.Drop = append(d.Drop, k)
		}
	}
	if len(d.Set)+len(d.Drop) == 0 {
		return nil, now, nil
	}
	return &d, now, nil
}
