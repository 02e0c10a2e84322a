package config

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// queueOption is what becomes of one option of queues.conf: a line that to makes,
// or a remark.
type queueOption struct {
	to   func(*asteriskImport, *importedQueue, confSetting)
	fate Fate
	text string
}

func (q *importedQueue) add(x confSetting, key, value, comment string) {
	q.lines = append(q.lines, queueLine{text: key + ": " + value, comment: comment, from: x})
}

// rank orders a queue's lines as the demo's queues.yaml does.
func rank(line string) int {
	key, _, _ := strings.Cut(line, ":")
	order := []string{
		"name", "need", "strategy", "tiers", "window", "steps", "priority", "ring", "delays", "misses", "wrap-up", "max-wait",
		"max-length", "no-agent", "target", "music", "record",
	}
	if i := slices.Index(order, key); i >= 0 {
		return i
	}
	return len(order)
}

// strategies is Asterisk's eight in our words, each with what differs.
func asteriskStrategies() map[string][2]string {
	return map[string][2]string{
		"ringall":     {"ring-all", ""},
		"leastrecent": {"longest-idle", "by idle time over all queues, not by the last call of this queue"},
		"fewestcalls": {"fewest-calls", "over all queues"},
		"random":      {"random", ""},
		"rrmemory":    {"round-robin", "in order of the agents' ids"},
		"rrordered":   {"round-robin", "in order of the agents' ids"},
		"linear":      {"linear", "in order of the agents' ids"},
		"wrandom":     {"weighted-random", "an agent of tier n has 1/n of the chance"},
	}
}

// queueDefaults is Asterisk's own defaults where ours differ: they hold for a
// queue that says nothing.
func queueDefaults() []struct{ key, value string } {
	return []struct{ key, value string }{
		{"strategy", "ringall"}, {"wrapuptime", "0"}, {"autopause", "no"}, {"monitor-format", ""},
	}
}

// queueOptions is every option that app_queue knows in a queue's section
// (queue_set_param, Asterisk 22). A key that config does not take yet is written
// as a comment by itself: nothing here changes when it does.
func queueOptions() map[string]queueOption {
	always := func(text string) queueOption { return queueOption{fate: Always, text: text} }
	none := func(text string) queueOption { return queueOption{fate: None, text: text} }
	sound := none("prompts are the flow's and the announcements' own; record them anew in the prompt catalogue")
	announce := none("position and estimate are announced by firstline's own rules, the estimate as a range rounded up")
	music := queueOption{to: toMusic}
	o := map[string]queueOption{
		"strategy":       {to: toStrategy},
		"timeout":        {to: toRing},
		"retry":          {to: toRetry},
		"wrapuptime":     {to: toWrapUp},
		"maxlen":         {to: toMaxLength},
		"servicelevel":   {to: toTarget},
		"weight":         {to: toPriority},
		"autopause":      {to: toMisses},
		"monitor-format": {to: toRecord},
		"defaultrule":    {to: toSteps},
		"joinempty":      {to: toNoAgent("join")},
		"leavewhenempty": {to: toNoAgent("leave")},
		"musicclass":     music, "music": music, "musiconhold": music,

		"autofill":                     always("callers are served in parallel, and nobody holds up who needs somebody else"),
		"ringinuse":                    always("an agent takes one call at a time"),
		"monitor-type":                 always("both sides are mixed"),
		"timeoutrestart":               always("every offer has the whole ring time"),
		"timeoutpriority":              always("a phone that rings when the longest wait has passed may still be answered"),
		"log-restricted-caller-id":     none("a number is shown as the network gives it"),
		"context":                      none("an exit key is written in the queue or the flow; the dialplan's context is not at hand"),
		"announce":                     none("there is no announcement to the agent before the talk by this option"),
		"queue-callerannounce":         none("there is no announcement to the caller before the talk by this option"),
		"reportholdtime":               none("the agent sees the wait on the page"),
		"memberdelay":                  none("the two are joined when the agent answers"),
		"membergosub":                  none("there is no dialplan; use webhooks"),
		"setinterfacevar":              none("there are no channel variables; calls and agents are in the API"),
		"setqueuevar":                  none("there are no channel variables; figures are in the API"),
		"setqueueentryvar":             none("there are no channel variables; waits are in the API"),
		"penaltymemberslimit":          none("tiers hold however few agents there are; write a step instead"),
		"autopausedelay":               none("a missed offer counts whenever it was"),
		"autopausebusy":                none("a busy phone is no fault of the person: it is left alone for a moment"),
		"autopauseunavail":             none("a phone that is not there is no fault of the person"),
		"periodic-announce":            sound,
		"periodic-announce-frequency":  announce,
		"periodic-announce-startdelay": announce,
		"relative-periodic-announce":   announce,
		"random-periodic-announce":     announce,
	}
	for _, k := range []string{
		"announce-frequency", "announce-to-first-user", "min-announce-frequency", "announce-round-seconds", "announce-holdtime",
		"announce-position", "announce-position-only-up", "announce-position-limit",
	} {
		o[k] = announce
	}
	for _, k := range []string{
		"queue-youarenext", "queue-thereare", "queue-callswaiting", "queue-quantity1", "queue-quantity2", "queue-holdtime",
		"queue-minutes", "queue-minute", "queue-seconds", "queue-thankyou", "queue-reporthold",
	} {
		o[k] = sound
	}
	return o
}

