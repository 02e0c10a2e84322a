package sip

import (
	"errors"

	"firstline/call"
	"firstline/sip/media"
)

// statusOf is the final response that ends an unanswered incoming leg for c:
// the status that the cause carries, else the one of its reason. A status that
// would not end the leg, or would send the caller elsewhere, is not taken.
func statusOf(c call.Cause) (status int, reason string) {
	if c.SIP >= 400 && c.SIP <= 699 {
		return c.SIP, phrase(c.SIP)
	}
	s := statusOfReason(c.Reason)
	return s, phrase(s)
}

func statusOfReason(r call.Reason) int {
	switch r {
	case call.Busy:
		return 486
	case call.NoAnswer, call.Unreachable, call.Closed, call.MediaLost, call.Completed, call.LimitPassed:
		return 480
	case call.Rejected, call.Blocked:
		return 603
	case call.NoCodec:
		return 488
	case call.NoCapacity, call.Shutdown:
		return 503
	case call.Cancelled, call.Hangup:
		return 487
	case call.SwitchGone, call.Failed:
		return 500
	}
	return 500
}

// statusOfError is the response for a sentinel error of this package and its
// neighbours; 500 for others.
func statusOfError(err error) (status int, reason string) {
	s := 500
	var c call.Cause
	switch {
	case errors.As(err, &c):
		return statusOf(c)
	case errors.Is(err, errSDP):
		s = 400
	case errors.Is(err, errNoCodec), errors.Is(err, errAddress), errors.Is(err, media.ErrRemote), errors.Is(err, media.ErrParams):
		s = 488
	case errors.Is(err, media.ErrNoPorts):
		s = 503
	case errors.Is(err, call.ErrUnsupported):
		s = 501
	case errors.Is(err, call.ErrState):
		s = 491
	}
	return s, phrase(s)
}

// phrase is the reason phrase of RFC 3261 section 21 for the statuses we send.
func phrase(status int) string {
	switch status {
	case 400:
		return "Bad Request"
	case 401:
		return "Unauthorized"
	case 403:
		return "Forbidden"
	case 404:
		return "Not Found"
	case 405:
		return "Method Not Allowed"
	case 408:
		return "Request Timeout"
	case 410:
		return "Gone"
	case 415:
		return "Unsupported Media Type"
	case 416:
		return "Unsupported URI Scheme"
	case 420:
		return "Bad Extension"
	case 423:
		return "Interval Too Brief"
	case 480:
		return "Temporarily Unavailable"
	case 481:
		return "Call/Transaction Does Not Exist"
	case 482:
		return "Loop Detected"
	case 484:
		return "Address Incomplete"
	case 486:
		return "Busy Here"
	case 487:
		return "Request Terminated"
	case 488:
		return "Not Acceptable Here"
	case 491:
		return "Request Pending"
	case 500:
		return "Server Internal Error"
	case 501:
		return "Not Implemented"
	case 503:
		return "Service Unavailable"
	case 504:
		return "Server Time-out"
	case 600:
		return "Busy Everywhere"
	case 603:
		return "Decline"
	case 604:
		return "Does Not Exist Anywhere"
	case 606:
		return "Not Acceptable"
	case 607:
		return "Unwanted"
	}
	return "Refused"
}
