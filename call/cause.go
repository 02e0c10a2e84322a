package call

import (
	"context"
	"errors"
	"fmt"
)

// Reason says in one word why a leg or a call ended. It is the field that code
// branches on; the SIP status and the Q.850 cause beside it are for people.
type Reason string

const (
	Hangup      Reason = "hangup"       // the far end hung up an established leg (BYE)
	Cancelled   Reason = "cancelled"    // the far end gave up before the answer (CANCEL), or we withdrew an offer
	Busy        Reason = "busy"         // 486, 600
	NoAnswer    Reason = "no-answer"    // rang until the deadline, 408, 480
	Rejected    Reason = "rejected"     // 403, 603, 607, or the person declined
	Unreachable Reason = "unreachable"  // no registration, no response, 404, 410, 5xx from the phone
	NoCodec     Reason = "no-codec"     // 488, 606
	MediaLost   Reason = "media-lost"   // no RTP for longer than the limit
	Completed   Reason = "completed"    // we ended it because the journey was done
	Closed      Reason = "closed"       // outside hours
	Blocked     Reason = "blocked"      // the caller is blocked
	NoCapacity  Reason = "no-capacity"  // 503 with Retry-After
	Shutdown    Reason = "shutdown"     // drain deadline passed
	SwitchGone  Reason = "switch-gone"  // the front end lost the leg, or the process was killed
	Failed      Reason = "failed"       // a fault of ours; Text says which
	LimitPassed Reason = "limit-passed" // longest allowed call
)

// Cause is why a leg ended: the error that context.Cause returns for a leg's
// context. errors.Is compares reasons only, so errors.Is(err, Cause{Reason: Hangup})
// matches a hang-up with any status.
type Cause struct {
	Reason Reason `json:"reason"`
	SIP    int    `json:"sip,omitempty"`  // RFC 3261 status that said so, 0 when none did
	Q850   int    `json:"q850,omitempty"` // ITU-T Q.850 cause, 0 when none was given
	Text   string `json:"text,omitempty"` // for people; never a caller's own text
}

func (c Cause) Error() string {
	s := string(c.Reason)
	if c.SIP != 0 {
		s += fmt.Sprintf(" (SIP %d)", c.SIP)
	}
	if c.Text != "" {
		s += ": " + c.Text
	}
	return s
}

// Is reports whether target is a Cause with the same reason.
func (c Cause) Is(target error) bool {
	t, ok := target.(Cause)
	return ok && t.Reason == c.Reason
}

// CauseOf is why ctx ended: its Cause, or Failed with the error's text when it
// ended for another reason. It is the zero Cause while ctx lives.
func CauseOf(ctx context.Context) Cause {
	err := context.Cause(ctx)
	if err == nil {
		return Cause{}
	}
	return AsCause(err)
}

// AsCause turns any error into a Cause: the Cause in its chain, or Failed with
// its text. A nil error is Completed.
func AsCause(err error) Cause {
	var c Cause
	switch {
	case err == nil:
		return Cause{Reason: Completed}
	case errors.As(err, &c):
		return c
	case errors.Is(err, context.DeadlineExceeded):
		return Cause{Reason: NoAnswer, Text: "deadline passed"}
	default:
		return Cause{Reason: Failed, Text: err.Error()}
	}
}

// CauseOfStatus maps a final SIP response to a Cause (RFC 3398 section 7.2.4.1
// for the Q.850 values).
func CauseOfStatus(status int, text string) Cause {
	c := Cause{SIP: status, Text: text}
	switch status {
	case 486, 600:
		c.Reason, c.Q850 = Busy, 17
	case 408, 480:
		c.Reason, c.Q850 = NoAnswer, 18
	case 403, 603, 607:
		c.Reason, c.Q850 = Rejected, 21
	case 487:
		c.Reason, c.Q850 = Cancelled, 16
	case 488, 606:
		c.Reason, c.Q850 = NoCodec, 88
	case 503:
		c.Reason, c.Q850 = Unreachable, 41
	default:
		c.Reason, c.Q850 = Unreachable, 20
	}
	return c
}
