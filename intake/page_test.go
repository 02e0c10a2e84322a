package intake

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"firstline/call"
	"firstline/call/calltest"
	"firstline/tickets"
	"firstline/tickets/oncall"
)

// night is a rig with a pager and three people on the ladder: ana, an agent at phone
// 2001; ben, who is no agent, at a number; and cem at phone 2003.
type night struct {
	*rig
	plan oncall.Plan
	book *tickets.Desk

	pager *Pager
	ben   *calltest.Phone
	cem   *calltest.Phone
	saved []byte
	at    int64
	quit  func()
}

const bens = "+4930777"

// ticketBook folds the journal, as the store does.
type ticketBook struct{ j *calltest.Journal }

func (b ticketBook) Ticket(_ context.Context, id call.TicketID) (tickets.Ticket, error) {
	var t tickets.Ticket
	for _, e := range b.j.Events() {
		if e.Stream == (call.Stream{Kind: call.StreamTicket, ID: string(id)}) {
			if err := t.Apply(e); err != nil {
				return t, err
			}
		}
	}
	if t.ID == "" {
		return t, tickets.ErrNotFound
	}
	return t, nil
}

// follower reads the journal as it grows.
type follower struct {
	j  *calltest.Journal
	at int64
}

func (f *follower) Next(ctx context.Context) ([]call.Event, error) {
	for {
		if evs := f.j.Events()[f.at:]; len(evs) > 0 {
			f.at += int64(len(evs))
			return evs, nil
		}
		call.Pause(ctx, 10*time.Millisecond)
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
	}
}

// atNight runs f in a bubble with a ladder of ana, ben and cem.
func atNight(t *testing.T, tune func(*oncall.Plan), f func(n *night)) {
	t.Helper()
	bubble(t, func(r *rig) {
		n := &night{rig: r}
		n.plan = oncall.Plan{
			People: map[call.AgentID]oncall.Person{
				"ana": {ID: "ana", Name: "Ana"}, "ben": {ID: "ben", Number: bens}, "cem": {ID: "cem", Device: "2003"},
			},
			Ladders: map[string]oncall.Ladder{"night": {ID: "night", Rounds: 2, Steps: []oncall.Step{{Person: "ana"}, {Person: "ben"}, {Person: "cem"}}}},
			Rules:   []oncall.Rule{{Ladder: "night", Priority: 1}},
			Line:    "1000",
		}
		if tune != nil {
			tune(&n.plan)
		}
		r.phone.Ignores()
		n.ben = r.sw.Phone(call.NumberDevice(bens)).Ignores()
		n.cem = r.sw.Phone("2003").Ignores()
		n.begin()
		f(n)
		n.quit()
	})
}

// begin starts a pager, as a process does.
func (n *night) begin() {
	n.book = tickets.NewDesk(n.process, nil, ticketBook{n.journal})
	n.pager = NewPager(n.desk, PagerConfig{
		Tickets: struct {
			*tickets.Desk
			ticketBook
		}{n.book, ticketBook{n.journal}},
		Plan: func() oncall.Plan { return n.plan }, Overrides: func(time.Time) []oncall.Override { return nil },
		Default: func(string) int { return 0 }, Log: n.log,
		Save: func(_ context.Context, at int64, open []byte) error { n.at, n.saved = at, open; return nil },
	})
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	upTo, from, saved, at := int64(len(n.journal.Events())), &follower{n.journal, n.at}, n.saved, n.at
	wg.Go(func() {
		if err := n.pager.Run(ctx, from, saved, at, upTo); err != nil {
			n.t.Errorf("pager: %v", err)
		}
	})
	n.quit = func() { cancel(); wg.Wait() }
}

// crash is kill -9 and a start.
func (n *night) crash() {
	n.drop()
	n.quit()
	n.start()
	n.begin()
	synctest.Wait()
}

// urgent opens a ticket of the first priority.
func (n *night) urgent() call.TicketID {
	n.t.Helper()
	const id = "T-100900"
	now := time.Now()
	err := n.process.Append(n.t.Context(),
		call.TicketEvent(now, id, call.TicketOpened{Subject: "the shop is down", Client: "acme"}),
		call.TicketEvent(now, id, call.TicketClassified{Class: call.Classification{Priority: 1, Severity: "critical", Service: "tt"}, By: "agent:kim"}))
	if err != nil {
		n.t.Fatal(err)
	}
	return id
}

func (n *night) ticket() tickets.Ticket {
	n.t.Helper()
	t, err := ticketBook{n.journal}.Ticket(n.t.Context(), "T-100900")
	if err != nil {
		n.t.Fatal(err)
	}
	return t
}

