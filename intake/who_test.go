package intake

import (
	"context"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"firstline/call"
	"firstline/call/pin"
	"firstline/callqueue"
	"firstline/ivr"
	"firstline/tickets"
	"firstline/tickets/customers"
)

// knowing is a flow that asks for account and PIN, or with 9 for the number of a ticket.
const knowing = `
variables: {account: "", ticket_number: ""}
start: account
nodes:
  account: {type: collect, play: enter-number, max: 4, as: account, retries: 0, timeout: 5s, next: which, default: desk}
  which: {type: branch, cases: [{if: 'account == "9"', next: number}], default: pin}
  pin: {type: collect, play: enter-pin, max: 4, secret: true, as: pin, retries: 0, timeout: 5s, next: verify, default: desk}
  verify: {type: lookup, lookup: customers, send: {account: account}, secrets: pin, verifies: true, found: desk, missing: desk, failed: desk}
  number: {type: collect, play: enter-number, max: 6, as: ticket_number, retries: 0, timeout: 5s, next: keyed, default: desk}
  keyed: {type: lookup, lookup: tickets, send: {ticket: ticket_number}, found: mine, missing: desk, failed: desk}
  mine: {type: prompt, play: thank-you, next: desk}
  desk: {type: queue, queue: service-desk}
`

// hashes keeps PINs.
type hashes map[call.CustomerID]string

func (h hashes) PutCustomerPINs(_ context.Context, of map[call.CustomerID]string) error {
	maps.Copy(h, of)
	return nil
}

// book folds the tickets of a journal.
type book struct{ r *rig }

func (b book) Ticket(_ context.Context, id call.TicketID) (tickets.Ticket, error) {
	var t tickets.Ticket
	for _, e := range b.r.journal.Events() {
		if e.Stream == (call.Stream{Kind: call.StreamTicket, ID: string(id)}) {
			if err := t.Apply(e); err != nil {
				b.r.t.Error(err)
			}
		}
	}
	if t.ID == "" {
		return t, tickets.ErrNotFound
	}
	return t, nil
}

func (n *numbered) Next() (call.TicketID, error) {
	id, _, err := n.Opening(time.Time{}, &call.Call{}, "")
	return id, err
}

// acquainted is a desk that knows Ada and Bob, who share a phone.
func acquainted(t *testing.T, f func(r *rig)) {
	tuned(t, func(c *Centre) {
		flow, faults := ivr.Parse("support.yaml", "support", []byte(knowing))
		if len(faults) > 0 {
			t.Fatal(faults)
		}
		callsBack(CallbackRule{})(c)
		c.Flows["support"] = flow
		c.Points = map[int]int{1: 20}
	}, func(r *rig) {
		r.acquaint()
		f(r)
		r.wantOneTicketEach()
	})
}

// acquaint gives the living process a desk of tickets, and people.
func (r *rig) acquaint() {
	r.t.Helper()
	desk := tickets.NewDesk(r.process, r.tickets, book{r})
	for _, t := range r.problems() {
		desk.Remember(t)
	}
	r.journal.Events()
	dir := customers.New(customers.Config{Journal: r.process, PINs: hashes{}, Cost: pin.Cost{Memory: 64, Passes: 1}}, nil, nil)
	for k, file := range map[customers.Kind]string{
		customers.People: "id,name,numbers,account,class,pin\nada,Ada,+4930123,4711,gold,8275\nbob,Bob,+4930123,4712,,9182\n",
	} {
		if _, err := dir.Import(r.t.Context(), k, []byte(file), customers.Options{By: "supervisor:sue"}); err != nil {
			r.t.Fatal(err)
		}
	}
	r.desk.Tickets, r.desk.Problems, r.desk.Customers = desk, desk, dir
	r.mine = desk
}

func (r *rig) problems() []tickets.Ticket { return foldAll[tickets.Ticket](r, call.StreamTicket) }

