package limp_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/zap/zaptest"

	"firstline/call"
	"firstline/callqueue/queuelog"
	"firstline/intake/limp"
	"firstline/intake/lost"
	"firstline/store"
	"firstline/store/storetest"
	"firstline/tickets"
)

// config is an importer's on a store.
func config(t *testing.T, s *store.Store) limp.Config {
	return limp.Config{
		Queue: func(name string) (limp.Queue, bool) {
			return limp.Queue{ID: "service-desk", Target: call.Target{Within: 20 * time.Second, Percent: 80, ShortAbandon: time.Second}}, name == "firstline-fallback"
		},
		Journal: s.Journal(),
		Tickets: tickets.NewDesk(s.Journal(), s.Numbers(), s),
		Lost:    lost.New(lost.Config{Journal: s.Journal()}, nil),
		Known: func(ctx context.Context, origin string, id call.ID) ([]call.Record, error) {
			p, err := s.Calls(ctx, store.CallFilter{Origin: origin})
			if r, err := s.Call(ctx, id); err == nil {
				p.Items = append(p.Items, r)
			}
			return p.Items, err
		},
		Caller: func(c *call.Call) (string, string) { return c.From.Number, "acme" },
		Agent: func(member string) call.AgentID {
			if member == "Ana Silva" {
				return "ana"
			}
			return call.AgentID(member)
		},
		Log: zaptest.NewLogger(t),
	}
}

// lines parses a log.
func lines(t *testing.T, text string) []queuelog.Line {
	t.Helper()
	var all []queuelog.Line
	for line := range strings.Lines(text) {
		l, err := queuelog.Parse(strings.TrimSpace(line))
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, l)
	}
	return all
}

