package sip

import (
	"net/netip"
	"time"
)

const (
	guessesPerSource = 10              // checked before the source is blocked
	sourceBlock      = 5 * time.Minute // first block; doubles each time, up to maxBlock
	maxBlock         = 80 * time.Minute
	guessMemory      = 30 * time.Minute // failures are forgotten after so long without another
	guessesPerUser   = 30               // from anywhere, before strangers are slowed for that user
	userDelay        = time.Second      // first delay between two guesses at such a user; doubles up to maxUserDelay
	maxUserDelay     = 5 * time.Minute
)

// guessing decides whose digest is looked at. It has no clock of its own and no
// lock; the Authenticator guards it.
//
// Failures count against the source, and, where this user has signed in from
// this source before, against that pair alone: one phone with an old password
// must not shut out the office that it shares an address with. A user who is
// guessed at from many sources is checked ever more slowly, but not for the
// sources that the user is known from, and not before many failures: the true
// user gets in from another address.
type guessing struct {
	tallies *recent[guesser, tally]
	users   *recent[string, tally]
	known   *recent[guesser, struct{}]
}

// guesser is a source, or one user at a source.
type guesser struct {
	src  netip.Prefix
	user string
}

// tally counts failures. A guess counts when it begins, so that many at once do
// not pass together.
type tally struct {
	failed  int
	strikes int // blocks so far
	last    time.Time
	until   time.Time // no check before
}

func newGuessing() *guessing {
	return &guessing{
		tallies: newRecent[guesser, tally](maxSources),
		users:   newRecent[string, tally](maxSources),
		known:   newRecent[guesser, struct{}](maxNonces),
	}
}

func (g *guessing) key(src netip.Prefix, user string) (key guesser, known bool) {
	key = guesser{src, user}
	if g.known.find(key) != nil {
		return key, true
	}
	return guesser{src: src}, false
}

// admit reports whether the next guess is looked at, and counts it.
func (g *guessing) admit(now time.Time, src netip.Prefix, user string) bool {
	key, known := g.key(src, user)
	t := g.tallies.make(key)
	t.forget(now)
	if now.Before(t.until) {
		return false
	}
	if !known && !g.admitUser(now, user) {
		return false
	}
	t.failed++
	t.last = now
	if t.failed >= guessesPerSource {
		t.until = now.Add(min(sourceBlock<<min(t.strikes, 8), maxBlock))
		t.strikes++
		t.failed = 0
	}
	return true
}

func (g *guessing) admitUser(now time.Time, user string) bool {
	u := g.users.make(user)
	u.forget(now)
	if now.Before(u.until) {
		return false
	}
	u.failed++
	u.last = now
	if over := u.failed - guessesPerUser; over > 0 {
		u.until = now.Add(min(userDelay<<min(over-1, 16), maxUserDelay))
	}
	return true
}

func (t *tally) forget(now time.Time) {
	if !t.last.IsZero() && now.Sub(t.last) > guessMemory && !now.Before(t.until) {
		*t = tally{}
	}
}

// undo takes a guess back that turned out to be none.
func (g *guessing) undo(src netip.Prefix, user string) {
	key, known := g.key(src, user)
	g.tallies.make(key).takeBack()
	if !known {
		g.users.make(user).takeBack()
	}
}

func (t *tally) takeBack() {
	if t.failed == 0 && t.strikes > 0 { // this one was the last before the block
		t.strikes--
		t.failed = guessesPerSource
	}
	t.failed = max(0, t.failed-1)
	t.until = time.Time{}
}

// welcome notes a right password. Other users' failures at the source stand.
func (g *guessing) welcome(src netip.Prefix, user string) {
	g.undo(src, user)
	g.known.make(guesser{src, user})
	g.tallies.drop(guesser{src, user})
}

// tries is how many failures stand against the guesser of this guess.
func (g *guessing) tries(src netip.Prefix, user string) int {
	key, _ := g.key(src, user)
	t := g.tallies.find(key)
	if t == nil {
		return 0
	}
	return t.failed + t.strikes*guessesPerSource
}
