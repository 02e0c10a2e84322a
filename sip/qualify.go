package sip

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	mathrand "math/rand/v2"
	"slices"
	"sync"
	"time"

	"github.com/emiago/sipgo/sip"
	"go.uber.org/zap"

	"firstline/call"
)

const (
	deadAfter    = 2   // pings in a row without a response
	pingsAtOnce  = 256 // in flight; enough for 480 dead phones at 64*T1 = 32 s each and one ping a minute
	longestDelay = 10  // part of the interval by which a ping comes late at most: a tenth
)

var errSilent = errors.New("sip: the transaction ended without a response")

// dead reports whether the contact is known not to answer.
func (c *contact) dead() bool { return c.misses >= deadAfter }

func anyAlive(cs []contact) bool {
	return slices.ContainsFunc(cs, func(c contact) bool { return !c.dead() })
}

// Reachable reports whether the device has a contact that is registered and not
// known dead.
func (r *Registrar) Reachable(device call.DeviceID) bool { return anyAlive(r.contacts(device)) }

// round lists all contacts, always in the same order, so that each comes again
// after about one interval.
func (r *Registrar) round() []bindingKey {
	r.mu.Lock()
	defer r.mu.Unlock()
	var keys []bindingKey
	for device, bound := range r.devices {
		for _, c := range bound {
			keys = append(keys, bindingKey{device, c.Contact})
		}
	}
	slices.SortFunc(keys, func(a, b bindingKey) int {
		return cmp.Or(cmp.Compare(a.device, b.device), cmp.Compare(a.contact, b.contact))
	})
	return keys
}

// current is the binding as it is now, and whether there is one that has not expired.
func (r *Registrar) current(key bindingKey) (call.Binding, bool) {
	now := time.Now()
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, c := range r.devices[key.device] {
		if c.Contact == key.contact {
			return c.Binding, now.Before(c.Expires)
		}
	}
	return call.Binding{}, false
}

// pinged counts the outcome of a ping of b. One that was registered anew since
// has proved itself by that, so that the outcome is of no interest any more.
func (r *Registrar) pinged(b *call.Binding, miss error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	bound := r.devices[b.Device]
	i := slices.IndexFunc(bound, func(c contact) bool { return c.Binding == *b })
	if i < 0 {
		return
	}
	before, wasDead := anyAlive(bound), bound[i].dead()
	if miss == nil {
		bound[i].misses = 0
	} else {
		bound[i].misses = min(bound[i].misses+1, deadAfter)
	}
	if dead := bound[i].dead(); dead != wasDead {
		r.cfg.Log.Info("sip contact", zap.String("device", string(b.Device)), zap.String("source", b.Source),
			zap.Bool("responds", !dead), zap.Error(miss))
	}
	r.tell(b.Device, before, anyAlive(bound))
	if miss == nil {
		r.cfg.OnSeen(b.Device)
	}
}

// qualify pings every contact once in each Config.Qualify until ctx ends (RFC 3261
// section 11). The pings of a round are spread evenly over it, each somewhat late
// at random, so that neither phones nor servers started together keep step.
func (s *Server) qualify(ctx context.Context) {
	var flying sync.WaitGroup
	defer flying.Wait()
	free := make(chan struct{}, pingsAtOnce)
	for start := time.Now(); ctx.Err() == nil; {
		keys := s.cfg.Registrar.round()
		for i, key := range keys {
			slot := s.cfg.Qualify / time.Duration(len(keys))
			late := mathrand.N(max(1, min(slot, s.cfg.Qualify/longestDelay)))
			if !call.Pause(ctx, time.Until(start.Add(time.Duration(i)*slot+late))) {
				return
			}
			b, ok := s.cfg.Registrar.current(key)
			if !ok {
				continue
			}
			select {
			case free <- struct{}{}:
			case <-ctx.Done():
				return
			}
			flying.Go(func() {
				defer func() { <-free }()
				s.check(ctx, &b)
			})
		}
		// A round that took longer, because too many are silent, is not made up for.
		if start = start.Add(s.cfg.Qualify); time.Now().After(start) {
			start = time.Now()
		}
		if !call.Pause(ctx, time.Until(start)) {
			return
		}
	}
}

// check pings once and tells the registrar, unless it is ourselves who end.
func (s *Server) check(ctx context.Context, b *call.Binding) {
	patience, cancel := context.WithTimeout(ctx, s.cfg.Qualify) // the next ping is not to overtake this one
	defer cancel()
	miss := s.ping(patience, b)
	if ctx.Err() == nil && s.ua.ctx.Err() == nil {
		s.cfg.Registrar.pinged(b, miss)
	}
}

// ping sends OPTIONS by the way that an INVITE would go and waits for a response.
// Any response will do, also a provisional one or a refusal: somebody is there.
func (s *Server) ping(ctx context.Context, b *call.Binding) error {
	f := s.flowTo(b)
	if err := s.ua.usable(f); err != nil {
		return err
	}
	var target sip.Uri
	if err := sip.ParseUri(b.Contact, &target); err != nil {
		return fmt.Errorf("sip: contact of %s: %w", b.Device, err)
	}
	host := cmp.Or(s.cfg.Domain, s.ua.host(f).Addr().String())
	r := route{
		callID: rand.Text(),
		local:  identity{uri: sip.Uri{Scheme: "sip", User: productName, Host: host}, tag: rand.Text()},
		remote: identity{uri: sip.Uri{Scheme: "sip", User: uriUser(string(b.Device)), Host: cmp.Or(s.cfg.Domain, target.Host)}},
		target: target,
	}
	req := r.request(sip.OPTIONS, 1)
	req.AppendHeader(s.ua.contact(f))
	req.AppendHeader(sip.NewHeader("Accept", "application/sdp"))
	s.ua.stamp(req, f)
	first := make(chan error, 1) // what comes after the first is of no interest
	tx, err := s.ua.send(req, f, func(res *sip.Response, err error) {
		if res == nil && err == nil {
			err = errSilent
		}
		select {
		case first <- err:
		default:
		}
	})
	if err != nil {
		return err
	}
	defer tx.Terminate()
	select {
	case err := <-first:
		return err
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
