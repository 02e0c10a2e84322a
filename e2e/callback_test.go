//go:build e2e

package e2e

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"firstline/call"
	"firstline/sip"
	"firstline/sip/media"
)

// callbackRow is a request to be called back as the API tells it.
type callbackRow struct {
	ID       string                  `json:"id"`
	Customer struct{ Number string } `json:"customer"`
	Joined   time.Time               `json:"joined"`
	End      string                  `json:"end"`
	Message  string                  `json:"message"`
	Attempts []struct {
		Call  string     `json:"call"`
		Began time.Time  `json:"began"`
		Ended *time.Time `json:"ended"`
	} `json:"attempts"`
}

// callbacks are all requests by the customer's number.
func (a *api) callbacks() map[string]callbackRow {
	a.t.Helper()
	var page struct {
		Callbacks []callbackRow `json:"callbacks"`
	}
	a.get("/api/v1/callbacks?limit=500", &page)
	rows := map[string]callbackRow{}
	for _, r := range page.Callbacks {
		if _, twice := rows[r.Customer.Number]; twice {
			a.t.Errorf("%s asked twice", r.Customer.Number)
		}
		rows[r.Customer.Number] = r
	}
	return rows
}

// carrier is the telephone network behind the trunk: who is called answers, and talks
// until either side hangs up, unless they are not there.
type carrier struct {
	absent map[string]bool
	talk   time.Duration

	mu    sync.Mutex // guards the rest
	on    map[string]int
	twice []string // who was called while they were on the line
}

// rings is the network's end of a call that firstline places.
func (c *carrier) rings(in *sip.PhoneCall) {
	number := dialled(in)
	c.mu.Lock()
	if c.on[number]++; c.on[number] > 1 {
		c.twice = append(c.twice, number)
	}
	c.mu.Unlock()
	defer func() {
		c.mu.Lock()
		c.on[number]--
		c.mu.Unlock()
	}()
	if c.absent[number] {
		_ = in.Hangup(context.Background(), call.Cause{Reason: call.Busy, SIP: 486})
		return
	}
	ctx := in.Context()
	spell(ctx, 200*time.Millisecond)
	if in.Answer(ctx) == nil {
		spell(ctx, c.talk)
		bye(in)
	}
}

// dialled is the number that rang, as the To of the INVITE has it.
func dialled(in *sip.PhoneCall) string {
	_, number, _ := strings.Cut(in.Header("To"), "sip:")
	number, _, _ = strings.Cut(number, "@")
	return number
}

// answers is a phone of ours that takes every call and keeps it until the other side goes.
func answers(in *sip.PhoneCall) {
	if in.Answer(in.Context()) == nil {
		in.Loop(media.Tone(time.Second, agentTone))
		<-in.Context().Done()
	}
}

// waysDesk is the demo's desk with exits by key, and brief rules.
func waysDesk(t *testing.T) map[string]string {
	return map[string]string{"queues.yaml": strings.Replace(demoFile(t, "queues.yaml"), "  wrap-up: 60s", `  wrap-up: 0s
  keys: {2: {callback: true}, 3: {voicemail: true}}
  callback: {tries: 2, every: 10s, ring: 10s}
  voicemail: {longest: 20s, silence: 4s}`, 1)}
}

// outbound lets the server call numbers through a phone of the test.
func (s *office) outbound(p *sip.Phone, allow string) {
	s.t.Helper()
	s.env["FIRSTLINE_SIP_TRUNKS_LOOPBACK_OUTBOUND_PROXY"] = p.Addr().String()
	s.env["FIRSTLINE_SIP_TRUNKS_LOOPBACK_OUTBOUND_ALLOW"] = allow
	s.process.stop(syscall.SIGTERM)
	s.up()
}

