package storetest

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"firstline/store"
	"firstline/tickets/month"
	"firstline/tickets/month/monthtest"
)

// monthsAreSealed reports the month that is calculated by hand from what is stored,
// seals it, corrects a ticket, and restates it.
func monthsAreSealed(t *testing.T, engine Engine) {
	p := engine(t)
	s, stop := Start(t, p.Config)
	Append(t, s.Journal(), monthtest.Events()...)
	made := func(in month.Input, known time.Time) month.Report {
		t.Helper()
		from, to, err := in.Month.Bounds(in.Zone)
		if err != nil {
			t.Fatal(err)
		}
		in.Known = known
		if in.Tickets, err = s.TicketsOf(t.Context(), in.Client, from, to); err != nil {
			t.Fatal(err)
		}
		r, err := month.Make(in)
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	var figures []string
	for _, in := range monthtest.Inputs(t) {
		r := made(in, monthtest.Sealed())
		for _, x := range r.Rows {
			figures = append(figures, fmt.Sprintf("%s %s %d: %d %d %d %d", r.Client, x.Clock, x.Priority, x.Kept, x.Missed, x.Open, x.Excluded))
		}
		v, err := r.Seal(1, monthtest.Sealed())
		if err != nil {
			t.Fatal(err)
		}
		if err := s.PutMonth(t.Context(), in.Client, in.Month, v); err != nil {
			t.Fatal(err)
		}
		if err := s.PutMonth(t.Context(), in.Client, in.Month, v); err == nil {
			t.Error("a sealed month was written over")
		}
	}
	want := []string{ // kept, missed, open, excluded: ../../tickets/month/testdata/2026-10.md
		"acme response 2: 2 2 0 0", "acme resolution 2: 2 1 1 0",
		"globex response 3: 0 1 1 1", "globex update 3: 2 1 1 1", "globex resolution 1: 1 0 0 0", "globex resolution 3: 1 0 1 1",
	}
	if diff := cmp.Diff(want, figures); diff != "" {
		t.Error(diff)
	}
	Append(t, s.Journal(), monthtest.Correction())
	stop()
	s, _ = Start(t, p.Config)
	acme := monthtest.Inputs(t)[0]
	first := sealed(t, s, acme)[0]
	old, err := first.Report()
	if err != nil || old.Rows[1].Missed != 1 {
		t.Errorf("what was sealed has changed: %+v, %v", old.Rows, err)
	}
	again, same, err := made(acme, monthtest.Corrected()).Restate(first)
	if err != nil || same || len(again.Restates.Differences) != 2 || again.Rows[1].Missed != 1 || again.Rows[1].Kept != 3 {
		t.Fatalf("%+v %+v, %v", again.Rows, again.Restates, err)
	}
	second, err := again.Seal(2, monthtest.Corrected())
	if err != nil {
		t.Fatal(err)
	}
	if err := s.PutMonth(t.Context(), acme.Client, acme.Month, second); err != nil {
		t.Fatal(err)
	}
	if all := sealed(t, s, acme); len(all) != 2 || all[0].Hash != first.Hash || all[1].Hash != second.Hash {
		t.Errorf("%+v", all)
	}
}

func sealed(t *testing.T, s *store.Store, in month.Input) []month.Sealed {
	t.Helper()
	all, err := s.Months(t.Context(), in.Client, in.Month)
	if err != nil {
		t.Fatal(err)
	}
	return all
}
