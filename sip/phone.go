package sip

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	mathrand "math/rand/v2"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/emiago/sipgo/sip"
	"github.com/icholy/digest"
	"go.uber.org/zap"

	"firstline/call"
	"firstline/sip/media"
)

// PhoneConfig of a Phone. Registrar and Media are needed.
type PhoneConfig struct {
	User, Password string
	Registrar      netip.AddrPort // where to register and whom to dial through; calls from elsewhere are refused
	Domain         string         // host part of our address; default: the registrar's address
	Transport      string         // "udp" (default) or "tcp"
	Listen         string         // ip:port; default 127.0.0.1:0
	Expires        time.Duration  // asked for at registration; default 5 min
	Media          *media.Engine  // not the engine of a server in the same process: an engine does not talk to itself
	Sounds         func(call.Media) (*media.Audio, error)
	// Incoming takes a call that rings in, on a goroutine of its own; what it leaves is hung up. nil: busy.
	Incoming func(c *PhoneCall)
	Log      *zap.Logger
}

// Phone is a user agent as a person has one: it registers, dials, answers, holds. Tools and tests use it.
type Phone struct {
	cfg  PhoneConfig
	ua   *userAgent
	flow flow

	mu      sync.Mutex // guards the rest
	callID  string     // of all REGISTERs
	seq     uint32
	renew   *time.Timer
	renewal chan struct{}
	bound   bool
}

// ErrRefused means that the registrar does not take us: unknown user or wrong password.
var ErrRefused = errors.New("sip: registration refused")

// NewPhone binds the phone's socket. It hears nothing before Run.
func NewPhone(cfg PhoneConfig) (*Phone, error) {
	cfg.Transport = cmp.Or(cfg.Transport, "udp")
	cfg.Listen = cmp.Or(cfg.Listen, "127.0.0.1:0")
	cfg.Expires = cmp.Or(cfg.Expires, 5*time.Minute)
	cfg.Domain = cmp.Or(cfg.Domain, cfg.Registrar.Addr().String())
	if cfg.Log == nil {
		cfg.Log = zap.NewNop()
	}
	if cfg.Sounds == nil {
		cfg.Sounds = func(call.Media) (*media.Audio, error) { return nil, call.ErrNoMedia }
	}
	switch {
	case !cfg.Registrar.IsValid() || cfg.Registrar.Port() == 0:
		return nil, fmt.Errorf("sip: phone: registrar %s is not ip:port", cfg.Registrar)
	case cfg.Media == nil:
		return nil, errors.New("sip: phone: no media engine")
	case cfg.Transport != "udp" && cfg.Transport != "tcp":
		return nil, fmt.Errorf("sip: phone: transport %q is neither udp nor tcp", cfg.Transport)
	case uriUser(cfg.User) != cfg.User || cfg.User == "":
		return nil, fmt.Errorf("sip: phone: user %q is not the user of a SIP address", cfg.User)
	}
	socks, err := bindAll(context.Background(), []Listener{{cfg.Transport, cfg.Listen}})
	if err != nil {
		return nil, err
	}
	p := &Phone{cfg: cfg, callID: rand.Text(), seq: mathrand.Uint32N(1 << 16), renewal: make(chan struct{}, 1)}
	p.ua, err = newUserAgent(socks, netip.Addr{}, nil, cfg.Log)
	if err != nil {
		socks[0].close()
		return nil, err
	}
	p.flow = flow{sock: socks[0], peer: cfg.Registrar, dial: true}
	p.ua.incoming = p.incoming
	return p, nil
}

// Addr is the phone's bound address.
func (p *Phone) Addr() netip.AddrPort { return p.flow.sock.addr() }

// Run hears the network and renews the registration until ctx ends, then hangs up, unregisters and closes.
func (p *Phone) Run(ctx context.Context) error {
	p.ua.serve()
	for ctx.Err() == nil {
		select {
		case <-ctx.Done():
		case <-p.renewal:
			if err := p.Register(ctx); err != nil && ctx.Err() == nil {
				p.cfg.Log.Warn("registration not renewed", zap.Error(err))
				p.renewIn(10 * time.Second)
			}
		}
	}
	return p.leave()
}

