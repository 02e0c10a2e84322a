package asterisk

import (
	"errors"
	"fmt"
)

// What callers branch on, by errors.Is.
var (
	ErrNotFound    = errors.New("not there")
	ErrConflict    = errors.New("there already, and not ours")
	ErrState       = errors.New("not possible in this state") // the channel is not in the application, in a bridge, not dialled by us, …
	ErrAway        = errors.New("no answer")                  // whether it was done is not known, save that 503 says it was not
	ErrUnreachable = errors.New("no such endpoint, or nobody registered there")
	ErrRefused     = errors.New("refused") // user, password or rights
	ErrUnsupported = errors.New("this Asterisk cannot do that")
	ErrReplaced    = errors.New("somebody else has taken the application over")
	ErrOverflow    = errors.New("events come faster than they are handled")
)

// StatusError is an operation that Asterisk declined. It unwraps to the sentinel
// that its status stands for in that operation, when there is one.
type StatusError struct {
	Node    string // Config.Name
	Method  string
	Path    string // below /ari, without parameters
	Status  int    // HTTP
	Message string // Asterisk's own words, at most 200 bytes
	kind    error
}

// Error says what was tried and what Asterisk said to it.
func (e *StatusError) Error() string {
	return fmt.Sprintf("asterisk %s: %s %s: %d %s", e.Node, e.Method, e.Path, e.Status, e.Message)
}

// Unwrap is the sentinel.
func (e *StatusError) Unwrap() error { return e.kind }
