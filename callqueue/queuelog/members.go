package queuelog

import (
	"firstline/call"
	"firstline/callqueue/agents"
)

// Who changed a member: app_queue writes where the order came from in place of
// the call. Ours come through the API, as AMI's do.
const byManager = "MANAGER"

// autoPause is the reason that app_queue gives after missed calls.
const autoPause = "Auto-Pause"

func (l *Log) agent(id call.AgentID, b call.Body) {
	m, ok := l.members[id]
	if !ok {
		m = &Member{Agent: agents.Agent{ID: id}, Presence: call.LoggedOut}
		l.members[id] = m
	}
	switch b := b.(type) {
	case call.AgentSet:
		l.changed(m, agents.Agent{ID: id, Name: b.Name, Device: b.Device, Level: b.Level, Skills: b.Skills})
	case call.PresenceChanged:
		l.presence(m, b)
	}
}

// changed adds a person at work to the queues that new skills open, and removes
// them from those that are closed now.
func (l *Log) changed(m *Member, now agents.Agent) {
	was := *m
	m.Agent = now
	if m.Presence == call.LoggedOut {
		return
	}
	for _, q := range l.queues {
		before, after := was.Meets(l.cfg.Queues[q]), now.Meets(l.cfg.Queues[q])
		switch {
		case before && !after:
			l.write(byManager, string(q), l.written(was.Agent), "REMOVEMEMBER")
		case after && !before:
			l.add(q, m)
		}
	}
}

func (l *Log) presence(m *Member, b call.PresenceChanged) {
	was := m.Presence
	m.Presence = b.Presence
	name := l.written(m.Agent)
	switch {
	case was == call.LoggedOut && b.Presence != call.LoggedOut:
		l.each(m, func(q call.QueueID) { l.add(q, m) })
	case b.Presence == call.LoggedOut && was != call.LoggedOut:
		l.each(m, func(q call.QueueID) { l.write(byManager, string(q), name, "REMOVEMEMBER") })
	case b.Presence == call.OnBreak:
		reason := b.Reason
		if b.By == "system:missed" {
			reason = autoPause
		}
		l.write(none, none, name, "PAUSEALL", reason)
		l.each(m, func(q call.QueueID) { l.write(none, string(q), name, "PAUSE", reason) })
	case was == call.OnBreak && b.Presence == call.Available:
		l.write(none, none, name, "UNPAUSEALL", "")
		l.each(m, func(q call.QueueID) { l.write(none, string(q), name, "UNPAUSE", "") })
	}
}

func (l *Log) add(q call.QueueID, m *Member) {
	paused := ""
	if m.Presence == call.OnBreak {
		paused = "PAUSED"
	}
	l.write(byManager, string(q), l.written(m.Agent), "ADDMEMBER", paused)
}

// each visits the queues that the member is in.
func (l *Log) each(m *Member, do func(call.QueueID)) {
	for _, q := range l.queues {
		if m.Meets(l.cfg.Queues[q]) {
			do(q)
		}
	}
}

func (l *Log) name(id call.AgentID) string {
	if m, ok := l.members[id]; ok {
		return l.written(m.Agent)
	}
	return l.written(agents.Agent{ID: id})
}

func (l *Log) written(a agents.Agent) string {
	switch {
	case l.cfg.Agent != nil:
		return l.cfg.Agent(a)
	case a.Name != "":
		return a.Name
	}
	return string(a.ID)
}