// leave says goodbye to every call and to the registrar, for a second each at most.
func (p *Phone) leave() error {
	p.ua.mu.Lock()
	all := make([]*dialog, 0, len(p.ua.dialogs))
	for _, d := range p.ua.dialogs {
		all = append(all, d)
	}
	p.ua.mu.Unlock()
	patience, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	for _, d := range all {
		d.post(func() { d.hangup(call.Cause{Reason: call.Completed}) })
	}
	for _, d := range all {
		select {
		case <-d.done:
		case <-patience.Done():
		}
	}
	p.mu.Lock()
	bound := p.bound
	if p.renew != nil {
		p.renew.Stop()
	}
	p.mu.Unlock()
	var err error
	if bound {
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		err = p.register(ctx, 0)
	}
	p.ua.close()
	return err
}

// Register registers; Run then keeps the registration fresh. ErrRefused when the password is not taken.
func (p *Phone) Register(ctx context.Context) error {
	if err := p.register(ctx, p.cfg.Expires); err != nil {
		return err
	}
	p.mu.Lock()
	p.bound = true
	p.mu.Unlock()
	return nil
}

func (p *Phone) renewIn(d time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.renew != nil {
		p.renew.Stop()
	}
	p.renew = time.AfterFunc(d, func() {
		select {
		case p.renewal <- struct{}{}:
		default:
		}
	})
}

func (p *Phone) register(ctx context.Context, expires time.Duration) error {
	req := p.registration(expires)
	res, err := p.exchange(ctx, req)
	for tries := 0; err == nil && (res.StatusCode == 401 || res.StatusCode == 407) && tries < 2; tries++ {
		again := req.Clone()
		if err := p.authorize(again, res); err != nil {
			return err
		}
		again.RemoveHeader("Via")
		again.CSeq().SeqNo = p.nextSeq()
		req = again
		res, err = p.exchange(ctx, again)
	}
	switch {
	case err != nil:
		return fmt.Errorf("sip: register %s: %w", p.cfg.User, err)
	case res.StatusCode == 401 || res.StatusCode == 403 || res.StatusCode == 404 || res.StatusCode == 407:
		return fmt.Errorf("%w: %d", ErrRefused, res.StatusCode)
	case !res.IsSuccess():
		return fmt.Errorf("sip: register %s: %d %s", p.cfg.User, res.StatusCode, clean(res.Reason, 64))
	}
	if expires > 0 {
		p.renewIn(granted(res, expires) / 2)
	}
	return nil
}

// granted is how long the registrar keeps us: the least expiry that it names.
func granted(res *sip.Response, asked time.Duration) time.Duration {
	d := asked
	for _, h := range append(res.GetHeaders("Contact"), res.GetHeaders("Expires")...) {
		v := h.Value()
		if _, after, ok := strings.Cut(v, "expires="); ok {
			v = strings.TrimRight(strings.SplitN(after, ";", 2)[0], " >")
		}
		if n, err := strconv.Atoi(strings.TrimSpace(v)); err == nil && n > 0 {
			d = min(d, time.Duration(n)*time.Second)
		}
	}
	return max(d, time.Second)
}

func (p *Phone) nextSeq() uint32 {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.seq++
	return p.seq
}

func (p *Phone) registration(expires time.Duration) *sip.Request {
	r := route{
		callID: p.callID,
		local:  identity{uri: p.uri(), tag: rand.Text()},
		remote: identity{uri: p.uri()},
		target: sip.Uri{Scheme: "sip", Host: p.cfg.Domain},
	}
	req := r.request(sip.REGISTER, p.nextSeq())
	c := p.ua.contact(p.flow)
	c.Address.User = p.cfg.User
	req.AppendHeader(c)
	req.AppendHeader(sip.NewHeader("Expires", strconv.Itoa(int(expires/time.Second))))
	req.AppendHeader(sip.NewHeader("Allow", allowedMethods))
	return req
}

func (p *Phone) uri() sip.Uri { return sip.Uri{Scheme: "sip", User: p.cfg.User, Host: p.cfg.Domain} }

