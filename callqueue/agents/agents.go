// Package agents says who can take calls: a person's level and skills, whether
// they meet what a call asks for, and the rules of the two axes, presence (what
// the person says) and activity (what the system sees). It holds values and
// rules only; the state itself lives in the queue's engine.
package agents

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"firstline/call"
)

// Levels of support and of a skill.
const (
	MinLevel = 1 // L1
	MaxLevel = 4 // L4, developers and vendors
	MaxSkill = 10
)

// ErrInvalid means that a person of the roster breaks a rule; the error's text
// names all of them.
var ErrInvalid = errors.New("agents: not valid")

// Agent is a person of the roster. An agent is no phone: Device is where the
// person sits just now, and empty when that is nowhere.
type Agent struct {
	ID     call.AgentID   `json:"id"`
	Name   string         `json:"name"`
	Device call.DeviceID  `json:"device,omitempty"`
	Level  int            `json:"level"`            // support level, 1 to 4; 0 counts as 1
	Skills map[string]int `json:"skills,omitempty"` // skill to level, 1 to 10
}

// Validate returns all faults of the agent, each matching ErrInvalid.
func (a Agent) Validate() error {
	var faults []error
	bad := func(format string, args ...any) {
		faults = append(faults, fmt.Errorf("%w: agent %q %s", ErrInvalid, a.ID, fmt.Sprintf(format, args...)))
	}
	if a.ID == "" {
		bad("has no id")
	}
	if a.Level < 0 || a.Level > MaxLevel {
		bad("has support level %d, which is not between %d and %d", a.Level, MinLevel, MaxLevel)
	}
	for _, s := range slices.Sorted(maps.Keys(a.Skills)) {
		if n := a.Skills[s]; s == "" || n < 1 || n > MaxSkill {
			bad("has skill %q at %d, which is not between 1 and %d", s, n, MaxSkill)
		}
	}
	return errors.Join(faults...)
}

// Profile is the key of all agents with the same level and skills. Whoever
// shares a profile meets the same requirements, so the queue decides by profile.
type Profile string

// Profile returns the agent's profile.
func (a Agent) Profile() Profile {
	return Profile(key(max(a.Level, MinLevel), a.Skills))
}

// Meets reports whether the agent has every skill and the level of need, and
// meets one of its alternatives.
func (a Agent) Meets(need call.Requirement) bool {
	if max(a.Level, MinLevel) < need.Level {
		return false
	}
	for s, least := range need.Skills {
		if a.Skills[s] < least {
			return false
		}
	}
	return len(need.Any) == 0 || slices.ContainsFunc(need.Any, a.Meets)
}

// Lacks names the first thing of need that the agent does not have ("printer ≥ 2",
// "level ≥ 3", "any of (lang-de ≥ 3 | lang-en ≥ 5)"), skills in order of name. It
// is empty when the agent meets need.
func (a Agent) Lacks(need call.Requirement) string {
	for _, part := range Parts(need) {
		if !a.Meets(part) {
			return text(part)
		}
	}
	return ""
}

// Parts splits a requirement into single things to ask, in the order in which
// Lacks names them: each skill, the level, the alternatives. Whoever meets all of
// them meets the requirement.
func Parts(need call.Requirement) []call.Requirement {
	var parts []call.Requirement
	for _, s := range slices.Sorted(maps.Keys(need.Skills)) {
		if n := need.Skills[s]; n > 0 {
			parts = append(parts, call.Requirement{Skills: map[string]int{s: n}})
		}
	}
	if need.Level > 0 {
		parts = append(parts, call.Requirement{Level: need.Level})
	}
	if len(need.Any) > 0 {
		parts = append(parts, call.Requirement{Any: need.Any})
	}
	return parts
}

// Text writes a requirement for people: "printer ≥ 2, level ≥ 2", or "nothing".
func Text(need call.Requirement) string {
	if t := text(need); t != "" {
		return t
	}
	return "nothing"
}

