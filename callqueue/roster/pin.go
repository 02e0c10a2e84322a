package roster

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"maps"
	"sync"
	"time"

	"firstline/call"
	"firstline/call/pin"
)

// Errors of a PIN check. Both are answered in the same words.
var (
	// ErrWrongPIN means that there is no such agent, or that the PIN is not theirs.
	ErrWrongPIN = errors.New("roster: number and PIN do not match")
	// ErrThrottled means that there were too many wrong PINs; it ends by itself.
	ErrThrottled = errors.New("roster: too many wrong PINs")
)

// Limits of guessing, within pin.Window.
const (
	guessesByAgent = 6  // wrong PINs for one agent, from all phones
	guessesByPhone = 12 // wrong PINs at one phone, for all agents
)

// Cost is what a hash takes; zero means pin.Cost's own.
type Cost = pin.Cost

// vault checks PINs. Hashes are in memory, so that people can sign in while the
// database is away.
type vault struct {
	cost  Cost
	blank string // hash of no PIN: the work done for an agent who has none
	turn  pin.Turn
	wrong pin.Guesses // by "agent:…" and "phone:…"

	mu     sync.Mutex // guards hashes
	hashes map[call.AgentID]string
}

func newVault(c Cost, hashes map[call.AgentID]string) *vault {
	v := &vault{cost: c, turn: pin.NewTurn(), hashes: make(map[call.AgentID]string)}
	maps.Copy(v.hashes, hashes)
	v.blank = v.hash(rand.Text())
	return v
}

func (v *vault) hash(secret string) string { return pin.Hash(v.cost, secret) }

// check does the same work whether the agent is known or not, has a PIN or not.
func (v *vault) check(ctx context.Context, id call.AgentID, phone call.DeviceID, secret string) error {
	release, err := v.turn.Take(ctx)
	if err != nil {
		return err
	}
	defer release()
	byAgent, byPhone := "agent:"+string(id), "phone:"+string(phone)
	now := time.Now()
	if v.wrong.Reached(now, byAgent, guessesByAgent) || v.wrong.Reached(now, byPhone, guessesByPhone) {
		return ErrThrottled
	}
	v.mu.Lock()
	hash, known := v.hashes[id]
	v.mu.Unlock()
	if !known {
		hash = v.blank
	}
	ok, err := pin.Matches(hash, secret)
	if err != nil {
		return err
	}
	if !ok || !known {
		v.wrong.Wrong(now, byAgent, byPhone)
		return ErrWrongPIN
	}
	v.wrong.Clear(byAgent) // not byPhone: one's own PIN buys no guesses at others'
	return nil
}

func (v *vault) set(id call.AgentID, hash string) {
	v.wrong.Clear("agent:" + string(id))
	v.mu.Lock()
	defer v.mu.Unlock()
	if hash == "" {
		delete(v.hashes, id)
		return
	}
	v.hashes[id] = hash
}

// CheckPIN compares a PIN that was keyed at a phone with the agent's. ErrWrongPIN
// says as little as it can; ErrThrottled comes after too many of those.
func (r *Roster) CheckPIN(ctx context.Context, id call.AgentID, phone call.DeviceID, secret string) error {
	return r.pins.check(ctx, id, phone, secret)
}

// SetPIN gives an agent another PIN, or none when it is empty. ErrInvalid says
// what is wrong with it, never the PIN.
func (r *Roster) SetPIN(ctx context.Context, id call.AgentID, secret, by string) error {
	if fault := pinFault(id, secret); fault != "" {
		return fmt.Errorf("%w: the PIN %s", ErrInvalid, fault)
	}
	hash := ""
	if secret != "" {
		hash = r.pins.hash(secret)
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
func pinFault(id call.AgentID, secret string) string {
	switch {
	case secret == "":
		return ""
	case !onlyDigits(string(id)):
		return "needs an agent whose id is a number, to be keyed at a phone"
	case secret == string(id):
		return "is the agent's own number"
	}
	return pin.Fault(string(id), secret)
}
