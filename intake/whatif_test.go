package intake

import (
	"context"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"firstline/call"
	"firstline/call/calltest"
	"firstline/ivr"
)

// wide is a flow in which everything decides: keys, the caller, the time, the
// calendar and the queue.
const wide = `
variables: {account: "", rounds: 0}
start: when
nodes:
  when:
    type: branch
    cases:
      - {if: 'time.weekday in ["sat", "sun"] and time.hour < 12', next: weekend}
      - {if: 'not open("late")', next: night}
      - {if: caller.withheld, next: who}
      - {if: 'caller.number startsWith "+33"', next: french}
    default: main
  weekend: {type: menu, play: closed, digits: {1: who, 2: main}, retries: 1, default: bye}
  night: {type: notice, play: recording-notice, decline: "9", next: main}
  french: {type: language, to: fr, next: main}
  who: {type: flow, flow: identify, next: known}
  known: {type: branch, cases: [{if: 'account == ""', next: again}, {if: 'account endsWith "7"', next: gold}], default: main}
  again: {type: set, set: {rounds: rounds + 1}, next: enough}
  enough: {type: branch, cases: [{if: rounds > 1, next: bye}], default: main}
  main:
    type: menu
    play: menu-main
    invalid: menu-invalid
    retries: 2
    digits: {1: desk, 2: who, 3: secret, "*": main, "#": tell}
    default: desk
  tell: {type: say, say: [{number: 'queue("service-desk").waiting'}, {date: time.date}, {digits: account}], next: ahead}
  ahead: {type: menu, play: menu-severity, type-ahead: false, barge-in: false, digits: {1: desk, 2: gold}, retries: 1, default: bye}
  secret: {type: collect, play: enter-pin, secret: true, as: pin, min: 2, max: 3, retries: 1, next: gold, default: bye}
  gold: {type: queue, queue: service-desk, priority: 5}
  desk: {type: queue, queue: service-desk}
  bye: {type: hangup}
`

// both is what a thought and a live call have in common.
type both struct {
	Nodes []string
	Queue call.QueueID
	End   call.Reason
}

func wideCentre(t testing.TB) func(*Centre) {
	return func(c *Centre) {
		for id, text := range map[string]string{"support": wide, "identify": identifyYAML, "closed": closedFlowYAML} {
			f, faults := ivr.Parse(id+".yaml", id, []byte(text))
			if len(faults) > 0 {
				t.Fatal(faults)
			}
			c.Flows[id] = f
		}
		berlin, err := time.LoadLocation("Europe/Berlin")
		if err != nil {
			t.Fatal(err)
		}
		day, late := openFrom(7, 20), openFrom(5, 22)
		day.Zone, late.Zone = berlin, berlin
		c.Calendars = map[string]Hours{"late": late}
		c.Numbers = map[string]Number{
			"1000": {Flow: "support", Zone: berlin},
			"1001": {Flow: "support", Zone: berlin, Hours: day, Closed: Closed{Flow: "closed"}, Language: "de"},
			"1002": {Flow: "support", Hours: day, Closed: Closed{Prompt: "closed"}},
			"1009": {Queue: "service-desk", Hours: late, Closed: Closed{Prompt: "closed"}},
		}
	}
}

// asking is a leg that has its caller key the next keys each time that something
// is asked which was not answered ahead.
type asking struct {
	call.Leg
	far  *calltest.Caller
	keys []string
}

func (a *asking) Collect(ctx context.Context, c call.Collect) (call.Collected, error) {
	if len(a.keys) == 0 {
		return a.Leg.Collect(ctx, c)
	}
	keys := a.keys[0]
	press := time.AfterFunc(10*time.Millisecond, func() { a.far.Press(keys) })
	got, err := a.Leg.Collect(ctx, c)
	if !press.Stop() {
		a.keys = a.keys[1:]
	}
	return got, err
}

// keying serves calls whose callers key as they are asked.
type keying struct {
	desk call.Handler
	keys []string
	far  chan *calltest.Caller
}

func (k *keying) ServeCall(ctx context.Context, c *call.Call) {
	c.Leg = &asking{Leg: c.Leg, far: <-k.far, keys: k.keys}
	k.desk.ServeCall(ctx, c)
}