func recorded(t *testing.T) string {
	t.Helper()
	b, err := os.ReadFile("testdata/asterisk-22.queue_log")
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// brief is what a test wants of a call.
type brief struct {
	From, To         string
	Arrived, Ended   int64
	Outcome          call.Outcome
	Wait, Talk       time.Duration
	Agent            call.AgentID
	Lost, Cause, Say string
}

func briefs(t *testing.T, s *store.Store) []brief {
	t.Helper()
	page, err := s.Calls(t.Context(), store.CallFilter{})
	if err != nil {
		t.Fatal(err)
	}
	slices.Reverse(page.Items)
	var all []brief
	for _, r := range page.Items {
		b := brief{
			From: r.From.Number, To: r.To.Number, Arrived: r.Arrived.Unix(), Ended: r.Ended.Unix(), Outcome: r.Outcome,
			Wait: r.Wait(r.Ended), Talk: r.Talk(r.Ended), Cause: r.Cause.Text,
		}
		if len(r.Talks) > 0 {
			b.Agent = r.Talks[0].Agent
		}
		if r.Lost != nil {
			b.Lost = r.Lost.Reason
		}
		ticket, err := s.Ticket(t.Context(), r.Ticket)
		if err != nil || !ticket.Opened.Equal(r.Arrived) || !slices.Equal(ticket.Calls, []call.ID{r.ID}) || len(ticket.Notes) != 1 {
			t.Errorf("ticket of the call from %s: %+v, %v", r.From.Number, ticket, err)
		} else {
			b.Say = strings.TrimPrefix(ticket.Notes[0].Text, "Asterisk (pbx1) took this call while firstline was away: ")
		}
		if r.Stage != limp.Stage || r.Open() || !strings.Contains(string(r.StageInput), `"node":"pbx1"`) {
			t.Errorf("the call from %s does not say that Asterisk served it: %+v", r.From.Number, r)
		}
		all = append(all, b)
	}
	return all
}

// Asterisk 22.10 wrote testdata/asterisk-22.queue_log with the dialplan of
// deploy/asterisk: a call that was answered, one that gave up, one that went to
// voicemail after its longest wait, one that went there at once as nobody was there,
// and two, one of them waiting, that were up when Asterisk was killed.
func TestCallsOfLimpModeBecomeCallsWithTickets(t *testing.T) {
	const t0 = 1795509800
	want := []brief{
		{"+4930111", "1000", t0 + 47, t0 + 50, call.OutcomeAnswered, time.Second, 2 * time.Second, "ana", "", "", "answered by Ana Silva after 1s, talked 2s."},
		{"+4930222", "+49301000", t0 + 51, t0 + 53, call.OutcomeAbandoned, 2 * time.Second, 0, "", "gave up", "", "gave up after 2s."},
		{"+4930333", "1000", t0 + 53, t0 + 67, call.OutcomeVoicemail, 4 * time.Second, 0, "", "left a message", "", "left a message after 4s.\nVoicemail: /var/spool/asterisk/voicemail/firstline/100/INBOX/msg0001.wav"},
		{"", "1000", t0 + 68, t0 + 79, call.OutcomeVoicemail, 0, 0, "", "left a message", "", "left a message after 0s.\nVoicemail: /var/spool/asterisk/voicemail/firstline/100/INBOX/msg0002.wav"},
		{"+4930555", "1000", t0 + 97, t0 + 99, call.OutcomeAnswered, 0, 2 * time.Second, "ana", "", "Asterisk stopped", "answered by Ana Silva after 0s, talked 2s."},
		{"+4930666", "1000", t0 + 99, t0 + 99, call.OutcomeSystemFailed, 0, 0, "", "Asterisk stopped", "Asterisk stopped", "Asterisk stopped after 0s."},
	}
	engines(t, func(t *testing.T, p storetest.Place) {
		s, _ := storetest.Start(t, p.Config)
		for round, wanted := range []limp.Result{{Imported: 6}, {Known: 6}} {
			in := limp.New(config(t, s)).Importer("pbx1")
			in.Take(lines(t, recorded(t)))
			got, err := in.Settle(t.Context(), time.Unix(t0+200, 0))
			if err != nil || got != wanted {
				t.Fatalf("round %d: %+v, %v; want %+v", round+1, got, err, wanted)
			}
		}
		if d := cmp.Diff(want, briefs(t, s)); d != "" {
			t.Error(d)
		}
		owed, err := s.OpenLostItems(t.Context())
		if err != nil || len(owed) != 4 || owed[0].Number != "+4930222" || owed[0].Client != "acme" || owed[0].Joined.Unix() != t0+51 {
			t.Errorf("owed a call: %+v, %v", owed, err)
		}
	})
}

// Whatever line the follower was killed behind, and whatever it reads again, every
// call is there once in the end.
func TestReadingTwiceMakesNothingTwice(t *testing.T) {
	all := lines(t, recorded(t))
	now := all[len(all)-1].At.Add(time.Minute)
	s, _ := storetest.Start(t, storetest.SQLite(t).Config)
	for cut := range all {
		first := limp.New(config(t, s)).Importer("pbx1")
		first.Take(all[:cut])
		if _, err := first.Settle(t.Context(), all[cut].At); err != nil {
			t.Fatal(err)
		}
		kept, err := first.MarshalJSON()
		if err != nil {
			t.Fatal(err)
		}
		second := limp.New(config(t, s)).Importer("pbx1")
		if err := second.UnmarshalJSON(kept); err != nil {
			t.Fatal(err)
		}
		second.Take(all[max(0, cut-5):])
		if got, err := second.Settle(t.Context(), now); err != nil || got.Open != 0 {
			t.Fatalf("cut at %d: %+v, %v", cut, got, err)
		}
	}
	if got := briefs(t, s); len(got) != 6 || got[0].Wait != time.Second || got[0].Talk != 2*time.Second {
		t.Errorf("%+v", got)
	}
}

// What one line leads to, alone.
func TestEveryEndOfAQueueEntryHasItsOutcome(t *testing.T) {
	const joined = "100|c-100.1|firstline-fallback|NONE|ENTERQUEUE||+4930111|1|Zoë\x07\n"
	ring := func(event string) string { return "109|c-100.1|firstline-fallback|Ben|" + event + "|4000\n" }
	line := func(rest string) string { return "110|c-100.1|firstline-fallback|" + rest + "\n" }
	for _, c := range []struct {
		name, log string
		outcome   call.Outcome
		lost      string
		offers    []call.OfferResult
		talked    time.Duration
	}{
		{"gave up", line("NONE|ABANDON|1|1|10"), call.OutcomeAbandoned, "gave up", nil, 0},
		{"gave up while a phone rang", ring("RINGCANCELED") + line("NONE|ABANDON|1|1|10"), call.OutcomeAbandoned, "gave up", []call.OfferResult{call.OfferWithdrawn}, 0},
		{"waited too long", ring("RINGNOANSWER") + line("NONE|EXITWITHTIMEOUT|1|1|10"), call.OutcomeTimeoutOverflow, "was not answered", []call.OfferResult{call.OfferMissed}, 0},
		{"nobody is there", line("NONE|EXITEMPTY|1|1|10"), call.OutcomeEmpty, "was not answered", nil, 0},
		{"pressed a key", line("NONE|EXITWITHKEY|5|1|1|10"), call.OutcomeExitKey, "", nil, 0},
		{"was taken out", line("NONE|WITHDRAW|1|1|10|by hand"), call.OutcomeWithdrawn, "", nil, 0},
		{"no codec in common", line("Ana Silva|SYSCOMPAT"), call.OutcomeSystemFailed, "the phones had no codec in common", nil, 0},
		{"left for another queue", "110|c-100.1|firstline-fallback|NONE|ENTERQUEUE||+4930111|1\n112|c-100.1|firstline-fallback|NONE|ABANDON|1|1|2\n", call.OutcomeAbandoned, "gave up", nil, 0},
		{"the agent hung up", line("Ana Silva|CONNECT|10|c-100.2|3") + "170|c-100.1|firstline-fallback|Ana Silva|COMPLETEAGENT|10|60|1\n", call.OutcomeAnswered, "", []call.OfferResult{call.OfferAnswered}, time.Minute},
		{"the agent passed the call on", line("Ana Silva|CONNECT|10|c-100.2|3") + "130|c-100.1|firstline-fallback|Ana Silva|BLINDTRANSFER|200|default|10|20|1\n", call.OutcomeAnswered, "", []call.OfferResult{call.OfferAnswered}, 20 * time.Second},
		{"the channel was gone before the queue said so", line("Ana Silva|CONNECT|10|c-100.2|3") + "120|c-100.1|firstline-fallback|NONE|HANGUP|\n120|c-100.1|firstline-fallback|Ana Silva|COMPLETECALLER|10|10|1\n", call.OutcomeAnswered, "", []call.OfferResult{call.OfferAnswered}, 10 * time.Second},
		{"the log ends while it talks", line("Ana Silva|CONNECT|10|c-100.2|3"), call.OutcomeAnswered, "", []call.OfferResult{call.OfferAnswered}, 0},
		{"the log ends while it waits", "", call.OutcomeSystemFailed, "the log says no more", nil, 0},
		{"the clock was set back", "90|c-100.1|firstline-fallback|NONE|ABANDON|1|1|0\n", call.OutcomeAbandonedShort, "", nil, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			s, _ := storetest.Start(t, storetest.SQLite(t).Config)
			in := limp.New(config(t, s)).Importer("pbx1")
			in.Take(lines(t, joined+c.log))
			if got, err := in.Settle(t.Context(), time.Unix(100_000, 0)); err != nil || got.Imported != 1 {
				t.Fatalf("%+v, %v", got, err)
			}
			page, err := s.Calls(t.Context(), store.CallFilter{})
			if err != nil || len(page.Items) != 1 {
				t.Fatalf("%+v, %v", page, err)
			}
			r := page.Items[0]
			last := r.Entries[len(r.Entries)-1]
			var offers []call.OfferResult
			for _, o := range last.Offers {
				offers = append(offers, o.Result)
				if o.Ended.Sub(o.At) <= 0 || o.At.Before(last.Joined) {
					t.Errorf("offer from %v to %v", o.At, o.Ended)
				}
			}
			lost := ""
			if r.Lost != nil {
				lost = r.Lost.Reason
			}
			if r.Outcome != c.outcome || last.Outcome != c.outcome || lost != c.lost || r.Talk(r.Ended) != c.talked || !slices.Equal(offers, c.offers) {
				t.Errorf("outcome %s (entry %s), lost %q, offers %v, talked %v", r.Outcome, last.Outcome, lost, offers, r.Talk(r.Ended))
			}
			if r.From.Name != "Zoë" {
				t.Errorf("name %q", r.From.Name)
			}
			evs, err := s.Events(t.Context(), 0, 100)
			if err != nil {
				t.Fatal(err)
			}
			for _, e := range evs {
				if e.Stream.Kind == call.StreamLost {
					continue
				}
				if e.Config != call.ConfigAsterisk || e.Stream.Kind == call.StreamCall && e.At.Unix() < 100 {
					t.Errorf("event %+v", e)
				}
			}
		})
	}
}

