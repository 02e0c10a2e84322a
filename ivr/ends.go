package ivr

import (
	"context"

	"firstline/call"
	"firstline/ivr/source"
)

// queueNode ends the flow by sending the call to a queue.
type queueNode struct {
	quiet
	queue    source.Word
	need     []source.Word // skills asked for, for the check
	priority int           // 0: the queue's own
	ask      call.Requirement
}

func readQueue(_ *reader, m *source.Map) step {
	n := &queueNode{
		queue:    m.Must("queue").Word(""),
		priority: m.May("priority").Int(0, 0, 100),
	}
	need := m.May("need").Map()
	n.ask, n.need = ReadNeed(need)
	need.End()
	return n
}

// ReadNeed reads what a call or queue asks of an agent, {skills: {name: least
// level}, level: least support level, any: [the same, of which one is enough]}, and
// the skills' names with their places. It leaves it to the caller to End the map.
func ReadNeed(m *source.Map) (call.Requirement, []source.Word) {
	need := call.Requirement{Level: m.May("level").Int(0, 1, 4)}
	skills, names := ReadSkills(m.May("skills").Map())
	need.Skills = skills
	alternatives := m.May("any")
	for _, item := range alternatives.List() {
		alternative := item.Map()
		one, more := ReadNeed(alternative)
		alternative.End()
		need.Any = append(need.Any, one)
		names = append(names, more...)
	}
	if alternatives.Set() && len(need.Any) == 0 {
		alternatives.Fault("any of nothing is met by nobody: name what may be met, or leave it out")
	}
	return need, names
}

// ReadSkills reads a mapping of skills to levels from 1 to 10.
func ReadSkills(m *source.Map) (map[string]int, []source.Word) {
	var names []source.Word
	var skills map[string]int
	for _, e := range m.Entries() {
		if skills == nil {
			skills = make(map[string]int)
		}
		skills[e.Key.Text] = e.Value.Int(1, 1, 10)
		names = append(names, e.Key)
	}
	return skills, names
}

func (n *queueNode) exits() []exit { return nil }

func (n *queueNode) check(c *checker) {
	c.refer(n.queue, "queue", c.known.Queues)
	for _, s := range n.need {
		c.refer(s, "skill", c.known.Skills)
	}
}

func (n *queueNode) run(context.Context, *walk) (string, Result, error) {
	return "", Queue{Queue: call.QueueID(n.queue.Text), Need: n.ask, Priority: n.priority}, nil
}

// voicemailNode ends the flow by taking a message, which goes to a queue.
type voicemailNode struct{ *queueNode }

func readVoicemail(r *reader, m *source.Map) step {
	return voicemailNode{readQueue(r, m).(*queueNode)}
}

func (n voicemailNode) run(ctx context.Context, w *walk) (string, Result, error) {
	_, to, err := n.queueNode.run(ctx, w)
	return "", Voicemail(to.(Queue)), err
}

// hangupNode ends the call.
type hangupNode struct {
	quiet
	unchecked
	reason call.Reason
	routed bool
}

func readHangup(_ *reader, m *source.Map) step {
	// The reasons that an operator may mean; the others are the switch's to say.
	r := m.May("reason").OneOf(string(call.Completed), string(call.Completed), string(call.Closed), string(call.Blocked), string(call.Busy))
	return &hangupNode{reason: call.Reason(r), routed: m.May("routed-out").Bool(false)}
}

func (n *hangupNode) exits() []exit { return nil }

func (n *hangupNode) run(context.Context, *walk) (string, Result, error) {
	return "", Hangup{Reason: n.reason, Routed: n.routed}, nil
}
