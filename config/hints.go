package config

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"firstline/call"
	"firstline/callqueue"
	"firstline/callqueue/agents"
	"firstline/ivr/hours"
	"firstline/ivr/say"
	"firstline/ivr/source"
)

// crack is how long a pause between two openings must be to be one.
const crack = 15 // minutes

// holes hints at closed times that look like slips: a working day that is left
// out, a minute before midnight, a crack between two openings.
func (r *centreReader) holes(name source.Word, c *hours.Calendar, said map[time.Weekday]bool) {
	for day := time.Monday; day <= time.Friday; day++ {
		if len(c.Weekly[day]) == 0 && !said[day] && around(c, day) {
			short := strings.ToLower(day.String()[:3])
			r.centre.Hints.AddSuggesting(name.Pos, short+": []", "calendar %q has a hole: the days around %v have hours, and it has none", name.Text, day)
		}
	}
	told := make(map[[2]int]bool) // once for all days that have the same
	for day, spans := range c.Weekly {
		for i, s := range spans {
			next := 24 * 60
			if i+1 < len(spans) {
				next = spans[i+1].From
			}
			hole := [2]int{s.To, next}
			if gap := next - s.To; gap > 0 && gap < crack && !told[hole] {
				told[hole] = true
				r.centre.Hints.AddSuggesting(name.Pos, clockText(s.From)+"-"+clockText(next),
					"calendar %q has a hole: on %v, and other days perhaps, it is closed from %s to %s", name.Text, time.Weekday(day), clockText(s.To), clockText(next))
			}
		}
	}
}

// around reports whether the working days before and after have hours.
func around(c *hours.Calendar, day time.Weekday) bool {
	before, after := day-1, day+1
	if day == time.Monday {
		before = time.Tuesday
	}
	if day == time.Friday {
		after = time.Thursday
	}
	return len(c.Weekly[before]) > 0 && len(c.Weekly[after]) > 0
}

func clockText(minutes int) string { return fmt.Sprintf("%02d:%02d", minutes/60, minutes%60) }

// unstaffed hints at queues, and at what flows ask of them, that nobody of
// agents.yaml can serve. An empty file says nothing: people may be in the database.
func (r *centreReader) unstaffed() {
	if len(r.centre.Agents) == 0 {
		return
	}
	for _, q := range r.centre.Queues {
		if !r.served(q, call.Requirement{}) {
			r.centre.Hints.Add(r.queues[q.ID], "nobody of %s can serve queue %q: it asks for %s", agentsFile, q.ID, needText(q.Need))
		}
	}
	for _, f := range r.centre.Flows {
		for _, asked := range f.Queues() {
			q, ok := r.centre.Queue(call.QueueID(asked.Queue.Text))
			if ok && r.served(q, call.Requirement{}) && !r.served(q, asked.Need) {
				r.centre.Hints.Add(asked.Queue.Pos, "nobody of %s can serve these calls of queue %q: they ask for %s as well", agentsFile, q.ID, needText(asked.Need))
			}
		}
	}
}

// served reports whether somebody meets what a queue asks for, now or after a
// while, and what the call brings.
func (r *centreReader) served(q callqueue.Queue, brings call.Requirement) bool {
	needs := []call.Requirement{q.Need}
	for _, s := range q.Steps {
		if len(s.Need.Skills)+s.Need.Level+len(s.Need.Any) > 0 { // else it stays as it was
			needs = append(needs, s.Need)
		}
	}
	return slices.ContainsFunc(r.centre.Agents, func(a Agent) bool {
		who := agents.Agent{ID: a.ID, Level: a.Level, Skills: a.Skills}
		return who.Meets(brings) && slices.ContainsFunc(needs, who.Meets)
	})
}

func needText(n call.Requirement) string {
	var parts []string
	for _, skill := range slices.Sorted(maps.Keys(n.Skills)) {
		parts = append(parts, fmt.Sprintf("%s %d", skill, n.Skills[skill]))
	}
	if n.Level > 0 {
		parts = append(parts, fmt.Sprintf("level %d", n.Level))
	}
	for _, other := range n.Any {
		parts = append(parts, "or "+needText(other))
	}
	return strings.Join(parts, ", ")
}

// unspoken hints at languages that nothing is said in by its grammar: their callers
// hear numbers digit by digit, and English where there is no recording.
func (r *centreReader) unspoken() {
	known := say.Languages()
	for _, w := range r.spoken {
		if w.Text != "" && !slices.Contains(known, w.Text) {
			r.centre.Hints.AddSuggesting(w.Pos, source.Nearest(w.Text, known), "language %q has no prompts of ours: its callers hear English", w.Text)
		}
	}
}
