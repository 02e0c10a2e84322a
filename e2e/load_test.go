//go:build load

package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"firstline/call"
	"firstline/sip"
	"firstline/sip/media"
)

const (
	crowd  = 200 // callers
	atOnce = 12
	desks  = 7
)

func TestOutcomesAddUpAndNothingIsLeftBehind(t *testing.T) {
	d := newDesk(t)
	d.settle(0)
	legs, goroutines := d.figures()
	if legs != 0 {
		t.Fatalf("%v legs before the first call", legs)
	}
	d.rush(nil)
	d.settle(goroutines)
	d.audit(false)
}

func TestKillMinus9LosesNoTicketNoOutcomeAndNoRecording(t *testing.T) {
	d := newDesk(t)
	moment := 40 + d.chance.IntN(crowd-80)
	t.Logf("kill -9 at call %d", moment)
	d.rush(func(begun int) {
		if begun == moment {
			d.kill()
			d.up()
		}
	})
	d.settle(0)
	d.audit(true)
}

// desk is a server under load: callers and agents who do as chance says.
type desk struct {
	*office
	phones *phones
	tone   *media.Audio

	mu     sync.Mutex // guards chance and met
	chance *rand.Rand
	met    map[string]answer // by the caller's number
}

// answer is what a caller's phone was told.
type answer struct {
	ringing, up bool
	final       int // a refusal, 0 when there was none
}

// aboveTrying reports whether there was a response above 100.
func (a answer) aboveTrying() bool { return a.ringing || a.up || a.final != 0 }

func newDesk(t *testing.T) *desk {
	t.Helper()
	seed := uint64(time.Now().UnixNano())
	if s := os.Getenv("SEED"); s != "" {
		var err error
		seed, err = strconv.ParseUint(s, 10, 64)
		must(t, err)
	}
	t.Logf("SEED=%d", seed)
	centre := briefWrapUp(t)
	centre["queues.yaml"] = strings.Replace(centre["queues.yaml"], "ring: 15s", "ring: 2s", 1)
	d := &desk{
		office: serve(t, setting{centre: centre}), tone: media.Tone(time.Second, 700),
		chance: rand.New(rand.NewPCG(seed, 1)), met: map[string]answer{},
	}
	d.phones = newPhones(d.office)
	for i := range desks {
		user := strconv.Itoa(2001 + i)
		must(t, d.phones.keep(user, d.creds.Devices[user], d.ring).Register(t.Context()))
		d.api.awaitAgent(user, "available")
	}
	return d
}

// draw is a random number below n.
func (d *desk) draw(n int) int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.chance.IntN(n)
}

func (d *desk) within(limit time.Duration) time.Duration {
	return time.Duration(d.draw(int(limit/time.Millisecond))) * time.Millisecond
}

// ring is an agent's phone: it mostly answers.
func (d *desk) ring(c *sip.PhoneCall) {
	ctx := c.Context()
	if c.Ring(ctx) != nil {
		return
	}
	switch d.draw(10) {
	case 0:
		_ = c.Hangup(ctx, call.Cause{Reason: call.Busy})
		return
	case 1:
		<-ctx.Done() // until it stops ringing
		return
	}
	if spell(ctx, d.within(700*time.Millisecond)); c.Answer(ctx) != nil {
		return
	}
	c.Loop(d.tone)
	spell(ctx, 200*time.Millisecond+d.within(2500*time.Millisecond))
	bye(c)
}

// rush has all callers phone in, some at once. begun is told of each, counted
// from 1, while the others go on.
func (d *desk) rush(begun func(int)) {
	stop := d.bringBack()
	defer stop()
	seats := make(chan struct{}, atOnce)
	var wg sync.WaitGroup
	for i := range crowd {
		seats <- struct{}{}
		wg.Go(func() {
			defer func() { <-seats }()
			d.phoneOnce(fmt.Sprintf("+1556%07d", i))
		})
		if begun != nil {
			begun(i + 1)
		}
	}
	wg.Wait()
}

