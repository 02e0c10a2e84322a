package intake

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"firstline/call"
	"firstline/ivr"
)

// everyKind is a flow with a node of every kind: one second for each prompt.
//
//	0  notice, 9 declines within 2 s    3  identify: account of 4 digits, read back
//	then a menu: 1 the desk, 2 German and told where they stand, 3 hung up on
const everyKind = `
variables: {account: "", tries: 0}
start: notice
nodes:
  notice: {type: notice, play: recording-notice, decline: "9", declined: thank-you, timeout: 2s, next: who}
  who: {type: flow, flow: identify, next: main}
  main:
    type: menu
    play: menu-main
    invalid: menu-invalid
    silence: menu-timeout
    retries: 1
    timeout: 5s
    digits: {1: which, 2: german, 3: sorry}
    default: count
  german: {type: language, to: de, next: tell}
  tell: {type: say, say: [queue-position, {number: 'queue("service-desk").waiting + 1'}, {ticket: ticket}], next: which}
  count: {type: set, set: {tries: tries + 1}, next: which}
  which:
    type: branch
    cases: [{if: 'tries > 0 and account == ""', next: sorry}, {if: 'not open("desk")', next: sorry}]
    default: connecting
  connecting: {type: prompt, play: connecting, next: desk}
  desk: {type: queue, queue: service-desk}
  sorry: {type: flow, flow: sorry}
`

const identifyYAML = `
variables: {account: ""}
start: ask
nodes:
  ask:
    type: collect
    play: enter-number
    max: 4
    min: 4
    as: account
    read-back: please-wait
    confirm: press-1
    retries: 1
    timeout: 5s
    next: back
    default: back
  back: {type: return}
`

const sorryYAML = `
start: pin
nodes:
  pin: {type: collect, play: enter-pin, max: 4, secret: true, as: pin, retries: 0, timeout: 3s, next: bye, default: bye}
  bye: {type: prompt, play: goodbye, next: end}
  end: {type: hangup}
`

// kinds makes 1000 lead to the flow of every kind.
func kinds(t *testing.T) func(*Centre) {
	return func(c *Centre) {
		for id, text := range map[string]string{"support": everyKind, "identify": identifyYAML, "sorry": sorryYAML} {
			f, faults := ivr.Parse(id+".yaml", id, []byte(text))
			if len(faults) > 0 {
				t.Fatal(faults)
			}
			c.Flows[id] = f
		}
		if faults := ivr.CheckAll([]*ivr.Flow{c.Flows["support"], c.Flows["identify"], c.Flows["sorry"]}, ivr.Known{
			Queues: []string{"service-desk"}, Flows: []string{"identify", "sorry"}, Calendars: []string{"desk"}, Entered: []string{"support"},
		}); len(faults) > 0 {
			t.Fatal(faults)
		}
		c.Calendars = map[string]Hours{"desk": openFrom(0, 24)}
	}
}

// keyed presses keys at seconds from now: "3.5:4711 9:1".
func keyed(c interface{ Press(string) }, script string) {
	for press := range strings.FieldsSeq(script) {
		at, digits, _ := strings.Cut(press, ":")
		d, err := time.ParseDuration(at + "s")
		if err != nil {
			panic(err)
		}
		time.AfterFunc(d, func() { c.Press(digits) })
	}
}

// walked is the nodes that a call came through, by the journal.
func (r *rig) walked(id call.ID) string {
	r.t.Helper()
	var nodes []string
	for _, e := range r.journal.Events() {
		b, ok := e.Body.(call.StageEntered)
		if !ok || e.Stream.ID != string(id) || b.Stage != "flow" {
			continue
		}
		s, err := inputOf[Flow](&call.Record{StageInput: b.Input})
		if err != nil {
			r.t.Fatal(err)
		}
		if node := s.(Flow).State.Node; node != "" {
			nodes = append(nodes, node)
		}
	}
	return strings.Join(nodes, " ")
}

