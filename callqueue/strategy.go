package callqueue

import (
	"fmt"
	"time"

	"firstline/call"
	"firstline/callqueue/agents"
)

// Strategy is how a queue chooses among the agents who qualify and are free.
// The best tier goes before any strategy but WeightedRandom.
type Strategy string

const (
	LongestIdle       Strategy = "longest-idle"
	RoundRobin        Strategy = "round-robin"              // the next after whom the queue chose last, in order of id
	FewestCalls       Strategy = "fewest-calls"             // since the agent is known, over all queues
	LeastTalkTime     Strategy = "least-talk-time"          // likewise
	Linear            Strategy = "linear"                   // always from the first on, in order of id
	Random            Strategy = "random"                   // of the engine's seed
	WeightedRandom    Strategy = "weighted-random"          // an agent of tier n has 1/n of the chance of one of tier 1
	RingAll           Strategy = "ring-all"                 // all at once, who answers first has the call
	RingProgressively Strategy = "ring-progressively"       // one after the other, without giving up those that ring
	BestSkillFirst    Strategy = "best-skill-first"         // highest in the skills that are asked for
	MinimumSkill      Strategy = "minimum-sufficient-skill" // keeps those who can do more for those who need more
)

// Strategies returns all strategies, the default first.
func Strategies() []Strategy {
	return []Strategy{
		LongestIdle, RoundRobin, FewestCalls, LeastTalkTime, Linear, Random, WeightedRandom,
		RingAll, RingProgressively, BestSkillFirst, MinimumSkill,
	}
}

// rings reports whether several phones may ring for one caller.
func (s Strategy) rings() bool { return s == RingAll || s == RingProgressively }

// Draws reports whether the choice is by lot.
func (s Strategy) Draws() bool { return s == Random || s == WeightedRandom }

// order is the order in which a bench has to keep its ready agents.
func (s Strategy) order() order {
	switch s {
	case RoundRobin, Linear, Random, WeightedRandom:
		return byID
	case FewestCalls:
		return byCalls
	case LeastTalkTime:
		return byTalk
	}
	return byIdle
}

// score says how fit the agents of a profile are for a requirement under a
// strategy; lower goes first, and the longest idle among equals.
func (s Strategy) score(who agents.Agent, need call.Requirement) int {
	asked, all := 0, 0
	for skill, n := range who.Skills {
		all += n
		if asks(need, skill) {
			asked += n
		}
	}
	switch s {
	case BestSkillFirst:
		return -asked
	case MinimumSkill: // a level weighs more than all skills that a person can have
		return max(who.Level, agents.MinLevel)*1_000_000 + all
	}
	return 0
}

func asks(need call.Requirement, skill string) bool {
	if need.Skills[skill] > 0 {
		return true
	}
	for _, one := range need.Any {
		if asks(one, skill) {
			return true
		}
	}
	return false
}

// choice is who could be offered a call.
type choice struct {
	agent *agent
	tier  int
	of    int // how many could have been chosen
	why   reasonWhy
}

type reasonWhy int

const (
	byStrategy reasonWhy = iota
	byPreference
)

// choose is the one place that says which agent an entry of a line gets; its
// agent is nil when nobody may be chosen.
func (e *Engine) choose(now time.Time, l *line, x *entry) choice {
	if l.client != nil && l.client.used >= e.mostFor(l.client) {
		return choice{}
	}
	if l.only != nil {
		if a := l.only; a.ready() && !l.kept(a.bench) && !x.hurried(now) {
			return choice{agent: a, tier: 1, of: 1, why: byPreference}
		}
		return choice{}
	}
	tier, of := l.best()
	if of == 0 {
		return choice{}
	}
	if a := e.agents[x.prefer]; x.prefer != "" && a != nil && a.ready() && l.has(a.bench, tier) {
		return choice{a, tier, of, byPreference}
	}
	return choice{e.pick(l, tier, of), tier, of, byStrategy}
}

// best is the best tier that has a ready agent, and how many ready agents of
// that tier there are. Where tiers only weigh, it is all of them.
func (l *line) best() (tier, of int) {
	for i := range l.links {
		k := &l.links[i]
		n := k.bench.ready.len()
		if n == 0 || l.kept(k.bench) {
			continue
		}
		switch {
		case of == 0 || k.tier < tier && l.queue.Strategy != WeightedRandom:
			tier, of = k.tier, n
		case k.tier == tier || l.queue.Strategy == WeightedRandom:
			of += n
		}
	}
	return tier, of
}

