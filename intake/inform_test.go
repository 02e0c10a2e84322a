package intake

import (
	"testing"
	"testing/synctest"
	"time"

	"firstline/call"
	"firstline/intake/incident"
)

func (r *rig) declares() incident.Incident {
	r.t.Helper()
	i, err := r.known.Declare(r.t.Context(), incident.Declaration{Queue: "service-desk", Title: "VPN", By: "supervisor:sue"})
	if err != nil {
		r.t.Fatal(err)
	}
	return i
}

func TestCallersOfAKnownIncidentAreToldAndMaySayThatTheyAreAffected(t *testing.T) {
	bubble(t, func(r *rig) {
		i := r.declares()
		in := r.sw.Dial(customer, "1009")
		stays := r.sw.Dial("+4930555", "1009")
		time.Sleep(1500 * time.Millisecond)
		in.Press("1")
		time.Sleep(20 * time.Second)
		if stays.Hears() != "talk" {
			t.Errorf("who stays in line hears %q", stays.Hears())
		}
		rec := r.recordOf(in.Call.ID)
		i, _ = r.known.Incident(i.ID)
		if rec.Outcome != call.OutcomeDeflected || len(rec.Entries) != 0 || rec.Lost != nil || len(i.Affected) != 1 || i.Affected[0].Ticket != rec.Ticket {
			t.Errorf("outcome %s, %d entries, lost %v; affected %+v", rec.Outcome, len(rec.Entries), rec.Lost, i.Affected)
		}
		if e := r.journal.Record(stays.Call.ID); !e.Entries[0].Joined.Equal(e.Arrived) {
			t.Errorf("joined at %v, came at %v", e.Entries[0].Joined, e.Arrived)
		}
		stays.Hangup()
		if _, err := r.known.End(t.Context(), i.ID, "supervisor:sue", "fixed"); err != nil {
			t.Fatal(err)
		}
		time.Sleep(2 * time.Minute)
		late := r.sw.Dial("+4930777", "1009")
		time.Sleep(5 * time.Second)
		if late.Hears() != "talk" {
			t.Errorf("after the end hears %q", late.Hears())
		}
		late.Hangup()
	})
}

func TestWhoHangsUpAtEachMomentOfAKnownIncidentIsNoAbandon(t *testing.T) {
	for after := 200 * time.Millisecond; after < 8*time.Second; after += 400 * time.Millisecond {
		t.Run(after.String(), func(t *testing.T) {
			bubble(t, func(r *rig) {
				r.phone.Unregister()
				r.queue.Reachable("2001", false)
				r.declares()
				c := r.sw.Dial(customer, "1009")
				time.Sleep(after)
				c.Hangup()
				time.Sleep(time.Second)
				rec := r.recordOf(c.Call.ID)
				want := call.OutcomeDeflected
				switch {
				case after < time.Second:
					want = call.OutcomeEndedInFlow
				case len(rec.Entries) > 0:
					want = call.OutcomeAbandonedShort // the question was over: they waited
				}
				if wait := rec.Wait(rec.Ended); len(rec.Entries) > 0 && wait > 5*time.Second {
					want = call.OutcomeAbandoned
				}
				if rec.Outcome != want {
					t.Errorf("outcome %s, want %s", rec.Outcome, want)
				}
			})
		})
	}
}

func TestARestartAtEachMomentOfAKnownIncidentLosesNobody(t *testing.T) {
	for after := 100 * time.Millisecond; after < 5*time.Second; after += 400 * time.Millisecond {
		t.Run(after.String(), func(t *testing.T) {
			bubble(t, func(r *rig) {
				i := r.declares()
				c := r.sw.Dial(customer, "1009")
				time.Sleep(after)
				r.drop()
				r.start()
				time.Sleep(1500 * time.Millisecond)
				c.Press("1")
				time.Sleep(20 * time.Second)
				synctest.Wait()
				i, _ = r.known.Incident(i.ID)
				if n := len(i.Affected); n != 1 && c.Hears() != "talk" {
					t.Errorf("%d affected, the caller hears %q", n, c.Hears())
				}
				c.Hangup()
			})
		})
	}
}

func TestAnIncidentIsOneForItsCallersAndOnlyForThem(t *testing.T) {
	bubble(t, func(r *rig) {
		ctx := t.Context()
		one := incident.Declaration{Queue: "q", Clients: []string{"acme"}, Title: "VPN", By: "supervisor:sue"}
		if _, err := r.known.Declare(ctx, one); err != nil {
			t.Fatal(err)
		}
		if _, err := r.known.Declare(ctx, incident.Declaration{Queue: "q", Title: "all of it", By: "supervisor:sue"}); err == nil {
			t.Error("two for the same callers")
		}
		if _, known := r.known.For("q", "other"); known {
			t.Error("another client's callers are told")
		}
		if _, known := r.known.For("q", "acme"); !known {
			t.Error("the client's callers are not told")
		}
	})
}