func TestEveryKindOfNodeWithSilenceWrongAndEarlyKeys(t *testing.T) {
	const answered, inFlow = call.OutcomeAnswered, call.OutcomeEndedInFlow
	for name, c := range map[string]struct {
		keys    string
		walked  string
		outcome call.Outcome
	}{
		"nobody keys anything":        {"", "notice who ask back main count which sorry pin bye end", inFlow},
		"everything as it is asked":   {"3.5:4711 6:1 10.5:1", "notice who ask back main which connecting desk", answered},
		"keys far ahead":              {"3.1:471111", "notice who ask back main which connecting desk", answered},
		"keys before the notice ends": {"0.5:4711", "notice who ask back main count which sorry pin bye end", inFlow},
		"too short a number, then right": {
			"3.5:47 8:4711 11:1 17:1", "notice who ask back main which connecting desk", answered,
		},
		"wrong digits, told so":     {"3.5:4711 6:2 10:4712 13:1 18:1", "notice who ask back main which connecting desk", answered},
		"a wrong key in the menu":   {"3.5:4711 6:1 10.5:7 13:1", "notice who ask back main which connecting desk", answered},
		"wrong keys alone":          {"3.5:4711 6:1 10.5:7 13:8", "notice who ask back main count which connecting desk", answered},
		"in German":                 {"3.5:4711 6:1 10.5:2", "notice who ask back main german tell which connecting desk", answered},
		"hung up on, with a secret": {"3.5:4711 6:1 10.5:3 12:8765", "notice who ask back main sorry pin bye end", inFlow},
		"a secret cut short":        {"3.5:4711 6:1 10.5:3 12:87", "notice who ask back main sorry pin bye end", inFlow},
	} {
		t.Run(name, func(t *testing.T) {
			tuned(t, kinds(t), func(r *rig) {
				caller := r.sw.Dial("+4930123", "1000")
				keyed(caller, c.keys)
				time.Sleep(70 * time.Second)
				caller.Hangup()
				time.Sleep(time.Second)
				rec := r.only()
				if d := cmp.Diff(c.walked, r.walked(rec.ID)); d != "" || rec.Outcome != c.outcome {
					t.Errorf("%s, walked (-want +got):\n%s", rec.Outcome, d)
				}
				wantNoSecret(t, r, "8765")
			})
		})
	}
}

// wantNoSecret wants a secret in no event.
func wantNoSecret(t *testing.T, r *rig, secret string) {
	t.Helper()
	for _, e := range r.journal.Events() {
		b, err := e.MarshalJSON()
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(b), secret) {
			t.Errorf("the secret is in %s", b)
		}
	}
}

func TestWhoHangsUpInAnyNodeIsOneCallWithOneOutcome(t *testing.T) {
	for after := 250 * time.Millisecond; after < 20*time.Second; after += 500 * time.Millisecond {
		tuned(t, kinds(t), func(r *rig) {
			c := r.sw.Dial("+4930123", "1000")
			keyed(c, "3.5:4711 6:1 10.5:2")
			time.Sleep(after)
			c.Hangup()
			time.Sleep(time.Second)
			rec := r.only()
			if rec.Outcome == "" || rec.Cause.Reason != call.Hangup {
				t.Errorf("hung up after %v: %s, %+v", after, rec.Outcome, rec.Cause)
			}
		})
	}
}

func TestProcessDroppedInAnyNodeGoesOnInIt(t *testing.T) {
	for after := 250 * time.Millisecond; after < 20*time.Second; after += 750 * time.Millisecond {
		tuned(t, kinds(t), func(r *rig) {
			c := r.sw.Dial("+4930123", "1000")
			keyed(c, "3.5:4711 6:1 10.5:2")
			time.Sleep(after)
			r.drop()
			r.start()
			time.Sleep(70 * time.Second)
			c.Hangup()
			time.Sleep(time.Second)
			walked := r.walked(c.Call.ID)
			if rec := r.recordOf(c.Call.ID); !strings.HasSuffix(walked, "connecting desk") && !strings.HasSuffix(walked, "bye end") || rec.Outcome == call.OutcomeSystemFailed {
				t.Errorf("dropped after %v: %s, walked %s", after, rec.Outcome, walked)
			}
		})
	}
}

// Who pressed the key not to be recorded is not, and is not told that they are.
func TestWhoDeclinesIsNotRecordedThroughARestart(t *testing.T) {
	for _, restart := range []bool{false, true} {
		tuned(t, kinds(t), func(r *rig) {
			c := r.sw.Dial("+4930123", "1000")
			keyed(c, "1.5:9 4.5:4711 7:1 11.5:1")
			back := r.absent()
			time.Sleep(15 * time.Second)
			if restart {
				r.drop()
				r.start()
				r.absent()
			}
			back()
			time.Sleep(10 * time.Second)
			if c.Hears() != "talk" {
				t.Errorf("restart %v: hears %q", restart, c.Hears())
			}
			c.Hangup()
			time.Sleep(time.Second)
			rec := r.only()
			notices := 0
			for _, m := range c.Heard() {
				if m == "prompt:en/recording-notice" {
					notices++
				}
			}
			if !rec.Unrecorded || len(rec.Talks) != 1 || rec.Talks[0].Recording != "" || notices != 1 {
				t.Errorf("restart %v: unrecorded %v, talks %+v, %d notices", restart, rec.Unrecorded, rec.Talks, notices)
			}
		})
	}
}

