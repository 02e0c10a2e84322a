package sip

import (
	"fmt"
	"math/rand/v2"
	"strconv"
	"time"

	"github.com/emiago/sipgo/sip"
	"go.uber.org/zap"

	"firstline/call"
)

// newCallee makes the callee's half of a dialog for an INVITE; start runs it. Nothing is sent.
func (u *userAgent) newCallee(in *invite, user dialogUser, sticky bool, log *zap.Logger) *dialog {
	d := newDialog(u, user, log)
	d.state, d.in = stateRung, in
	from, to := in.req.From(), in.req.To()
	d.route = route{
		callID: in.req.CallID().Value(),
		local:  identity{to.DisplayName, *to.Address.Clone(), in.local},
		remote: identity{from.DisplayName, *from.Address.Clone(), tagOf(from)},
		target: *from.Address.Clone(), // until a Contact says better
		routes: routeSet(in.req),
		flow:   in.flow,
		sticky: sticky,
		seq:    1 + rand.Uint32N(1<<16),
	}
	d.route.refresh(in.req.Contact())
	d.remoteSeq = in.req.CSeq().SeqNo
	d.key = dialogKey{d.route.callID, in.local, d.route.remote.tag}
	d.merge = inviteKeyOf(in.req)
	return d
}

// accept is a 2xx that we have sent and that waits for its ACK (RFC 3261 section 13.3.1.4).
type accept struct {
	in      *invite
	res     *sip.Response
	seq     uint32
	asks    bool          // carries our offer; the ACK brings the answer
	every   time.Duration // until the next repeat
	repeat  *time.Timer
	giveUp  *time.Timer
	initial bool
}

// ring sends 180; only before the answer.
func (d *dialog) ring() error {
	if d.state != stateRung {
		return fmt.Errorf("%w: %v", call.ErrState, d.state)
	}
	res := sip.NewResponseFromRequest(d.in.req, 180, "Ringing", nil)
	res.AppendHeader(d.contact())
	d.ua.respond(d.in.tx, res)
	return nil
}

// answer sends 200 with sdp, and again until the ACK comes. asks says that sdp is an offer of ours.
func (d *dialog) answer(sdp []byte, asks bool) error {
	if d.state != stateRung {
		return fmt.Errorf("%w: %v", call.ErrState, d.state)
	}
	if !d.move(stateAccepted) {
		return call.ErrState
	}
	if err := d.sendAccept(d.in, sdp, asks, true); err != nil {
		d.finish(call.Cause{Reason: call.Unreachable, Text: "answer could not be sent"})
		return err
	}
	return nil
}

func (d *dialog) sendAccept(in *invite, sdp []byte, asks, initial bool) error {
	res := sip.NewResponseFromRequest(in.req, 200, "OK", sdp)
	res.AppendHeader(d.contact())
	res.AppendHeader(sip.NewHeader("Allow", allowedMethods))
	res.AppendHeader(sip.NewHeader("Server", productName))
	res.AppendHeader(sip.NewHeader("Content-Type", "application/sdp"))
	if err := in.tx.Respond(res); err != nil {
		in.settle()
		return fmt.Errorf("sip: answer: %w", err)
	}
	a := &accept{in: in, res: res, seq: in.req.CSeq().SeqNo, asks: asks, every: sip.T1, initial: initial}
	d.accept = a
	a.repeat = d.after(a.every, func() { d.repeatAccept(a) })
	a.giveUp = d.after(64*sip.T1, func() { d.ackMissing(a) })
	return nil
}

// repeatAccept sends the 2xx again after T1, 2*T1, … T2, T2, whatever the transport.
func (d *dialog) repeatAccept(a *accept) {
	if d.accept != a {
		return
	}
	if a.in.conn != nil {
		if err := a.in.conn.WriteMsg(a.res); err != nil {
			d.log.Debug("repeat of 200", zap.Error(err))
		}
	}
	a.every = min(2*a.every, sip.T2)
	a.repeat = d.after(a.every, func() { d.repeatAccept(a) })
}

