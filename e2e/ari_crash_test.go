//go:build e2e

package e2e

import (
	"context"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"firstline/call"
	"firstline/e2e/peer"
	"firstline/sip"
	"firstline/sip/media"
	"firstline/sip/siptest"
	"firstline/web"
)

// crowded is an office behind an Asterisk with callers who talk and callers who wait.
type crowded struct {
	*office
	pbx     *peer.Asterisk
	engine  *media.Engine
	talking []*siptest.Far // by caller
	waiting []*siptest.Far
	before  map[string]callRecord // by the caller's number, as it was before anything broke
}

// agentPhones answer every call, and speak.
func agentPhones(t *testing.T, p *peer.Asterisk, e *media.Engine, first, n int) {
	t.Helper()
	for i := range n {
		siptest.Phone(t, sip.PhoneConfig{
			User: fmt.Sprintf("agent%d", i+1), Registrar: p.SIP, Media: e, Listen: fmt.Sprintf("127.0.0.1:%d", first+i),
			Incoming: func(c *sip.PhoneCall) {
				if c.Ring(c.Context()) == nil && c.Answer(c.Context()) == nil {
					c.Loop(media.Tone(time.Second, siptest.AgentVoice))
					<-c.Context().Done()
				}
			},
		})
	}
}

// nextAgentPort is where no other test of this binary has looked for ports yet.
var nextAgentPort atomic.Int32

// agentPorts is the first of n ports below those that the kernel gives out.
func agentPorts(t *testing.T, n int) int {
	t.Helper()
	for {
		first := 15000 + int(nextAgentPort.Add(int32(n))) - n
		if first >= 30000 {
			break
		}
		if allFree(first, n) {
			return first
		}
	}
	t.Fatal("no ports for phones")
	return 0
}

// fill fills an office: n agents who talk, and n callers who wait.
func fill(t *testing.T, n int, open func(p *peer.Asterisk, desks []string) *office) *crowded {
	t.Helper()
	first := agentPorts(t, n)
	p := peer.Start(t, peer.Settings{Agents: n, AgentPort: first})
	c := &crowded{pbx: p, engine: siptest.Engine(t, uint16(p.RTP+400)), before: map[string]callRecord{}}
	agentPhones(t, p, c.engine, first, n)
	var desks []string
	for i := range n {
		desks = append(desks, fmt.Sprintf("agent%d", i+1))
	}
	c.office = open(p, desks)
	c.talking = c.phoneInMany(t, "+1556100", n)
	c.awaitStates(map[string]int{"talking": n})
	c.waiting = c.phoneInMany(t, "+1556200", n)
	c.awaitStates(map[string]int{"talking": n, "waiting": n})
	eventually(t, "all who talk hear each other", func() bool { return everyone(c.talking, "talk") })
	for _, r := range c.api.calls() {
		c.before[r.From.Number] = r
	}
	return c
}

// phoneInMany has callers phone straight to the desk, one after the other, so that
// their order is known.
func (c *crowded) phoneInMany(t *testing.T, prefix string, n int) []*siptest.Far {
	t.Helper()
	var all []*siptest.Far
	for i := range n {
		number := fmt.Sprintf("%s%04d", prefix, i)
		phone := siptest.Phone(t, sip.PhoneConfig{User: number, Registrar: c.pbx.SIP, Media: c.engine})
		all = append(all, siptest.Dial(t, phone, pbxDesk))
		c.api.awaitCall(number, "is in the queue", func(r callRecord) bool { return len(r.Entries) > 0 })
	}
	return all
}

func everyone(all []*siptest.Far, hears call.Media) bool {
	return !slices.ContainsFunc(all, func(f *siptest.Far) bool { return !f.Hears(hears) })
}

// states counts open calls by what they do.
func (c *crowded) states() map[string]int {
	c.t.Helper()
	n := map[string]int{}
	for _, r := range c.api.calls() {
		if r.Open {
			n[r.State]++
		}
	}
	return n
}

func (c *crowded) awaitStates(want map[string]int) {
	c.t.Helper()
	eventually(c.t, fmt.Sprintf("the calls are %v", want), func() bool {
		got := c.states()
		for state, n := range want {
			if got[state] != n {
				return false
			}
		}
		return true
	})
}

// goesOn holds the office to what it promises when it is back: the same calls where
// they stood, and everybody served in turn to the end.
func (c *crowded) goesOn() {
	t := c.t
	t.Helper()
	n := len(c.talking)
	c.awaitStates(map[string]int{"talking": n, "waiting": n})
	for number, was := range c.before {
		is, ok := c.api.callFrom(number)
		if !ok || is.ID != was.ID || is.Ticket != was.Ticket || len(is.Entries) != 1 || !is.Entries[0].Joined.Equal(was.Entries[0].Joined) {
			t.Errorf("%s was %+v and is %+v", number, was, is)
		}
	}
	if !everyone(c.talking, "talk") {
		t.Error("somebody who talked hears the other side no more")
	}
	for i, f := range c.talking {
		f.Hangup()
		c.api.awaitEnd(fmt.Sprintf("+1556100%04d", i))
		eventually(t, "the longest waiting caller is connected", func() bool { return c.waiting[i].Hears("talk") })
	}
	for _, f := range c.waiting {
		f.Hangup()
	}
	c.nothingLeft()
}