// The language chosen in a flow is that of everything after it.
func TestAChosenLanguageHoldsInTheQueueAndThroughARestart(t *testing.T) {
	for _, restart := range []bool{false, true} {
		tuned(t, func(c *Centre) {
			kinds(t)(c)
			for id := range c.Queues {
				c.Announce = map[call.QueueID]Announce{id: {Position: true, First: 2 * time.Second, Every: 5 * time.Second}}
			}
		}, func(r *rig) {
			r.absent()
			c := r.sw.Dial("+4930123", "1000")
			keyed(c, "3.5:4711 6:1 10.5:2")
			time.Sleep(25 * time.Second)
			if restart {
				r.drop()
				r.start()
				r.absent()
			}
			time.Sleep(10 * time.Second)
			heard := c.Heard()
			last := heard[len(heard)-1]
			for i := len(heard) - 1; strings.HasPrefix(string(last), "music:"); i-- {
				last = heard[i]
			}
			if last != "prompt:de/queue-next" {
				t.Errorf("restart %v: heard %v", restart, heard)
			}
			c.Hangup()
		})
	}
}

// A call that outlived its process goes on in the version that it began with.
func TestAnAdoptedCallKeepsItsVersion(t *testing.T) {
	for _, known := range []bool{true, false} {
		tuned(t, nil, func(r *rig) {
			r.journal.SetConfig("h1")
			c := r.sw.Dial("+4930123", "1000")
			time.Sleep(500 * time.Millisecond)
			r.drop()
			r.journal.SetConfig("h2")
			r.tune = func(next *Centre) {
				next.Hash = "h2"
				f, faults := ivr.Parse("support.yaml", "support", []byte("start: notice\nnodes:\n  notice: {type: hangup}\n"))
				if len(faults) > 0 {
					t.Fatal(faults)
				}
				next.Flows["support"] = f
			}
			r.version = func(_ context.Context, hash string) (*Centre, error) {
				if !known {
					return nil, errors.New("not kept")
				}
				c := centre(t)
				c.Hash = hash
				return c, nil
			}
			r.start()
			time.Sleep(20 * time.Second)
			if got := c.Hears() == "talk"; got != known {
				t.Errorf("version known %v: talks %v, hears %q", known, got, c.Hears())
			}
			c.Hangup()
		})
	}
}

func TestThreeClientsAreGreetedEachInTheirOwnWay(t *testing.T) {
	tuned(t, func(c *Centre) {
		f, faults := ivr.Parse("support.yaml", "support", []byte(`
start: hello
nodes:
  hello: {type: greeting, play: welcome, next: who}
  who: {type: branch, cases: [{if: class == "gold", next: gold}, {if: client == "initech", next: bye}], default: desk}
  gold: {type: queue, queue: service-desk, priority: 9}
  desk: {type: queue, queue: service-desk}
  bye: {type: hangup}
`))
		if len(faults) > 0 {
			t.Fatal(faults)
		}
		c.Flows["support"] = f
		c.Numbers["1001"] = Number{Flow: "support", Client: "acme", Language: "de", Greeting: "acme-welcome"}
		c.Numbers["1002"] = Number{Flow: "support", Client: "globex", Class: "gold", Language: "es", Greeting: "globex-welcome"}
		c.Numbers["1003"] = Number{Flow: "support", Client: "initech"}
	}, func(r *rig) {
		r.absent()
		for number, want := range map[string]struct {
			greeting call.Media
			priority int
			outcome  call.Outcome
		}{
			"1001": {"prompt:de/acme-welcome", 0, call.OutcomeAbandonedShort}, "1002": {"prompt:es/globex-welcome", 9, call.OutcomeAbandonedShort},
			"1003": {"prompt:en/welcome", 0, call.OutcomeEndedInFlow},
		} {
			c := r.sw.Dial("+4930123", number)
			time.Sleep(2500 * time.Millisecond)
			if heard := c.Heard(); len(heard) == 0 || heard[0] != want.greeting {
				t.Errorf("%s heard %v, want %s first", number, heard, want.greeting)
			}
			c.Hangup()
			time.Sleep(time.Second)
			rec := r.recordOf(c.Call.ID)
			if rec.Outcome != want.outcome || want.priority > 0 && rec.Entries[0].Priority != want.priority {
				t.Errorf("%s: %s, %+v", number, rec.Outcome, rec.Entries)
			}
		}
	})
}
