package ari

import (
	"firstline/call"
)

// Q.850 causes that something follows from here.
const (
	q850Unallocated = 1
	q850NoRoute     = 3
	q850Normal      = 16
	q850Busy        = 17
	q850NoResponse  = 18
	q850NoAnswer    = 19
	q850Absent      = 20
	q850Rejected    = 21
	q850OutOfOrder  = 27
	q850Congestion  = 34
	q850Failure     = 38 // Asterisk answers 500 for it
	q850NoChannel   = 44 // Asterisk's for RTP that stopped coming
	q850NoCodec     = 58 // Asterisk answers 488 for it
)

// causeFor is the Q.850 cause that makes Asterisk end a leg in the way that c
// says: for an unanswered call by its SIP status, else by its reason (chan_pjsip,
// hangup_cause2sip).
func causeFor(c call.Cause) int {
	if q := causeForStatus(c.SIP); q != 0 {
		return q
	}
	if c.Q850 > 0 && c.Q850 < 128 {
		return c.Q850
	}
	switch c.Reason {
	case call.Busy:
		return q850Busy
	case call.NoAnswer, call.Unreachable, call.Closed, call.MediaLost, call.LimitPassed:
		return q850NoAnswer
	case call.Rejected, call.Blocked:
		return q850Rejected
	case call.NoCodec:
		return q850NoCodec
	case call.NoCapacity, call.Shutdown:
		return q850Congestion
	case call.SwitchGone, call.Failed:
		return q850Failure
	}
	return q850Normal
}

func causeForStatus(status int) int {
	switch status {
	case 404, 604:
		return q850Unallocated
	case 408:
		return q850NoResponse
	case 480:
		return q850NoAnswer
	case 486, 600:
		return q850Busy
	case 403, 603, 607:
		return q850Rejected
	case 488, 606:
		return q850NoCodec
	case 503:
		return q850Congestion
	}
	return 0
}

// unanswered is why a phone that we rang did not answer: by the SIP status that
// ended it, else by Asterisk's cause. rang tells a person who does not answer from
// a phone that is not there.
func unanswered(q850, status int, rang bool) call.Cause {
	c := call.Cause{Q850: q850}
	switch {
	case status == 408 && !rang: // pjsip's own, when nothing comes back at all
		c.Reason, c.SIP = call.Unreachable, status
		return c
	case status >= 400 && status <= 699 && status != 487:
		c = call.CauseOfStatus(status, "")
		return c
	}
	switch q850 {
	case q850Busy:
		c.Reason = call.Busy
	case q850NoResponse, q850NoAnswer:
		c.Reason = call.NoAnswer
	case q850Rejected:
		c.Reason = call.Rejected
	case q850NoCodec, 65, 88:
		c.Reason = call.NoCodec
	case q850Normal:
		c.Reason = call.Cancelled
	default:
		c.Reason = call.Unreachable
	}
	return c
}

// hungUp is why an answered leg ended by itself, or a caller before the answer.
func hungUp(q850 int, answered bool) call.Cause {
	c := call.Cause{Reason: call.Hangup}
	if q850 > 0 && q850 < 127 { // 127, interworking, is what Asterisk says when it knows none
		c.Q850 = q850
	}
	switch {
	case !answered:
		c.Reason = call.Cancelled
	case q850 == q850NoChannel:
		c.Reason = call.MediaLost
	}
	return c
}
