package roster

import (
	"cmp"
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"maps"
	"strings"
	"sync"
	"time"

	"golang.org/x/crypto/argon2"

	"firstline/call"
)

// Errors of a PIN check. Both are answered in the same words.
var (
	// ErrWrongPIN means that there is no such agent, or that the PIN is not theirs.
	ErrWrongPIN = errors.New("roster: number and PIN do not match")
	// ErrThrottled means that there were too many wrong PINs; it ends by itself.
	ErrThrottled = errors.New("roster: too many wrong PINs")
)

// Limits of guessing. They are of the process: a restart forgets them.
const (
	guessWindow    = 15 * time.Minute
	guessesByAgent = 6  // wrong PINs for one agent within the window, from all phones
	guessesByPhone = 12 // wrong PINs at one phone within the window, for all agents
	leastPIN       = 4
	mostPIN        = 12
)

// Cost is what a hash takes (RFC 9106). Zero means 19 MiB and two passes.
type Cost struct {
	Memory uint32 // KiB
	Passes uint32
}

// vault checks PINs. Hashes are in memory, so that people can sign in while the
// database is away.
type vault struct {
	cost  Cost
	blank string        // hash of no PIN: the work done for an agent who has none
	turn  chan struct{} // capacity 1: one hash at a time, whoever asks

	mu     sync.Mutex // guards what follows
	hashes map[call.AgentID]string
	wrong  map[string][]time.Time // by "agent:…" and "phone:…"
}

func newVault(c Cost, hashes map[call.AgentID]string) *vault {
	c.Memory, c.Passes = cmp.Or(c.Memory, 19*1024), cmp.Or(c.Passes, 2)
	v := &vault{
		cost: c, turn: make(chan struct{}, 1),
		hashes: make(map[call.AgentID]string), wrong: make(map[string][]time.Time),
	}
	maps.Copy(v.hashes, hashes)
	v.blank = v.hash(rand.Text())
	return v
}

const phc = "$argon2id$v=19$m=%d,t=%d,p=1$"

// hash returns the PHC string of a PIN with a fresh salt.
func (v *vault) hash(pin string) string {
	salt := make([]byte, 16)
	rand.Read(salt) // never fails since Go 1.24
	sum := argon2.IDKey([]byte(pin), salt, v.cost.Passes, v.cost.Memory, 1, 32)
	return fmt.Sprintf(phc+"%s$%s", v.cost.Memory, v.cost.Passes, base64.RawStdEncoding.EncodeToString(salt), base64.RawStdEncoding.EncodeToString(sum))
}

// matches reports whether a hash is of this PIN. A hash that cannot be read is an error.
func matches(hash, pin string) (bool, error) {
	var c Cost
	if _, err := fmt.Sscanf(hash, phc, &c.Memory, &c.Passes); err != nil || c.Passes < 1 || c.Memory > 1<<20 || c.Passes > 100 {
		return false, errors.New("roster: a stored PIN cannot be read")
	}
	parts := strings.Split(hash, "$")
	if len(parts) != 6 {
		return false, errors.New("roster: a stored PIN cannot be read")
	}
	salt, err1 := base64.RawStdEncoding.DecodeString(parts[4])
	want, err2 := base64.RawStdEncoding.DecodeString(parts[5])
	if err1 != nil || err2 != nil || len(want) == 0 {
		return false, errors.New("roster: a stored PIN cannot be read")
	}
	got := argon2.IDKey([]byte(pin), salt, c.Passes, c.Memory, 1, uint32(len(want)))
	return subtle.ConstantTimeCompare(got, want) == 1, nil
}

// check does the same work whether the agent is known or not, has a PIN or not.
func (v *vault) check(ctx context.Context, id call.AgentID, phone call.DeviceID, pin string) error {
	select {
	case v.turn <- struct{}{}:
		defer func() { <-v.turn }()
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	byAgent, byPhone := "agent:"+string(id), "phone:"+string(phone)
	now := time.Now()
	v.mu.Lock()
	v.forget(now)
	throttled := len(v.wrong[byAgent]) >= guessesByAgent || len(v.wrong[byPhone]) >= guessesByPhone
	hash, known := v.hashes[id]
	v.mu.Unlock()
	if throttled {
		return ErrThrottled
	}
	if !known {
		hash = v.blank
	}
	ok, err := matches(hash, pin)
	if err != nil {
		return err
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	if !ok || !known {
		v.wrong[byAgent] = append(v.wrong[byAgent], now)
		v.wrong[byPhone] = append(v.wrong[byPhone], now)
		return ErrWrongPIN
	}
	delete(v.wrong, byAgent) // not byPhone: one's own PIN buys no guesses at others'
	return nil
}

// forget drops wrong guesses that are too old to count.
func (v *vault) forget(now time.Time) {
	for who, times := range v.wrong {
		for len(times) > 0 && now.Sub(times[0]) >= guessWindow {
			times = times[1:]
		}
		if len(times) == 0 {
			delete(v.wrong, who)
			continue
		}
		v.wrong[who] = times
	}
}

func (v *vault) set(id call.AgentID, hash string) {
	v.mu.Lock()
	defer v.mu.Unlock()
	delete(v.wrong, "agent:"+string(id))
	if hash == "" {
		delete(v.hashes, id)
		return
	}
	v.hashes[id] = hash
}

// CheckPIN compares a PIN that was keyed at a phone with the agent's. ErrWrongPIN
// says as little as it can; ErrThrottled comes after too many of those.
func (r *Roster) CheckPIN(ctx context.Context, id call.AgentID, phone call.DeviceID, pin string) error {
	return r.pins.check(ctx, id, phone, pin)
}

// SetPIN gives an agent another PIN, or none when it is empty. ErrInvalid says
// what is wrong with it, never the PIN.
func (r *Roster) SetPIN(ctx context.Context, id call.AgentID, pin, by string) error {
	if fault := pinFault(id, pin); fault != "" {
		return fmt.Errorf("%w: the PIN %s", ErrInvalid, fault)
	}
	hash := ""
	if pin != "" {
		hash = r.pins.hash(pin)
	}
	release, err := r.change(ctx)
	if err != nil {
		return err
	}
	defer release()
	if _, err := r.Agent(id); err != nil {
		return err
	}
	return r.putPIN(ctx, id, hash, by)
}

func (r *Roster) putPIN(ctx context.Context, id call.AgentID, hash, by string) error {
	if err := r.cfg.PINs.PutPIN(ctx, id, hash); err != nil {
		return err
	}
	r.pins.set(id, hash)
	return r.cfg.Journal.Append(ctx, call.AgentEvent(time.Now(), id, call.PINChanged{By: by, Set: hash != ""}))
}

// pinFault is what is wrong with a PIN for an agent, "" when nothing is.
func pinFault(id call.AgentID, pin string) string {
	switch {
	case pin == "":
		return ""
	case !onlyDigits(string(id)):
		return "needs an agent whose id is a number, to be keyed at a phone"
	case !onlyDigits(pin) || len(pin) < leastPIN || len(pin) > mostPIN:
		return fmt.Sprintf("has to have %d to %d digits", leastPIN, mostPIN)
	case pin == string(id):
		return "is the agent's own number"
	case strings.Trim(pin, pin[:1]) == "":
		return "is one digit over and over"
	}
	return ""
}
