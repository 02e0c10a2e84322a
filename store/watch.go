package store

import (
	"cmp"
	"time"
)

// Standing is what a standby knows of the owner.
type Standing struct {
	Owner string    // host:pid; empty for nobody
	Since time.Time // when it became the owner
	Beat  time.Time // its last sign of life, by its own clock
	Away  bool      // the database does not answer; the rest is what it said last
}

// limits are how long an owner may be silent before somebody else may be it.
type limits struct {
	cut    time.Duration // its connection is gone, as after kill -9
	stale  time.Duration // its connection is there, as when it is frozen or its machine is gone
	settle time.Duration // the database was away: the owner may still be on its way back to it
}

func (l limits) defaults() limits {
	return limits{
		cut:    cmp.Or(l.cut, 3*time.Second),
		stale:  cmp.Or(l.stale, 10*time.Second),
		settle: cmp.Or(l.settle, 15*time.Second),
	}
}

// sight is one look at the lease.
type sight struct {
	known  bool // false before the tables are made, and when they are of another version
	epoch  int64
	owner  string // host:pid; empty when the last owner left in order
	folder string // id of its data folder
	since  int64  // microseconds
	beat   int64  // microseconds
	holder int    // process of the server that has the lock; 0 for none
}

func (s sight) standing() Standing {
	return Standing{Owner: s.owner, Since: instant(s.since), Beat: instant(s.beat)}
}

// watch is what was seen of the owner so far. It counts silence by our clock from
// what we see move, so that it does not matter how the owner's clock goes.
type watch struct {
	limits
	folder string // id of our own data folder

	seen    sight
	looking bool      // seen is from the look before this one
	moved   time.Time // the last sign of life, or when we began to look
	away    bool      // the database was away since the last sign of life, for all we know
}

// see takes in a look that began at now.
func (w *watch) see(now time.Time, s sight) {
	switch was := w.seen; {
	case !w.looking:
		w.moved = now
	case s.known != was.known, s.epoch != was.epoch, s.beat != was.beat, s.holder != was.holder && s.holder != 0:
		w.moved, w.away = now, false
	}
	w.seen, w.looking = s, true
}

// blind says that a look did not work.
func (w *watch) blind() { w.looking, w.away = false, true }

// free reports whether the owner is gone, as far as one can know.
func (w *watch) free(now time.Time) bool {
	silent := now.Sub(w.moved)
	own := w.seen.folder == w.folder // an earlier process of this folder, which is dead: the folder's lock is ours
	switch s := w.seen; {
	case !s.known || s.owner == "":
		return s.holder == 0
	case own && s.holder == 0:
		return true
	case own:
		return silent >= w.cut // the server has not noticed yet
	case w.away:
		return silent >= w.settle
	case s.holder == 0:
		return silent >= w.cut
	default:
		return silent >= w.stale
	}
}

// hopeless reports whether somebody who does not stand by has seen enough, since
// he began to look.
func (w *watch) hopeless(began, now time.Time) bool {
	if w.seen.holder != 0 && w.seen.folder != w.folder {
		return now.Sub(began) >= 2*time.Second // a former owner that has just died is noticed by then
	}
	return now.Sub(began) >= w.cut+2*time.Second
}

func (w *watch) standing() Standing {
	s := w.seen.standing()
	s.Away = !w.looking
	return s
}
