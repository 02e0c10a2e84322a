package sip

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"sync"
	"time"

	"github.com/emiago/sipgo/sip"
	"go.uber.org/zap"

	"firstline/call"
)

// Server is the native front end. It implements call.Switch.
type Server struct {
	cfg Config
	ua  *userAgent
	log *zap.Logger

	mu       sync.Mutex // guards the rest
	handler  call.Handler
	legs     map[call.LegID]*leg
	calls    int // incoming, for MaxCalls
	draining bool
}

var _ call.Switch = (*Server)(nil)

// New binds the sockets and returns a server that answers nobody before Run. The error holds all faults of cfg,
// or says which address is in use.
func New(cfg Config) (*Server, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	socks, err := bindAll(context.Background(), cfg.Listen)
	if err != nil {
		return nil, err
	}
	return newServer(cfg.withDefaults(), socks)
}

// newServer is New on sockets that are bound; they are closed when it does not work.
func newServer(cfg Config, socks []*socket) (*Server, error) {
	s := &Server{cfg: cfg, log: cfg.Log, legs: make(map[call.LegID]*leg)}
	filter := newReadFilter(guardConfig{Exempt: s.isTrunk, Log: cfg.Log})
	var err error
	s.ua, err = newUserAgent(socks, cfg.Advertise, filter.Filter, cfg.Log)
	if err != nil {
		for _, sock := range socks {
			sock.close()
		}
		return nil, err
	}
	s.ua.incoming = s.incoming
	if cfg.Registrar != nil {
		s.ua.register = cfg.Registrar.Handle
	}
	return s, nil
}

// Addrs are the bound addresses in the order of Config.Listen.
func (s *Server) Addrs() []net.Addr {
	addrs := make([]net.Addr, 0, len(s.ua.sockets))
	for _, sock := range s.ua.sockets {
		if sock.packet != nil {
			addrs = append(addrs, sock.packet.LocalAddr())
		} else {
			addrs = append(addrs, sock.stream.Addr())
		}
	}
	return addrs
}

// Close is for a server that is never Run: it closes the sockets.
func (s *Server) Close() error {
	s.ua.close()
	return nil
}

// Run serves calls with h until ctx ends, then refuses new ones, hangs up all legs, waits Config.Ending at most
// for handlers and goodbyes, and closes the sockets. The media engine must outlive it.
func (s *Server) Run(ctx context.Context, h call.Handler) error {
	s.mu.Lock()
	s.handler = h
	s.mu.Unlock()
	s.ua.serve()
	var pings sync.WaitGroup
	if s.cfg.Registrar != nil && s.cfg.Qualify > 0 {
		pings.Go(func() { s.qualify(ctx) })
	}
	<-ctx.Done()
	s.end()
	pings.Wait()
	s.ua.close()
	return nil
}

// end hangs up everything and waits until it is quiet, or Ending has passed.
func (s *Server) end() {
	s.mu.Lock()
	s.draining = true
	all := make([]*leg, 0, len(s.legs))
	for _, l := range s.legs {
		all = append(all, l)
	}
	s.mu.Unlock()
	var wg sync.WaitGroup
	for _, l := range all {
		wg.Go(func() { _ = l.Hangup(context.Background(), call.Cause{Reason: call.Shutdown}) })
	}
	wg.Wait()
	deadline := time.NewTimer(s.cfg.Ending)
	defer deadline.Stop()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for s.Legs() > 0 {
		select {
		case <-tick.C:
		case <-deadline.C:
			s.log.Warn("calls left at the end of the drain", zap.Int("legs", s.Legs()))
			return
		}
	}
}

// Holds reports whether a call has a leg here.
func (s *Server) Holds(id call.ID) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.legs[id.CallerLeg()] != nil {
		return true
	}
	for l := range s.legs {
		if l.Call() == id {
			return true
		}
	}
	return false
}

// Legs counts the legs whose last message is not exchanged yet.
func (s *Server) Legs() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.legs)
}