// open reports whether a link's agents may be chosen at a tier.
func (l *line) open(k *link, tier int) bool {
	return k.bench.ready.len() > 0 && (k.tier == tier || l.queue.Strategy == WeightedRandom) && !l.kept(k.bench)
}

func (l *line) has(b *bench, tier int) bool {
	for i := range l.links {
		if k := &l.links[i]; k.bench == b {
			return l.open(k, tier)
		}
	}
	return false
}

// pick applies the queue's strategy to the of agents who may be chosen.
func (e *Engine) pick(l *line, tier, of int) *agent {
	switch s := l.queue.Strategy; s {
	case Random:
		return l.nth(tier, e.draw(of), func(*link) int { return 1 })
	case WeightedRandom:
		total := 0
		for i := range l.links {
			if k := &l.links[i]; l.open(k, tier) {
				total += k.bench.ready.len() * weight(k)
			}
		}
		return l.nth(tier, e.draw(total), weight)
	case RoundRobin:
		if a := l.firstAfter(tier, l.queue.last); a != nil {
			return a
		}
		return l.firstAfter(tier, "")
	case Linear:
		return l.firstAfter(tier, "")
	default:
		return l.first(tier, s.order())
	}
}

// weightOne is the weight of tier 1: divisible by many, so that 1/n stays whole.
const weightOne = 720_720

func weight(k *link) int { return weightOne / k.tier }

// nth is who stands at a number when each agent takes up as many numbers as
// weighs says.
func (l *line) nth(tier, n int, weighs func(*link) int) *agent {
	for i := range l.links {
		k := &l.links[i]
		if !l.open(k, tier) {
			continue
		}
		w := weighs(k)
		if here := k.bench.ready.len() * w; n >= here {
			n -= here
			continue
		}
		return k.bench.ready.ids[n/w]
	}
	return nil
}

// firstAfter is the first in order of id who comes after one.
func (l *line) firstAfter(tier int, last call.AgentID) *agent {
	var first *agent
	for i := range l.links {
		k := &l.links[i]
		if !l.open(k, tier) {
			continue
		}
		if a := k.bench.ready.after(last); a != nil && (first == nil || a.ID < first.ID) {
			first = a
		}
	}
	return first
}

// first is the first by score, then in one of the orders.
func (l *line) first(tier int, o order) *agent {
	var first *agent
	score := 0
	for i := range l.links {
		k := &l.links[i]
		if !l.open(k, tier) {
			continue
		}
		a := k.bench.ready.head(o)
		if first == nil || k.score < score || k.score == score && o.before(a, first) {
			first, score = a, k.score
		}
	}
	return first
}

// draw returns a number from 0 to n-1. It depends on the engine's seed and on
// how many were drawn before (SplitMix64).
func (e *Engine) draw(n int) int {
	e.drawn++
	z := e.seed + e.drawn*0x9e3779b97f4a7c15
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return int((z ^ z>>31) % uint64(n))
}

// because says in words why an agent was chosen.
func (e *Engine) because(now time.Time, l *line, c choice) string {
	idle := "idle " + clock(now.Sub(c.agent.free))
	switch {
	case c.why == byPreference:
		return idle + ", asked for"
	case l.queue.Strategy == RingAll:
		return fmt.Sprintf("%s, one of all %d free", idle, c.of)
	case c.of == 1:
		return idle + ", only one free"
	}
	how := ""
	switch l.queue.Strategy {
	case LongestIdle, RingProgressively:
		return fmt.Sprintf("%s, longest of %d", idle, c.of)
	case RoundRobin:
		how = "the next in turn"
	case FewestCalls:
		how = fmt.Sprintf("fewest calls (%d)", c.agent.calls)
	case LeastTalkTime:
		how = "least talk time (" + clock(c.agent.talked) + ")"
	case Linear:
		how = "first in order"
	case Random, WeightedRandom:
		how = "drawn"
	case BestSkillFirst:
		how = "best skilled"
	case MinimumSkill:
		how = "least that suffices"
	}
	return fmt.Sprintf("%s, %s of %d", idle, how, c.of)
}
