package month_test

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"firstline/call"
	"firstline/tickets"
	"firstline/tickets/month"
	"firstline/tickets/month/monthtest"
)

// folded are the tickets that events make.
func folded(t *testing.T, evs []call.Event) []tickets.Ticket {
	t.Helper()
	var all []tickets.Ticket
	for _, e := range evs {
		if _, opens := e.Body.(call.TicketOpened); opens {
			all = append(all, tickets.Ticket{})
		}
		for i := range all {
			if all[i].ID == "" || string(all[i].ID) == e.Stream.ID {
				if err := all[i].Apply(e); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
	return all
}

func report(t *testing.T, in month.Input, known time.Time, evs []call.Event) month.Report {
	t.Helper()
	in.Known, in.Tickets = known, folded(t, evs)
	r, err := month.Make(in)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// rows are the lines of the hand calculation's tables with so many columns.
func rows(t *testing.T, columns int) []string {
	t.Helper()
	text, err := os.ReadFile("testdata/2026-10.md")
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for line := range strings.Lines(string(text)) {
		cells := strings.Split(strings.Trim(strings.TrimSpace(line), "|"), "|")
		if client := strings.TrimSpace(cells[0]); len(cells) == columns && (client == "acme" || client == "globex") {
			for i := range cells {
				cells[i] = strings.TrimSpace(cells[i])
			}
			all = append(all, strings.Join(cells, " "))
		}
	}
	return all
}

func TestMonthIsWhatWasCalculatedByHand(t *testing.T) {
	var counts, promises []string
	for _, in := range monthtest.Inputs(t) {
		r := report(t, in, monthtest.Sealed(), monthtest.Events())
		for _, x := range r.Rows {
			counts = append(counts, fmt.Sprintf("%s %s %d %d %d %d %d %d", r.Client, x.Clock, x.Priority, x.Made, x.Kept, x.Missed, x.Open, x.Excluded))
		}
		for _, p := range r.Promises {
			if spent := p.SpentMs / 60_000; p.Outcome != month.Excluded && p.Ticket != "G3" {
				due := ""
				if !p.Due.IsZero() {
					due = p.Due.Format(time.RFC3339)
				}
				promises = append(promises, fmt.Sprintf("%s %s %s %d %s %d:%02d %s", r.Client, p.Ticket, p.Clock, p.Turn, p.Outcome, spent/60, spent%60, due))
			}
		}
	}
	if diff := cmp.Diff(rows(t, 8), counts); diff != "" {
		t.Errorf("figures (-by hand +report):\n%s", diff)
	}
	if diff := cmp.Diff(times(rows(t, 7)), times(promises)); diff != "" {
		t.Errorf("promises (-by hand +report):\n%s", diff)
	}
}

func TestExclusionsAreNamedAndNotTechnicalIsCountedApart(t *testing.T) {
	r := report(t, monthtest.Inputs(t)[1], monthtest.Sealed(), monthtest.Events())
	var got []string
	for _, x := range r.Exclusions {
		got = append(got, fmt.Sprintf("%s %v %s %s", x.Ticket, x.Whole(), x.By, x.Why))
	}
	want := []string{"G1 false supervisor:kim =the customer's site was closed", "G5 true supervisor:kim opened by mistake"}
	if diff := cmp.Diff(want, got); diff != "" || r.NotTechnical != 1 {
		t.Errorf("%s, %d not technical", diff, r.NotTechnical)
	}
	text, err := r.CSV()
	if err != nil {
		t.Fatal(err)
	}
	lines, err := csv.NewReader(bytes.NewReader(text)).ReadAll()
	if err != nil || len(lines) != 1+len(r.Promises)+2 {
		t.Fatalf("%d lines, %v", len(lines), err)
	}
	if why := lines[len(lines)-2][15]; why != "'=the customer's site was closed" {
		t.Errorf("a formula: %q", why)
	}
}

func TestSealedMonthStaysAndItsRestatementShowsTheDifference(t *testing.T) {
	in := monthtest.Inputs(t)[0]
	first, err := report(t, in, monthtest.Sealed(), monthtest.Events()).Seal(1, monthtest.Sealed())
	if err != nil {
		t.Fatal(err)
	}
	if _, same, err := report(t, in, monthtest.Sealed(), monthtest.Events()).Restate(first); err != nil || !same {
		t.Errorf("what was sealed differs from itself: %v", err)
	}
	again, same, err := report(t, in, monthtest.Corrected(), append(monthtest.Events(), monthtest.Correction())).Restate(first)
	if err != nil || same || again.Restates.Version != 1 || again.Restates.Hash != first.Hash {
		t.Fatalf("%+v, %v, %v", again.Restates, same, err)
	}
	var got []string
	for _, d := range again.Restates.Differences {
		got = append(got, fmt.Sprintf("%s %s %s → %s", d.Was.Ticket, d.Was.Clock, d.Was.Outcome, d.Is.Outcome))
	}
	want := []string{"A1 resolution missed → kept", "A5 resolution open → missed"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	second, err := again.Seal(2, monthtest.Corrected())
	if err != nil {
		t.Fatal(err)
	}
	if back, err := second.Report(); err != nil || !cmp.Equal(back, again) {
		t.Errorf("%v: %s", err, cmp.Diff(again, back))
	}
	first.Text = bytes.Replace(first.Text, []byte("missed"), []byte("kept"), 1)
	if _, err := first.Report(); err == nil {
		t.Error("a sealed month that was changed is read")
	}
}

func TestMonthIsNotSealedBeforeItIsOver(t *testing.T) {
	in := monthtest.Inputs(t)[1]
	r := report(t, in, time.Date(2026, 11, 1, 3, 59, 0, 0, time.UTC), nil) // November in Berlin, October in New York
	if _, err := r.Seal(1, time.Now()); !errors.Is(err, month.ErrInvalid) {
		t.Errorf("got %v", err)
	}
	in.Month = "2026-13"
	if _, err := month.Make(in); !errors.Is(err, month.ErrInvalid) {
		t.Errorf("got %v", err)
	}
}

// times is how often there is each, in whatever order.
func times(lines []string) map[string]int {
	out := map[string]int{}
	for _, line := range lines {
		out[strings.TrimSpace(line)]++
	}
	return out
}