// exchange sends a request outside any dialog and waits for the final response.
func (p *Phone) exchange(ctx context.Context, req *sip.Request) (*sip.Response, error) {
	type result struct {
		res *sip.Response
		err error
	}
	final := make(chan result, 1)
	p.ua.stamp(req, p.flow)
	tx, err := p.ua.send(req, p.flow, func(res *sip.Response, err error) {
		if err != nil || res.StatusCode >= 200 {
			final <- result{res, err}
		}
	})
	if err != nil {
		return nil, err
	}
	select {
	case r := <-final:
		return r.res, r.err
	case <-ctx.Done():
		tx.Terminate()
		return nil, context.Cause(ctx)
	}
}

// authorize adds credentials for the first challenge in res that we can answer (RFC 8760 section 2.4).
func (p *Phone) authorize(req *sip.Request, res *sip.Response) error {
	ask, give := "WWW-Authenticate", "Authorization"
	if res.StatusCode == 407 {
		ask, give = "Proxy-Authenticate", "Proxy-Authorization"
	}
	for _, h := range res.GetHeaders(ask) {
		chal, err := digest.ParseChallenge(h.Value())
		if err != nil || !digest.CanDigest(chal) {
			continue
		}
		cred, err := digest.Digest(chal, digest.Options{
			Method: string(req.Method), URI: req.Recipient.String(), Count: 1,
			Username: p.cfg.User, Password: p.cfg.Password,
		})
		if err != nil {
			return fmt.Errorf("sip: digest: %w", err)
		}
		req.RemoveHeader(give)
		req.AppendHeader(sip.NewHeader(give, cred.String()))
		return nil
	}
	return fmt.Errorf("%w: no challenge that we understand", ErrRefused)
}

// Dial calls a number, user or sip: URI through the registrar. It returns when the INVITE is on its way;
// call.AwaitAnswer waits for the rest.
func (p *Phone) Dial(ctx context.Context, target string, headers map[string]string) (*PhoneCall, error) {
	return p.DialFrom(ctx, p.cfg.User, target, headers)
}

// DialFrom is Dial with another number as the caller's: one phone may carry the calls of many, as a trunk does.
func (p *Phone) DialFrom(ctx context.Context, from, target string, headers map[string]string) (*PhoneCall, error) {
	if from == "" || uriUser(from) != from {
		return nil, fmt.Errorf("sip: dial from %q: not the user of a SIP address", from)
	}
	local := p.uri()
	local.User = from
	inv := invitation{flow: p.flow, sticky: true, local: identity{uri: local}, auth: p.authorize}
	if strings.HasPrefix(target, "sip:") {
		if err := sip.ParseUri(target, &inv.target); err != nil {
			return nil, fmt.Errorf("sip: dial %q: %w", target, err)
		}
	} else {
		if target == "" || uriUser(target) != target {
			return nil, fmt.Errorf("sip: dial %q: neither a number nor a sip: address", target)
		}
		inv.target = sip.Uri{Scheme: "sip", User: target, Host: p.cfg.Domain, Port: int(p.cfg.Registrar.Port())}
	}
	if p.cfg.Password == "" {
		inv.auth = nil
	}
	inv.remote = identity{uri: sip.Uri{Scheme: "sip", User: inv.target.User, Host: inv.target.Host}}
	var err error
	if inv.headers, err = extraHeaders(headers); err != nil {
		return nil, err
	}
	l, err := p.newLeg(ctx, call.Party{Number: inv.target.User})
	if err != nil {
		return nil, err
	}
	inv.offer = l.local.offer(media.SendRecv)
	l.dialog = p.ua.newCaller(inv, l, l.log)
	if err := l.dialog.open(inv); err != nil {
		l.release()
		return nil, err
	}
	return &PhoneCall{leg: l}, nil
}

func (p *Phone) newLeg(ctx context.Context, remote call.Party) (*leg, error) {
	return newLeg(legConfig{
		id: call.LegID("phone." + rand.Text()), remote: remote, ua: p.ua, engine: p.cfg.Media, sounds: p.cfg.Sounds,
		gives: -1, peer: p.cfg.Registrar, parent: ctx, log: p.cfg.Log,
	})
}

