package customers

import (
	"context"
	"crypto/rand"
	"errors"
	"maps"
	"sync"
	"time"

	"firstline/call"
	"firstline/call/pin"
)

// Errors of a PIN check. Both are answered in the same words.
var (
	// ErrWrongPIN means that there is no such account, or that the PIN is not its.
	ErrWrongPIN = errors.New("customers: account and PIN do not match")
	// ErrThrottled means that there were too many wrong PINs; it ends by itself.
	ErrThrottled = errors.New("customers: too many wrong PINs")
)

// Limits of guessing, within pin.Window.
const (
	guessesByAccount = 6  // for one account, from all numbers
	guessesByNumber  = 12 // from one number, for all accounts
	guessesWithheld  = 60 // from all withheld numbers together
)

// PINs keeps hashes beside the journal.
type PINs interface {
	// PutCustomerPINs keeps all or none of the hashes; an empty one takes a PIN away.
	PutCustomerPINs(ctx context.Context, hashes map[call.CustomerID]string) error
}

type vault struct {
	cost  pin.Cost
	blank string // hash of no PIN: the work done for an account that has none
	turn  pin.Turn
	wrong pin.Guesses

	mu     sync.Mutex // guards hashes
	hashes map[call.CustomerID]string
}

func newVault(c pin.Cost, hashes map[call.CustomerID]string) *vault {
	v := &vault{cost: c, turn: pin.NewTurn(), hashes: make(map[call.CustomerID]string)}
	maps.Copy(v.hashes, hashes)
	v.blank = pin.Hash(c, rand.Text())
	return v
}

func (v *vault) of(id call.CustomerID) string {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.hashes[id]
}

func (v *vault) set(hashes map[call.CustomerID]string) {
	v.mu.Lock()
	defer v.mu.Unlock()
	maps.Copy(v.hashes, hashes)
}

// Verify returns whose account and PIN were keyed on a client's line by a caller
// from a number, empty when withheld. It takes as long for an account that there is
// as for one that there is not. ErrWrongPIN says as little as it can; ErrThrottled
// comes after too many of those.
func (d *Directory) Verify(ctx context.Context, client, account, from, secret string) (call.Customer, error) {
	release, err := d.pins.turn.Take(ctx)
	if err != nil {
		return call.Customer{}, err
	}
	defer release()
	byAccount, byNumber, limit := "account:"+account, "number:"+from, guessesByNumber
	if from == "" {
		limit = guessesWithheld
	}
	now := time.Now()
	if d.pins.wrong.Reached(now, byAccount, guessesByAccount) || d.pins.wrong.Reached(now, byNumber, limit) {
		return call.Customer{}, ErrThrottled
	}
	c, known := d.ByAccount(account, client)
	hash := d.pins.of(c.ID)
	if known = known && hash != ""; !known {
		hash = d.pins.blank
	}
	ok, err := pin.Matches(hash, secret)
	if err != nil {
		return call.Customer{}, err
	}
	if !ok || !known {
		d.pins.wrong.Wrong(now, byAccount, byNumber)
		return call.Customer{}, ErrWrongPIN
	}
	d.pins.wrong.Clear(byAccount) // not byNumber: one's own PIN buys no guesses at others'
	return c, nil
}
