package worktime

import (
	"time"

	"firstline/call"
	"firstline/callqueue/sla"
)

// Span is a time in one state, [From, To).
type Span struct {
	From, To time.Time
	State    sla.State
	Reason   string // of a break
}

// Length is how long the span lasts.
func (s Span) Length() time.Duration { return s.To.Sub(s.From) }

// Spans returns what a person's staffed time in [from, to) was spent on, in order
// and without overlap; where there is no span, they were logged out. story is the
// agent's stream from its beginning, up to to at least; an event that is dated
// before the one in front of it counts from that one's instant.
func Spans(story []call.Event, from, to time.Time) []Span {
	var f fold
	var out []Span
	begin := from
	for _, e := range story {
		at := e.At
		if at.Before(begin) {
			at = begin
		}
		if at.After(to) {
			at = to
		}
		out = f.span(out, begin, at)
		begin = at
		f.apply(e)
	}
	if begin.Before(to) {
		out = f.span(out, begin, to)
	}
	return out
}

// fold is a person's two axes as far as the story has come.
type fold struct {
	presence call.Presence
	reason   string
	activity call.Activity
}

func (f *fold) apply(e call.Event) {
	switch b := e.Body.(type) {
	case call.PresenceChanged:
		f.presence, f.reason = b.Presence, b.Reason
	case call.ActivityChanged:
		f.activity = b.Activity
	case call.AgentRemoved:
		*f = fold{}
	}
}

func (f *fold) span(out []Span, from, to time.Time) []Span {
	s := Span{From: from, To: to, State: sla.StateOf(f.presence, f.activity)}
	if s.State == "" || !from.Before(to) {
		return out
	}
	if s.State == sla.StateBreak {
		s.Reason = f.reason
	}
	if n := len(out) - 1; n >= 0 && out[n].To.Equal(from) && out[n].State == s.State && out[n].Reason == s.Reason {
		out[n].To = to
		return out
	}
	return append(out, s)
}

// Times is the sum of spans.
type Times struct {
	Staffed time.Duration               // the sum of In
	In      map[sla.State]time.Duration // states that never were are not there
	Breaks  map[string]time.Duration    // by reason; the sum is In[sla.StateBreak]
}

// Sum adds spans up.
func Sum(spans []Span) Times {
	t := Times{In: make(map[sla.State]time.Duration), Breaks: make(map[string]time.Duration)}
	for _, s := range spans {
		t.Staffed += s.Length()
		t.In[s.State] += s.Length()
		if s.State == sla.StateBreak {
			t.Breaks[s.Reason] += s.Length()
		}
	}
	return t
}
