package sip

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime/debug"
	"time"
	"unicode"

	"github.com/emiago/sipgo/sip"
	"go.uber.org/zap"

	"firstline/call"
)

// dialogUser is told what happens on a dialog. The calls come one at a time on the dialog's goroutine and must
// not block; they may use the dialog's methods that say so.
type dialogUser interface {
	ringing()
	// answered is the 2xx to our INVITE; an error hangs up.
	answered(sdp []byte) error
	// confirmed is the ACK of our 2xx, with the peer's answer when the 2xx carried our offer.
	confirmed(sdp []byte) error
	// offered is a re-INVITE; a nil sdp asks for our offer.
	offered(sdp []byte) (answer []byte, err error)
	digit(b byte, press time.Duration)
	// referred is a wish to hand the far end on; instead is the dialog of the peer whose far end is to take our place.
	referred(target string, instead *dialog)
	// ended is called once, before or while the last messages are exchanged.
	ended(c call.Cause)
	// gone is called once, when nothing more of the dialog is left.
	gone()
}

// dialogState is how far a dialog is.
type dialogState uint8

const (
	stateCalling   dialogState = iota // INVITE sent
	stateRung                         // INVITE came, no final response yet
	stateAccepted                     // 2xx sent, no ACK yet
	stateConfirmed                    // both sides know
	stateLeaving                      // CANCEL or BYE under way
	stateGone
)

func (s dialogState) String() string {
	return [...]string{"calling", "rung", "accepted", "confirmed", "leaving", "gone"}[s]
}

// next is the only way that a state changes.
func (s dialogState) next(to dialogState) (dialogState, error) {
	ok := to == stateGone && s != stateGone
	switch s {
	case stateCalling:
		ok = ok || to == stateConfirmed || to == stateLeaving
	case stateRung:
		ok = ok || to == stateAccepted || to == stateLeaving
	case stateAccepted:
		ok = ok || to == stateConfirmed || to == stateLeaving
	case stateConfirmed:
		ok = ok || to == stateLeaving
	}
	if !ok {
		return s, fmt.Errorf("sip: dialog %v to %v", s, to)
	}
	return to, nil
}

// dialog is one INVITE dialog from the INVITE on. Everything below inbox belongs to run.
type dialog struct {
	ua   *userAgent
	user dialogUser
	log  *zap.Logger
	uac  bool // we sent the INVITE

	inbox chan func()
	done  chan struct{} // closed when the dialog is gone

	state     dialogState
	told      bool // user.ended was called
	route     route
	remoteSeq uint32
	merge     inviteKey
	key       dialogKey

	in     *invite // the INVITE that opened it, UAS
	accept *accept // a 2xx of ours without its ACK

	out *outgoing    // our INVITE or re-INVITE without a final response
	ack *sip.Request // of the last 2xx to us, for its repeats
}

// invite is a received INVITE or re-INVITE. Its handler stays until it is settled: sipgo ends the transaction
// when the handler returns.
type invite struct {
	ua        *userAgent
	req       *sip.Request
	tx        sip.ServerTransaction
	conn      sip.Connection
	flow      flow
	local     string        // our tag
	settled   chan struct{} // closed when refused, acknowledged or given up
	cancelled chan struct{}
}

// hear notes a CANCEL from now on. sipgo answers it, and the INVITE with 487.
func (in *invite) hear() {
	note := func(*sip.Request) {
		select {
		case in.cancelled <- struct{}{}:
		default:
		}
	}
	if !in.tx.OnCancel(note) {
		note(nil)
	}
}

// wait keeps the handler and passes on what only the transaction hears.
func (in *invite) wait(d *dialog) {
	for {
		select {
		case ack := <-in.tx.Acks(): // an old peer's ACK reuses the branch, and comes here
			d.post(func() { d.acknowledged(ack) })
		case <-in.cancelled:
			d.post(func() { d.wasCancelled(in) })
		case <-in.tx.Done():
			d.post(func() { d.transactionEnded(in) })
			return
		case <-in.settled:
			return
		case <-d.done:
			return
		}
	}
}

