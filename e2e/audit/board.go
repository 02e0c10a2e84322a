package audit

import (
	"maps"
	"slices"
	"time"

	"firstline/call"
)

// Board is what the API's board says, as far as the journal tells it too.
type Board struct {
	Seq    int64     `json:"seq"`
	At     time.Time `json:"at"`
	Totals struct {
		LostOpen int `json:"lost_open"`
	} `json:"totals"`
	Queues []struct {
		ID           call.QueueID `json:"id"`
		Waiting      int          `json:"waiting"`
		LongestSince time.Time    `json:"longest_since"`
	} `json:"queues"`
	Agents []struct {
		ID       call.AgentID  `json:"id"`
		Presence call.Presence `json:"presence"`
		State    string        `json:"state"`
		Call     call.ID       `json:"call"`
	} `json:"agents"`
	Calls []struct {
		ID     call.ID       `json:"id"`
		Ticket call.TicketID `json:"ticket"`
		State  string        `json:"state"`
		Queue  call.QueueID  `json:"queue"`
		Agent  call.AgentID  `json:"agent"`
	} `json:"calls"`
}

// Compare holds a board to the fold. The Checker must have read exactly up to
// b.Seq.
func (c *Checker) Compare(b *Board) {
	if b.Seq != c.Seq() {
		c.brokeAt(b.At, BoardIsFold, "the board is at %d, the journal was read to %d", b.Seq, c.Seq())
		return
	}
	broke := func(format string, args ...any) { c.brokeAt(b.At, BoardIsFold, format, args...) }
	seen := map[call.AgentID]bool{}
	for _, a := range b.Agents {
		seen[a.ID] = true
		p := c.people[a.ID]
		if p == nil {
			broke("agent %s is on the board, and not in the journal", a.ID)
			continue
		}
		if want := state(p.presence, p.activity); a.State != want || a.Presence != p.presence || a.Call != p.call {
			broke("agent %s is %s (%s) in %q on the board, and %s (%s) in %q", a.ID, a.State, a.Presence, a.Call, want, p.presence, p.call)
		}
	}
	for _, id := range slices.Sorted(maps.Keys(c.people)) {
		if !seen[id] {
			broke("agent %s is not on the board", id)
		}
	}
	c.compareCalls(b, broke)
	c.compareQueues(b, broke)
	c.compareLost(b, b.At)
}

func (c *Checker) compareCalls(b *Board, broke func(string, ...any)) {
	shown := map[call.ID]bool{}
	for _, row := range b.Calls {
		shown[row.ID] = true
		p := c.calls[row.ID]
		if p == nil {
			broke("call %s is on the board and not up", row.ID)
			continue
		}
		want, agent := p.standing()
		if row.State != want || row.Agent != agent || row.Ticket != p.ticket || row.Queue != p.queue {
			broke("call %s is %s of %s in %s with %q on the board, and %s of %s in %s with %q",
				row.ID, row.State, row.Ticket, row.Queue, row.Agent, want, p.ticket, p.queue, agent)
		}
	}
	for _, id := range slices.Sorted(maps.Keys(c.calls)) {
		if !shown[id] {
			broke("call %s is up and not on the board", id)
		}
	}
}

// standing is the call's state in the board's word, and with whom.
func (p *phoned) standing() (string, call.AgentID) {
	switch {
	case p.talk != nil && p.talk.held:
		return "on-hold", p.talk.agent
	case p.talk != nil:
		return "talking", p.talk.agent
	case p.entry != nil && p.entry.offer != nil:
		return "ringing", p.entry.offer.agent
	case p.entry != nil:
		return "waiting", ""
	}
	return "in-flow", ""
}

func (c *Checker) compareQueues(b *Board, broke func(string, ...any)) {
	waiting, longest := map[call.QueueID]int{}, map[call.QueueID]time.Time{}
	for _, x := range c.waiting.entries {
		if x.back {
			continue
		}
		if waiting[x.queue]++; waiting[x.queue] == 1 || x.joined.Before(longest[x.queue]) {
			longest[x.queue] = x.joined
		}
	}
	for _, q := range b.Queues {
		if q.Waiting != waiting[q.ID] || !q.LongestSince.Equal(longest[q.ID]) {
			broke("queue %s has %d waiting since %s on the board, and %d since %s", q.ID, q.Waiting, clock(q.LongestSince), waiting[q.ID], clock(longest[q.ID]))
		}
		delete(waiting, q.ID)
	}
	for id, n := range waiting {
		broke("queue %s with %d waiting is not on the board", id, n)
	}
}