// wantTries wants who was phoned, and what came of it.
func (n *night) wantTries(want ...string) {
	n.t.Helper()
	var got []string
	for _, p := range n.ticket().Pages {
		for _, try := range p.Tries {
			got = append(got, fmt.Sprintf("%s %s", try.Person, try.How))
		}
		got = append(got, string(p.End))
	}
	if strings.Join(got, ", ") != strings.Join(want, ", ") {
		n.t.Errorf("tries: %v, want %v", got, want)
	}
}

// wantNoDouble wants no phone to have had two calls at once.
func (n *night) wantNoDouble() {
	n.t.Helper()
	for _, p := range []*calltest.Phone{n.phone, n.ben, n.cem} {
		if p.Doubled() {
			n.t.Errorf("%v had two calls at once", p)
		}
	}
}

func TestAnUrgentTicketIsAcceptedByKeyAfterItIsSaid(t *testing.T) {
	atNight(t, nil, func(n *night) {
		n.phone.AnswersAfter(3 * time.Second)
		n.urgent()
		time.Sleep(3500 * time.Millisecond)
		if n.phone.Hears() != "prompt:en/page-intro" || n.ben.Offers()+n.cem.Offers() > 0 {
			t.Errorf("ana hears %q; ben was rung %d times, cem %d", n.phone.Hears(), n.ben.Offers(), n.cem.Offers())
		}
		time.Sleep(14 * time.Second) // T-100900, severity, priority 1, service t t, client a c m e
		if n.phone.Hears() != "prompt:en/page-client" && !strings.HasPrefix(string(n.phone.Hears()), "prompt:en/letter") {
			t.Errorf("ana hears %q", n.phone.Hears())
		}
		time.Sleep(6 * time.Second)
		n.phone.Press("1")
		time.Sleep(10 * time.Second)
		got := n.ticket()
		if got.Handler != "ana" || got.Paging() != nil || got.Pages[0].Person != "ana" || n.phone.Talking() {
			t.Errorf("%+v", got.Pages)
		}
		n.wantTries("ana ", "accepted")
		if rec := n.recordOf(got.Pages[0].Tries[0].Call); !rec.Out || rec.Ticket != got.ID || rec.Outcome != call.OutcomeAnswered {
			t.Errorf("the call: %+v", rec)
		}
	})
}

func TestTheLadderGoesOnAfterADeclineSilenceAVoicemailBoxAndAPhoneThatIsNotThere(t *testing.T) {
	atNight(t, nil, func(n *night) {
		n.phone.Refuses(603)
		n.ben.AnswersAfter(2 * time.Second) // picks up and says nothing that is a key, as a box does
		n.cem.Unregister()
		began := time.Now()
		n.urgent()
		time.Sleep(10 * time.Minute)
		n.wantTries("ana declined", "ben no-key", "cem unreachable", "ana declined", "ben no-key", "cem unreachable", "exhausted")
		page := n.ticket().Pages[0]
		if took := page.Tries[1].Ended.Sub(page.Tries[1].At); took > time.Minute+time.Second {
			t.Errorf("a box took %v of our time", took)
		}
		if page.Round != 2 || page.Ended.Sub(began) > 5*time.Minute || n.ticket().Handler != "" {
			t.Errorf("%+v", page)
		}
		n.wantNoDouble()
	})
}

func TestADeclineByKeyAndAMinuteOfSilenceLeadToTheNext(t *testing.T) {
	atNight(t, nil, func(n *night) {
		n.phone.AnswersAfter(time.Second)
		n.ben.Ignores()
		n.cem.AnswersAfter(time.Second)
		n.urgent()
		time.Sleep(25 * time.Second)
		n.phone.Press("2")
		time.Sleep(3 * time.Second)
		if !n.ben.Ringing() || n.phone.Talking() {
			t.Errorf("ben's phone rings %v, ana is on the line %v", n.ben.Ringing(), n.phone.Talking())
		}
		time.Sleep(time.Minute)
		if n.ben.Ringing() || !n.cem.Talking() {
			t.Errorf("after a minute ben's phone rings %v, cem is on the line %v", n.ben.Ringing(), n.cem.Talking())
		}
		time.Sleep(20 * time.Second)
		n.cem.Press("1")
		time.Sleep(5 * time.Second)
		n.wantTries("ana declined", "ben no-answer", "cem ", "accepted")
		if n.ticket().Handler != "cem" {
			t.Errorf("handler %q", n.ticket().Handler)
		}
	})
}