func TestCallsOfOtherQueuesAndHalvesOfCallsAreLeftAlone(t *testing.T) {
	s, _ := storetest.Start(t, storetest.SQLite(t).Config)
	in := limp.New(config(t, s)).Importer("pbx1")
	in.Take(lines(t, `100|a.1|sales|NONE|ENTERQUEUE||1|1
101|a.1|sales|NONE|ABANDON|1|1|1
102|b.1|firstline-fallback|Ana Silva|COMPLETEAGENT|1|1|1
103|NONE|firstline-fallback|Ana Silva|PAUSE|
104|NONE|NONE|NONE|QUEUESTART|
105|d.1|firstline-fallback|NONE|ENTERQUEUE||2|1
`))
	got, err := in.Settle(t.Context(), time.Unix(110, 0))
	if err != nil || got != (limp.Result{Open: 1}) {
		t.Errorf("%+v, %v", got, err)
	}
}

// A call that firstline had begun to serve before it fell back stays on its ticket.
func TestCallThatWasHandedBackStaysOnItsTicket(t *testing.T) {
	s, _ := storetest.Start(t, storetest.SQLite(t).Config)
	desk := tickets.NewDesk(s.Journal(), s.Numbers(), s)
	began := time.Unix(1795509847, 0)
	c := &call.Call{ID: call.NewID(began), Origin: "pbx1/pbx1-1795509847.0/4711@carrier", Arrived: began}
	ticket, opening, err := desk.Opening(began, c, "")
	if err != nil {
		t.Fatal(err)
	}
	storetest.Append(t, s.Journal(), append([]call.Event{call.CallEvent(began, c.ID, call.Arrived{Ticket: ticket, Origin: c.Origin})}, opening...)...)
	storetest.Append(t, s.Journal(), call.CallEvent(began, c.ID, call.Ended{Outcome: call.OutcomeSystemFailed}))
	for range 2 {
		in := limp.New(config(t, s)).Importer("pbx1")
		in.Take(lines(t, strings.Replace(recorded(t), "DID|1000", "DID|1000|"+string(c.ID), 1))[:6])
		if _, err := in.Settle(t.Context(), time.Unix(1795510000, 0)); err != nil {
			t.Fatal(err)
		}
	}
	list, err := s.Tickets(t.Context(), store.TicketFilter{})
	if err != nil || len(list.Items) != 1 {
		t.Fatalf("tickets %+v, %v", list, err)
	}
	got, err := s.Ticket(t.Context(), ticket)
	if err != nil || len(got.Calls) != 2 || len(got.Notes) != 1 {
		t.Errorf("ticket %+v, %v", got, err)
	}
}

