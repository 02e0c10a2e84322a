package calltest

import (
	"testing"
	"testing/synctest"
	"time"

	"firstline/call"
)

// fakeExchange drives the fake through the contract.
type fakeExchange struct {
	*Switch
	desks int
}

// speaker is whose voice may be heard.
type speaker interface{ leg() call.LegID }

type fakeFar struct{ *Caller }

func (f fakeFar) leg() call.LegID            { return f.Call.ID.CallerLeg() }
func (f fakeFar) Ended() (call.Reason, bool) { c, ok := f.Caller.Ended(); return c.Reason, ok }
func (f fakeFar) Hears(m call.Media) bool    { return f.Caller.Hears() == m }
func (f fakeFar) HearsVoice(of Far) bool     { return f.Caller.HearsVoice(of.(speaker).leg()) }

type fakeDesk struct{ *Phone }

func (d *fakeDesk) leg() call.LegID        { return d.Leg() }
func (d *fakeDesk) HearsVoice(of Far) bool { return d.Phone.HearsVoice(of.(speaker).leg()) }

func (d *fakeDesk) Device() call.DeviceID      { return d.device }
func (d *fakeDesk) Refuse()                    { d.act(func(l *line) { d.s.end(l, call.CauseOfStatus(486, "")) }) }
func (d *fakeDesk) Ended() (call.Reason, bool) { return "", !d.Talking() && !d.Ringing() }
func (d *fakeDesk) Hears(m call.Media) bool    { return d.Phone.Hears() == m && (m != "" || d.Talking()) }

func (x *fakeExchange) PhoneIn(*testing.T) Far { return fakeFar{x.Dial("+4930123", "1000")} }
func (x *fakeExchange) Desk(*testing.T) DeskPhone {
	x.desks++
	return &fakeDesk{Phone: x.Phone(call.DeviceID("200" + string(rune('0'+x.desks)))).Ignores()}
}

// Die drops the process; the switch is the next one's, too.
func (x *fakeExchange) Die(*testing.T) Exchange {
	x.Drop()
	return x
}

func TestFakeKeepsTheContract(t *testing.T) {
	Contract(t, FrontEnd{Result: "testdata/fake.json", Bubble: synctest.Test, Open: openFake, Lacks: map[Ability]string{
		EarlyMedia: "no journey plays before the answer",
		Transfer:   "a journey that asks for it is tested with a front end that cannot",
		Continue:   "the fake has no dialplan",
	}})
}

func openFake(*testing.T) Exchange {
	s := New(nil)
	s.Length = func(m call.Media) time.Duration {
		switch m {
		case "prompt:one":
			return 2 * time.Second
		case "prompt:no-such-thing":
			return -1
		}
		return 250 * time.Millisecond
	}
	return &fakeExchange{Switch: s}
}
