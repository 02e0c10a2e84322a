package storetest

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"firstline/call"
)

// unsettledTickets opens tickets, ends some, and reads the others page by page.
func unsettledTickets(t *testing.T, engine Engine) {
	s, _ := Start(t, engine(t).Config)
	var want []string
	for i := range 7 {
		at, id := time.Now(), call.TicketID(fmt.Sprintf("T-%d", i))
		evs := []call.Event{call.TicketEvent(at, id, call.TicketOpened{}), call.TicketEvent(at, id, call.TicketTold{})}
		if i%3 == 0 {
			evs = append(evs, call.TicketEvent(at, id, call.TicketMoved{From: "new", To: map[bool]string{true: "resolved", false: "closed"}[i > 0]}))
		} else {
			want = append(want, fmt.Sprintf("%s 2", id))
		}
		Append(t, s.Journal(), evs...)
	}
	var got []string
	for after := int64(0); ; {
		page, next, err := s.UnsettledTickets(t.Context(), after, 3)
		if err != nil {
			t.Fatal(err)
		}
		if len(page) == 0 {
			break
		}
		for _, x := range page {
			got = append(got, fmt.Sprintf("%s %d", x.ID, x.Seq))
		}
		after = next
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}