func TestKeysOfBeforeTheQuestionAreNobodysWord(t *testing.T) {
	atNight(t, nil, func(n *night) {
		n.phone.AnswersAfter(time.Second).Presses("1111") // while the summary is said
		n.urgent()
		time.Sleep(20 * time.Second)
		if got := n.ticket(); got.Handler != "" || !got.Pages[0].Open() {
			t.Errorf("accepted by keys that came before the question: %+v", got.Pages)
		}
		time.Sleep(3 * time.Second)
		n.phone.Press("7") // no answer to the question: it is asked again
		time.Sleep(3 * time.Second)
		n.phone.Press("1")
		time.Sleep(3 * time.Second)
		n.wantTries("ana ", "accepted")
	})
}

func TestASearchIsCalledOffWhenTheTicketIsTakenOrSettled(t *testing.T) {
	for name, body := range map[string]call.Body{
		"taken":    call.TicketTaken{Agent: "kim"},
		"assigned": call.TicketAssigned{Handler: "kim", By: "agent:kim"},
		"resolved": call.TicketMoved{From: "new", To: "resolved", By: "agent:kim"},
		"waiting":  call.TicketMoved{From: "new", To: "waiting-customer", By: "agent:kim"},
	} {
		for moment, after := range map[string]time.Duration{"ringing": 2 * time.Second, "on the line": 10 * time.Second, "between two rounds": 3*time.Minute + 20*time.Second} {
			t.Run(name+" "+moment, func(t *testing.T) {
				atNight(t, nil, func(n *night) {
					if moment == "on the line" {
						n.phone.AnswersAfter(5 * time.Second)
					}
					id := n.urgent()
					time.Sleep(after)
					if err := n.process.Append(n.t.Context(), call.TicketEvent(time.Now(), id, body)); err != nil {
						t.Fatal(err)
					}
					time.Sleep(3 * time.Second)
					offers := n.phone.Offers() + n.ben.Offers() + n.cem.Offers()
					if n.phone.Ringing() || n.phone.Talking() || n.ben.Ringing() {
						t.Error("a phone rings or is on the line")
					}
					time.Sleep(5 * time.Minute)
					if got := n.ticket(); got.Pages[0].End != call.PageCancelled || n.phone.Offers()+n.ben.Offers()+n.cem.Offers() != offers {
						t.Errorf("%+v", got.Pages)
					}
				})
			})
		}
	}
}

func TestWhoAcceptsWhenItIsTakenIsToldSo(t *testing.T) {
	atNight(t, nil, func(n *night) {
		n.phone.AnswersAfter(time.Second)
		id := n.urgent()
		time.Sleep(22 * time.Second)
		ticket := n.ticket()
		page := ticket.Paging()
		ana, now := page.Live(), time.Now()
		// Two accept at once: the second is refused, whoever it is.
		if _, err := n.book.AcceptPage(n.t.Context(), id, page.ID, "ana", ana.Call); err != nil {
			t.Fatal(err)
		}
		for _, who := range []call.AgentID{"ana", "ben"} {
			if _, err := n.book.AcceptPage(n.t.Context(), id, page.ID, who, ana.Call); !errors.Is(err, tickets.ErrPage) {
				t.Errorf("%s accepts as well: %v", who, err)
			}
		}
		n.phone.Press("1")
		time.Sleep(500 * time.Millisecond)
		if n.phone.Hears() != "prompt:en/page-taken" {
			t.Errorf("ana hears %q", n.phone.Hears())
		}
		time.Sleep(5 * time.Second)
		if n.ticket().Pages[0].Ended.After(now.Add(time.Second)) {
			t.Error("accepted twice")
		}
	})
}

func TestACrashResumesAtTheRecordedStepAndRingsNobodyTwice(t *testing.T) {
	for name, c := range map[string]struct {
		at   time.Duration
		want []string
	}{
		"while the first is rung":  {30 * time.Second, []string{"ana interrupted", "ana no-answer", "ben ", "accepted"}},
		"while the second is rung": {90 * time.Second, []string{"ana no-answer", "ben interrupted", "ben ", "accepted"}},
		"while it is said":         {65 * time.Second, []string{"ana no-answer", "ben interrupted", "ben ", "accepted"}},
		"between two rounds":       {200 * time.Second, []string{"ana no-answer", "ben no-answer", "cem no-answer", "ana no-answer", "ben ", "accepted"}},
	} {
		t.Run(name, func(t *testing.T) {
			atNight(t, nil, func(n *night) {
				if name == "while it is said" {
					n.ben.AnswersAfter(2 * time.Second)
				}
				n.urgent()
				time.Sleep(c.at)
				n.ben.AnswersAfter(time.Second)
				n.crash()
				for range 300 {
					time.Sleep(time.Second)
					if n.ben.Hears() == "prompt:en/page-question" {
						n.ben.Press("1")
					}
				}
				n.wantTries(c.want...)
				n.wantNoDouble()
				if n.ticket().Handler != "ben" {
					t.Errorf("handler %q", n.ticket().Handler)
				}
			})
		})
	}
}

