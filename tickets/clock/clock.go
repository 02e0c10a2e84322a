package clock

import (
	"fmt"
	"slices"
	"time"
)

// Kind is what a clock measures.
type Kind string

// The clocks of a ticket.
const (
	Response   Kind = "response"   // from the opening until a person has taken it up with the customer
	Update     Kind = "update"     // since the customer last heard of it
	Resolution Kind = "resolution" // from the opening until it is solved
)

// Kinds are all clocks, in the order in which they are shown.
func Kinds() []Kind { return []Kind{Response, Update, Resolution} }

// Mark is something in a ticket's history that its clocks heed.
type Mark string

// The marks. Each may come again, and one that changes nothing (a pause in a pause,
// say) is no fault.
const (
	Opened    Mark = "opened"    // the problem reached us; everything before it is ignored
	Graded    Mark = "graded"    // has another grade from here on
	Responded Mark = "responded" // a person talked to the customer about it
	Updated   Mark = "updated"   // the customer heard of it
	Paused    Mark = "paused"    // it is somebody else's turn: the customer's, or a third party's
	Resumed   Mark = "resumed"   // it is ours again
	Resolved  Mark = "resolved"  // solved; what follows until it is reopened counts for nobody
	Reopened  Mark = "reopened"  // not solved after all: the clocks go on with what they had
)

// Moment is a mark at an instant.
type Moment struct {
	At    time.Time `json:"at"`
	Mark  Mark      `json:"mark"`
	Grade Grade     `json:"grade,omitempty"` // of Opened and Graded
	Level int       `json:"level,omitempty"` // of Responded: of the person
}

// Grade is what a target depends on besides the contract: the priority, or priority
// and service. Its text is the contract's matter.
type Grade string

// Target is a promise: within so much of the calendar's time.
type Target struct {
	Within   time.Duration
	Calendar Calendar
}

// Terms are the targets of one contract. A grade or a kind that is not there has no
// target: its clock runs and is never late.
type Terms map[Grade]map[Kind]Target

// State is how far a clock is.
type State string

// The states of a clock.
const (
	Running State = "running"
	OnHold  State = "paused"
	Stopped State = "stopped" // what it waited for has come
)

// Reading is one clock at one instant.
type Reading struct {
	Kind     Kind          `json:"kind"`
	State    State         `json:"state"`
	Grade    Grade         `json:"grade"`
	Promised bool          `json:"promised"` // there is a target; Within, Left, Due and Late mean nothing otherwise
	Within   time.Duration `json:"within"`   // ns
	Spent    time.Duration `json:"spent"`    // ns of the target's calendar, pauses left out
	Began    time.Time     `json:"began"`
	Ended    time.Time     `json:"ended,omitzero"` // when Stopped
	// Due is when the target is used up: ahead, if the clock goes on running; behind,
	// when it was. Zero while the clock pauses with time left, when it stopped with time
	// left, and when the calendar does not run as long in the next ten years.
	Due    time.Time `json:"due,omitzero"`
	Late   bool      `json:"late"`   // the target was used up before it stopped, or before now
	Missed int       `json:"missed"` // of Update: earlier turns that were late
}

// Left is what remains of the target; negative when it is late.
func (r Reading) Left() time.Duration { return r.Within - r.Spent }

// stretch is a time during which a clock ran; the last one of a running clock has no end.
type stretch struct{ from, to time.Time }

// turn is one run of a clock from its start to its stop, with the pauses between.
type turn struct {
	began, ended time.Time
	ran          []stretch
}

// Read reads all clocks of a history, which must be in order of time, at an instant.
// Moments after now are not looked at. A history without Opened has no clocks.
func Read(history []Moment, terms Terms, now time.Time) []Reading {
	grade, _, seen := graded(history, now)
	if !seen {
		return nil
	}
	var all []Reading
	for _, k := range Kinds() {
		turns := turnsOf(history, k, now)
		target, promised := terms[grade][k]
		r := read(turns[len(turns)-1], target, promised, now)
		r.Kind, r.Grade = k, grade
		for _, t := range turns[:len(turns)-1] {
			if promised && read(t, target, true, now).Late {
				r.Missed++
			}
		}
		all = append(all, r)
	}
	return all
}