// Drain refuses new calls from now on with 503; those under way go on.
func (s *Server) Drain() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.draining = true
}

// Adopt finds nothing: the media of a native call dies with its process.
func (s *Server) Adopt(context.Context) (call.Survivors, error) { return call.Survivors{}, nil }

// Caps says what this front end can do.
func (s *Server) Caps() call.Caps {
	return call.Caps{
		Record: s.cfg.RecordingsDir != "", RecordGrows: true, Tap: true, DTMFStart: true, ReferByPhone: true,
		Message: s.cfg.RecordingsDir != "",
	}
}

// inviter is who an INVITE comes from.
type inviter struct {
	trunk  string // or the device's name
	device call.DeviceID
}

func (s *Server) isTrunk(a netip.Addr) bool { return s.trunkAt(a) != nil }

func (s *Server) trunkAt(a netip.Addr) *Trunk {
	a = a.Unmap()
	for i := range s.cfg.Trunks {
		for _, p := range s.cfg.Trunks[i].Allow {
			if p.Contains(a) {
				return &s.cfg.Trunks[i]
			}
		}
	}
	return nil
}

// incoming takes an INVITE from outside any dialog through its gates, one after the other, and serves the call.
func (s *Server) incoming(ctx context.Context, in *invite) {
	src, ok := s.identify(ctx, in)
	if !ok {
		return
	}
	if number := numberOf(&in.req.Recipient); number == "" || !s.cfg.Known(number) {
		in.refuse(404, "Not Found")
		return
	}
	if err := s.admit(); err != nil {
		s.log.Info("call refused", zap.String("trunk", src.trunk), zap.Error(err))
		in.refuse(503, "Service Unavailable", sip.NewHeader("Retry-After", "10"))
		return
	}
	offer, err := s.offer(in)
	if err != nil {
		s.leave()
		status, reason := statusOfError(err)
		s.log.Info("offer refused", zap.String("trunk", src.trunk), zap.Int("status", status), zap.Error(err))
		in.refuse(status, reason)
		return
	}
	select {
	case <-in.cancelled: // while its password was looked up: no call yet, and none now
		s.leave()
		return
	default:
	}
	if !s.serve(ctx, in, src, offer) {
		s.leave()
	}
}

// identify says who calls: a trunk by its address, a phone by its password. Nobody else gets further.
func (s *Server) identify(ctx context.Context, in *invite) (inviter, bool) {
	if t := s.trunkAt(in.flow.peer.Addr()); t != nil && !s.claimsDevice(in) {
		in.refuse(100, "Trying")
		return inviter{trunk: t.Name}, true
	}
	if s.cfg.Auth == nil {
		if !s.cfg.Silent {
			in.refuse(403, "Forbidden")
		}
		s.log.Info("stranger refused", zap.Stringer("source", in.flow.peer.Addr()))
		return inviter{}, false
	}
	user, c := s.cfg.Auth.Check(ctx, in.req)
	if c != nil {
		if res := c.response(in.req); res != nil && (!s.cfg.Silent || in.req.GetHeader("Authorization") != nil) {
			s.ua.respond(in.tx, res)
		}
		return inviter{}, false
	}
	if in.req.From().Address.User != user {
		in.refuse(403, "Forbidden")
		return inviter{}, false
	}
	in.refuse(100, "Trying")
	return inviter{trunk: user, device: call.DeviceID(user)}, true
}

// claimsDevice is for a trunk and phones that share an address (loopback, a PBX's host): with credentials, or
// when the From user is registered here, it is the phone that calls.
func (s *Server) claimsDevice(in *invite) bool {
	if s.cfg.Auth == nil {
		return false
	}
	if in.req.GetHeader("Authorization") != nil || in.req.GetHeader("Proxy-Authorization") != nil {
		return true
	}
	from := in.req.From().Address.User
	return from != "" && s.cfg.Registrar != nil && len(s.cfg.Registrar.Contacts(call.DeviceID(from))) > 0
}