// nothingLeft wants every call over with one ticket and a whole recording, every
// agent free, and no channel at Asterisk.
func (c *crowded) nothingLeft() {
	t := c.t
	t.Helper()
	eventually(t, "all calls are over", func() bool { return len(c.states()) == 0 })
	tickets := map[string]bool{}
	for number := range c.before {
		r, _ := c.api.callFrom(number)
		if r.Outcome != "answered" || len(r.Talks) != 1 || tickets[r.Ticket] {
			t.Errorf("%s: %+v", number, r)
		}
		tickets[r.Ticket] = true
	}
	if n := len(c.api.tickets()); n != len(c.before) {
		t.Errorf("%d tickets for %d calls", n, len(c.before))
	}
	for i := range c.talking {
		c.api.awaitAgent(strconv.Itoa(2001+i), "available")
	}
	eventually(t, "no channel is left at Asterisk", func() bool { return strings.Contains(c.pbx.CLI("core show channels count"), "0 active channels") })
	playable(t, c.office, len(c.before))
	wholeJournal(t, c.office)
}

func TestCallsInAsteriskOutliveKillMinus9OfFirstline(t *testing.T) {
	c := fill(t, 20, func(p *peer.Asterisk, desks []string) *office { return behind(t, p, p.ARI, setting{}, desks...) })
	c.kill()
	if !everyone(c.talking, "talk") {
		t.Error("somebody hears nothing while the server is away")
	}
	c.up()
	c.goesOn()
}

func TestCallsInAsteriskOutliveARestartOfFirstline(t *testing.T) {
	c := fill(t, 3, func(p *peer.Asterisk, desks []string) *office { return behind(t, p, p.ARI, setting{}, desks...) })
	c.process.stop(15)
	c.up()
	c.goesOn()
}

func TestCallsInAsteriskOutliveASilentlyCutSocket(t *testing.T) {
	for _, cut := range []time.Duration{5 * time.Second, 30 * time.Second, 120 * time.Second} {
		t.Run(cut.String(), func(t *testing.T) {
			t.Parallel()
			var wire *peer.Wire
			c := fill(t, 3, func(p *peer.Asterisk, desks []string) *office {
				wire = peer.NewWire(t, p.ARI)
				return behind(t, p, wire.Addr(), setting{}, desks...)
			})
			wire.Freeze()
			spell(t.Context(), cut) // how long it lasts is what is tested
			wire.Thaw()
			c.goesOn()
		})
	}
}

func TestCallsInAsteriskOutliveTheOwnerOfTwoInstances(t *testing.T) {
	database := startPostgres(t).Database(t)
	c := fill(t, 3, func(p *peer.Asterisk, desks []string) *office {
		return behind(t, p, p.ARI, setting{database: database}, desks...)
	})
	b := c.pair()
	c.kill()
	if !everyone(c.talking, "talk") {
		t.Error("somebody hears nothing while no server is there")
	}
	b.process.says("firstline is up.")
	c.office = b
	c.goesOn()
}

// pair starts a server that stands by for s, with the same files and data of its own.
func (s *office) pair() *office {
	s.t.Helper()
	b := &office{t: s.t, dir: s.t.TempDir(), creds: s.creds, env: maps.Clone(s.env)}
	b.env["FIRSTLINE_HTTP_LISTEN"] = "127.0.0.1:0"
	b.env["FIRSTLINE_STANDBY"], b.env["FIRSTLINE_TAKEOVER_AFTER"] = "true", "5s"
	must(s.t, os.CopyFS(filepath.Join(b.dir, "centre"), os.DirFS(filepath.Join(s.dir, "centre"))))
	text, err := os.ReadFile(filepath.Join(s.dir, "firstline.yaml"))
	must(s.t, err)
	must(s.t, os.WriteFile(filepath.Join(b.dir, "firstline.yaml"), text, 0o600))
	b.standsBy(s.creds.APIToken)
	return b
}