// live is where a call went that was really made.
func (r *rig) live(q Question) both {
	k := &keying{desk: r.desk, keys: slices.Clone(q.Keys), far: make(chan *calltest.Caller, 1)}
	r.sw.Serve(k)
	far := r.sw.Dial(q.From, q.To)
	k.far <- far
	for range 60 {
		time.Sleep(5 * time.Second)
		if rec := r.journal.Record(far.Call.ID); !rec.Open() || len(rec.Entries) > 0 {
			break
		}
	}
	far.Hangup()
	time.Sleep(time.Minute)
	synctest.Wait()
	rec := r.recordOf(far.Call.ID)
	got := both{Nodes: strings.Fields(r.walked(rec.ID))}
	if len(rec.Entries) > 0 {
		got.Queue = rec.Entries[0].Queue
	} else {
		got.End = rec.Cause.Reason
	}
	return got
}

// A thought of a call and the call itself take the same way: on 10,000 times,
// numbers and keys.
func TestWhatIfSaysWhereALiveCallGoes(t *testing.T) {
	const calls = 100 // of each of rapid's hundred draws
	rapid.Check(t, func(rt *rapid.T) {
		var questions []Question
		key := rapid.StringMatching(`([123*#9]|4711|4717|[0-9]{1,5}#?|)`)
		for range calls {
			questions = append(questions, Question{
				At:   time.Unix(rapid.Int64Range(0, 6*24*3600).Draw(rt, "after"), 0), // after the call before
				From: rapid.SampledFrom([]string{"+4930123", "+33123", ""}).Draw(rt, "from"),
				To:   rapid.SampledFrom([]string{"1000", "1000", "1001", "1002", "1009"}).Draw(rt, "to"),
				Keys: rapid.SliceOfN(key, 0, 7).Draw(rt, "keys"),
			})
		}
		tuned(t, wideCentre(t), func(r *rig) {
			r.absent() // so that nobody is in a talk, which asks for the fake's own legs
			for _, q := range questions {
				time.Sleep(time.Duration(q.At.Unix()) * time.Second)
				q.At = time.Now()
				a, err := r.desk.centre.Load().WhatIf(q)
				if err != nil {
					rt.Fatal(err)
				}
				thought := both{Nodes: a.Nodes(), Queue: a.Queue, End: a.End}
				if d := cmp.Diff(thought, r.live(q), equateEmpty()); d != "" {
					rt.Errorf("%s from %q to %s, keys %q (-what if +live):\n%s", q.At.UTC(), q.From, q.To, q.Keys, d)
				}
			}
		})
	})
}

func equateEmpty() cmp.Option {
	return cmp.Transformer("joined", func(s []string) string { return strings.Join(s, " ") })
}

func TestWhatIfSaysWhy(t *testing.T) {
	c := centre(t)
	wideCentre(t)(c)
	for name, w := range map[string]struct {
		q    Question
		want []string
		end  call.Reason
	}{
		"outside hours": {
			Question{At: time.Date(2026, 12, 25, 22, 0, 0, 0, time.UTC), To: "1002"},
			[]string{"closed until 2026-12-26T07:00:00+01:00, by the hours of the number", "hears prompt:en/closed"},
			call.Closed,
		},
		"no such number": {Question{To: "1234"}, []string{"no number of this centre"}, call.Unreachable},
		"a branch and keys": {
			Question{At: time.Date(2026, 12, 26, 10, 0, 0, 0, time.UTC), To: "1000", Keys: []string{"8", ""}},
			[]string{`because time.weekday in ["sat", "sun"] and time.hour < 12`, "keys 8, which is not taken", "keys nothing", "is hung up on: completed"},
			call.Completed,
		},
	} {
		t.Run(name, func(t *testing.T) {
			a, err := c.WhatIf(w.q)
			if err != nil {
				t.Fatal(err)
			}
			var said []string
			for _, s := range a.Steps {
				said = append(said, s.What)
			}
			for _, want := range w.want {
				if !slices.Contains(said, want) {
					t.Errorf("%q is not said: %q", want, said)
				}
			}
			if a.End != w.end {
				t.Errorf("ends %q, want %q", a.End, w.end)
			}
		})
	}
}