func (d *dialog) dropAccept() {
	if a := d.accept; a != nil {
		a.repeat.Stop()
		a.giveUp.Stop()
		a.in.settle()
		d.accept = nil
	}
}

// acknowledged takes the ACK of our last 2xx; others are repeats or strangers.
func (d *dialog) acknowledged(ack *sip.Request) {
	a := d.accept
	if a == nil || ack.CSeq() == nil || ack.CSeq().SeqNo != a.seq {
		return
	}
	d.dropAccept()
	if a.initial {
		d.in = nil // the request is not needed any more
	}
	if d.state == stateLeaving { // hung up meanwhile
		d.bye()
		return
	}
	if a.initial && !d.move(stateConfirmed) {
		return
	}
	if a.asks {
		if err := d.user.confirmed(ack.Body()); err != nil {
			d.hangup(call.Cause{Reason: call.NoCodec, Text: err.Error()})
		}
		return
	}
	if a.initial {
		_ = d.user.confirmed(nil)
	}
}

// ackMissing ends a dialog whose 2xx was never acknowledged.
func (d *dialog) ackMissing(a *accept) {
	if d.accept != a {
		return
	}
	d.tell(call.Cause{Reason: call.Unreachable, SIP: 408, Text: "answer was never acknowledged"})
	d.bye()
}

// refuse sends a final response above 299 to the INVITE that opened the dialog.
func (d *dialog) refuse(status int, reason string, c call.Cause) {
	var headers []sip.Header
	if status == 503 || status == 480 {
		headers = append(headers, sip.NewHeader("Retry-After", strconv.Itoa(5+rand.IntN(11))))
	}
	d.in.refuse(status, reason, headers...)
	d.finish(c)
}

// wasCancelled is a CANCEL that arrived before our final response; sipgo has sent the 487.
func (d *dialog) wasCancelled(in *invite) {
	if in != d.in || d.state != stateRung {
		return // crossed our 2xx: the caller sends ACK and BYE
	}
	d.finish(call.Cause{Reason: call.Cancelled, SIP: 487, Q850: 16})
}

// transactionEnded is an INVITE whose connection broke, or whose time is up after the 2xx.
func (d *dialog) transactionEnded(in *invite) {
	if in == d.in && d.state == stateRung {
		d.finish(call.Cause{Reason: call.Unreachable, Text: "connection lost"})
	}
}

// reinvited answers a re-INVITE: at once, or not at all.
func (d *dialog) reinvited(in *invite) {
	switch {
	case d.state == stateLeaving || d.state == stateGone:
		in.refuse(481, "Call/Transaction Does Not Exist")
	case d.state == stateRung:
		in.refuse(500, "Server Internal Error", sip.NewHeader("Retry-After", strconv.Itoa(rand.IntN(11))))
	case d.out != nil: // glare
		in.refuse(491, "Request Pending")
	case d.accept != nil && d.accept.asks: // our offer waits for its answer
		in.refuse(491, "Request Pending")
	case !d.inOrder(in.req):
		in.refuse(500, "Request Out Of Order")
	default:
		d.reoffered(in)
		return
	}
	in.settle()
}

func (d *dialog) reoffered(in *invite) {
	if a := d.accept; a != nil { // its ACK was overtaken by this request, which proves as much
		d.dropAccept()
		if a.initial {
			d.move(stateConfirmed)
			_ = d.user.confirmed(nil)
		}
	}
	answer, err := d.user.offered(in.req.Body())
	if err != nil {
		status, reason := statusOfError(err)
		in.refuse(status, reason)
		in.settle()
		return
	}
	d.route.refresh(in.req.Contact())
	if d.route.sticky || d.route.flow.sock == nil || d.route.flow.sock.packet != nil {
		d.route.flow.peer = in.flow.peer
	}
	if err := d.sendAccept(in, answer, len(in.req.Body()) == 0, false); err != nil {
		d.log.Info("re-INVITE", zap.Error(err))
	}
}
