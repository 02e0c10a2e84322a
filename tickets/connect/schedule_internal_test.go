package connect

import (
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// waitingRow is a delivery of a key, due at once.
func waitingRow(at time.Time, global int64, key string) Delivery {
	return Delivery{ID: fmt.Sprintf("m%d", global), Key: key, Global: global, Type: TicketUpdated, State: Waiting, Made: at, Due: at}
}

// Whatever a remote does, of one key only the oldest is under way, others are not held
// up by it, and what is taken came in the order of its events.
func TestOfOneTicketOneAfterTheOther(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		now := time.Unix(1e9, 0).UTC()
		s := newSchedule(Pace{AtOnce: 3}, func() float64 { return 0.5 })
		under := map[string]Delivery{}
		last := map[string]int64{}
		global := int64(0)
		step := func() {
			try, expired, wake := s.next(now)
			if len(expired) > 0 {
				t.Fatalf("a ticket's message expired: %v", expired)
			}
			for _, d := range try {
				if _, busy := under[d.Key]; busy {
					t.Fatalf("two of %s under way", d.Key)
				}
				if d.Global < last[d.Key] {
					t.Fatalf("%s: %d tried after %d was done", d.Key, d.Global, last[d.Key])
				}
				if d.Due.After(now) {
					t.Fatalf("%s tried %v early", d.ID, d.Due.Sub(now))
				}
				under[d.Key] = d
			}
			if len(under) > 3 {
				t.Fatalf("%d under way", len(under))
			}
			if s.size > len(under) && len(under) == 0 && wake.IsZero() {
				t.Fatalf("%d wait and nothing is to happen", s.size)
			}
		}
		for range rapid.IntRange(1, 80).Draw(t, "steps") {
			switch rapid.IntRange(0, 2).Draw(t, "what") {
			case 0:
				global++
				s.add(waitingRow(now, global, fmt.Sprintf("T-%d", rapid.IntRange(1, 5).Draw(t, "ticket"))))
			case 1:
				for k, d := range under {
					v := rapid.SampledFrom([]Verdict{Taken, Taken, Again, Refused}).Draw(t, "verdict")
					d = s.done(now, d, Result{Verdict: v, Wide: rapid.Bool().Draw(t, "wide"), After: time.Duration(rapid.IntRange(0, 90).Draw(t, "after")) * time.Second})
					delete(under, k)
					if d.State != Waiting {
						last[k] = d.Global
					}
					break
				}
			case 2:
				now = now.Add(time.Duration(rapid.IntRange(0, 4000).Draw(t, "seconds")) * time.Second)
			}
			step()
		}
	})
}

func TestWaitsDoubleAreSpreadAndBounded(t *testing.T) {
	for _, c := range []struct {
		tries  int
		random float64
		want   time.Duration
	}{
		{1, 0, time.Second},
		{1, 0.999999999, 2*time.Second - time.Nanosecond},
		{4, 0.5, 12 * time.Second},
		{12, 0, 30 * time.Minute},
		{2000, 0.5, 45 * time.Minute},
	} {
		s := newSchedule(Pace{}, func() float64 { return c.random })
		if got := s.backoff(c.tries); got.Round(time.Microsecond) != c.want.Round(time.Microsecond) {
			t.Errorf("after %d tries: %v, want %v", c.tries, got, c.want)
		}
	}
}

func TestWhatTheOtherSideAsksForIsHonoured(t *testing.T) {
	now := time.Unix(1e9, 0)
	s := newSchedule(Pace{}, func() float64 { return 0 })
	s.add(waitingRow(now, 1, "T-1"))
	s.add(waitingRow(now, 2, "T-2"))
	try, _, _ := s.next(now)
	if len(try) != 2 {
		t.Fatalf("tried %v", try)
	}
	d := s.done(now, try[0], Result{Verdict: Again, Detail: "429", Wide: true, After: 10 * time.Minute})
	s.done(now, try[1], Result{Verdict: Again, Detail: "503", Wide: true})
	if got := d.Due.Sub(now); got != 10*time.Minute {
		t.Errorf("due in %v", got)
	}
	if try, _, wake := s.next(now.Add(9 * time.Minute)); len(try) > 0 || !wake.Equal(now.Add(10*time.Minute)) {
		t.Errorf("while it asked for peace: %v, %v", try, wake)
	}
	if try, _, _ := s.next(now.Add(10 * time.Minute)); len(try) != 2 {
		t.Errorf("afterwards: %v", try)
	}
}

func TestAnEndpointThatDoesNotWorkIsProbedByOneRequestAtATime(t *testing.T) {
	now := time.Unix(1e9, 0).UTC()
	s := newSchedule(Pace{AtOnce: 4}, func() float64 { return 0 })
	for i := range int64(8) {
		s.add(waitingRow(now, i+1, fmt.Sprint(i)))
	}
	try, _, _ := s.next(now)
	for _, d := range try {
		s.done(now, d, Result{Verdict: Again, Wide: true})
	}
	now = now.Add(time.Minute)
	probe, _, _ := s.next(now)
	if len(probe) != 1 || probe[0].Attempts != 0 {
		t.Fatalf("probed with %v; want one that has not failed", probe)
	}
	s.done(now, probe[0], Result{Verdict: Taken})
	if try, _, _ := s.next(now); len(try) != 4 {
		t.Errorf("it works again: %d are tried", len(try))
	}
}

func TestWhatIsOfNoUseLaterExpires(t *testing.T) {
	now := time.Unix(1e9, 0).UTC()
	s := newSchedule(Pace{}, func() float64 { return 0 })
	old, fresh := waitingRow(now.Add(-3*time.Minute), 1, "c1"), waitingRow(now, 2, "c1")
	old.Type, fresh.Type = CallReceived, CallEnded
	s.add(old)
	s.add(fresh)
	try, expired, _ := s.next(now)
	if len(expired) != 1 || expired[0].ID != "m1" || expired[0].State != Expired || len(try) != 1 || try[0].ID != "m2" {
		t.Errorf("tried %v, expired %v", try, expired)
	}
}

func TestAMessageThatNobodyTakesBecomesADeadLetter(t *testing.T) {
	now := time.Unix(1e9, 0).UTC()
	s := newSchedule(Pace{}, func() float64 { return 1 })
	s.add(waitingRow(now, 1, "T-1"))
	s.add(waitingRow(now, 2, "T-1"))
	var d Delivery
	for tries := 0; d.State != Dead; tries++ {
		try, _, wake := s.next(now)
		if tries > 1000 {
			t.Fatal("it never ends")
		}
		if len(try) == 0 {
			now = wake
			continue
		}
		d = s.done(now, try[0], Result{Verdict: Again, Detail: "500 Internal Server Error"})
	}
	if got := now.Sub(d.Made); got < 72*time.Hour || got > 74*time.Hour || d.Last != "500 Internal Server Error" {
		t.Errorf("given up after %v: %+v", got, d)
	}
	if try, _, _ := s.next(now); len(try) != 1 || try[0].ID != "m2" {
		t.Errorf("the next of the ticket: %v", try)
	}
}
