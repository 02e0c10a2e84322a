package connect_test

import (
	"cmp"
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"firstline/call"
	"firstline/tickets/connect"
	"firstline/tickets/connect/connecttest"
)

// remote is another system that takes messages, or does not.
type remote struct {
	mu     sync.Mutex // guards all below
	got    []connect.Delivery
	under  map[string]int // requests under way by key
	most   int            // of them at once
	answer func(d connect.Delivery) connect.Result
	takes  time.Duration // a request; 20 ms
	faults []string
}

// Send implements connect.Sender. It notes what it takes even when its answer is lost.
func (r *remote) Send(ctx context.Context, d connect.Delivery) connect.Result {
	r.mu.Lock()
	if r.under == nil {
		r.under = map[string]int{}
	}
	r.under[d.Key]++
	if r.under[d.Key] > 1 {
		r.faults = append(r.faults, "two requests of "+d.Key)
	}
	r.most = max(r.most, len(r.under))
	answer := connect.Result{Verdict: connect.Taken, Detail: "200 OK"}
	if r.answer != nil {
		answer = r.answer(d)
	}
	if answer.Verdict == connect.Taken || answer.Detail == "lost" {
		r.got = append(r.got, d)
	}
	takes := cmp.Or(r.takes, 20*time.Millisecond)
	r.mu.Unlock()
	select {
	case <-time.After(takes):
	case <-ctx.Done():
		answer = connect.Result{Verdict: connect.Again, Detail: "cut"}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.under[d.Key]--; r.under[d.Key] == 0 {
		delete(r.under, d.Key)
	}
	return answer
}

// heard is what it took, each once, by key in the order of the first time.
func (r *remote) heard() map[string][]int64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	seen, out := map[string]bool{}, map[string][]int64{}
	for _, d := range r.got {
		if !seen[d.ID] {
			seen[d.ID] = true
			out[d.Key] = append(out[d.Key], d.Global)
		}
	}
	return out
}

func (r *remote) types() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	var out []string
	for _, d := range r.got {
		out = append(out, d.Key+" "+string(d.Type))
	}
	return out
}

// desk is a world with endpoints, and an engine that can be cut off.
type desk struct {
	t *testing.T
	*connecttest.World
	list   *connect.List
	engine *connect.Engine
	ways   func(context.Context, connect.Endpoint, map[string]string, int64) (connect.Way, error) // in place of remotes
	stop   func()

	mu      sync.Mutex // guards remotes
	remotes map[call.EndpointID]*remote
}

func newDesk(t *testing.T) *desk {
	d := &desk{t: t, World: connecttest.New(), remotes: map[call.EndpointID]*remote{}}
	d.start()
	return d
}

// start begins anew with what the journal and the store hold.
func (d *desk) start() {
	story, err := d.Story(d.t.Context(), call.Stream{Kind: call.StreamEndpoint, ID: call.EndpointStream}, 0, 1000)
	if err != nil {
		d.t.Fatal(err)
	}
	d.list = connect.NewList(connect.ListConfig{Journal: d, Vault: d, Last: d.Last, Check: func(call.EndpointSet) error { return nil }}, story)
	d.engine = connect.NewEngine(connect.EngineConfig{Journal: d.World, Store: d, Vault: d, List: d.list, Ways: d.way})
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	engine := d.engine
	go func() { done <- engine.Run(ctx) }()
	d.stop = func() {
		cancel()
		if err := <-done; err != nil {
			d.t.Error(err)
		}
	}
	d.t.Cleanup(cancel)
}

// crash ends the engine with nothing kept from now on, as kill -9 does.
func (d *desk) crash() {
	d.SetAway(true)
	d.stop()
	d.SetAway(false)
}

func (d *desk) way(ctx context.Context, p connect.Endpoint, secrets map[string]string, cursor int64) (connect.Way, error) {
	if d.ways != nil {
		return d.ways(ctx, p, secrets, cursor)
	}
	planner, err := connect.NewPlanner(ctx, p, cursor, d, func(id call.TicketID) string { return "https://desk.example/tickets/" + string(id) })
	return connect.Way{Sender: d.remote(p.ID), Planner: planner, Pace: connect.Pace{AtOnce: 3}}, err
}

