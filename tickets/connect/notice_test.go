package connect_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"firstline/call"
	"firstline/tickets/connect"
)

// phones are people's; each text that came is noted.
type phones struct{ got []string }

func (p *phones) Text(_ context.Context, to, text string) connect.Result {
	p.got = append(p.got, to+" "+text)
	return connect.Result{Verdict: connect.Taken}
}

// newPhones is a desk with one endpoint that texts people.
func newPhones(t *testing.T, set map[string]string, types ...string) (*desk, *phones) {
	d, p := newDesk(t), new(phones)
	d.ways = func(ctx context.Context, e connect.Endpoint, _ map[string]string, cursor int64) (connect.Way, error) {
		planner, err := connect.NewNoticePlanner(ctx, e, cursor, d)
		if err != nil {
			return connect.Way{}, err
		}
		sender, err := connect.NewNotices(e, d, p)
		return connect.Way{Sender: sender, Planner: planner, Pace: connect.Pace{AtOnce: 1}}, err
	}
	d.add("sms", func(s *call.EndpointSet) { s.Kind, s.Settings, s.Types = string(connect.SMS), set, types })
	return d, p
}

func (d *desk) affect(ticket, number string, test bool) {
	d.ticket(ticket, call.TicketOpened{Client: "acme", Caller: call.Party{Number: number}, Test: test})
	d.Post(call.IncidentEvent(time.Now(), call.IncidentAffected{Incident: "i1", Call: call.ID(ticket), Ticket: call.TicketID(ticket), Number: number}))
}

func (p *phones) want(t *testing.T, want ...string) {
	t.Helper()
	synctest.Wait()
	got := slices.Sorted(slices.Values(p.got))
	slices.Sort(want)
	if d := gocmp.Diff(want, got); d != "" {
		t.Errorf("texts (-want +got):\n%s", d)
	}
}

func TestEachWhomAnOutageAffectsIsToldOnceThatItIsOver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d, p := newPhones(t, map[string]string{"language": "de"}, "notice.fixed")
		d.Post(call.IncidentEvent(time.Now(), call.IncidentDeclared{Incident: "i1", Queue: "mail", Title: "Mail", Ticket: "T-0", By: "supervisor:sue"}))
		d.affect("T-1", "+491701", false) // too short to be a number
		d.affect("T-2", "+4917012345678", false)
		d.affect("T-3", "+4917012345678", false) // phoned twice
		d.affect("T-4", "", false)
		d.affect("T-5", "+4917000000000", true)
		d.affect("T-6", "+4917099999999", false)
		if _, err := connect.Stop(t.Context(), d, []byte(`{"from":"+4917099999999","text":" Stop. "}`)); err != nil {
			t.Fatal(err)
		}
		d.Post(call.IncidentEvent(time.Now(), call.IncidentEnded{Incident: "i1", By: "supervisor:sue"}))
		time.Sleep(time.Second)
		d.crash()
		d.start()
		time.Sleep(time.Minute)
		p.want(t, "+4917012345678 Die Störung, die Sie unter T-2 gemeldet haben, ist behoben.")
		d.stop()
	})
}

func TestATicketsNumberIsToldOnceAndNobodyIsToldTooMuch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d, p := newPhones(t, nil, "notice.ticket")
		for i := range 8 {
			id := fmt.Sprintf("T-%d", i)
			d.ticket(id, call.TicketOpened{Caller: call.Party{Number: "+4917012345678", Name: "x\r\nBcc: all"}}, classed(1), classed(2))
			time.Sleep(time.Minute)
		}
		synctest.Wait()
		if len(p.got) != 5 || !strings.HasSuffix(p.got[0], "under the number T-0.") {
			t.Errorf("texts: %q", p.got)
		}
		dead, err := d.Deliveries(t.Context(), connect.DeliveryFilter{State: connect.Dead})
		if err != nil || len(dead) != 3 || !strings.Contains(dead[0].Last, "within a day") {
			t.Errorf("%v, %v", dead, err)
		}
		d.stop()
	})
}
