// Package pin keeps short secrets that people key at phones: as argon2id hashes
// (RFC 9106), and against guessing. No value of it can be turned back into a PIN.
package pin

import (
	"cmp"
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"

	"golang.org/x/crypto/argon2"
)

// Lengths of a PIN, in digits.
const (
	Least = 4
	Most  = 12
)

// Cost is what a hash takes (RFC 9106). Zero means 19 MiB and two passes.
type Cost struct {
	Memory uint32 // KiB
	Passes uint32
}

const phc = "$argon2id$v=19$m=%d,t=%d,p=1$"

// Hash returns the PHC string of a PIN with a fresh salt.
func Hash(c Cost, pin string) string {
	c.Memory, c.Passes = cmp.Or(c.Memory, 19*1024), cmp.Or(c.Passes, 2)
	salt := make([]byte, 16)
	rand.Read(salt) // never fails since Go 1.24
	sum := argon2.IDKey([]byte(pin), salt, c.Passes, c.Memory, 1, 32)
	return fmt.Sprintf(phc+"%s$%s", c.Memory, c.Passes, base64.RawStdEncoding.EncodeToString(salt), base64.RawStdEncoding.EncodeToString(sum))
}

var errUnreadable = errors.New("pin: a stored PIN cannot be read")

// Matches reports whether a hash is of this PIN. A hash that cannot be read is an error.
func Matches(hash, pin string) (bool, error) {
	var c Cost
	if _, err := fmt.Sscanf(hash, phc, &c.Memory, &c.Passes); err != nil || c.Passes < 1 || c.Memory > 1<<20 || c.Passes > 100 {
		return false, errUnreadable
	}
	parts := strings.Split(hash, "$")
	if len(parts) != 6 {
		return false, errUnreadable
	}
	salt, err1 := base64.RawStdEncoding.DecodeString(parts[4])
	want, err2 := base64.RawStdEncoding.DecodeString(parts[5])
	if err1 != nil || err2 != nil || len(want) == 0 {
		return false, errUnreadable
	}
	got := argon2.IDKey([]byte(pin), salt, c.Passes, c.Memory, 1, uint32(len(want)))
	return subtle.ConstantTimeCompare(got, want) == 1, nil
}

// Fault is what is wrong with a PIN of somebody with that number, "" when nothing is.
func Fault(number, pin string) string {
	switch {
	case strings.Trim(pin, "0123456789") != "" || len(pin) < Least || len(pin) > Most:
		return fmt.Sprintf("has to have %d to %d digits", Least, Most)
	case pin == number:
		return "is the person's own number"
	case strings.Trim(pin, pin[:1]) == "":
		return "is one digit over and over"
	}
	return ""
}

// Turn lets one hash be made at a time, whoever asks: each takes memory.
type Turn chan struct{}

// NewTurn returns a free turn.
func NewTurn() Turn { return make(Turn, 1) }

// Take waits for the turn; release gives it back. It fails when ctx ends first.
func (t Turn) Take(ctx context.Context) (release func(), err error) {
	select {
	case t <- struct{}{}:
		return func() { <-t }, nil
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}
