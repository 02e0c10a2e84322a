package sip

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"runtime/debug"
	"strings"
	"sync"
	"time"

	"github.com/emiago/sipgo"
	"github.com/emiago/sipgo/sip"
	"go.uber.org/zap"
)

// Methods and bodies that we understand; said in OPTIONS, 405 and 2xx.
const (
	allowedMethods  = "INVITE, ACK, CANCEL, BYE, OPTIONS, INFO, REFER"
	productName     = "firstline"
	unreliableLimit = 65000 // bytes; sipgo's own limit of 1,300 would also stop responses
)

// userAgent is the transport and transaction end of a Server or a Phone: sockets, the dialog table, and the
// way of every message to its dialog.
type userAgent struct {
	sg        *sipgo.UserAgent
	tpl       *sip.TransportLayer
	txl       *sip.TransactionLayer
	sockets   []*socket
	advertise netip.Addr
	log       *zap.Logger
	secret    [32]byte // signs the tags that we hand out, so that a late 2xx is known as ours without keeping the call

	// incoming takes a valid INVITE that opens a dialog, and returns when it is answered and acknowledged.
	incoming func(ctx context.Context, in *invite)
	// register takes REGISTER; nil: 405.
	register func(ctx context.Context, req *sip.Request, tx sip.ServerTransaction)

	mu      sync.Mutex // guards dialogs, invites and closing
	dialogs map[dialogKey]*dialog
	invites map[inviteKey]*dialog
	closing bool

	wg   sync.WaitGroup  // dialogs, handlers, drains and read loops
	ctx  context.Context //nolint:containedctx // ends when the sockets close; parent of what a message starts
	stop context.CancelFunc
}

// dialogKey names a dialog (RFC 3261 section 12).
type dialogKey struct{ callID, local, remote string }

// inviteKey finds the other copies of an INVITE that a proxy forked (RFC 3261 section 8.2.2.2).
type inviteKey struct {
	callID, from string
	cseq         uint32
}

// newUserAgent wires sipgo to the dialog layer; serve starts it.
func newUserAgent(socks []*socket, advertise netip.Addr, filter sip.TransportReadFilter, log *zap.Logger) (*userAgent, error) {
	u := &userAgent{
		sockets: socks, advertise: advertise, log: log,
		dialogs: make(map[dialogKey]*dialog), invites: make(map[inviteKey]*dialog),
	}
	rand.Read(u.secret[:])
	u.ctx, u.stop = context.WithCancel(context.Background())
	setUpLibrary()
	lib := libraryLog(log)
	tp := []sip.TransportLayerOption{sip.WithTransportLayerLogger(lib)}
	if filter != nil {
		tp = append(tp, sip.WithTransportLayerReadFilter(filter))
	}
	var err error
	u.sg, err = sipgo.NewUA(
		sipgo.WithUserAgent(productName),
		sipgo.WithUserAgentTransportLayerOptions(tp...),
		sipgo.WithUserAgentTransactionLayerOptions(
			sip.WithTransactionLayerLogger(lib),
			sip.WithTransactionLayerUnhandledResponseHandler(u.stray),
			sip.WithTransactionLayerTerminateOnConnClose(),
		),
	)
	if err != nil {
		return nil, fmt.Errorf("sip: user agent: %w", err)
	}
	u.tpl, u.txl = u.sg.TransportLayer(), u.sg.TransactionLayer()
	srv, err := sipgo.NewServer(u.sg, sipgo.WithServerLogger(lib))
	if err != nil {
		return nil, fmt.Errorf("sip: server: %w", err)
	}
	for _, s := range socks {
		if s.packet != nil {
			s.packet = &quietConn{PacketConn: s.packet}
			// ServeUDP adds the same once it runs. Until then sipgo would bind the address anew for a request of ours.
			addr := s.packet.LocalAddr().String()
			u.tpl.Pool("udp").Add(addr, &sip.UDPConnection{PacketConn: s.packet, PacketAddr: addr, Listener: true})
		}
	}
	u.route(srv)
	return u, nil
}

