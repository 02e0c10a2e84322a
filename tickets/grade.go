package tickets

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"

	"firstline/call"
)

// The words of a classification (call.Classification).
const (
	SecurityBreach   = "security-breach" // overrides the severity that the share of users gives
	TechnicalFailure = "technical-failure"
	Software         = "software"
	NotTechnical     = "not-technical" // has no priority, and is counted apart
)

// Kinds are what a problem may be.
func Kinds() []string { return []string{SecurityBreach, TechnicalFailure, Software, NotTechnical} }

// Consequences are what a problem may cost the customer's business.
func Consequences() []string { return []string{"operational", "financial", "reputational"} }

// Severities are how bad a problem is, the least first.
func Severities() []string { return []string{"low", "medium", "high", "critical"} }

// Urgencies are how soon it has to be solved, the least first.
func Urgencies() []string { return []string{"low", "medium", "high"} }

// LowestPriority is the number of the last priority; 1 is the first.
const LowestPriority = 5

// Rules are how a desk grades problems, as data.
type Rules struct {
	// Bands are from which share of its users on a problem is medium, high and
	// critical, in percent, rising.
	Bands [3]int `json:"bands"`
	// Matrix is the priority, by severity and urgency.
	Matrix     map[string]map[string]int `json:"matrix"`
	Services   map[string]string         `json:"services"`   // id to name; none: any word is taken
	Categories map[string]string         `json:"categories"` // the same
}

// DefaultRules are those of a desk that says nothing.
func DefaultRules() Rules {
	return Rules{
		Bands: [3]int{15, 50, 90},
		Matrix: map[string]map[string]int{
			"critical": {"high": 1, "medium": 1, "low": 2},
			"high":     {"high": 1, "medium": 2, "low": 3},
			"medium":   {"high": 2, "medium": 3, "low": 4},
			"low":      {"high": 3, "medium": 4, "low": 5},
		},
	}
}

// Hash names these bands and this matrix: a priority says by which it was made.
func (r Rules) Hash() string {
	b, err := json.Marshal(r) // maps are written in order of their keys
	if err != nil {
		return ""
	}
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:6])
}

// Validate returns all faults of the rules, joined.
func (r Rules) Validate() error {
	var faults []error
	last := 0
	for i, b := range r.Bands {
		if b <= last || b > 100 {
			faults = append(faults, fmt.Errorf("band %d, %s from %d %%: bands rise and end at 100 %%", i+1, Severities()[i+1], b))
		}
		last = b
	}
	for _, s := range Severities() {
		for _, u := range Urgencies() {
			if p := r.Matrix[s][u]; p < 1 || p > LowestPriority {
				faults = append(faults, fmt.Errorf("the matrix has no priority of 1 to %d for severity %s and urgency %s", LowestPriority, s, u))
			}
		}
	}
	return errors.Join(faults...)
}

// Rate fills in what follows from the rest: the severity from the share of users
// and the kind, the priority from severity and urgency. A priority with a reason of
// its own (Override) stays as it is. An error matches ErrInvalid and names every fault.
func (r Rules) Rate(c call.Classification) (call.Classification, error) {
	if err := r.check(c); err != nil {
		return c, err
	}
	c.Rules = r.Hash()
	switch {
	case c.Kind == SecurityBreach:
		c.Severity = "critical"
	case c.Users > 0 && c.Affected > 0:
		c.Severity = r.severity(c.Affected, c.Users)
	}
	switch {
	case c.Kind == NotTechnical:
		c.Severity, c.Priority, c.Override = "", 0, ""
	case c.Override != "":
	default:
		c.Priority = r.Matrix[c.Severity][c.Urgency] // 0 until both are said
	}
	return c, nil
}

// severity is that of so many users out of all.
func (r Rules) severity(affected, users int) string {
	n := 0
	for _, from := range r.Bands {
		if affected*100 >= from*users {
			n++
		}
	}
	return Severities()[n]
}

func (r Rules) check(c call.Classification) error {
	var faults []error
	word := func(what, got string, of []string) {
		if got != "" && len(of) > 0 && !slices.Contains(of, got) {
			faults = append(faults, fmt.Errorf("%w: %q is no %s; there are %v", ErrInvalid, got, what, of))
		}
	}
	word("kind of problem", c.Kind, Kinds())
	word("consequence", c.Consequence, Consequences())
	word("severity", c.Severity, Severities())
	word("urgency", c.Urgency, Urgencies())
	word("service", c.Service, slices.Sorted(maps.Keys(r.Services)))
	word("category", c.Category, slices.Sorted(maps.Keys(r.Categories)))
	if c.Affected < 0 || c.Users < 0 || c.Users > 0 && c.Affected > c.Users {
		faults = append(faults, fmt.Errorf("%w: %d of %d users cannot be affected", ErrInvalid, c.Affected, c.Users))
	}
	if c.Priority < 0 || c.Priority > LowestPriority {
		faults = append(faults, fmt.Errorf("%w: priorities are 1 to %d, not %d", ErrInvalid, LowestPriority, c.Priority))
	}
	if c.Override != "" && c.Priority == 0 {
		faults = append(faults, fmt.Errorf("%w: there is a reason for a priority of its own, and no priority", ErrInvalid))
	}
	return errors.Join(faults...)
}
