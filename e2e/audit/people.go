package audit

import (
	"cmp"
	"slices"
	"time"

	"firstline/call"
	"firstline/callqueue/agents"
)

// person is an agent as the journal tells.
type person struct {
	agents.Agent
	presence  call.Presence
	activity  call.Activity
	call      call.ID
	until     time.Time // end of the wrap-up
	offer     *offer
	talk      *talk
	won       call.EntryID // whose offer was answered last
	restUntil time.Time
	restored  bool // since the last start nothing was said of the activity

	readySince time.Time // ready for an offer since, zero while not
	last       time.Time // up to which time is accounted for
	spent      map[string]time.Duration
	staffed    time.Duration

	offering time.Duration // between offers' ends, by the calls' streams
	talked   time.Duration
	talks    int
}

func (c *Checker) person(id call.AgentID) *person {
	p := c.people[id]
	if p == nil {
		p = &person{presence: call.LoggedOut, activity: call.Idle, last: c.event.At, spent: map[string]time.Duration{}}
		p.ID = id
		c.people[id] = p
	}
	return p
}

func (p *person) busy() bool { return p.activity == call.Talking || p.activity == call.Holding }

func (p *person) meets(need call.Requirement) bool { return p.Meets(need) }

// stand accounts for the time up to at in the present state, by two ways: the
// presence alone, and the state that the board would show.
func (p *person) stand(at time.Time) {
	d := at.Sub(p.last)
	if d <= 0 {
		return
	}
	p.last = at
	if p.presence != call.LoggedOut {
		p.staffed += d
		p.spent[state(p.presence, p.activity)] += d
		return
	}
	if s := state(p.presence, p.activity); s != "offline" { // a talk may end after the log-out
		p.staffed += d
		p.spent[s] += d
	}
}

// state is presence and activity in the one word of the board.
func state(p call.Presence, a call.Activity) string {
	byActivity := map[call.Activity]string{
		call.Offering: "ringing", call.Talking: "talking", call.Outbound: "talking", call.Holding: "on-hold", call.WrapUp: "wrap-up",
	}
	byPresence := map[call.Presence]string{call.OnBreak: "break", call.LoggedOut: "offline", call.Finishing: "offline"}
	free := "available"
	if a == call.PhoneGone {
		free = "unreachable"
	}
	return cmp.Or(byActivity[a], byPresence[p], free)
}

func (c *Checker) applyAgent(e call.Event) {
	p := c.person(call.AgentID(e.Stream.ID))
	if e.At.Before(p.last) && decided(e.Body) {
		c.broke(AgentTime, "agent %s: an event of %s follows one of %s", p.ID, clock(e.At), clock(p.last))
	}
	p.stand(e.At)
	switch b := e.Body.(type) {
	case call.AgentSet:
		p.Name, p.Device, p.Level, p.Skills = b.Name, b.Device, b.Level, b.Skills
	case call.PresenceChanged:
		p.presence = b.Presence
	case call.ActivityChanged:
		c.moved(p, b)
	}
	c.ready(p, e.At)
}

// moved takes a change of activity, which must be a legal one.
func (c *Checker) moved(p *person, b call.ActivityChanged) {
	if _, err := agents.NextActivity(p.activity, b.Activity); err != nil && !p.restored {
		if p.activity != b.Activity || b.Activity != call.WrapUp { // a wrap-up is extended by itself
			c.broke(AgentTime, "agent %s: %v", p.ID, err)
		}
	}
	if p.activity == call.WrapUp && b.Activity != call.WrapUp && !p.until.IsZero() {
		if late := c.overdue(p.until); late > 0 {
			c.broke(Conserving, "agent %s came out of wrap-up %v late", p.ID, late)
		}
	}
	switch b.Activity {
	case call.Offering:
		if p.busy() {
			c.broke(OneCall, "agent %s is rung while talking in %s", p.ID, p.call)
		}
	case call.Talking, call.Holding:
		if p.busy() && p.call != b.Call {
			c.broke(OneCall, "agent %s talks in %s while talking in %s", p.ID, b.Call, p.call)
		}
	}
	p.activity, p.call, p.until, p.restored = b.Activity, b.Call, b.Until, false
}

// ready keeps since when an agent could be offered a call.
func (c *Checker) ready(p *person, at time.Time) {
	switch {
	case p.presence != call.Available || p.activity != call.Idle || p.Device == "":
		p.readySince = time.Time{}
	case p.readySince.IsZero():
		p.readySince = at
	}
}

// idle is for how long, up to the event under way, p could have been offered a
// call that has waited since. The end of a rest is not in the journal, and the
// queue sees it when it next decides.
func (c *Checker) idle(p *person, since time.Time) time.Duration {
	told := later(p.readySince, since)
	if !p.restUntil.After(told) {
		return c.event.At.Sub(told)
	}
	return c.before.Sub(p.restUntil)
}

// conserving looks for a match that has stayed unmade until now.
func (c *Checker) conserving() {
	if len(c.waiting.entries) == 0 {
		return
	}
	var free []*person
	for _, p := range c.people {
		if !p.readySince.IsZero() && p.offer == nil && c.idle(p, p.readySince) > c.cfg.Slack {
			free = append(free, p)
		}
	}
	if len(free) == 0 {
		return
	}
	slices.SortFunc(free, func(a, b *person) int { return cmp.Compare(a.ID, b.ID) })
	for _, x := range c.waiting.entries {
		if x.offer != nil || x.only || c.event.At.Sub(x.since) <= c.cfg.Slack {
			continue
		}
		for _, p := range free {
			d := c.idle(p, x.since)
			since := later(later(p.readySince, p.restUntil), x.since)
			key := string(x.id) + " " + string(p.ID) + since.String() // told once, however long it lasts
			if p.meets(x.need) && d > c.cfg.Slack && !c.told[key] {
				c.told[key] = true
				c.broke(Conserving, "entry %s waits and agent %s is idle since %s, for %v", x.id, p.ID, clock(since), d)
			}
		}
	}
}

// agentTime holds an agent's states to the time staffed, and to what the calls say.
func (c *Checker) agentTime(id call.AgentID, p *person) {
	var sum time.Duration
	for _, d := range p.spent {
		sum += d
	}
	if sum != p.staffed {
		c.broke(AgentTime, "agent %s: states add up to %v, staffed for %v", id, sum, p.staffed)
	}
	if p.restored || p.offer != nil || p.talk != nil || !c.began(p) {
		return // under way, or cut by a crash
	}
	if d := p.spent["ringing"] - p.offering; d.Abs() > c.cfg.Slack {
		c.broke(AgentTime, "agent %s: ringing for %v, by the offers %v", id, p.spent["ringing"], p.offering)
	}
	// From the answer to the bridge, and from the end of the talk to the queue's knowing it.
	talking := p.spent["talking"] + p.spent["on-hold"]
	if d := talking - p.talked; !p.busy() && (d < -time.Duration(p.talks)*c.cfg.Slack || d > time.Duration(p.talks+1)*bridging) {
		c.broke(AgentTime, "agent %s: talking for %v, by the calls %v in %d talks", id, talking, p.talked, p.talks)
	}
}

// bridging is how much longer an agent may be busy with a call than the talk lasts.
const bridging = 2 * time.Second

// began reports whether all of the agent's story lies in one process's life.
func (c *Checker) began(*person) bool { return c.report.Begin.Equal(c.started) || c.started.IsZero() }
