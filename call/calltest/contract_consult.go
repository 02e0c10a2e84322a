package calltest

import (
	"testing"
	"time"

	"firstline/call"
)

// What a consultation asks of a switch: an agent's leg goes from the caller to
// somebody else and back.

// goesAside parts the two of a conversation and joins the agent with a second phone.
func goesAside(t *testing.T, x Exchange) {
	s, p, l, spec, b := talking(t, x)
	q, other := supervisor(t, x)
	apart(t, s, spec, b)
	aside, err := x.Bridge(t.Context(), call.BridgeSpec{ID: s.leg.ID().Call().Bridge(2), Caller: l, Agent: other, Music: "music:default"})
	must(t, err)
	until(t, "the agent hears the one asked", func() bool { return p.HearsVoice(q) && q.HearsVoice(p) })
	never(t, "the caller hears one of them", func() bool {
		return s.far.HearsVoice(p) || s.far.HearsVoice(q) || p.HearsVoice(s.far) || q.HearsVoice(s.far)
	})
	must(t, aside.Close(t.Context()))
	must(t, other.Hold(t.Context(), "music:default"))
	_, err = x.Bridge(t.Context(), spec)
	must(t, err)
	until(t, "the two hear each other again", func() bool { return s.far.HearsVoice(p) && p.HearsVoice(s.far) && q.Hears("music:default") })
	q.Hangup()
	ended(t, other, call.Hangup)
	never(t, "the two are parted by that", func() bool { return !s.far.HearsVoice(p) })
}

// apart parts the two, and the caller hears music.
func apart(t *testing.T, s serving, spec call.BridgeSpec, b call.Bridge) {
	t.Helper()
	must(t, b.Close(t.Context()))
	must(t, spec.Caller.Hold(t.Context(), spec.Music))
	until(t, "the caller hears music", func() bool { return s.far.Hears(spec.Music) })
}

// goesOnElsewhere leaves the caller with the second phone, as the first hangs up.
func goesOnElsewhere(t *testing.T, x Exchange) {
	s, p, l, spec, b := talking(t, x)
	q, other := supervisor(t, x)
	apart(t, s, spec, b)
	p.Hangup()
	ended(t, l, call.Hangup)
	_, err := x.Bridge(t.Context(), call.BridgeSpec{ID: s.leg.ID().Call().Bridge(2), Caller: s.leg, Agent: other, Music: "music:default"})
	must(t, err)
	until(t, "the caller hears the other", func() bool { return s.far.HearsVoice(q) && q.HearsVoice(s.far) })
}

// recordedApart wants one file over a bridge that is closed and made again.
func recordedApart(t *testing.T, x Exchange) {
	if !x.Caps().Record {
		return // recorded says so
	}
	s, p, _, spec, b := talking(t, x)
	began := time.Now()
	r, err := b.Record(t.Context(), call.NewRecordingID(began))
	must(t, err)
	apart(t, s, spec, b)
	must(t, r.Pause(t.Context()))
	must(t, r.Resume(t.Context()))
	_, err = x.Bridge(t.Context(), spec)
	must(t, err)
	until(t, "the two hear each other again", func() bool { return s.far.HearsVoice(p) && p.HearsVoice(s.far) })
	lasted := time.Since(began)
	got, err := r.Stop(t.Context())
	must(t, err)
	if got.Duration < lasted/2 || got.File == "" {
		t.Errorf("%+v is of a talk of %v", got, lasted)
	}
}