// phoneOnce is one caller from the first ring to a hang-up at a random moment.
func (d *desk) phoneOnce(number string) {
	d.phones.with(number, "", nil, func(ctx context.Context, p *sip.Phone) {
		called := []string{"1000", "1009", "1009"}[d.draw(3)]
		patience := d.within(7 * time.Second)
		if d.draw(10) == 0 {
			patience = d.within(30 * time.Millisecond)
		}
		c, err := p.Dial(ctx, called, nil)
		if err != nil {
			d.t.Errorf("%s cannot dial: %v", number, err)
			return
		}
		var a answer
		limit, cancel := context.WithTimeout(ctx, patience)
		defer cancel()
		up := call.AwaitAnswer(limit, c, func(time.Time) { a.ringing = true }) == nil
		if up {
			a.up = true
			c.Loop(d.tone)
			if called == "1000" && d.draw(2) == 0 {
				_ = c.SendDTMF(limit, "1")
			}
			select {
			case <-limit.Done():
			case <-c.Context().Done():
			}
		}
		bye(c)
		if cause := call.CauseOf(c.Context()); !a.up && cause.SIP >= 300 && cause.SIP != 487 && cause.SIP != 408 {
			a.final = cause.SIP
		}
		d.mu.Lock()
		defer d.mu.Unlock()
		d.met[number] = a
	})
}

// bringBack ends the breaks that missed calls led to, as a supervisor does.
func (d *desk) bringBack() (stop func()) {
	var over atomic.Bool
	var wg sync.WaitGroup
	wg.Go(func() {
		for !over.Load() {
			var out struct {
				Agents []agentRow `json:"agents"`
			}
			if d.api.read("/api/v1/agents", &out) == nil { // it may be killed just now
				for _, a := range out.Agents {
					if a.State == "break" {
						_, _, _ = d.api.ask(http.MethodPut, "/api/v1/agents/"+a.ID+"/presence", map[string]string{"presence": "available"})
					}
				}
			}
			spell(d.t.Context(), 200*time.Millisecond)
		}
	})
	return func() { over.Store(true); wg.Wait() }
}

// figures are the legs and goroutines of the server.
func (d *desk) figures() (legs, goroutines float64) {
	d.t.Helper()
	for name, v := range map[string]*float64{"firstline_sip_legs": &legs, "go_goroutines": &goroutines} {
		var ok bool
		if *v, ok = d.api.metric(name); !ok {
			d.t.Fatalf("/metrics has no %s", name)
		}
	}
	return legs, goroutines
}

// settle waits until nothing is left of any call. before is the number of
// goroutines to come back to, 0 for any.
func (d *desk) settle(before float64) {
	d.t.Helper()
	eventually(d.t, "no call is open", func() bool {
		var page struct {
			Calls []callRecord `json:"calls"`
		}
		d.api.get("/api/v1/calls?open=true", &page)
		return len(page.Calls) == 0
	})
	eventually(d.t, "no leg and no port is left", func() bool {
		legs, _ := d.figures()
		ports, ok := d.api.metric("firstline_rtp_port_pairs")
		return ok && legs == 0 && ports == 0
	})
	eventually(d.t, "every agent is free again", func() bool {
		for _, a := range d.api.agents() {
			if a.State != "available" && a.State != "unreachable" && a.State != "break" || a.Call != "" {
				return false
			}
		}
		return true
	})
	if before > 0 {
		now := 0.0
		eventually(d.t, fmt.Sprintf("the server is back to %v goroutines", before), func() bool {
			_, now = d.figures()
			return now <= before+4 // connections of the API's clients come and go
		})
		d.t.Logf("%v goroutines before, %v after %d calls", before, now, crowd)
	}
}

