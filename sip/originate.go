package sip

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/emiago/sipgo/sip"

	"firstline/call"
	"firstline/sip/media"
)

// ErrNotAllowed means that no trunk may dial the number.
var ErrNotAllowed = errors.New("sip: number is not allowed by any trunk")

// Originate sends an INVITE to a device's registered contact, or to a number through a trunk that allows it.
func (s *Server) Originate(ctx context.Context, o call.Originate) (call.Leg, error) {
	s.mu.Lock()
	old, draining := s.legs[o.ID], s.draining
	s.mu.Unlock()
	switch {
	case old != nil:
		return old, nil // the same verb again
	case draining:
		return nil, call.Cause{Reason: call.Shutdown}
	}
	inv, err := s.invitation(o)
	if err != nil {
		return nil, fmt.Errorf("originate %s: %w", o.ID, err)
	}
	l, err := s.newLeg(ctx, o.ID, remoteOf(o), inv.flow.peer)
	if err != nil {
		return nil, call.Cause{Reason: call.Failed, Text: err.Error()}
	}
	inv.offer = l.local.offer(media.SendRecv)
	l.dialog = s.ua.newCaller(inv, l, l.log)
	s.keep(l)
	l.patience = time.AfterFunc(cmp.Or(o.Ring, time.Minute), func() {
		l.dialog.post(func() {
			if !l.isUp() {
				l.dialog.hangup(call.Cause{Reason: call.NoAnswer, Text: "rang until the deadline"})
			}
		})
	})
	if err := l.dialog.open(inv); err != nil {
		l.release()
		s.forget(o.ID)
		return nil, fmt.Errorf("originate %s: %w", o.ID, call.Cause{Reason: call.Unreachable, Text: err.Error()})
	}
	return l, nil
}

func remoteOf(o call.Originate) call.Party {
	if o.To.Device != "" {
		return call.Party{Number: string(o.To.Device)}
	}
	return call.Party{Number: o.To.Number}
}

func (s *Server) invitation(o call.Originate) (invitation, error) {
	var inv invitation
	var err error
	switch {
	case o.To.Device != "" && o.To.Number == "":
		inv, err = s.toDevice(o.To.Device)
	case o.To.Number != "" && o.To.Device == "":
		inv, err = s.toNumber(&o)
	default:
		err = fmt.Errorf("sip: endpoint %+v is not exactly one device or number", o.To)
	}
	if err != nil {
		return inv, err
	}
	host := s.cfg.Domain
	if host == "" {
		host = s.ua.host(inv.flow).Addr().String()
	}
	user := clean(o.From.Number, 64)
	inv.local = identity{name: displayName(o.From.Name), uri: sip.Uri{Scheme: "sip", User: cmp.Or(uriUser(user), "anonymous"), Host: host}}
	inv.headers, err = extraHeaders(o.Headers)
	return inv, err
}

// toDevice goes to the freshest contact that is not known dead, by the way that its REGISTER came.
func (s *Server) toDevice(device call.DeviceID) (invitation, error) {
	var bound []contact
	if s.cfg.Registrar != nil {
		bound = s.cfg.Registrar.contacts(device)
	}
	var reason error = call.Cause{Reason: call.Unreachable, Text: "not registered"}
	for _, c := range bound {
		if c.dead() {
			reason = call.Cause{Reason: call.Unreachable, Text: "registered, but does not respond"}
			continue
		}
		var inv invitation
		if err := sip.ParseUri(c.Contact, &inv.target); err != nil {
			continue
		}
		inv.flow = s.flowTo(&c.Binding)
		inv.sticky = true
		inv.remote = identity{uri: sip.Uri{Scheme: "sip", User: uriUser(string(device)), Host: cmp.Or(s.cfg.Domain, inv.target.Host)}}
		if err := s.ua.usable(inv.flow); err != nil {
			reason = call.Cause{Reason: call.Unreachable, Text: err.Error()}
			continue
		}
		return inv, nil
	}
	return invitation{}, reason
}

// flowTo is the way that the binding's REGISTER came.
func (s *Server) flowTo(b *call.Binding) flow {
	return flow{peer: addrPortOf(b.Source), sock: s.ua.socketFor(b.Transport, netip.AddrPort{})}
}

// toNumber takes the named trunk, or the first that allows the number.
func (s *Server) toNumber(o *call.Originate) (invitation, error) {
	for _, t := range s.cfg.Trunks {
		if o.To.Trunk != "" && o.To.Trunk != t.Name {
			continue
		}
		number, ok := t.Outbound.dial(o.To.Number)
		if !ok {
			continue
		}
		out := t.Outbound
		host := out.Proxy.Addr().String()
		inv := invitation{
			target: sip.Uri{Scheme: "sip", User: number, Host: host, Port: int(out.Proxy.Port())},
			remote: identity{uri: sip.Uri{Scheme: "sip", User: number, Host: host}},
			flow:   flow{peer: out.Proxy, sock: s.ua.socketFor(cmp.Or(out.Transport, "udp"), netip.AddrPort{}), dial: true},
		}
		if out.From != "" {
			o.From.Number = out.From
		}
		return inv, s.ua.usable(inv.flow)
	}
	return invitation{}, ErrNotAllowed
}

// dial is the number as the trunk wants it, and whether it may be dialled at all.
func (o Outbound) dial(number string) (string, bool) {
	if !o.Proxy.IsValid() || number == "" || strings.Trim(number, "+0123456789") != "" || strings.LastIndexByte(number, '+') > 0 {
		return "", false
	}
	number = o.Add + strings.TrimPrefix(number, o.Strip)
	return number, slices.ContainsFunc(o.Allow, func(p string) bool { return strings.HasPrefix(number, p) })
}

// Dials reports whether some trunk may dial the number (Outbound.Allow).
func (s *Server) Dials(number string) bool {
	return slices.ContainsFunc(s.cfg.Trunks, func(t Trunk) bool {
		_, ok := t.Outbound.dial(number)
		return ok
	})
}

// extraHeaders takes only headers of our own making, one line each, in a fixed order.
func extraHeaders(h map[string]string) ([]sip.Header, error) {
	var out []sip.Header
	names := make([]string, 0, len(h))
	for name := range h {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		if !extension(name) {
			return nil, fmt.Errorf("sip: header %q is not one that a call may add (X-…, Alert-Info, Call-Info)", name)
		}
		out = append(out, sip.NewHeader(name, clean(h[name], 200)))
	}
	return out, nil
}

func extension(name string) bool {
	const letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-"
	if name == "" || strings.Trim(name, letters) != "" {
		return false
	}
	return len(name) > 2 && strings.EqualFold(name[:2], "x-") || strings.EqualFold(name, "Alert-Info") || strings.EqualFold(name, "Call-Info")
}

// displayName is a caller's name as it may be shown on a phone.
func displayName(s string) string { return clean(s, 64) }

// uriUser keeps the characters of a user part that need no escaping (RFC 3261 section 25.1, unreserved and a
// few of user-unreserved).
func uriUser(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r >= '0' && r <= '9', r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', strings.ContainsRune("-_.!~*'()&=+$,", r):
			return r
		}
		return -1
	}, s)
}