func TestASearchBegunAsTheProcessDiedIsFoundInTheJournal(t *testing.T) {
	atNight(t, nil, func(n *night) {
		n.quit()
		n.at, n.saved = 0, nil // the pager is gone, and its last checkpoint is of before
		n.urgent()
		n.phone.AnswersAfter(time.Second)
		n.begin()
		time.Sleep(5 * time.Second)
		if !n.phone.Talking() {
			t.Error("nobody is phoned")
		}
		n.crash()
		time.Sleep(5 * time.Second)
		if page := n.ticket().Pages; len(page) != 1 || page[0].Tries[0].How != call.PageInterrupted {
			t.Errorf("%+v", page)
		}
		n.phone.Refuses(603)
		n.phone.Hangup()
		time.Sleep(20 * time.Minute)
		if got := len(n.ticket().Pages); got != 1 {
			t.Errorf("%d searches for one cause", got)
		}
	})
}

func TestSomebodyWhoTalksIsPassedOverAndSomebodyPhonedIsOfferedNoCall(t *testing.T) {
	atNight(t, nil, func(n *night) {
		n.phone.AnswersAfter(time.Second)
		caller := n.sw.Dial("+4930123", "1009")
		time.Sleep(5 * time.Second)
		n.urgent()
		time.Sleep(time.Second)
		if !n.ben.Ringing() {
			t.Error("ana talks, and ben is not phoned")
		}
		caller.Hangup()
		n.ben.Refuses(486)
		n.ben.Hangup()
		time.Sleep(135 * time.Second) // wrap-up passes, and the first round
		if !n.phone.Talking() {
			t.Error("ana is not phoned in the second round")
		}
		other := n.sw.Dial("+4930124", "1009")
		time.Sleep(10 * time.Second)
		if n.phone.Doubled() || other.Hears() == "talk" {
			t.Error("ana is offered a call while she is asked")
		}
		n.phone.Press("2")
		time.Sleep(25 * time.Second)
		other.Hangup()
		n.cem.Hangup()
		time.Sleep(10 * time.Minute)
	})
}

func TestALadderWithNobodyOnItTellsTheSupervisorAndEnds(t *testing.T) {
	atNight(t, func(p *oncall.Plan) {
		p.Schedules = map[string]oncall.Schedule{"empty": {ID: "empty", Calendar: &oncall.Calendar{}}}
		p.Ladders["night"] = oncall.Ladder{ID: "night", Rounds: 2, Steps: []oncall.Step{{Schedule: "empty"}}}
	}, func(n *night) {
		n.urgent()
		time.Sleep(10 * time.Minute)
		var rounds []call.PageRound
		for _, e := range n.journal.Events() {
			if b, ok := e.Body.(call.PageRound); ok {
				rounds = append(rounds, b)
			}
		}
		if len(rounds) != 1 || rounds[0].Phoned != 0 || n.ticket().Pages[0].EndWhy != "nobody is on call" {
			t.Errorf("%+v, %+v", rounds, n.ticket().Pages)
		}
	})
}

func TestASearchByHandGoesOnOnceAndMayComeAgain(t *testing.T) {
	atNight(t, func(p *oncall.Plan) { p.Rules = nil }, func(n *night) {
		id := n.urgent()
		if _, err := n.pager.Begin(n.t.Context(), id, "day", tickets.ByHand, "agent:kim", ""); !errors.Is(err, oncall.ErrUnknown) {
			t.Errorf("a ladder that there is not: %v", err)
		}
		if _, err := n.pager.Begin(n.t.Context(), id, "night", tickets.ByHand, "agent:kim", "the customer insists"); err != nil {
			t.Fatal(err)
		}
		if _, err := n.pager.Begin(n.t.Context(), id, "night", tickets.ByHand, "agent:kim", ""); !errors.Is(err, tickets.ErrPage) {
			t.Errorf("two at once: %v", err)
		}
		time.Sleep(5 * time.Second)
		if !n.phone.Ringing() {
			t.Error("ana's phone does not ring")
		}
		if _, err := n.pager.Cancel(n.t.Context(), id, "agent:kim", "solved"); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Second)
		if n.phone.Ringing() {
			t.Error("ana's phone rings on")
		}
		if _, err := n.pager.Begin(n.t.Context(), id, "night", tickets.ByHand, "agent:kim", "not solved"); err != nil {
			t.Errorf("again: %v", err)
		}
		time.Sleep(time.Second)
		if b, err := json.Marshal(n.ticket()); err != nil || !strings.Contains(string(b), "not solved") {
			t.Errorf("%s %v", b, err)
		}
		if _, err := n.pager.Cancel(n.t.Context(), id, "agent:kim", "solved"); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Second)
	})
}