func (in *invite) settle() {
	select {
	case <-in.settled:
	default:
		close(in.settled)
	}
}

func (in *invite) refuse(status int, reason string, headers ...sip.Header) {
	res := sip.NewResponseFromRequest(in.req, status, reason, nil)
	for _, h := range headers {
		res.AppendHeader(h)
	}
	in.ua.respond(in.tx, res)
}

func newDialog(u *userAgent, user dialogUser, log *zap.Logger) *dialog {
	return &dialog{ua: u, user: user, log: log, inbox: make(chan func(), 16), done: make(chan struct{})}
}

// start puts the dialog into the table and runs it. It fails while closing.
func (d *dialog) start() error {
	u := d.ua
	u.mu.Lock()
	if u.closing {
		u.mu.Unlock()
		return errors.New("sip: shutting down")
	}
	u.dialogs[d.key] = d
	if d.in != nil {
		if u.invites[d.merge] != nil {
			delete(u.dialogs, d.key)
			u.mu.Unlock()
			return errMerged
		}
		u.invites[d.merge] = d
	}
	u.wg.Add(1)
	u.mu.Unlock()
	go func() {
		defer u.wg.Done()
		d.run()
	}()
	return nil
}

var errMerged = errors.New("sip: another copy of this INVITE is being served")

// rekey is for a dialog of ours that now knows the peer's tag.
func (d *dialog) rekey(remote string) {
	d.ua.mu.Lock()
	defer d.ua.mu.Unlock()
	delete(d.ua.dialogs, d.key)
	d.key.remote = remote
	d.ua.dialogs[d.key] = d
}

func (d *dialog) run() {
	for d.state != stateGone {
		f := <-d.inbox
		d.step(f)
	}
	d.ua.mu.Lock()
	delete(d.ua.dialogs, d.key)
	if d.ua.invites[d.merge] == d {
		delete(d.ua.invites, d.merge)
	}
	d.ua.mu.Unlock()
	close(d.done)
	d.user.gone()
}

// step runs one message of the mailbox; a panic ends this call only.
func (d *dialog) step(f func()) {
	defer func() {
		if p := recover(); p != nil {
			d.log.Error("call panicked", zap.Any("panic", p), zap.ByteString("stack", debug.Stack()))
			d.crash()
		}
	}()
	f()
}

// crash ends the dialog after a fault of ours, with a BYE or refusal when that still works.
func (d *dialog) crash() {
	defer func() {
		if recover() != nil {
			d.state = stateGone
		}
	}()
	d.hangup(call.Cause{Reason: call.Failed, Text: "internal fault"})
}

// post puts f into the mailbox; false when the dialog is gone.
func (d *dialog) post(f func()) bool {
	select {
	case d.inbox <- f:
		return true
	case <-d.done:
		return false
	}
}

// call is post that waits until f has run. It must not be used on the dialog's goroutine.
func (d *dialog) call(f func()) bool {
	ran := make(chan struct{})
	if !d.post(func() { defer close(ran); f() }) {
		return false
	}
	select {
	case <-ran:
		return true
	case <-d.done:
		select {
		case <-ran:
			return true
		default:
			return false
		}
	}
}