func (d *desk) add(id call.EndpointID, with func(*call.EndpointSet)) *remote {
	d.t.Helper()
	r := d.remote(id)
	s := call.EndpointSet{Endpoint: id, Kind: string(connect.Webhook), Name: "N", By: "supervisor:sue"}
	if with != nil {
		with(&s)
	}
	if _, _, err := d.list.Add(d.t.Context(), s); err != nil {
		d.t.Fatal(err)
	}
	return r
}

// remote is the one that an endpoint tells, made when it is new.
func (d *desk) remote(id call.EndpointID) *remote {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.remotes[id] == nil {
		d.remotes[id] = &remote{}
	}
	return d.remotes[id]
}

func (d *desk) say(stream call.Stream, bodies ...call.Body) {
	for _, b := range bodies {
		d.Post(call.Event{Stream: stream, At: time.Now(), Body: b})
	}
}

func ticketStream(id string) call.Stream { return call.Stream{Kind: call.StreamTicket, ID: id} }

func (d *desk) ticket(id string, bodies ...call.Body) { d.say(ticketStream(id), bodies...) }

func opened(client string) call.Body { return call.TicketOpened{Subject: "s", Client: client} }

func classed(priority int) call.Body {
	return call.TicketClassified{Class: call.Classification{Kind: "software", Priority: priority}, By: "agent:ana"}
}

func noted(text string) call.Body {
	return call.TicketNoted{Note: text, Author: "agent:ana", Text: text}
}

func resolved() call.Body { return call.TicketMoved{From: "open", To: "resolved", By: "agent:ana"} }

func (d *desk) want(r *remote, want ...string) {
	d.t.Helper()
	synctest.Wait()
	got := r.types()
	slices.Sort(got)
	slices.Sort(want)
	if diff := gocmp.Diff(want, got); diff != "" {
		d.t.Errorf("told (-want +got):\n%s", diff)
	}
}

func TestATicketIsToldOfOnceItIsClassified(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t)
		r := d.add("crm", nil)
		d.ticket("T-1", opened("acme"), call.TicketTaken{Call: "c1", Agent: "ana"}, noted("hello"))
		d.ticket("T-2", opened("acme"))
		time.Sleep(time.Minute)
		d.want(r)
		d.ticket("T-1", classed(2), noted("more"), resolved())
		time.Sleep(time.Minute)
		d.want(r, "T-1 ticket.created", "T-1 ticket.noted", "T-1 ticket.updated")
		m := connecttest.Read(r.got[0])
		if m.Data.Ticket.ID != "T-1" || len(m.Data.Ticket.Notes) != 1 || m.Data.Ticket.Class.Priority != 2 || m.Data.By != "agent:ana" || m.Data.Ticket.URL != "https://desk.example/tickets/T-1" {
			t.Errorf("%+v", m.Data.Ticket)
		}
		d.stop()
	})
}

