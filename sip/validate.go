package sip

import (
	"github.com/emiago/sipgo/sip"
)

// reject says how a request is turned away. Drop means that no answer is sent
// at all: an ACK is never answered (RFC 3261 section 17.2.1).
type reject struct {
	Status  int
	Reason  string
	Headers []sip.Header
	Drop    bool
}

// response is the answer to req, nil when the request is to be dropped.
func (r *reject) response(req *sip.Request) *sip.Response {
	if r.Drop || req.IsAck() {
		return nil
	}
	res := sip.NewResponseFromRequest(req, r.Status, r.Reason, nil)
	res.SipVersion = "SIP/2.0" // never the version of a peer that we refuse
	for _, h := range r.Headers {
		res.AppendHeader(h)
	}
	return res
}

// validate checks a request before any handler sees it; nil means that it may go on.
func validate(_ *sip.Request) *reject { return nil }

// validateResponse checks a response before a transaction's owner acts on it.
// An error means: ignore the response (RFC 3261 section 8.1.3.3 and 18.1.2).
func validateResponse(_ *sip.Response) error { return nil }