// do is call for a verb: its error, or ctx's.
func (d *dialog) do(ctx context.Context, f func() error) error {
	res := make(chan error, 1)
	if !d.post(func() { res <- f() }) {
		return errDialogGone
	}
	select {
	case err := <-res:
		return err
	case <-d.done: // which f itself may have brought about
		select {
		case err := <-res:
			return err
		default:
			return errDialogGone
		}
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

var errDialogGone = errors.New("sip: the dialog is gone")

// after posts f in t's time. The caller stops the timer.
func (d *dialog) after(t time.Duration, f func()) *time.Timer {
	return time.AfterFunc(t, func() { d.post(f) })
}

func (d *dialog) move(to dialogState) bool {
	s, err := d.state.next(to)
	if err != nil {
		d.log.Debug("dialog", zap.Error(err))
		return false
	}
	d.state = s
	return true
}

// tell ends the leg above, once.
func (d *dialog) tell(c call.Cause) {
	if !d.told {
		d.told = true
		d.user.ended(c)
	}
}

// finish is the end: no more messages. The table forgets the dialog when run returns.
func (d *dialog) finish(c call.Cause) {
	d.tell(c)
	if d.in != nil {
		d.in.settle()
	}
	d.dropAccept()
	if d.out != nil {
		d.out.stop()
	}
	d.move(stateGone)
}

// vanish ends the dialog without a word to the peer.
func (d *dialog) vanish() { d.finish(call.Cause{Reason: call.Shutdown}) }

// hangup ends the dialog by what its state asks for: a refusal, CANCEL or BYE. The user is told at once.
func (d *dialog) hangup(c call.Cause) {
	d.tell(c)
	switch d.state {
	case stateCalling:
		d.move(stateLeaving)
		d.cancel()
	case stateRung:
		status, reason := statusOf(c)
		d.refuse(status, reason, c)
	case stateAccepted:
		// A callee must not say BYE before the ACK (RFC 3261 section 15); see acknowledged and ackMissing.
		d.move(stateLeaving)
	case stateConfirmed:
		d.bye()
	}
}

// bye says goodbye and waits for any final answer, or for none within 64*T1: 481, 408 or silence end the
// dialog as well as 200 does.
func (d *dialog) bye() {
	if d.state != stateLeaving && !d.move(stateLeaving) {
		return
	}
	if d.accept != nil {
		d.accept.in.settle()
		d.dropAccept()
	}
	d.route.seq++
	req := d.route.request(sip.BYE, d.route.seq)
	f := d.route.hop()
	d.ua.stamp(req, f)
	_, err := d.ua.send(req, f, func(res *sip.Response, err error) {
		if err != nil || res.StatusCode >= 200 {
			d.post(func() { d.finish(call.Cause{Reason: call.Completed}) })
		}
	})
	if err != nil {
		d.log.Info("goodbye not sent", zap.Error(err))
		d.finish(call.Cause{Reason: call.Completed})
	}
}

// request answers a request inside the dialog.
func (d *dialog) request(req *sip.Request, tx sip.ServerTransaction) {
	if d.state == stateGone {
		d.ua.respond(tx, sip.NewResponseFromRequest(req, 481, "Call/Transaction Does Not Exist", nil))
		return
	}
	if !d.inOrder(req) {
		d.ua.respond(tx, sip.NewResponseFromRequest(req, 500, "Request Out Of Order", nil))
		return
	}
	switch req.Method {
	case sip.BYE:
		d.saidBye(req, tx)
	case sip.OPTIONS:
		d.ua.respond(tx, optionsOK(req))
	case sip.INFO:
		d.info(req, tx)
	case sip.REFER:
		d.refer(req, tx)
	case sip.NOTIFY:
		d.ua.respond(tx, sip.NewResponseFromRequest(req, 481, "Subscription Does Not Exist", nil))
	}
}

// inOrder takes the request's CSeq (RFC 3261 section 12.2.2); false when it is from the past.
func (d *dialog) inOrder(req *sip.Request) bool {
	seq := req.CSeq().SeqNo
	if d.remoteSeq != 0 && seq <= d.remoteSeq {
		return false
	}
	d.remoteSeq = seq
	return true
}

func (d *dialog) saidBye(req *sip.Request, tx sip.ServerTransaction) {
	d.ua.respond(tx, sip.NewResponseFromRequest(req, 200, "OK", nil))
	c := call.Cause{Reason: call.Hangup, Q850: 16}
	switch {
	case d.state == stateRung: // allowed to the caller before the answer
		c.Reason = call.Cancelled
		d.refuse(487, "Request Terminated", c)
	case d.state == stateLeaving && d.accept == nil && !d.uac, d.state == stateLeaving && d.uac:
		d.tell(c) // crossed ours, whose transaction finishes the dialog
	default:
		d.finish(c)
	}
}

// info takes digits of phones that send no telephone-event.
func (d *dialog) info(req *sip.Request, tx sip.ServerTransaction) {
	ct := ""
	if h := req.ContentType(); h != nil {
		ct = h.Value()
	}
	b, press, ok := infoDigit(ct, req.Body())
	if !ok {
		res := sip.NewResponseFromRequest(req, 415, "Unsupported Media Type", nil)
		res.AppendHeader(sip.NewHeader("Accept", "application/dtmf-relay"))
		d.ua.respond(tx, res)
		return
	}
	d.ua.respond(tx, sip.NewResponseFromRequest(req, 200, "OK", nil))
	if d.state == stateConfirmed {
		d.user.digit(b, press)
	}
}

// refer passes a transfer on: who decides about it sits above. The one NOTIFY that RFC 3515 section 2.4.4
// asks for says no more than that it was taken.
func (d *dialog) refer(req *sip.Request, tx sip.ServerTransaction) {
	to := req.ReferTo()
	if d.state != stateConfirmed || to == nil || to.Address.User == "" {
		d.ua.respond(tx, sip.NewResponseFromRequest(req, 400, "Refer-To Not Usable", nil))
		return
	}
	d.ua.respond(tx, sip.NewResponseFromRequest(req, 202, "Accepted", nil))
	d.route.seq++
	n := d.route.request(sip.NOTIFY, d.route.seq)
	n.AppendHeader(sip.NewHeader("Event", "refer"))
	n.AppendHeader(sip.NewHeader("Subscription-State", "terminated;reason=noresource"))
	n.AppendHeader(sip.NewHeader("Content-Type", "message/sipfrag"))
	n.SetBody([]byte("SIP/2.0 100 Trying\r\n"))
	f := d.route.hop()
	d.ua.stamp(n, f)
	if _, err := d.ua.send(n, f, func(*sip.Response, error) {}); err != nil {
		d.log.Debug("notify", zap.Error(err))
	}
	d.user.referred(to.Address.User, d.ua.replaced(to.Address.Headers))
}

// sendRefer asks the peer to call somebody else in place of us; then is told whether it
// was accepted.
func (d *dialog) sendRefer(number, headers string, then func(error)) error {
	d.route.seq++
	req := d.route.request(sip.REFER, d.route.seq)
	req.AppendHeader(sip.NewHeader("Refer-To", "<sip:"+uriUser(number)+"@"+d.route.remote.uri.Host+headers+">"))
	req.AppendHeader(d.contact())
	f := d.route.hop()
	d.ua.stamp(req, f)
	_, err := d.ua.send(req, f, func(res *sip.Response, err error) {
		switch {
		case err != nil:
			then(fmt.Errorf("sip: refer: %w", err))
		case res.StatusCode >= 300:
			then(call.CauseOfStatus(res.StatusCode, res.Reason))
		case res.StatusCode >= 200:
			then(nil)
		}
	})
	return err
}

// contact is our own Contact for the dialog's peer.
func (d *dialog) contact() *sip.ContactHeader { return d.ua.contact(d.route.flow) }

func (u *userAgent) contact(f flow) *sip.ContactHeader {
	h := u.host(f)
	uri := sip.Uri{Scheme: "sip", User: productName, Host: h.Addr().String(), Port: int(h.Port())}
	if f.sock.network == "TCP" {
		uri.UriParams = sip.HeaderParams{{K: "transport", V: "tcp"}}
	}
	return &sip.ContactHeader{Address: uri}
}

// clean keeps what of text may stand in a header: printable, no quotes or backslashes, at most n characters.
func clean(text string, n int) string {
	var out []rune
	for _, r := range text {
		if len(out) == n {
			break
		}
		if unicode.IsPrint(r) && r != '"' && r != '\\' && r != unicode.ReplacementChar {
			out = append(out, r)
		}
	}
	return string(out)
}

// backoff is how long to wait after a 491 (RFC 3261 section 14.1).
func (d *dialog) backoff() time.Duration {
	ms := rand.IntN(200) * 10
	if d.uac {
		ms = 2100 + rand.IntN(190)*10
	}
	return time.Duration(ms) * time.Millisecond
}
