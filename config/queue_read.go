package config

import (
	"time"

	"firstline/call"
	"firstline/callqueue"
	"firstline/ivr"
	"firstline/ivr/source"
)

func (r *centreReader) queue(doc *source.Doc, e source.Entry) {
	before := len(doc.Faults())
	r.queues[call.QueueID(e.Key.Text)] = e.Key.Pos
	m := e.Value.Map()
	q := callqueue.Queue{
		ID:        call.QueueID(e.Key.Text),
		Name:      m.May("name").Text(""),
		Strategy:  callqueue.Strategy(m.May("strategy").OneOf("", words(callqueue.Strategies())...)),
		Priority:  m.May("priority").Int(0, 0, 100),
		Ring:      m.May("ring").Duration(0, time.Second, 5*time.Minute),
		RingStep:  m.May("ring-step").Duration(0, time.Second, 5*time.Minute),
		Misses:    m.May("misses").Int(0, 1, 100),
		WrapUp:    none(m.May("wrap-up").Duration(60*time.Second, 0, time.Hour)),
		MaxWait:   m.May("max-wait").Duration(0, time.Second, 24*time.Hour),
		MaxLen:    m.May("max-length").Int(0, 1, 100_000),
		Music:     music(doc, m.May("music").Word("default")),
		Record:    m.May("record").Bool(true),
		Tiers:     tiers(m.May("tiers").Map()),
		Window:    window(m.May("window"), callqueue.Window{}),
		SkipEmpty: m.May("skip-empty-tiers").Bool(false),
		NoAgent:   noAgent(m.May("no-agent").Map()),
	}
	r.care(m, &q)
	q.Need = r.need(m.May("need"))
	q.Steps = r.steps(m.May("steps"), q)
	t := m.May("target").Map()
	q.Target = call.Target{
		Within:       t.May("within").Duration(0, time.Second, 24*time.Hour),
		Percent:      t.May("percent").Float(0, 1, 100),
		ShortAbandon: t.May("short-abandon").Duration(0, time.Millisecond, time.Hour),
	}
	t.End()
	d := m.May("delays").Map()
	q.RejectDelay = none(d.May("declined").Duration(callqueue.RetryDelay, 0, time.Hour))
	q.BusyDelay = none(d.May("busy").Duration(callqueue.RetryDelay, 0, time.Hour))
	q.UnreachableDelay = none(d.May("unreachable").Duration(callqueue.RetryDelay, 0, time.Hour))
	q.NoAnswerDelay = d.May("no-answer").Duration(0, 0, time.Hour)
	d.End()
	x := m.May("exits").Map()
	q.Overflow, q.Timeout, q.Empty = r.exit(doc, x.May("overflow")), r.exit(doc, x.May("timeout")), r.exit(doc, x.May("no-agent"))
	x.End()
	q.Keys = r.keys(doc, m.May("keys").Map())
	r.callback(m.May("callback"), q)
	r.voicemail(m.May("voicemail"), q.ID)
	r.place(m.May("keep-place"), q.ID)
	if a := r.announce(m.May("announce")); a.Every > 0 {
		r.centre.Announce[q.ID] = a
	}
	m.End()
	q = q.Defaults()
	if len(doc.Faults()) == before { // what is right key by key, and wrong together
		reportAll(doc, e.Key.Pos, q.Validate())
	}
	r.centre.Queues = append(r.centre.Queues, q)
}

// care reads how callers who come again and agents who answer are treated.
func (r *centreReader) care(m *source.Map, q *callqueue.Queue) {
	q.Unasked = !m.May("press-to-accept").Bool(true)
	q.AutoAnswer = m.May("auto-answer").Bool(false)
	whisper := m.May("whisper").Word("")
	r.refer("prompt", whisper)
	q.Whisper = whisper.Text
	s := m.May("sticky").Map()
	q.Sticky = callqueue.Sticky{
		Within: s.May("within").Duration(0, time.Minute, 24*time.Hour),
		For:    s.May("for").Duration(0, time.Second, 10*time.Minute),
	}
	s.End()
	a := m.May("again").Map()
	q.Again = callqueue.Again{
		Within:   a.May("within").Duration(0, time.Minute, 24*time.Hour),
		Priority: a.May("priority").Int(0, 1, 100),
	}
	a.End()
}

// reportAll notes each of the errors that are joined in one.
func reportAll(doc *source.Doc, at source.Pos, err error) {
	if all, ok := err.(interface{ Unwrap() []error }); ok {
		for _, one := range all.Unwrap() {
			doc.Report().Add(at, "%v", one)
		}
		return
	}
	if err != nil {
		doc.Report().Add(at, "%v", err)
	}
}

// none is a time that was said to be zero, which is not to say nothing.
func none(d time.Duration) time.Duration {
	if d == 0 {
		return -1
	}
	return d
}

func words[T ~string](all []T) []string {
	out := make([]string, len(all))
	for i, w := range all {
		out[i] = string(w)
	}
	return out
}