func TestTwoHundredCallsAboutAnOutageAreOneRemoteTicket(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t)
		hook := d.add("hook", nil)
		jira := d.add("jira", func(s *call.EndpointSet) { s.Kind = string(connect.Connector) })
		d.ticket("T-own", opened("acme"), classed(3))
		d.Post(
			call.IncidentEvent(time.Now(), call.IncidentDeclared{Incident: "i1", Queue: "mail", Title: "Mail is down", Ticket: "T-0", By: "supervisor:sue"}),
			call.TicketEvent(time.Now(), "T-0", call.TicketOpened{Subject: "Known incident: Mail is down"}))
		for i := range 200 {
			id := fmt.Sprintf("T-%d", i+1)
			d.ticket(id, opened("acme"))
			d.Post(call.IncidentEvent(time.Now(), call.IncidentAffected{Incident: "i1", Call: call.ID(id), Ticket: call.TicketID(id)}))
			if i%10 == 0 {
				d.ticket(id, classed(1), noted("also"))
			}
		}
		d.Post(call.IncidentEvent(time.Now(), call.IncidentAffected{Incident: "i1", Call: "own", Ticket: "T-own"}))
		d.ticket("T-own", noted("mine")) // it was told of before it was attached
		d.Post(call.IncidentEvent(time.Now(), call.IncidentEnded{Incident: "i1", By: "supervisor:sue", Note: "mended"}))
		time.Sleep(time.Minute)
		d.want(jira, "T-own ticket.created", "T-0 incident.declared", "T-own ticket.noted", "T-0 incident.ended")
		end := slices.IndexFunc(jira.got, func(d connect.Delivery) bool { return d.Type == connect.IncidentEnded })
		last := connecttest.Read(jira.got[end])
		if i := last.Data.Incident; i == nil || i.Affected != 201 || !i.Over || last.Data.Ticket.Subject != "Known incident: Mail is down" {
			t.Errorf("the end: %+v", last.Data)
		}
		if n := len(hook.heard()); n != 202 {
			t.Errorf("a webhook heard of %d tickets", n)
		}
		d.stop()
	})
}

func TestWhatDoesNotLeave(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t)
		jira := d.add("jira", func(s *call.EndpointSet) {
			s.Kind, s.Clients, s.Priority = string(connect.Connector), []string{"acme"}, 2
		})
		d.ticket("T-1", call.TicketOpened{Client: "acme", Test: true}, classed(1))
		d.ticket("T-2", opened("other"), classed(1))
		d.ticket("T-3", opened("acme"), classed(3))
		d.ticket("T-4", opened("acme"), call.TicketClassified{Class: call.Classification{Kind: "not-technical"}, By: "agent:ana"})
		d.ticket("T-5", opened("acme"), classed(3), classed(1), classed(4), resolved()) // what began ends
		d.ticket("T-6", opened("acme"), call.TicketClassified{Class: call.Classification{Priority: 1}, By: "endpoint:jira"}, call.TicketMoved{From: "new", To: "resolved", By: "endpoint:jira"})
		d.say(call.Stream{Kind: call.StreamCall, ID: "c1"}, call.Arrived{Ticket: "T-1", Test: true})
		time.Sleep(time.Minute)
		d.want(jira, "T-5 ticket.created", "T-5 ticket.updated", "T-5 ticket.updated")
		d.stop()
	})
}

// Random faults and crashes: whatever happens, an endpoint hears of every event, of a
// ticket in order, and each by one id.
func TestNothingIsLostOrDoubledOverCrashes(t *testing.T) {
	for seed := range uint64(30) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				random := rand.New(rand.NewPCG(seed, 1))
				d := newDesk(t)
				r := d.add("crm", nil)
				moods := rand.New(rand.NewPCG(seed, 2)) // of the remote, which answers under its own lock
				r.answer = func(connect.Delivery) connect.Result {
					switch moods.IntN(6) {
					case 0:
						return connect.Result{Verdict: connect.Again, Detail: "503", Wide: true}
					case 1:
						return connect.Result{Verdict: connect.Again, Detail: "lost", Wide: true} // taken, and the answer got lost
					case 2:
						return connect.Result{Verdict: connect.Again, Detail: "429", After: 20 * time.Second, Wide: true}
					}
					return connect.Result{Verdict: connect.Taken}
				}
				want := map[string][]int64{}
				for n := range 5 {
					d.ticket(fmt.Sprintf("T-%d", n), opened("acme"))
				}
				for step := range 60 {
					id := fmt.Sprintf("T-%d", random.IntN(5))
					body := noted(fmt.Sprint(step))
					if want[id] == nil {
						body = classed(1)
					}
					d.ticket(id, body)
					want[id] = append(want[id], d.Last())
					time.Sleep(time.Duration(random.IntN(300)) * time.Millisecond)
					switch random.IntN(12) {
					case 0:
						d.crash()
						d.start()
					case 1:
						d.stop()
						d.start()
					case 2:
						d.SetAway(true)
						time.Sleep(time.Duration(random.IntN(5000)) * time.Millisecond)
						d.SetAway(false)
					}
				}
				time.Sleep(24 * time.Hour)
				synctest.Wait()
				if diff := gocmp.Diff(want, r.heard()); diff != "" {
					t.Errorf("heard (-want +got):\n%s", diff)
				}
				if len(r.faults) > 0 {
					t.Error(r.faults)
				}
				d.stop()
			})
		})
	}
}

