package sip

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	mathrand "math/rand/v2"
	"time"

	"github.com/emiago/sipgo/sip"
	"go.uber.org/zap"

	"firstline/call"
)

// outgoing is an INVITE or re-INVITE of ours without a final response.
type outgoing struct {
	req      *sip.Request
	flow     flow
	tx       sip.ClientTransaction
	heard    bool // a provisional response came, so it may be cancelled (RFC 3261 section 9.1)
	leave    bool // cancel as soon as it may be
	cancels  *time.Timer
	again    *time.Timer                 // a re-INVITE waits out a 491
	then     func(sdp []byte, err error) // re-INVITE: its result
	withBody []byte
}

func (o *outgoing) stop() {
	for _, t := range []*time.Timer{o.cancels, o.again} {
		if t != nil {
			t.Stop()
		}
	}
	if o.then != nil {
		o.then(nil, errDialogGone)
		o.then = nil
	}
}

// invitation is what a dialog of ours is opened with.
type invitation struct {
	target  sip.Uri
	local   identity // without tag
	remote  identity
	flow    flow
	sticky  bool
	offer   []byte
	headers []sip.Header
	auth    func(req *sip.Request, res *sip.Response) error // answers a 401 or 407; nil: never (threat T5)
}

// newCaller makes the caller's half of a dialog; open sends the INVITE.
func (u *userAgent) newCaller(inv invitation, user dialogUser, log *zap.Logger) *dialog {
	d := newDialog(u, user, log)
	d.uac, d.state = true, stateCalling
	callID := rand.Text()
	d.route = route{
		callID: callID, local: inv.local, remote: inv.remote, target: inv.target,
		flow: inv.flow, sticky: inv.sticky, seq: 1 + mathrand.Uint32N(1<<16),
	}
	d.route.local.tag = u.newTag(callID)
	d.key = dialogKey{callID: callID, local: d.route.local.tag}
	return d
}

// open sends the INVITE. After an error nothing was sent and the user is told nothing.
func (d *dialog) open(inv invitation) error {
	if err := d.ua.usable(inv.flow); err != nil {
		return err
	}
	if err := d.start(); err != nil {
		return err
	}
	return d.do(context.Background(), func() error {
		err := d.invite(inv)
		if err != nil {
			d.told = true
			d.finish(call.Cause{Reason: call.Unreachable})
		}
		return err
	})
}

func (d *dialog) invite(inv invitation) error {
	req := d.route.request(sip.INVITE, d.route.seq)
	req.AppendHeader(d.contact())
	req.AppendHeader(sip.NewHeader("Allow", allowedMethods))
	for _, h := range inv.headers {
		req.AppendHeader(h)
	}
	req.AppendHeader(sip.NewHeader("Content-Type", "application/sdp"))
	req.SetBody(inv.offer)
	return d.launch(req, d.route.flow, nil, inv.auth)
}

// launch sends an INVITE or re-INVITE; auth, when not nil, may answer one challenge.
func (d *dialog) launch(req *sip.Request, f flow, then func([]byte, error), auth func(*sip.Request, *sip.Response) error) error {
	o := &outgoing{req: req, flow: f, then: then, withBody: req.Body()}
	d.ua.stamp(req, f)
	d.out = o
	tx, err := d.ua.send(req, f, func(res *sip.Response, err error) {
		d.post(func() { d.response(o, res, err, auth) })
	})
	if err != nil {
		d.out = nil
		return err
	}
	o.tx = tx
	return nil
}

// response takes what the transaction of o says.
func (d *dialog) response(o *outgoing, res *sip.Response, err error, auth func(*sip.Request, *sip.Response) error) {
	if d.out != o {
		return
	}
	switch {
	case err != nil:
		d.unanswered(o, err)
	case res.StatusCode < 200:
		d.provisional(o, res)
	case res.IsSuccess() && o.then != nil:
		d.reanswered(o, res)
	case res.IsSuccess():
		d.taken(o, res)
	case (res.StatusCode == 401 || res.StatusCode == 407) && auth != nil && !o.leave && o.then == nil:
		d.authorize(o, res, auth)
	case o.then != nil:
		d.reofferRefused(o, res)
	default:
		// A 3xx is a refusal too: following it would let a phone dial at our cost (threat T2).
		d.out = nil
		o.stop()
		d.finish(call.CauseOfStatus(res.StatusCode, ""))
	}
}