func TestTwentyCallbacksThreeRedialsTwoUnreachableAndARestartMidway(t *testing.T) {
	t.Parallel()
	number := func(n int) string { return fmt.Sprintf("+155501011%02d", n) }
	redial, absent := []int{3, 7, 11}, map[string]bool{number(5): true, number(9): true}
	net := &carrier{absent: absent, talk: 5 * time.Second, on: map[string]int{}}
	s := serve(t, setting{centre: waysDesk(t)})
	phones := newPhones(s)
	s.outbound(phones.keep("carrier", "", net.rings), "+1555")
	stranger := phones.keep("stranger", "", nil)
	ctx := t.Context()
	dial := func(n int) *sip.PhoneCall {
		c, err := stranger.DialFrom(ctx, number(n), "1009", nil)
		must(t, err)
		must(t, call.AwaitAnswer(ctx, c, nil))
		s.api.awaitCall(number(n), "waits", func(c callRecord) bool { return c.State == "waiting" })
		return c
	}
	for n := range 20 {
		c := dial(n)
		must(t, c.SendDTMF(ctx, "2"))
		eventually(t, "the request is taken", func() bool { _, ok := s.api.callbacks()[number(n)]; return ok })
		bye(c) // while the number is read back
		s.api.awaitEnd(number(n))
	}
	waiting := map[int]*sip.PhoneCall{}
	for _, n := range redial {
		waiting[n] = dial(n)
	}
	for _, id := range []string{"2001", "2002"} {
		p := phones.keep(id, s.creds.Devices[id], answers)
		must(t, p.Register(ctx))
	}
	ended := func(end string) (n int) {
		for _, c := range s.api.callbacks() {
			if c.End != "" && (end == "" || c.End == end) {
				n++
			}
		}
		return n
	}
	for _, n := range redial {
		s.api.awaitCall(number(n), "is answered", func(c callRecord) bool { return c.State == "talking" })
		bye(waiting[n])
		s.api.awaitEnd(number(n))
	}
	eventually(t, "some are reached", func() bool { return ended("reached") >= 7 })
	s.kill()
	s.up()
	eventually(t, "every request has come to its end", func() bool { return ended("") == 20 })
	if a, b, c := ended("reached"), ended("redialled"), ended("unreachable"); a != 15 || b != 3 || c != 2 {
		t.Errorf("%d reached, %d redialled, %d unreachable", a, b, c)
	}
	for n, c := range s.api.callbacks() {
		for i := 1; i < len(c.Attempts); i++ {
			if before := c.Attempts[i-1].Ended; before == nil || c.Attempts[i].Began.Before(*before) {
				t.Errorf("two attempts of %s at once: %+v", n, c.Attempts)
			}
		}
	}
	net.mu.Lock()
	if len(net.twice) > 0 {
		t.Errorf("called twice at once: %v", net.twice)
	}
	net.mu.Unlock()
	reportsCallbacks(t, s)
	promises(t, s)
}

// reportsCallbacks wants the report to count each who asked once, and no try as a caller.
func reportsCallbacks(t *testing.T, s *office) {
	t.Helper()
	var report struct {
		Queues []struct {
			Queue     string `json:"queue"`
			Offered   int    `json:"offered"`
			Callbacks struct{ Asked, Reached, Open, Tries int }
			Outcomes  map[string]int `json:"outcomes"`
		} `json:"queues"`
	}
	from, to := time.Now().Add(-time.Hour).UTC(), time.Now().Add(time.Minute).UTC()
	s.api.get("/api/v1/reports/sla?from="+from.Format(time.RFC3339)+"&to="+to.Format(time.RFC3339), &report)
	for _, q := range report.Queues {
		if q.Queue == "service-desk" && (q.Offered != 23 || q.Outcomes["callback-taken"] != 20 || q.Callbacks.Asked != 20 || q.Callbacks.Reached != 15 || q.Callbacks.Open != 0 || q.Callbacks.Tries < 17) {
			t.Errorf("the report: %+v", q)
		}
	}
}