// audit adds everything up from the journal, and compares.
func (d *desk) audit(killed bool) {
	t := d.t
	t.Helper()
	all := wholeJournal(t, d.office)
	promises(t, d.office)
	sums := outcomes(t, all)
	d.compare(sums)

	byNumber, tickets := map[string][]callRecord{}, map[string]int{}
	restored := 0
	for _, c := range d.api.calls() {
		byNumber[c.From.Number] = append(byNumber[c.From.Number], c)
		tickets[c.Ticket]++
		if c.Outcome == "" || c.Open {
			t.Errorf("call without an outcome: %+v", c)
		}
		if c.Restored {
			restored++
		}
	}
	for _, k := range d.api.tickets() {
		if tickets[k.ID] != 1 {
			t.Errorf("ticket %s belongs to %d calls", k.ID, tickets[k.ID])
		}
		delete(tickets, k.ID)
	}
	if len(tickets) > 0 {
		t.Errorf("calls with tickets that are not there: %v", tickets)
	}
	answered, silent := 0, 0
	for number, a := range d.met {
		n := len(byNumber[number])
		switch {
		case a.aboveTrying() && n != 1:
			t.Errorf("%s was told %+v and has %d calls: %+v", number, a, n, byNumber[number])
		case n > 1:
			t.Errorf("%s was told nothing and has %d calls", number, n)
		}
		if a.up {
			answered++
		} else if !a.aboveTrying() {
			silent++
		}
	}
	t.Logf("%d callers: %d answered, %d gone before any answer; %d calls closed after the crash; entries: %v",
		len(d.met), answered, silent, restored, sums)
	if len(d.met) != crowd {
		t.Errorf("%d of %d callers came back", len(d.met), crowd)
	}
	recordings := slices.DeleteFunc(slices.Clone(all), func(e event) bool { return e.Type != "recording.started" })
	if len(recordings) == 0 {
		t.Error("nothing was recorded")
	}
	playable(t, d.office, len(recordings))
	if !killed && restored > 0 {
		t.Errorf("%d calls were closed after a crash that was none", restored)
	}
}

// outcomes counts the queue entries by outcome; each that joined must have left once.
func outcomes(t *testing.T, all []event) map[string]int {
	t.Helper()
	joined, left, sums := map[string]int{}, map[string]int{}, map[string]int{}
	for _, e := range all {
		var b struct {
			Entry   string `json:"entry"`
			Outcome string `json:"outcome"`
		}
		switch e.Type {
		case "queue.joined":
			must(t, json.Unmarshal(e.Body, &b))
			joined[b.Entry]++
		case "queue.left":
			must(t, json.Unmarshal(e.Body, &b))
			left[b.Entry]++
			sums[b.Outcome]++
		}
	}
	for id, n := range joined {
		if n != 1 || left[id] != 1 {
			t.Errorf("entry %s joined %d times and left %d times", id, n, left[id])
		}
	}
	if len(left) != len(joined) {
		t.Errorf("%d entries joined, %d left", len(joined), len(left))
	}
	return sums
}

// compare holds the report to the sums.
func (d *desk) compare(sums map[string]int) {
	t := d.t
	t.Helper()
	offered := 0
	for n := range maps.Values(sums) {
		offered += n
	}
	rows := d.api.sla()
	if len(rows) != 1 {
		t.Fatalf("the report: %+v", rows)
	}
	r := rows[0]
	other := offered - sums["answered"] - sums["abandoned"] - sums["abandoned-short"]
	if r.Offered != offered || r.Answered != sums["answered"] || r.Abandoned != sums["abandoned"] ||
		r.AbandonedShort != sums["abandoned-short"] || r.Other != other || r.Waiting != 0 {
		t.Errorf("the report says %+v, the journal %v", r, sums)
	}
	if sums["answered"] == 0 || sums["abandoned"]+sums["abandoned-short"] == 0 {
		t.Errorf("chance made no mixture: %v", sums)
	}
}