func (d *dialog) unanswered(o *outgoing, err error) {
	d.out = nil
	if then := o.then; then != nil {
		o.then = nil
		then(nil, fmt.Errorf("sip: re-INVITE: %w", err))
		d.hangup(call.Cause{Reason: call.Unreachable, SIP: 408, Text: "no response"})
		return
	}
	o.stop()
	c := call.Cause{Reason: call.Unreachable, Text: "no response"}
	if errors.Is(err, sip.ErrTransactionTimeout) {
		c.SIP = 408
	}
	d.finish(c)
}

func (d *dialog) provisional(o *outgoing, res *sip.Response) {
	first := !o.heard
	o.heard = true
	if o.leave {
		if first {
			d.sendCancel(o)
		}
		return
	}
	if o.then == nil && (res.StatusCode == 180 || res.StatusCode == 183) {
		d.user.ringing()
	}
}

// cancel withdraws our INVITE: at once when the peer was heard, else as soon as it is.
func (d *dialog) cancel() {
	o := d.out
	if o == nil {
		d.finish(call.Cause{Reason: call.Cancelled})
		return
	}
	o.leave = true
	if o.heard {
		d.sendCancel(o)
	}
}

// sendCancel has the INVITE's own branch. If no final response follows within 64*T1, the INVITE is taken as
// cancelled (RFC 3261 section 9.1).
func (d *dialog) sendCancel(o *outgoing) {
	req := sip.NewRequest(sip.CANCEL, *o.req.Recipient.Clone())
	req.AppendHeader(o.req.Via().Clone())
	for _, name := range []string{"Route", "Max-Forwards", "From", "To", "Call-ID"} {
		sip.CopyHeaders(name, o.req, req)
	}
	req.AppendHeader(&sip.CSeqHeader{SeqNo: o.req.CSeq().SeqNo, MethodName: sip.CANCEL})
	req.SetBody(nil)
	d.ua.address(req, o.flow)
	if _, err := d.ua.send(req, o.flow, func(*sip.Response, error) {}); err != nil {
		d.log.Debug("cancel", zap.Error(err))
	}
	o.cancels = d.after(64*sip.T1, func() {
		if d.out == o {
			o.tx.Terminate()
			d.finish(call.Cause{Reason: call.Cancelled})
		}
	})
}

// taken is the first 2xx. Its siblings from other branches of a fork come to stray.
func (d *dialog) taken(o *outgoing, res *sip.Response) {
	d.out = nil
	if o.cancels != nil {
		o.cancels.Stop()
	}
	d.adopt(res)
	d.rekey(d.route.remote.tag)
	d.acknowledge(o.req.CSeq().SeqNo)
	if o.leave || d.state == stateLeaving { // it crossed our CANCEL
		d.bye()
		return
	}
	if !d.move(stateConfirmed) {
		return
	}
	if err := d.user.answered(res.Body()); err != nil {
		d.hangup(call.Cause{Reason: call.NoCodec, Text: err.Error()})
	}
}

// adopt takes tag, route set and target from the 2xx that makes the dialog.
func (d *dialog) adopt(res *sip.Response) {
	d.route.remote.tag = tagOf(res.To())
	d.route.routes = reversed(routeSet(res))
	d.route.refresh(res.Contact())
}

func reversed(uris []sip.Uri) []sip.Uri {
	out := make([]sip.Uri, 0, len(uris))
	for i := range uris {
		out = append(out, uris[len(uris)-1-i])
	}
	return out
}

// acknowledge sends the ACK of a 2xx and keeps it for the 2xx's repeats.
func (d *dialog) acknowledge(seq uint32) {
	ack := d.route.request(sip.ACK, seq)
	f := d.route.hop()
	d.ua.stamp(ack, f)
	d.ack = ack
	d.ua.write(ack, f)
}