func (p *Phone) incoming(ctx context.Context, in *invite) {
	if in.flow.peer.Addr() != p.cfg.Registrar.Addr() {
		in.refuse(403, "Forbidden")
		return
	}
	in.refuse(100, "Trying")
	if p.cfg.Incoming == nil {
		in.refuse(486, "Busy Here")
		return
	}
	l, err := p.newLeg(ctx, partyOf(in.req, true))
	if err != nil {
		in.refuse(480, "Temporarily Unavailable")
		return
	}
	if len(in.req.Body()) > 0 {
		if l.asked, err = parseOffer(in.req.Body()); err != nil {
			l.release()
			in.refuse(statusOfError(err))
			return
		}
	}
	d := p.ua.newCallee(in, l, true, l.log)
	l.dialog = d
	if err := d.start(); err != nil {
		l.release()
		in.refuse(482, "Loop Detected")
		return
	}
	c := &PhoneCall{leg: l, headers: in.req.CloneHeaders()}
	if !p.ua.goSafe(func() {
		defer func() { _ = l.Hangup(context.WithoutCancel(ctx), call.Cause{Reason: call.Completed}) }()
		p.cfg.Incoming(c)
	}) {
		d.post(d.vanish)
		return
	}
	in.wait(d)
}

// PhoneCall is one call on a Phone: a call.Leg with what a phone's keys do besides.
type PhoneCall struct {
	*leg
	headers []sip.Header
}

var _ call.Leg = (*PhoneCall)(nil)

// Header is the value of the first header of that name in the INVITE that rang in.
func (c *PhoneCall) Header(name string) string {
	for _, h := range c.headers {
		if strings.EqualFold(h.Name(), name) {
			return h.Value()
		}
	}
	return ""
}

// Say plays audio to the far end, over what comes from nowhere else.
func (c *PhoneCall) Say(audio ...*media.Audio) *media.Playback { return c.stream.Play(audio...) }

// Loop plays audio to the far end until the next Loop; nil is silence.
func (c *PhoneCall) Loop(audio *media.Audio) {
	if audio == nil {
		c.stream.Silence()
		return
	}
	c.stream.Music(audio)
}

// Hear gives what arrives, packet by packet, as 8 kHz samples that are good only during the call; ts is the RTP
// timestamp. It must not block. nil stops it.
func (c *PhoneCall) Hear(tap func(samples []int16, ts uint32)) {
	if tap == nil {
		c.stream.OnAudio(nil)
		return
	}
	c.mu.Lock()
	codec := c.codec
	c.mu.Unlock()
	var buf []int16
	c.stream.OnAudio(func(payload []byte, ts uint32) {
		if codec == media.PCMA {
			buf = media.DecodePCMA(buf[:0], payload)
		} else {
			buf = media.DecodePCMU(buf[:0], payload)
		}
		tap(buf, ts)
	})
}

// PutOnHold holds the far end by a re-INVITE with a=sendonly; TakeBack ends it.
func (c *PhoneCall) PutOnHold(ctx context.Context) error { return c.redirect(ctx, media.SendOnly) }

// Refer hands the far end on to a number, as a phone's transfer key does (RFC 3515);
// with another call of the phone, to the far end of that one (RFC 3891). It returns when
// that was accepted, which says nothing of what comes of it.
func (c *PhoneCall) Refer(ctx context.Context, number string, instead *PhoneCall) error {
	if err := c.ready(); err != nil {
		return err
	}
	replaces := ""
	if instead != nil {
		err := instead.dialog.do(ctx, func() error {
			r := &instead.dialog.route
			replaces = "?Replaces=" + url.QueryEscape(r.callID+";to-tag="+r.remote.tag+";from-tag="+r.local.tag)
			return nil
		})
		if err != nil {
			return instead.verb(err)
		}
	}
	result := make(chan error, 1)
	if err := c.dialog.do(ctx, func() error { return c.dialog.sendRefer(number, replaces, func(err error) { result <- err }) }); err != nil {
		return c.verb(err)
	}
	select {
	case err := <-result:
		return c.verb(err)
	case <-c.ctx.Done():
		return context.Cause(c.ctx)
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// TakeBack ends PutOnHold.
func (c *PhoneCall) TakeBack(ctx context.Context) error { return c.redirect(ctx, media.SendRecv) }