// generalOptions is every option of queues.conf's [general].
func generalOptions() map[string]queueOption {
	return map[string]queueOption{
		"persistentmembers":            {fate: Always, text: "who is at work survives a restart"},
		"autofill":                     {fate: Always, text: "callers are served in parallel"},
		"monitor-type":                 {fate: Always, text: "both sides are mixed"},
		"shared_lastcall":              {fate: Always, text: "wrap-up holds in all queues"},
		"negative_penalty_invalid":     {fate: None, text: "there are no negative penalties; the member came over with 0"},
		"log_membername_as_agent":      {fate: Always, text: "the exported queue_log names members throughout"},
		"log-caller-id-name":           {fate: None, text: "an option of firstline export queue-log"},
		"log-restricted-caller-id":     {fate: None, text: "an option of firstline export queue-log"},
		"force_longest_waiting_caller": {fate: Always, text: "there is one order over all queues: priority, then who waits longest"},
		"log_unpause_on_reason_change": {fate: None, text: "a changed reason is its own event"},
	}
}

// number reads a whole number as Asterisk's atoi does not: nonsense is remarked on.
func (im *asteriskImport) number(q *importedQueue, x confSetting) (int, bool) {
	n, err := strconv.Atoi(x.value)
	if err != nil || n < 0 {
		im.remark(q.section.name, x, None, "%q is no whole number", x.value)
		return 0, false
	}
	return n, true
}

func toStrategy(im *asteriskImport, q *importedQueue, x confSetting) {
	s, ok := asteriskStrategies()[strings.ToLower(x.value)]
	if !ok {
		im.remark(q.section.name, x, None, "Asterisk does not know this strategy either; callers go to who is idle longest")
		return
	}
	if x.key == "" {
		s[1] = "Asterisk's default"
	}
	q.add(x, "strategy", s[0], s[1])
}

func toRing(im *asteriskImport, q *importedQueue, x confSetting) {
	n, ok := im.number(q, x)
	if !ok {
		return
	}
	d := time.Duration(n) * time.Second
	switch most := 5 * time.Minute; {
	case n == 0:
		im.remark(q.section.name, x, Changed, "a phone rings for %v at most", most)
		d = most
	case d > most:
		im.remark(q.section.name, x, Changed, "a phone rings for %v at most", most)
		d = most
	}
	q.add(x, "ring", d.String(), "")
}

func toRetry(im *asteriskImport, q *importedQueue, x confSetting) {
	if n, ok := im.number(q, x); ok {
		q.add(x, "delays", fmt.Sprintf("{no-answer: %ds}", n), "of the agent who did not answer; the caller goes on to others at once")
	}
}

func toWrapUp(im *asteriskImport, q *importedQueue, x confSetting) {
	if n, ok := im.number(q, x); ok {
		if n > 3600 {
			im.remark(q.section.name, x, Changed, "wrap-up is an hour at most")
		}
		q.add(x, "wrap-up", fmt.Sprintf("%ds", min(n, 3600)), "")
	}
}