var (
	errDraining = errors.New("sip: draining")
	errFull     = errors.New("sip: as many calls as are allowed")
)

// admit counts the call in; leave counts it out.
func (s *Server) admit() error {
	if err := s.cfg.Admit(); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.draining || s.handler == nil {
		return errDraining
	}
	if s.cfg.MaxCalls > 0 && s.calls >= s.cfg.MaxCalls {
		return errFull
	}
	s.calls++
	return nil
}

func (s *Server) leave() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calls--
}

// offer reads what the INVITE offers; nil when it leaves the offer to us.
func (s *Server) offer(in *invite) (*remoteMedia, error) {
	if len(in.req.Body()) == 0 {
		return nil, nil //nolint:nilnil // RFC 3261 section 13.2.1: the offer may come in our 2xx
	}
	r, err := parseOffer(in.req.Body())
	if err != nil {
		return nil, err
	}
	if r.Addr.Addr().IsUnspecified() { // on hold from the start
		return r, nil
	}
	if err := s.cfg.Media.CheckRemote(r.Addr); err != nil {
		return nil, fmt.Errorf("%w: %w", errAddress, err)
	}
	return r, nil
}

// serve makes the call and its leg, starts the handler, and stays until the INVITE is settled. It reports
// whether the handler was started, which then counts the call out.
func (s *Server) serve(ctx context.Context, in *invite, src inviter, offer *remoteMedia) bool {
	now := time.Now()
	id := s.cfg.NewCallID(now)
	c := &call.Call{
		ID:      id,
		Origin:  in.req.CallID().Value() + ";" + tagOf(in.req.From()),
		From:    partyOf(in.req, src.device == ""),
		To:      partyOfAddress(in.req.To().DisplayName, &in.req.Recipient),
		Trunk:   src.trunk,
		Device:  src.device,
		Arrived: now,
		Test:    in.req.GetHeader("X-Firstline-Test") != nil && strings.TrimSpace(in.req.GetHeader("X-Firstline-Test").Value()) == "1",
	}
	l, err := s.newLeg(ctx, id.CallerLeg(), c.From, in.flow.peer)
	if err != nil {
		s.log.Warn("no media for a call", zap.Error(err))
		in.refuse(503, "Service Unavailable", sip.NewHeader("Retry-After", "10"))
		return false
	}
	l.asked = offer
	d := s.ua.newCallee(in, l, src.device != "", l.log)
	l.dialog = d
	s.keep(l)
	if err := d.start(); err != nil {
		s.forget(l.id)
		l.release()
		status, reason := 503, "Service Unavailable"
		if errors.Is(err, errMerged) {
			status, reason = 482, "Loop Detected"
		}
		in.refuse(status, reason)
		return false
	}
	c.Leg = l
	l.log.Info("call in", zap.String("call", string(id)), zap.String("trunk", c.Trunk), zap.String("to", c.To.Number), zap.Bool("test", c.Test))
	s.mu.Lock()
	h := s.handler
	s.mu.Unlock()
	if !s.ua.goSafe(func() {
		defer s.leave()
		defer func() { _ = l.Hangup(context.WithoutCancel(ctx), call.Cause{Reason: call.Completed}) }()
		h.ServeCall(l.ctx, c)
	}) {
		d.post(d.vanish)
		return false
	}
	in.wait(d)
	return true
}

func (s *Server) newLeg(ctx context.Context, id call.LegID, remote call.Party, peer netip.AddrPort) (*leg, error) {
	l, err := newLeg(legConfig{
		id: id, remote: remote, ua: s.ua, engine: s.cfg.Media, sounds: s.cfg.Sounds, gives: s.cfg.MediaGone,
		peer: peer, parent: ctx, log: s.log,
	})
	if err != nil {
		return nil, err
	}
	l.left = func() { s.forget(id) }
	l.record = s.newRecording
	return l, nil
}

func (s *Server) keep(l *leg) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.legs[l.id] = l
}

func (s *Server) forget(id call.LegID) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.legs, id)
}