// wantOneTicketEach wants every call on exactly one ticket, which is that of its record.
func (r *rig) wantOneTicketEach() {
	r.t.Helper()
	on := map[call.ID][]call.TicketID{}
	for _, t := range r.problems() {
		for _, c := range t.Calls {
			on[c] = append(on[c], t.ID)
		}
	}
	for _, rec := range r.journal.Records() {
		if !slices.Equal(on[rec.ID], []call.TicketID{rec.Ticket}) {
			r.t.Errorf("call %s is on %v, its record on %s", rec.ID, on[rec.ID], rec.Ticket)
		}
	}
}

// phones in, keys and hangs up after a while in the queue.
func (r *rig) keys(from string, inputs ...string) call.Record {
	r.t.Helper()
	c := r.sw.Dial(from, "1000")
	for _, in := range inputs {
		time.Sleep(3 * time.Second)
		c.Press(in)
	}
	time.Sleep(4 * time.Second)
	c.Hangup()
	time.Sleep(10 * time.Second)
	all := r.journal.Records()
	return all[len(all)-1]
}

// open are the tickets that go on by themselves.
func (r *rig) open() (ids []call.TicketID) {
	for _, t := range r.problems() {
		if t.State != tickets.Merged {
			ids = append(ids, t.ID)
		}
	}
	return ids
}

func TestRedialsACallbackAndATransferOfAVerifiedCallerAreOneTicket(t *testing.T) {
	acquainted(t, func(r *rig) {
		r.phone.Ignores()
		first := r.keys(customer, "4711#", "8275#")
		r.keys("+4940777", "4711#", "8275#") // from another phone
		third := r.sw.Dial(customer, "1000")
		for _, in := range []string{"4711#", "8275#"} {
			time.Sleep(3 * time.Second)
			third.Press(in)
		}
		time.Sleep(3 * time.Second)
		third.Press("2") // and asks to be called back
		far := r.sw.Phone(call.NumberDevice(customer)).AnswersAfter(4 * time.Second)
		time.Sleep(20 * time.Second)
		r.phone.AnswersAfter(3 * time.Second)
		r.hire("ben", "2002")
		ben := r.sw.Phone("2002").AnswersAfter(3 * time.Second)
		time.Sleep(5 * time.Minute)
		if r.phone.Talking() {
			r.phone.Refer("ben")
		}
		time.Sleep(time.Minute)
		if !far.Talking() && !ben.Talking() {
			t.Logf("callback: %+v", r.journal.Callbacks())
		}
		far.Hangup()
		time.Sleep(time.Minute)
		if d := cmp.Diff([]call.TicketID{first.Ticket}, r.open()); d != "" {
			t.Fatal(d)
		}
		one := r.problems()[0]
		if !one.Opened.Equal(first.Arrived) || len(one.Calls) != len(r.journal.Records()) || len(one.Calls) < 4 || one.Identity.Customer != "ada" {
			t.Errorf("opened %v for a call at %v; calls %v, of %+v", one.Opened, first.Arrived, one.Calls, one.Identity)
		}
		for _, n := range one.Absorbed {
			if merged, err := (book{r}).Ticket(r.t.Context(), n); err != nil || merged.Into != one.ID {
				t.Errorf("%s: %+v, %v", n, merged.Into, err)
			}
		}
	})
}

func TestTwoPeopleBehindOneNumberAreTwoTickets(t *testing.T) {
	acquainted(t, func(r *rig) {
		r.phone.Ignores()
		ada := r.keys(customer, "4711#", "8275#")
		bob := r.keys(customer, "4712#", "9182#")
		nobody := r.keys(customer) // keys nothing
		guess := r.keys(customer, "4711#", "0000#")
		withheld := r.keys("", "4711#", "0000#")
		if d := cmp.Diff([]call.TicketID{ada.Ticket, bob.Ticket, nobody.Ticket, guess.Ticket, withheld.Ticket}, r.open()); d != "" {
			t.Fatal(d)
		}
		all := r.problems()
		if p := all[2].Proposed; len(p) != 2 || all[2].Identity.Level != "maybe" || all[2].Identity.Customer != "" {
			t.Errorf("a caller who keyed nothing is proposed %+v, as %+v", p, all[2].Identity)
		}
		if last := all[4]; len(last.Proposed) != 0 || last.Identity.Level != "" {
			t.Errorf("a withheld number: %+v %+v", last.Proposed, last.Identity)
		}
		r.keys("+4940777", "4712#", "9182#")
		if got := r.journal.Records()[5].Ticket; got != bob.Ticket {
			t.Errorf("Bob from another phone is on %s, not %s", got, bob.Ticket)
		}
	})
}