func text(need call.Requirement) string {
	var all []string
	for _, part := range Parts(need) {
		switch {
		case part.Level > 0:
			all = append(all, fmt.Sprintf("level ≥ %d", part.Level))
		case len(part.Any) > 0:
			alternatives := make([]string, len(part.Any))
			for i, one := range part.Any {
				alternatives[i] = Text(one)
			}
			all = append(all, "any of ("+strings.Join(alternatives, " | ")+")")
		default:
			for s, n := range part.Skills {
				all = append(all, fmt.Sprintf("%s ≥ %d", s, n))
			}
		}
	}
	return strings.Join(all, ", ")
}

// MaxAlternatives bounds the alternatives of a requirement, those within
// alternatives included.
const MaxAlternatives = 16

// ValidateNeed returns what is wrong with a requirement: a level that no agent
// can have, or too many alternatives.
func ValidateNeed(need call.Requirement) error {
	if need.Level < 0 || need.Level > MaxLevel {
		return fmt.Errorf("support level %d is not between %d and %d", need.Level, MinLevel, MaxLevel)
	}
	for _, s := range slices.Sorted(maps.Keys(need.Skills)) {
		if n := need.Skills[s]; s == "" || n < 0 || n > MaxSkill {
			return fmt.Errorf("skill %q at %d is not between 0 and %d", s, n, MaxSkill)
		}
	}
	if n := alternatives(need); n > MaxAlternatives {
		return fmt.Errorf("%d alternatives are more than %d", n, MaxAlternatives)
	}
	for _, one := range need.Any {
		if err := ValidateNeed(one); err != nil {
			return err
		}
	}
	return nil
}

func alternatives(need call.Requirement) int {
	n := len(need.Any)
	for _, one := range need.Any {
		n += alternatives(one)
	}
	return n
}

// Need is the key of a requirement: equal for requirements that ask the same in
// the same words. The order of skills and alternatives does not matter.
type Need string

// NeedOf returns the key of r. A skill asked for at 0 or less asks nothing.
func NeedOf(r call.Requirement) Need {
	k := key(r.Level, r.Skills)
	if len(r.Any) == 0 {
		return Need(k)
	}
	alternatives := make([]string, len(r.Any))
	for i, one := range r.Any {
		alternatives[i] = string(NeedOf(one))
	}
	slices.Sort(alternatives)
	return Need(k + " (" + strings.Join(slices.Compact(alternatives), "|") + ")")
}

// Merge returns what meets both a and b: of each skill and of the level the
// greater, and of the alternatives every pair. Merging twice asks nothing new.
func Merge(a, b call.Requirement) call.Requirement {
	out := call.Requirement{Level: max(a.Level, b.Level), Any: pairs(a.Any, b.Any)}
	for _, skills := range []map[string]int{a.Skills, b.Skills} {
		for s, n := range skills {
			if n <= 0 {
				continue
			}
			if out.Skills == nil {
				out.Skills = make(map[string]int)
			}
			out.Skills[s] = max(out.Skills[s], n)
		}
	}
	return out
}

// pairs is the alternatives of "one of a and one of b".
func pairs(a, b []call.Requirement) []call.Requirement {
	if len(a) == 0 || len(b) == 0 {
		return slices.Concat(a, b)
	}
	var all []call.Requirement
	known := make(map[Need]bool)
	for _, x := range a {
		for _, y := range b {
			both := Merge(x, y)
			if k := NeedOf(both); !known[k] {
				known[k] = true
				all = append(all, both)
			}
		}
	}
	return all
}

// key writes level and skills in one order. Names are quoted, so no choice of
// names can make two different sets look alike.
func key(level int, skills map[string]int) string {
	var b strings.Builder
	b.WriteByte('L')
	b.WriteString(strconv.Itoa(level))
	for _, s := range slices.Sorted(maps.Keys(skills)) {
		if skills[s] > 0 {
			b.WriteByte(' ')
			b.WriteString(strconv.Quote(s))
			b.WriteByte(':')
			b.WriteString(strconv.Itoa(skills[s]))
		}
	}
	return b.String()
}