// repeated is a 2xx that is not the first: ours again, whose ACK was lost, or that of another branch.
func (d *dialog) repeated(res *sip.Response) {
	switch {
	case d.ack == nil && d.out != nil && d.out.then == nil: // it overtook the first
		d.taken(d.out, res)
	case d.ack == nil || tagOf(res.To()) != d.route.remote.tag:
		d.ua.refuseFork(res, d.route.flow)
	case res.CSeq().SeqNo == d.ack.CSeq().SeqNo:
		d.ua.write(d.ack, d.route.hop())
	}
}

// refuseFork acknowledges and ends a dialog that we do not want: a second branch answered, or one after all.
func (u *userAgent) refuseFork(res *sip.Response, f flow) {
	from, to := res.From(), res.To()
	r := route{
		callID: res.CallID().Value(),
		local:  identity{from.DisplayName, *from.Address.Clone(), tagOf(from)},
		remote: identity{to.DisplayName, *to.Address.Clone(), tagOf(to)},
		target: *to.Address.Clone(),
		routes: reversed(routeSet(res)),
		flow:   f,
		sticky: true, // only to who answered: its Contact could be anybody's
		seq:    res.CSeq().SeqNo,
	}
	r.refresh(res.Contact())
	ack := r.request(sip.ACK, r.seq)
	u.stamp(ack, f)
	u.write(ack, f)
	bye := r.request(sip.BYE, r.seq+1)
	u.stamp(bye, f)
	if _, err := u.send(bye, f, func(*sip.Response, error) {}); err != nil {
		u.log.Debug("end of a fork", zap.Error(err))
	}
}

// authorize sends the INVITE once more with credentials.
func (d *dialog) authorize(o *outgoing, res *sip.Response, auth func(*sip.Request, *sip.Response) error) {
	d.out = nil
	req := o.req.Clone()
	if err := auth(req, res); err != nil {
		d.finish(call.CauseOfStatus(res.StatusCode, "credentials refused"))
		return
	}
	req.RemoveHeader("Via")
	d.route.seq++
	req.CSeq().SeqNo = d.route.seq
	if err := d.launch(req, o.flow, nil, nil); err != nil {
		d.finish(call.Cause{Reason: call.Unreachable, Text: err.Error()})
	}
}

// reinvite offers sdp inside the dialog; then is told the answer on the dialog's goroutine. A 491 is waited
// out and tried again.
func (d *dialog) reinvite(sdp []byte, then func(sdp []byte, err error)) error {
	if d.state != stateConfirmed || d.out != nil || d.accept != nil {
		return fmt.Errorf("%w: %v, or a change is under way", call.ErrState, d.state)
	}
	d.route.seq++
	req := d.route.request(sip.INVITE, d.route.seq)
	req.AppendHeader(d.contact())
	req.AppendHeader(sip.NewHeader("Allow", allowedMethods))
	req.AppendHeader(sip.NewHeader("Content-Type", "application/sdp"))
	req.SetBody(sdp)
	return d.launch(req, d.route.hop(), then, nil)
}

func (d *dialog) reanswered(o *outgoing, res *sip.Response) {
	d.out = nil
	d.route.refresh(res.Contact())
	d.acknowledge(o.req.CSeq().SeqNo)
	o.then(res.Body(), nil)
}

func (d *dialog) reofferRefused(o *outgoing, res *sip.Response) {
	d.out = nil
	then := o.then
	o.then = nil
	switch res.StatusCode {
	case 491:
		wait := &outgoing{then: then}
		wait.again = d.after(d.backoff(), func() {
			if d.state != stateConfirmed {
				return
			}
			if err := d.reinvite(o.withBody, wait.then); err != nil {
				wait.then(nil, err)
			}
		})
		// Nothing is pending meanwhile, so the peer's own re-INVITE is served.
	case 408, 481:
		then(nil, call.CauseOfStatus(res.StatusCode, ""))
		d.hangup(call.Cause{Reason: call.Unreachable, SIP: res.StatusCode, Text: "the far end has no such call"})
	default:
		then(nil, call.CauseOfStatus(res.StatusCode, ""))
	}
}