func (u *userAgent) route(srv *sipgo.Server) {
	srv.OnInvite(u.safe(u.onInvite))
	srv.OnAck(u.safe(u.onAck))
	srv.OnCancel(u.safe(u.answer(481, "Call/Transaction Does Not Exist"))) // sipgo passes only those without an INVITE
	for _, m := range []sip.RequestMethod{sip.BYE, sip.INFO, sip.REFER, sip.NOTIFY} {
		srv.OnRequest(m, u.safe(u.onInDialog))
	}
	srv.OnOptions(u.safe(u.onOptions))
	srv.OnRegister(u.safe(func(req *sip.Request, tx sip.ServerTransaction) {
		if u.register == nil {
			u.notAllowed(req, tx)
			return
		}
		u.register(u.ctx, req, tx)
	}))
	srv.OnNoRoute(u.safe(u.notAllowed))
}

// serve reads the sockets until close.
func (u *userAgent) serve() {
	for _, s := range u.sockets {
		u.wg.Go(func() {
			var err error
			if s.packet != nil {
				err = u.tpl.ServeUDP(s.packet)
			} else {
				err = u.tpl.ServeTCP(s.stream)
			}
			if err != nil && !errors.Is(err, net.ErrClosed) && u.ctx.Err() == nil {
				u.log.Error("listener ended", zap.Stringer("addr", s.addr()), zap.Error(err))
			}
		})
	}
}

// close ends every dialog that is still there, without a word to the far ends, closes the sockets and waits.
func (u *userAgent) close() {
	u.mu.Lock()
	u.closing = true
	all := make([]*dialog, 0, len(u.dialogs))
	for _, d := range u.dialogs {
		all = append(all, d)
	}
	u.mu.Unlock()
	for _, d := range all {
		d.post(d.vanish)
	}
	for _, d := range all {
		<-d.done
	}
	for _, s := range u.sockets {
		if c, ok := s.packet.(*quietConn); ok {
			c.deaf.Store(true)
		}
	}
	<-time.After(settling)
	u.stop()
	for _, s := range u.sockets {
		s.close()
	}
	_ = u.sg.Close() // closes connections, which the readers notice themselves
	u.wg.Wait()
}

// safe is the one place where a handler starts: it validates, and a panic in one call ends neither the others
// nor the process.
func (u *userAgent) safe(h sipgo.RequestHandler) sipgo.RequestHandler {
	return func(req *sip.Request, tx sip.ServerTransaction) {
		if !u.enter() {
			return
		}
		defer u.wg.Done()
		defer func() {
			if p := recover(); p != nil {
				u.log.Error("handler panicked", zap.Any("panic", p), zap.ByteString("stack", debug.Stack()))
				if !req.IsAck() {
					u.respond(tx, sip.NewResponseFromRequest(req, 500, "Server Internal Error", nil))
				}
			}
		}()
		if r := validate(req); r != nil {
			if res := r.response(req); res != nil {
				u.respond(tx, res)
			}
			return
		}
		h(req, tx)
	}
}

// enter counts a goroutine that sipgo started, unless we are closing.
func (u *userAgent) enter() bool {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.closing {
		return false
	}
	u.wg.Add(1)
	return true
}

// goSafe runs f on a goroutine that close waits for. It does nothing while closing.
func (u *userAgent) goSafe(f func()) bool {
	if !u.enter() {
		return false
	}
	go func() {
		defer u.wg.Done()
		defer func() {
			if p := recover(); p != nil {
				u.log.Error("call panicked", zap.Any("panic", p), zap.ByteString("stack", debug.Stack()))
			}
		}()
		f()
	}()
	return true
}

func (u *userAgent) respond(tx sip.ServerTransaction, res *sip.Response) {
	res.AppendHeader(sip.NewHeader("Server", productName))
	if err := tx.Respond(res); err != nil {
		u.log.Debug("respond", zap.Int("status", res.StatusCode), zap.Error(err))
	}
}

func (u *userAgent) answer(status int, reason string) sipgo.RequestHandler {
	return func(req *sip.Request, tx sip.ServerTransaction) {
		u.respond(tx, sip.NewResponseFromRequest(req, status, reason, nil))
	}
}

func (u *userAgent) notAllowed(req *sip.Request, tx sip.ServerTransaction) {
	if req.IsAck() {
		return
	}
	res := sip.NewResponseFromRequest(req, 405, "Method Not Allowed", nil)
	res.AppendHeader(sip.NewHeader("Allow", allowedMethods))
	u.respond(tx, res)
}