func TestAKeyedTicketIsOnlyItsCallersAndASecretOtherwise(t *testing.T) {
	acquainted(t, func(r *rig) {
		r.phone.Ignores()
		first := r.keys("+4940111")
		digits := string(first.Ticket[2:])
		own := r.keys("+4940111", "9#", digits+"#")
		if own.Ticket != first.Ticket {
			t.Errorf("from the number of the ticket: %s", own.Ticket)
		}
		stranger := r.keys("+4940222", "9#", digits+"#")
		none := r.keys("+4940222", "9#", "999999#")
		withheld := r.keys("", "9#", digits+"#")
		for _, rec := range []call.Record{stranger, none, withheld} {
			if rec.Ticket == first.Ticket {
				t.Errorf("%q joined another's ticket", rec.From.Number)
			}
		}
		for _, rec := range []call.Record{stranger, withheld} {
			if tk, _ := (book{r}).Ticket(r.t.Context(), rec.Ticket); len(tk.Proposed) != 1 || tk.Proposed[0].Other != first.Ticket {
				t.Errorf("%q: proposed %+v", rec.From.Number, tk.Proposed)
			}
		}
		if d := cmp.Diff(steps(none), steps(stranger)); d != "" {
			t.Errorf("a ticket of somebody else sounds like none that there is: %s", d)
		}
	})
}

func steps(rec call.Record) (all []string) {
	for _, s := range rec.Path {
		all = append(all, s.Node)
	}
	return append(all, rec.Stage)
}

func TestACallBringsItsTicketsPriorityAndItsCustomersClass(t *testing.T) {
	acquainted(t, func(r *rig) {
		if err := r.queue.SetRules(r.t.Context(), callqueue.Rules{Classes: map[string]callqueue.Class{"gold": {Priority: 7}}}); err != nil {
			t.Fatal(err)
		}
		r.phone.Ignores()
		first := r.keys(customer, "4711#", "8275#")
		tk, _ := (book{r}).Ticket(r.t.Context(), first.Ticket)
		class := call.Classification{Severity: "critical", Urgency: "high"}
		if _, err := r.mine.Change(r.t.Context(), tk.ID, tickets.Edit{By: "agent:ana", Version: tk.Version, Class: &class}, tickets.Terms{Rules: tickets.DefaultRules()}); err != nil {
			t.Fatal(err)
		}
		r.mine.Learn(r.journal.Events()...)
		second := r.keys(customer, "4711#", "8275#")
		if second.Ticket != first.Ticket {
			t.Fatalf("%s, not %s", second.Ticket, first.Ticket)
		}
		var last call.Parts
		for _, e := range r.journal.Events() {
			if b, ok := e.Body.(call.QueueJoined); ok {
				last = b.Parts
			}
		}
		if d := cmp.Diff(call.Parts{{Of: call.OfClass, Name: "gold", Points: 7}, {Of: call.OfTicket, Points: 20}}, last); d != "" {
			t.Error(d)
		}
	})
}

// The caller is joined while an agent merges the same tickets, at each moment.
func TestRedialAtTheMomentOfAMergeLosesNothing(t *testing.T) {
	for wait := range 14 {
		acquainted(t, func(r *rig) {
			r.phone.Ignores()
			other := r.keys("+4940999")
			first := r.keys(customer, "4711#", "8275#")
			c := r.sw.Dial(customer, "1000")
			go func() {
				time.Sleep(time.Duration(wait) * time.Second / 2)
				_, err := r.mine.Merge(context.Background(), first.Ticket, other.Ticket, tickets.Decision{By: "agent:ana", Version: 0})
				if err != nil {
					t.Logf("after %d half seconds: %v", wait, err)
				}
			}()
			for _, in := range []string{"4711#", "8275#"} {
				time.Sleep(3 * time.Second)
				c.Press(in)
			}
			time.Sleep(time.Second)
			c.Hangup()
			time.Sleep(20 * time.Second)
		})
	}
}