// Who gave up in limp mode and was answered in limp mode is owed nothing more.
func TestWhoPhonesAgainAndIsAnsweredIsOffTheList(t *testing.T) {
	s, _ := storetest.Start(t, storetest.SQLite(t).Config)
	in := limp.New(config(t, s)).Importer("pbx1")
	in.Take(lines(t, `100|c-100.1|firstline-fallback|NONE|ENTERQUEUE||+4930111|1
110|c-100.1|firstline-fallback|NONE|ABANDON|1|1|10
150|c-150.1|firstline-fallback|NONE|ENTERQUEUE||+4930111|1
160|c-150.1|firstline-fallback|Ben|CONNECT|10|x|1
190|c-150.1|firstline-fallback|Ben|COMPLETECALLER|10|30|1
`))
	if got, err := in.Settle(t.Context(), time.Unix(200, 0)); err != nil || got.Imported != 2 {
		t.Fatalf("%+v, %v", got, err)
	}
	storetest.Append(t, s.Journal(), call.SystemEvent(time.Now(), call.Started{})) // behind what was posted
	if owed, err := s.OpenLostItems(t.Context()); err != nil || len(owed) != 0 {
		t.Errorf("owed a call: %+v, %v", owed, err)
	}
}

func TestWhatCannotBeWrittenIsWrittenLater(t *testing.T) {
	s, _ := storetest.Start(t, storetest.SQLite(t).Config)
	cfg := config(t, s)
	known, away := cfg.Known, errors.New("the database does not answer")
	cfg.Known = func(context.Context, string, call.ID) ([]call.Record, error) { return nil, away }
	in := limp.New(cfg).Importer("pbx1")
	in.Take(lines(t, recorded(t)))
	now := time.Unix(1795510000, 0)
	if got, err := in.Settle(t.Context(), now); !errors.Is(err, away) || got.Open != 6 {
		t.Fatalf("%+v, %v", got, err)
	}
	kept, err := in.MarshalJSON()
	if err != nil {
		t.Fatal(err)
	}
	cfg.Known = known
	again := limp.New(cfg).Importer("pbx1")
	if err := again.UnmarshalJSON(kept); err != nil {
		t.Fatal(err)
	}
	if got, err := again.Settle(t.Context(), now); err != nil || got.Imported != 6 {
		t.Errorf("%+v, %v", got, err)
	}
}

func TestChannelsIDTellsWhenTheCallCame(t *testing.T) {
	s, _ := storetest.Start(t, storetest.SQLite(t).Config)
	in := limp.New(config(t, s)).Importer("pbx1")
	in.Take(lines(t, `2000000100|pbx-2-2000000040.7|firstline-fallback|NONE|DID|1000
2000000100|2000000030.8|firstline-fallback|NONE|DID|1000
2000000101|ours-by-ari|firstline-fallback|NONE|DID|1000
2000000102|pbx-1000000000.1|firstline-fallback|NONE|DID|1000
2000000103|pbx-2000009999.1|firstline-fallback|NONE|DID|1000
`))
	if got, err := in.Settle(t.Context(), time.Unix(2000100000, 0)); err != nil || got.Imported != 5 {
		t.Fatalf("%+v, %v", got, err)
	}
	want := []string{"2000000030", "2000000040", "2000000101", "2000000102", "2000000103"}
	var got []string
	for _, b := range briefs(t, s) {
		got = append(got, fmt.Sprint(b.Arrived))
	}
	slices.Sort(got)
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}