func (u *userAgent) onOptions(req *sip.Request, tx sip.ServerTransaction) {
	if tagOf(req.To()) != "" {
		u.onInDialog(req, tx)
		return
	}
	u.respond(tx, optionsOK(req))
}

func optionsOK(req *sip.Request) *sip.Response {
	res := sip.NewResponseFromRequest(req, 200, "OK", nil)
	res.AppendHeader(sip.NewHeader("Allow", allowedMethods))
	res.AppendHeader(sip.NewHeader("Accept", "application/sdp, application/dtmf-relay"))
	return res
}

// onInDialog hands BYE, INFO, REFER, NOTIFY and OPTIONS to their dialog and waits until it has answered.
func (u *userAgent) onInDialog(req *sip.Request, tx sip.ServerTransaction) {
	d := u.dialogOf(req)
	if d == nil || !d.call(func() { d.request(req, tx) }) {
		u.respond(tx, sip.NewResponseFromRequest(req, 481, "Call/Transaction Does Not Exist", nil))
	}
}

func (u *userAgent) onAck(req *sip.Request, _ sip.ServerTransaction) {
	if d := u.dialogOf(req); d != nil {
		d.post(func() { d.acknowledged(req) })
	}
}

func (u *userAgent) onInvite(req *sip.Request, tx sip.ServerTransaction) {
	in := &invite{ua: u, req: req, tx: tx, settled: make(chan struct{}), cancelled: make(chan struct{}, 1)}
	if c, ok := tx.(interface{ Connection() sip.Connection }); ok {
		in.conn = c.Connection()
	}
	in.flow = u.flowOf(req, in.conn)
	if tagOf(req.To()) != "" {
		d := u.dialogOf(req)
		if d == nil || !d.post(func() { d.reinvited(in) }) {
			u.respond(tx, sip.NewResponseFromRequest(req, 481, "Call/Transaction Does Not Exist", nil))
			return
		}
		in.wait(d)
		return
	}
	in.local = u.newTag(req.CallID().Value())
	in.hear()
	key := inviteKeyOf(req)
	u.mu.Lock()
	other := u.invites[key]
	u.mu.Unlock()
	if other != nil {
		u.respond(tx, sip.NewResponseFromRequest(req, 482, "Loop Detected", nil))
		return
	}
	// Every response carries the one tag, also the 487 that sipgo makes by itself after CANCEL.
	req.To().Params.Add("tag", in.local)
	u.incoming(u.ctx, in)
}

// stray gets the 2xx that no transaction waits for any more: repeats of one that we have acknowledged, the
// answers of other branches of a fork, and those that crossed our CANCEL.
func (u *userAgent) stray(res *sip.Response) {
	if !u.enter() {
		return
	}
	defer u.wg.Done()
	defer func() {
		if p := recover(); p != nil {
			u.log.Error("stray response panicked", zap.Any("panic", p), zap.ByteString("stack", debug.Stack()))
		}
	}()
	cseq := res.CSeq()
	if validateResponse(res) != nil || !res.IsSuccess() || cseq == nil || cseq.MethodName != sip.INVITE ||
		res.From() == nil || res.To() == nil || res.CallID() == nil {
		return
	}
	key := dialogKey{res.CallID().Value(), tagOf(res.From()), tagOf(res.To())}
	u.mu.Lock()
	d := u.dialogs[key]
	if d == nil {
		d = u.dialogs[dialogKey{callID: key.callID, local: key.local}] // its first 2xx is on the way to it
	}
	u.mu.Unlock()
	if d != nil && d.post(func() { d.repeated(res) }) {
		return
	}
	if !u.tagIsOurs(key.local, key.callID) {
		return
	}
	sock := u.socketFor(res.Transport(), netip.AddrPort{})
	if sock == nil {
		return
	}
	u.refuseFork(res, flow{sock: sock, peer: addrPortOf(res.Source())})
}

// replaced is the dialog that a Refer-To names in Replaces (RFC 3891 section 3), as its peer sees it; nil for none.
func (u *userAgent) replaced(headers sip.HeaderParams) *dialog {
	for _, h := range headers {
		if !strings.EqualFold(h.K, "Replaces") {
			continue
		}
		text, err := url.QueryUnescape(h.V)
		if err != nil {
			return nil
		}
		id, rest, _ := strings.Cut(text, ";")
		tags := map[string]string{}
		for p := range strings.SplitSeq(rest, ";") {
			k, v, _ := strings.Cut(p, "=")
			tags[strings.ToLower(k)] = v
		}
		u.mu.Lock()
		defer u.mu.Unlock()
		return u.dialogs[dialogKey{id, tags["to-tag"], tags["from-tag"]}]
	}
	return nil
}