// turnsOf is when a clock ran. There is one turn at least: a history that was opened
// has begun every clock.
func turnsOf(history []Moment, k Kind, now time.Time) []turn {
	w := watch{kind: k}
	for _, m := range history {
		if m.At.After(now) {
			break
		}
		w.heed(m)
	}
	return append(w.done, w.turn)
}

// watch follows a history for one clock.
type watch struct {
	kind                   Kind
	opened, paused, solved bool
	turn                   turn
	done                   []turn
}

func (w *watch) heed(m Moment) {
	if !w.opened {
		if m.Mark == Opened {
			w.opened, w.turn = true, turn{began: m.At}
			w.run(m.At)
		}
		return
	}
	switch m.Mark {
	case Paused:
		w.paused = true
		w.halt(m.At)
	case Resumed:
		w.paused = false
		w.run(m.At)
	case Resolved:
		w.solved = true
		w.stop(m.At)
	case Reopened:
		if w.solved && w.kind != Response { // the answer was given once and for all
			w.turn.ended = time.Time{}
		}
		w.solved, w.paused = false, false
		w.run(m.At)
	case Responded, Updated:
		w.heard(m)
	case Opened, Graded:
	}
}

// heard is that the customer heard of the ticket.
func (w *watch) heard(m Moment) {
	switch {
	case w.kind == Response && m.Mark == Responded:
		w.stop(m.At)
	case w.kind == Update && !w.solved:
		w.stop(m.At)
		w.done, w.turn = append(w.done, w.turn), turn{began: m.At}
		w.run(m.At)
	}
}

// run lets the clock go on, unless something holds it.
func (w *watch) run(at time.Time) {
	if !w.paused && !w.solved && w.turn.ended.IsZero() && !w.turn.runs() {
		w.turn.ran = append(w.turn.ran, stretch{from: at})
	}
}

func (w *watch) halt(at time.Time) {
	if w.turn.runs() {
		w.turn.ran[len(w.turn.ran)-1].to = at
	}
}

func (w *watch) stop(at time.Time) {
	w.halt(at)
	if w.turn.ended.IsZero() {
		w.turn.ended = at
	}
}

func (t turn) runs() bool { return len(t.ran) > 0 && t.ran[len(t.ran)-1].to.IsZero() }

// read measures one turn against a target.
func read(t turn, target Target, promised bool, now time.Time) Reading {
	r := Reading{State: Running, Promised: promised, Within: target.Within, Began: t.began, Ended: t.ended}
	switch {
	case !t.ended.IsZero():
		r.State = Stopped
	case !t.runs():
		r.State = OnHold
	}
	for _, s := range t.ran {
		end, left := s.to, target.Within-r.Spent
		if end.IsZero() {
			end = now
		}
		r.Spent += Between(target.Calendar, s.from, end)
		usedUp := r.Spent >= target.Within || s.to.IsZero() // by now, or if it goes on like this
		if promised && usedUp && r.Due.IsZero() {
			r.Due, _ = After(target.Calendar, s.from, left)
		}
	}
	r.Late = promised && r.Spent > target.Within
	return r
}

// Check returns an error when a history is not in order of time, or has a mark that
// nobody knows.
func Check(history []Moment) error {
	known := []Mark{Opened, Graded, Responded, Updated, Paused, Resumed, Resolved, Reopened}
	for i, m := range history {
		if !slices.Contains(known, m.Mark) {
			return fmt.Errorf("moment %d: %q is no mark", i+1, m.Mark)
		}
		if i > 0 && m.At.Before(history[i-1].At) {
			return fmt.Errorf("moment %d, %s at %v, lies before the one before it", i+1, m.Mark, m.At)
		}
	}
	return nil
}
