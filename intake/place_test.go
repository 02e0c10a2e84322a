package intake

import (
	"testing"
	"time"

	"firstline/call"
	"firstline/callqueue/callers"
)

// recalls has the desk remember callers by its journal, as serve does.
func (r *rig) recalls() {
	b := callers.New(time.Hour, nil)
	for _, e := range r.journal.Events() {
		b.Apply(e)
	}
	r.desk.Callers = b
}

func keepsPlaces(c *Centre) {
	c.Places = map[call.QueueID]PlaceRule{"service-desk": {Within: 5 * time.Minute}}
}

func TestWhoWasCutOffAndCallsAgainHasTheOldPlaceOnce(t *testing.T) {
	for name, c := range map[string]struct {
		number, again string
		after         time.Duration
		kept          bool
	}{
		"from the same number":      {customer, customer, time.Minute, true},
		"too late":                  {customer, customer, 10 * time.Minute, false},
		"from another number":       {customer, "+4930999", time.Minute, false},
		"with the number withheld":  {"", "", time.Minute, false},
		"at the moment of the drop": {customer, customer, 0, true},
	} {
		t.Run(name, func(t *testing.T) {
			tuned(t, keepsPlaces, func(r *rig) {
				r.phone.Unregister()
				r.queue.Reachable("2001", false)
				first := r.sw.Dial(c.number, "1009")
				time.Sleep(20 * time.Second)
				other := r.sw.Dial("+4930555", "1009")
				time.Sleep(20 * time.Second)
				first.Hangup()
				time.Sleep(c.after + time.Millisecond)
				r.recalls()
				again := r.sw.Dial(c.again, "1009")
				twin := r.sw.Dial(c.again, "1009") // who shows the same number at the same moment
				time.Sleep(time.Second)
				was, is := r.journal.Record(first.Call.ID).Entries[0], r.journal.Record(again.Call.ID).Entries[0]
				now := r.journal.Record(twin.Call.ID).Entries[0]
				if kept := is.Joined.Equal(was.Joined) || now.Joined.Equal(was.Joined); kept != c.kept || is.Joined.Equal(now.Joined) && c.kept {
					t.Errorf("joined at %v and %v; the place was of %v", is.Joined, now.Joined, was.Joined)
				}
				evidence := 0
				for _, e := range r.journal.Events() {
					if b, ok := e.Body.(call.PlaceKept); ok {
						evidence++
						if b.Of != first.Call.ID || b.Evidence != call.EvidenceNumber {
							t.Errorf("%+v", b)
						}
					}
				}
				if evidence != map[bool]int{true: 1}[c.kept] {
					t.Errorf("%d places kept by the journal", evidence)
				}
				other.Hangup()
				again.Hangup()
				twin.Hangup()
			})
		})
	}
}