func toMaxLength(im *asteriskImport, q *importedQueue, x confSetting) {
	if n, ok := im.number(q, x); ok && n > 0 {
		q.add(x, "max-length", strconv.Itoa(min(n, 100_000)), "")
	}
}

func toTarget(im *asteriskImport, q *importedQueue, x confSetting) {
	if n, ok := im.number(q, x); ok && n > 0 {
		q.add(x, "target", fmt.Sprintf("{within: %ds}", min(n, 86_400)), "80 % unless said otherwise")
	}
}

func toPriority(im *asteriskImport, q *importedQueue, x confSetting) {
	n, ok := im.number(q, x)
	if !ok {
		return
	}
	if n > 100 {
		im.remark(q.section.name, x, Changed, "priorities end at 100")
	}
	q.add(x, "priority", strconv.Itoa(min(n, 100)), "")
}

// toMisses says after how many missed offers an agent is put on break. Asterisk
// by default never does.
func toMisses(im *asteriskImport, q *importedQueue, x confSetting) {
	switch v := strings.ToLower(x.value); {
	case v == "all" || truth(v):
		q.add(x, "misses", "1", "")
		if !strings.EqualFold(x.value, "all") {
			im.remark(q.section.name, x, Changed, "a break is one from all queues")
		}
	default:
		q.add(x, "misses", "100", "Asterisk never pauses here; 2 is a good number")
	}
}

func truth(v string) bool {
	return slices.Contains([]string{"yes", "true", "y", "t", "1", "on"}, strings.ToLower(v))
}

func toRecord(im *asteriskImport, q *importedQueue, x confSetting) {
	if x.value != "" {
		im.remark(q.section.name, x, Changed, "recordings are WAV, with a checksum")
	}
	q.add(x, "record", strconv.FormatBool(x.value != ""), "")
}

func toMusic(im *asteriskImport, q *importedQueue, x confSetting) {
	id := im.id("music "+q.id, x.value)
	if id != x.value {
		im.remark(q.section.name, x, Changed, "the music is called %q here", id)
	}
	if id != "default" {
		im.remark(q.section.name, x, Changed, "the audio itself is not in these files; until it is there, use default")
		q.add(confSetting{}, "music", "default", "was "+id)
		return
	}
	q.add(x, "music", id, "")
}

// toNoAgent turns joinempty and leavewhenempty into the rule for a queue without
// agents: which agents count as somebody follows from what Asterisk discounts.
func toNoAgent(side string) func(*asteriskImport, *importedQueue, confSetting) {
	return func(im *asteriskImport, q *importedQueue, x confSetting) {
		discounted := strings.ToLower(strings.ReplaceAll(x.value, " ", ""))
		switch yes := truth(discounted); {
		case discounted == "strict", discounted == "loose":
		case side == "join" && yes, side == "leave" && !yes && !strings.Contains(discounted, ","), discounted == "":
			return // callers may always come, and stay: so they may here
		}
		var counts []string
		for _, state := range [][2]string{{"idle", ""}, {"ringing", "ringing"}, {"talking", "inuse"}, {"wrap-up", "wrapup"}} {
			if state[1] == "" || !slices.Contains(strings.Split(discounted, ","), state[1]) {
				counts = append(counts, state[0])
			}
		}
		rule := side + ": true"
		if len(counts) < 4 {
			rule += ", counts: [" + strings.Join(counts, ", ") + "]"
		}
		for i, l := range q.lines { // both options make one rule
			if before, ok := strings.CutPrefix(l.text, "no-agent: {"); ok {
				before = strings.TrimSuffix(before, "}")
				if strings.Contains(before, "counts") && strings.Contains(rule, "counts") {
					im.remark(q.section.name, x, Changed, "agents count alike for coming and for leaving: as for the other option")
					rule = side + ": true"
				}
				q.lines[i].text = "no-agent: {" + rule + ", " + before + "}"
				return
			}
		}
		q.add(x, "no-agent", "{"+rule+"}", "who is on a break, logged out or without a phone never counts")
	}
}