func TestARemoteThatIsGoneHoldsNobodyUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t)
		gone, well := d.add("gone", nil), d.add("well", nil)
		gone.takes = 10 * time.Second
		gone.answer = func(connect.Delivery) connect.Result {
			return connect.Result{Verdict: connect.Again, Detail: "timeout", Wide: true}
		}
		before := time.Now()
		for i := range 3000 {
			id := fmt.Sprintf("T-%d", i)
			d.ticket(id, opened("acme"), classed(1), noted("n"))
		}
		if took := time.Since(before); took > 0 {
			t.Errorf("writing waited %v", took)
		}
		time.Sleep(10 * time.Minute)
		synctest.Wait()
		if n := len(well.heard()); n != 3000 {
			t.Errorf("the other endpoint heard of %d tickets", n)
		}
		s := d.engine.Status("gone")
		if s.Pending > 7000 || s.Failed < 3 || gone.most > 3 {
			t.Errorf("%+v, %d at once: the journal waits, not the memory", s, gone.most)
		}
		gone.mu.Lock()
		gone.answer, gone.takes = nil, 0
		gone.mu.Unlock()
		time.Sleep(2 * time.Hour)
		synctest.Wait()
		if n := len(gone.heard()); n != 3000 {
			t.Errorf("when it is back it hears of %d", n)
		}
		d.stop()
	})
}

func TestGoneDisablesUntilSomebodySetsItAnew(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t)
		r := d.add("crm", nil)
		r.answer = func(connect.Delivery) connect.Result {
			return connect.Result{Verdict: connect.Gone, Detail: "410 Gone"}
		}
		d.ticket("T-1", opened("acme"), classed(1))
		time.Sleep(time.Minute)
		synctest.Wait()
		p, err := d.list.Endpoint("crm")
		if err != nil || p.Disabled != "410 Gone" || d.engine.Status("crm").Runs {
			t.Fatalf("%+v, %v", p, err)
		}
		d.ticket("T-1", noted("meanwhile"))
		time.Sleep(time.Hour)
		d.want(r)
		r.answer = nil
		if _, err := d.list.Change(t.Context(), p.EndpointSet); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute)
		d.want(r, "T-1 ticket.created", "T-1 ticket.noted")
		d.stop()
	})
}

func TestADeadLetterIsSentAgainWithItsID(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t)
		r := d.add("crm", nil)
		var tried []string
		r.answer = func(m connect.Delivery) connect.Result {
			tried = append(tried, m.ID)
			return connect.Result{Verdict: connect.Refused, Detail: "422 Unprocessable Entity"}
		}
		d.ticket("T-1", opened("acme"), classed(1))
		time.Sleep(time.Minute)
		dead, err := d.Deliveries(t.Context(), connect.DeliveryFilter{State: connect.Dead})
		if err != nil || len(dead) != 1 || dead[0].Last != "422 Unprocessable Entity" {
			t.Fatalf("%v, %v", dead, err)
		}
		r.mu.Lock()
		r.answer = nil
		r.mu.Unlock()
		if _, err := d.engine.Replay(t.Context(), dead[0].ID); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute)
		d.want(r, "T-1 ticket.created")
		if len(tried) != 1 || r.got[0].ID != tried[0] {
			t.Errorf("tried as %v, then as %s", tried, r.got[0].ID)
		}
		if _, err := d.engine.Replay(t.Context(), dead[0].ID); err == nil {
			t.Error("what was delivered was sent again")
		}
		if _, err := d.engine.Try(t.Context(), "crm", "supervisor:sue"); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute)
		d.want(r, "T-1 ticket.created", "ping ping")
		d.stop()
	})
}