func (u *userAgent) dialogOf(req *sip.Request) *dialog {
	key := dialogKey{req.CallID().Value(), tagOf(req.To()), tagOf(req.From())}
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.dialogs[key]
}

// newTag makes a tag for callID that only we can have made.
func (u *userAgent) newTag(callID string) string {
	var b [8]byte
	rand.Read(b[:])
	r := hex.EncodeToString(b[:])
	return r + u.sign(r, callID)
}

func (u *userAgent) tagIsOurs(tag, callID string) bool {
	return len(tag) == 28 && hmac.Equal([]byte(tag[16:]), []byte(u.sign(tag[:16], callID)))
}

func (u *userAgent) sign(r, callID string) string {
	m := hmac.New(sha256.New, u.secret[:])
	m.Write([]byte(r + "\x00" + callID))
	return hex.EncodeToString(m.Sum(nil)[:6])
}

// send starts a client transaction for req, already addressed, and tells each response to got, in order, then
// once more with nil and the reason when the transaction ends without a final one. It never leaves responses
// unread: sipgo holds locks while it waits for the reader.
func (u *userAgent) send(req *sip.Request, f flow, got func(*sip.Response, error)) (sip.ClientTransaction, error) {
	if err := u.usable(f); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(u.ctx, 5*time.Second) // a stream may have to be opened
	defer cancel()
	tx, err := u.txl.Request(ctx, req)
	if err != nil {
		return nil, fmt.Errorf("sip: send %s to %s: %w", req.Method, f.peer, err)
	}
	if req.Method == sip.INVITE {
		tx.OnRetransmission(u.stray) // further 2xx while the first is on its way to us
	}
	if !u.goSafe(func() { drain(u.ctx, tx, req.Method, got) }) {
		tx.Terminate()
		return nil, net.ErrClosed
	}
	return tx, nil
}

func drain(ctx context.Context, tx sip.ClientTransaction, method sip.RequestMethod, got func(*sip.Response, error)) {
	for {
		select {
		case res := <-tx.Responses():
			if validateResponse(res) != nil {
				continue
			}
			got(res, nil)
			if res.StatusCode < 200 {
				continue
			}
			// A refused INVITE's transaction stays: it acknowledges the repeats. A 2xx's repeats, and its
			// siblings from other branches, come to stray once the transaction is gone.
			if method != sip.INVITE || res.IsSuccess() {
				tx.Terminate()
			}
			return
		case <-tx.Done():
			got(nil, tx.Err())
			return
		case <-ctx.Done():
			tx.Terminate()
			got(nil, ctx.Err())
			return
		}
	}
}

// write sends req, already addressed, outside any transaction: an ACK for a 2xx.
func (u *userAgent) write(req *sip.Request, f flow) {
	if err := u.usable(f); err != nil {
		u.log.Debug("not sent", zap.String("method", string(req.Method)), zap.Error(err))
		return
	}
	if err := u.tpl.WriteMsg(req); err != nil {
		u.log.Debug("write", zap.String("method", string(req.Method)), zap.Error(err))
	}
}

func inviteKeyOf(req *sip.Request) inviteKey {
	return inviteKey{req.CallID().Value(), tagOf(req.From()), req.CSeq().SeqNo}
}

// tagOf is the tag of a From or To header.
func tagOf(h interface{ Value() string }) string {
	var p sip.HeaderParams
	switch h := h.(type) {
	case *sip.FromHeader:
		if h == nil {
			return ""
		}
		p = h.Params
	case *sip.ToHeader:
		if h == nil {
			return ""
		}
		p = h.Params
	}
	t, _ := p.Get("tag")
	return t
}

func addrPortOf(s string) netip.AddrPort {
	ap, err := netip.ParseAddrPort(s)
	if err != nil {
		return netip.AddrPort{}
	}
	return netip.AddrPortFrom(ap.Addr().Unmap(), ap.Port())
}
