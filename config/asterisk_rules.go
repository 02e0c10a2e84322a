package config

import (
	"fmt"
	"strconv"
	"strings"
)

// penalties is what a queue rule has set by some age: 0 and unset are no limit.
type penalties struct{ max, min, raise *int }

// change is one field of a penaltychange: absolute, or relative to what was.
func change(was *int, text string) (*int, error) {
	if text == "" {
		return was, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		return was, fmt.Errorf("%q is no whole number", text)
	}
	if text[0] == '+' || text[0] == '-' {
		if was != nil {
			n += *was
		}
	}
	n = max(n, 0)
	return &n, nil
}

// window writes penalties as tiers: penalty 0 is tier 1.
func (p penalties) window() string {
	var parts []string
	for _, f := range []struct {
		name string
		n    *int
	}{{"min", p.min}, {"max", p.max}, {"raise", p.raise}} {
		if f.n != nil {
			parts = append(parts, fmt.Sprintf("%s: %d", f.name, tier(*f.n)))
		}
	}
	return "{" + strings.Join(parts, ", ") + "}"
}

// tier is a penalty as a tier, of which there are a hundred.
func tier(penalty int) int { return min(penalty, 99) + 1 }

// toSteps turns the rule that defaultrule names into steps.
func toSteps(im *asteriskImport, q *importedQueue, x confSetting) {
	im.used = append(im.used, strings.ToLower(x.value))
	rule := im.rules.find(x.value)
	if rule == nil {
		im.remark(q.section.name, x, None, "rule %q is not in the queuerules.conf that was given", x.value)
		return
	}
	var now penalties
	var steps []string
	last := -1
	for _, c := range sortedChanges(im, rule) {
		before := now
		var errs [3]error
		now.max, errs[0] = change(now.max, c.fields[0])
		now.min, errs[1] = change(now.min, c.fields[1])
		raise, respects := strings.CutPrefix(c.fields[2], "r")
		now.raise, errs[2] = change(now.raise, raise)
		bad := false
		for _, err := range errs {
			if err != nil {
				im.remark(rule.name, c.from, None, "%v", err)
				bad = true
			}
		}
		if bad {
			now = before
			continue
		}
		if respects {
			im.remark(rule.name, c.from, Changed, "raise lifts every lower tier, not only those within min and max")
		}
		relative := strings.HasPrefix(c.fields[0], "+") || strings.HasPrefix(c.fields[0], "-")
		if relative && before.max == nil {
			im.remark(rule.name, c.from, Changed, "relative to the QUEUE_MAX_PENALTY that the dialplan sets, which is not at hand: counted from 0")
		}
		step := fmt.Sprintf("{after: %ds, window: %s}", c.after, now.window())
		if c.after == last {
			steps[len(steps)-1] = step
		} else {
			steps = append(steps, step)
		}
		last = c.after
	}
	if len(steps) == 0 {
		return
	}
	im.remark(q.section.name, x, Changed, "Asterisk keeps the rules as they were when the caller came; here a change holds at once. What the dialplan sets QUEUE_MAX_PENALTY to before Queue() is the queue's own window")
	q.add(x, "steps", "["+strings.Join(steps, ", ")+"]", "")
}

type penaltyChange struct {
	from   confSetting
	after  int       // seconds
	fields [3]string // max, min, raise
}

// sortedChanges is a rule's changes in order of age, those of one age in order of
// the file.
func sortedChanges(im *asteriskImport, rule *confSection) []penaltyChange {
	var all []penaltyChange
	for _, x := range rule.settings {
		if !strings.EqualFold(x.key, "penaltychange") {
			im.unknown(rule.name, x, []string{"penaltychange"})
			continue
		}
		f := strings.Split(x.value, ",")
		c := penaltyChange{from: x}
		n, err := strconv.Atoi(strings.TrimSpace(f[0]))
		if err != nil || n < 0 || len(f) < 2 {
			im.remark(rule.name, x, None, "a change is seconds,max[,min[,raise]]; Asterisk passes over this one")
			continue
		}
		c.after = max(n, 1) // a step comes after the beginning
		for i := range c.fields {
			if i+1 < len(f) {
				c.fields[i] = strings.TrimSpace(f[i+1])
			}
		}
		at := len(all)
		for at > 0 && all[at-1].after > c.after {
			at--
		}
		all = append(all[:at], append([]penaltyChange{c}, all[at:]...)...)
	}
	return all
}
