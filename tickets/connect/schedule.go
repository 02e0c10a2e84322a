package connect

import (
	"cmp"
	"slices"
	"time"

	"firstline/call"
)

// Verdict is what a try came to.
type Verdict int

// The verdicts.
const (
	Taken   Verdict = iota // delivered
	Again                  // it may work later
	Refused                // it will never work like this: a dead letter
	Gone                   // nothing may be sent there any more (410)
)

// Result is what one try came to.
type Result struct {
	Verdict Verdict
	Detail  string        // for people: "503 Service Unavailable"
	After   time.Duration // as the other side asked: not before; 0: it did not say
	Wide    bool          // it is the endpoint's fault rather than the message's: a network, 5xx, 429
	Link    *call.TicketLinked
}

// Pace says how an endpoint is tried.
type Pace struct {
	AtOnce  int           // requests beside each other: 4
	First   time.Duration // until the second try, doubled for each: 2 s
	Longest time.Duration // between two tries: 1 h
	GiveUp  time.Duration // after which it is a dead letter: 3 days
	Fresh   time.Duration // after which a message about a call is of no use: 2 min
	Probe   time.Duration // between two requests to an endpoint that does not work, at most: 30 s
}

func (p Pace) defaults() Pace {
	return Pace{
		AtOnce: cmp.Or(p.AtOnce, 4), First: cmp.Or(p.First, 2*time.Second), Longest: cmp.Or(p.Longest, time.Hour),
		GiveUp: cmp.Or(p.GiveUp, 72*time.Hour), Fresh: cmp.Or(p.Fresh, 2*time.Minute), Probe: cmp.Or(p.Probe, 30*time.Second),
	}
}

// longestAfter is how long another side may ask us to wait.
const longestAfter = 24 * time.Hour

// failures in a row, of the endpoint rather than of a message, after which only one
// request at a time is made to see whether it works again.
const failures = 3

// schedule decides what is tried when, without doing it. Of one key only the oldest is
// tried; the others of the key wait for it, those of other keys do not.
type schedule struct {
	pace   Pace
	random func() float64 // in [0, 1), for jitter
	keys   map[string][]*Delivery
	busy   map[string]bool // keys with a request under way
	held   time.Time       // nothing is tried before
	failed int             // in a row
	size   int
}

func newSchedule(p Pace, random func() float64) *schedule {
	return &schedule{pace: p.defaults(), random: random, keys: make(map[string][]*Delivery), busy: make(map[string]bool)}
}

// add puts a delivery that waits behind those of its key that are older.
func (s *schedule) add(d Delivery) {
	row := s.keys[d.Key]
	at, _ := slices.BinarySearchFunc(row, d, func(a *Delivery, b Delivery) int {
		return cmp.Or(cmp.Compare(a.Global, b.Global), cmp.Compare(a.ID, b.ID))
	})
	if at < len(row) && row[at].ID == d.ID {
		return
	}
	if at == 0 && s.busy[d.Key] {
		at = 1 // what is under way is not overtaken
	}
	s.keys[d.Key] = slices.Insert(row, at, &d)
	s.size++
}

// room is how many requests may be made beside those under way.
func (s *schedule) room() int {
	if s.failed >= failures {
		return 1 - len(s.busy)
	}
	return s.pace.AtOnce - len(s.busy)
}

// next takes what is to be tried now, the longest due first, and says when to ask
// again unless something happens before; zero is never. What has expired is returned
// apart and is gone.
func (s *schedule) next(now time.Time) (try, expired []Delivery, wake time.Time) {
	room := max(0, s.room())
	if room == 0 {
		return nil, nil, time.Time{} // a request that ends makes room
	}
	var due []*Delivery // the best, at most as many as there is room for
	for k, row := range s.keys {
		if s.busy[k] {
			continue
		}
		for len(row) > 0 && s.stale(row[0], now) {
			d := *row[0]
			d.State, d.Ended = Expired, call.Instant(now)
			expired = append(expired, d)
			row = s.drop(k)
		}
		if len(row) == 0 {
			continue
		}
		if at := later(row[0].Due, s.held); at.After(now) {
			wake = earlier(wake, at)
			continue
		}
		at, _ := slices.BinarySearchFunc(due, row[0], s.compare)
		if due = slices.Insert(due, at, row[0]); len(due) > room {
			due = due[:room]
		}
	}
	for _, d := range due {
		s.busy[d.Key] = true
		try = append(try, *d)
	}
	return try, expired, wake
}

// compare puts first what is to be tried first. A message that has failed often waits
// for one that has not: it may be the one that fails.
func (s *schedule) compare(a, b *Delivery) int {
	return cmp.Or(cmp.Compare(s.tries(a), s.tries(b)), a.Due.Compare(b.Due), cmp.Compare(a.Global, b.Global), cmp.Compare(a.ID, b.ID))
}

// tries counts only while the endpoint does not work; else who waits longest is first.
func (s *schedule) tries(d *Delivery) int {
	if s.failed < failures {
		return 0
	}
	return d.Attempts
}

func (s *schedule) stale(d *Delivery, now time.Time) bool {
	return d.aboutCall() && now.Sub(d.Made) > s.pace.Fresh
}

// done takes in what a try came to, and returns the delivery as it is to be kept.
func (s *schedule) done(now time.Time, d Delivery, r Result) Delivery {
	delete(s.busy, d.Key)
	d.Attempts++
	d.Last = r.Detail
	switch {
	case r.Verdict == Taken:
		d.State, d.Ended = Delivered, call.Instant(now)
		s.works(now)
	case r.Verdict == Refused, r.Verdict == Again && now.Sub(d.Made) > s.pace.GiveUp:
		d.State, d.Ended = Dead, call.Instant(now)
	default:
		d.Due = call.Instant(now.Add(max(s.backoff(d.Attempts), min(r.After, longestAfter))))
	}
	s.hold(now, r)
	if row := s.keys[d.Key]; len(row) > 0 && row[0].ID == d.ID {
		if d.State == Waiting {
			*row[0] = d
		} else {
			s.drop(d.Key)
		}
	}
	return d
}

// works is that the endpoint takes messages: those that waited for it are due.
func (s *schedule) works(now time.Time) {
	if s.failed >= failures {
		for _, row := range s.keys {
			for _, d := range row {
				d.Due = earlier(d.Due, call.Instant(now))
			}
		}
	}
	s.failed, s.held = 0, time.Time{}
}

// hold keeps everything back after what is the endpoint's fault.
func (s *schedule) hold(now time.Time, r Result) {
	if !r.Wide || r.Verdict != Again {
		return
	}
	s.failed++
	if r.After > 0 {
		s.held = later(s.held, now.Add(min(r.After, longestAfter)))
	}
	if s.failed >= failures {
		s.held = later(s.held, now.Add(min(s.pace.Probe, s.backoff(s.failed-failures+1))))
	}
}

// backoff is how long to wait after so many tries: doubled each time, and spread over
// the upper half, so that what failed together does not come back together.
func (s *schedule) backoff(tries int) time.Duration {
	d := s.pace.Longest
	if n := tries - 1; n < 30 {
		d = min(d, s.pace.First<<n)
	}
	return d/2 + time.Duration(s.random()*float64(d/2))
}

// drop takes the oldest of a key away.
func (s *schedule) drop(key string) []*Delivery {
	row := s.keys[key][1:]
	s.size--
	if len(row) == 0 {
		delete(s.keys, key)
		return nil
	}
	s.keys[key] = row
	return row
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// earlier takes the zero time for never.
func earlier(a, b time.Time) time.Time {
	if a.IsZero() || b.Before(a) {
		return b
	}
	return a
}