func (r *centreReader) need(v source.Value) call.Requirement {
	m := v.Map()
	need, skills := ivr.ReadNeed(m)
	m.End()
	for _, s := range skills {
		r.refer("skill", s)
	}
	return need
}

// tiers are of people whom the database knows, and perhaps not the centre's files.
func tiers(m *source.Map) map[call.AgentID]int {
	var all map[call.AgentID]int
	for _, e := range m.Entries() {
		if all == nil {
			all = make(map[call.AgentID]int)
		}
		all[call.AgentID(e.Key.Text)] = e.Value.Int(1, 1, callqueue.MaxTier)
	}
	return all
}

func window(v source.Value, otherwise callqueue.Window) callqueue.Window {
	if !v.Set() {
		return otherwise
	}
	m := v.Map()
	w := callqueue.Window{
		Min:   m.May("min").Int(0, 1, callqueue.MaxTier),
		Max:   m.May("max").Int(0, 1, callqueue.MaxTier),
		Raise: m.May("raise").Int(0, 1, callqueue.MaxTier),
	}
	m.End()
	return w
}

// steps reads what follows the queue's own need and window. What a step does not
// name stays as it was.
func (r *centreReader) steps(v source.Value, q callqueue.Queue) []callqueue.Step {
	var all []callqueue.Step
	last := callqueue.Step{Need: q.Need, Window: q.Window}
	for _, item := range v.List() {
		m := item.Map()
		s := callqueue.Step{After: m.Must("after").Duration(0, time.Second, 24*time.Hour), Need: last.Need}
		if need := m.May("need"); need.Set() {
			s.Need = r.need(need)
		}
		s.Window = window(m.May("window"), last.Window)
		m.End()
		all = append(all, s)
		last = s
	}
	return all
}

func noAgent(m *source.Map) callqueue.NoAgentRule {
	rule := callqueue.NoAgentRule{
		Join:  m.May("join").Bool(false),
		Leave: m.May("leave").Bool(false),
		Grace: none(m.May("grace").Duration(5*time.Second, 0, time.Hour)),
	}
	for _, item := range m.May("counts").List() {
		rule.Counts = append(rule.Counts, callqueue.AgentState(item.OneOf("", words(callqueue.AgentStates())...)))
	}
	m.End()
	return rule
}

// exit reads {queue: night, prompt: sorry, priority: 5}: where to, and how. nil
// when the key is not there.
func (r *centreReader) exit(doc *source.Doc, v source.Value) *callqueue.Exit {
	if !v.Set() {
		return nil
	}
	m := v.Map()
	x := callqueue.Exit{
		Outcome:  call.Outcome(m.May("outcome").OneOf("", words(callqueue.ExitOutcomes())...)),
		Priority: m.May("priority").Int(0, 0, 100),
	}
	queue, flow := m.May("queue").Word(""), m.May("flow").Word("")
	back, message, hangup := m.May("callback").Bool(false), m.May("voicemail").Bool(false), m.May("hangup").Bool(false)
	ways := 0
	number := r.outside(doc, m.May("number"))
	prompt := m.May("prompt").Word("")
	m.End()
	r.refer("queue", queue)
	r.refer("flow", flow)
	r.refer("prompt", prompt)
	x.Prompt = prompt.Text
	for _, way := range []struct {
		taken bool
		to    callqueue.Destination
	}{
		{queue.Text != "", callqueue.Destination{Kind: callqueue.ToQueue, Name: queue.Text}},
		{flow.Text != "", callqueue.Destination{Kind: callqueue.ToFlow, Name: flow.Text}},
		{back, callqueue.Destination{Kind: callqueue.ToCallback}},
		{number != "", callqueue.Destination{Kind: callqueue.ToNumber, Name: number}},
		{message, callqueue.Destination{Kind: callqueue.ToVoicemail}},
		{hangup, callqueue.Destination{Kind: callqueue.ToHangup}},
	} {
		if way.taken {
			ways++
			x.To = way.to
		}
	}
	if ways != 1 {
		v.Fault("an exit has one of queue, flow, number, callback: true, voicemail: true and hangup: true; here are %d", ways)
	}
	return &x
}

func (r *centreReader) keys(doc *source.Doc, m *source.Map) map[string]callqueue.Exit {
	var all map[string]callqueue.Exit
	for _, e := range m.Entries() {
		if len(e.Key.Text) != 1 || !isDigits(e.Key.Text) && e.Key.Text != "*" && e.Key.Text != "#" {
			doc.Report().Add(e.Key.Pos, "%q is no key: take one of 0 to 9, \"*\" and \"#\"", e.Key.Text)
			continue
		}
		x := r.exit(doc, e.Value)
		if x == nil {
			e.Value.Fault("key %s leads nowhere", e.Key.Text)
			continue
		}
		if all == nil {
			all = make(map[string]callqueue.Exit)
		}
		all[e.Key.Text] = *x
	}
	return all
}

func music(doc *source.Doc, w source.Word) call.Media {
	doc.ID("music", w)
	return call.Media("music:" + w.Text)
}