func TestAnAsteriskThatIsKilledEndsItsCallsAndOwesThoseWhoWaited(t *testing.T) {
	c := fill(t, 3, func(p *peer.Asterisk, desks []string) *office { return behind(t, p, p.ARI, setting{}, desks...) })
	c.pbx.Kill()
	c.pbx.Restart()
	eventually(t, "all calls are over", func() bool { return len(c.states()) == 0 })
	for number, was := range c.before {
		r, _ := c.api.callFrom(number)
		want := "answered"
		if was.State == "waiting" {
			want = "system-failed"
		}
		if r.Outcome != want || r.Cause.Reason != "switch-gone" {
			t.Errorf("%s: outcome %s, cause %+v", number, r.Outcome, r.Cause)
		}
		if lost := r.Lost != nil && r.Lost.Joined.Equal(was.Entries[0].Joined); lost != (was.State == "waiting") {
			t.Errorf("%s: lost %+v", number, r.Lost)
		}
	}
	for i := range c.talking {
		c.api.awaitAgent(strconv.Itoa(2001+i), "available")
	}
	again := c.phoneInMany(t, "+1556300", 1)
	eventually(t, "calls are taken again", func() bool { return again[0].Hears("talk") })
}

func TestWhoWaitedInAnAsteriskThatWasKilledIsCalledBackInTheirPlace(t *testing.T) {
	first := agentPorts(t, 2)
	p := peer.Start(t, peer.Settings{Agents: 2, AgentPort: first})
	c := &crowded{pbx: p, engine: siptest.Engine(t, uint16(p.RTP+400)), before: map[string]callRecord{}}
	agentPhones(t, p, c.engine, first, 2)
	queues := strings.Replace(briefWrapUp(t)["queues.yaml"], "  music:", "  callback: {every: 10s}\n  music:", 1)
	c.office = behind(t, p, p.ARI, setting{
		centre: map[string]string{"queues.yaml": queues},
		trunks: `{carrier: {dial: "PJSIP/{number}@agent2", allow: ["+1556"]}}`, // the caller's own phone is the second one
	}, "agent1")
	c.phoneInMany(t, "+1556100", 1)
	c.awaitStates(map[string]int{"talking": 1})
	c.phoneInMany(t, "+1556200", 1)
	c.awaitStates(map[string]int{"talking": 1, "waiting": 1})
	was, _ := c.api.callFrom("+15562000000")
	p.Kill()
	p.Restart()
	var back web.Callback
	eventually(t, "the caller is called back", func() bool {
		all := list[web.Callback](c.api, "/api/v1/callbacks", "callbacks")
		if len(all) == 1 {
			back = all[0]
		}
		return back.End != ""
	})
	if back.End != call.CallbackReached || back.Customer.Number != was.From.Number || back.Ticket != call.TicketID(was.Ticket) || !back.Joined.Equal(was.Entries[0].Joined) {
		t.Errorf("called back: %+v, for %+v", back, was)
	}
	if lost := c.api.lost(); len(lost) != 0 {
		t.Errorf("lost callers: %+v", lost)
	}
}

func TestFiftyCallsAtOnceThroughAsterisk(t *testing.T) {
	const calls, desks = 50, 20
	first := agentPorts(t, desks)
	p := peer.Start(t, peer.Settings{Agents: desks, AgentPort: first})
	c := &crowded{pbx: p, engine: siptest.Engine(t, uint16(p.RTP+400)), before: map[string]callRecord{}}
	agentPhones(t, p, c.engine, first, desks)
	var names []string
	for i := range desks {
		names = append(names, fmt.Sprintf("agent%d", i+1))
	}
	c.office = behind(t, p, p.ARI, setting{}, names...)
	var wg sync.WaitGroup
	for i := range calls {
		phone := siptest.Phone(t, sip.PhoneConfig{User: fmt.Sprintf("+1556400%04d", i), Registrar: p.SIP, Media: c.engine})
		wg.Go(func() {
			pc, err := phone.Dial(t.Context(), pbxDesk, nil)
			if err != nil {
				t.Error(err)
				return
			}
			defer bye(pc)
			if err := call.AwaitAnswer(t.Context(), pc, nil); err != nil {
				t.Errorf("caller %d: %v", i, err)
				return
			}
			heardBy(t.Context(), pc, siptest.AgentVoice)
		})
	}
	wg.Wait()
	eventually(t, "all calls are over", func() bool { return len(c.states()) == 0 })
	all := c.api.calls()
	if len(all) != calls || slices.ContainsFunc(all, func(r callRecord) bool { return r.Outcome != "answered" }) {
		t.Errorf("%d calls: %+v", len(all), all)
	}
	for _, row := range c.api.sla() {
		if row.Offered != calls || row.Answered != calls {
			t.Errorf("the report: %+v", row)
		}
	}
}

// heardBy waits until a call has heard a second of a voice.
func heardBy(ctx context.Context, c *sip.PhoneCall, hz float64) {
	heard, done := []int16(nil), make(chan struct{})
	var once sync.Once
	c.Hear(func(samples []int16, _ uint32) {
		heard = append(heard, samples...)
		heard = heard[max(0, len(heard)-8000):]
		if media.Heard(heard, hz, 0.05) > 800*time.Millisecond {
			once.Do(func() { close(done) })
		}
	})
	select {
	case <-done:
	case <-c.Context().Done():
	case <-ctx.Done():
	}
}
