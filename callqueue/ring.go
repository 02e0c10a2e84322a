package callqueue

import (
	"context"
	"errors"
	"time"

	"go.uber.org/zap"

	"firstline/call"
)

// hangupTime bounds the hang-up of a leg that nobody wants any more.
const hangupTime = 5 * time.Second

// ringSlack is how much longer the switch may ring than the offer lasts. The
// offer's deadline is the engine's; the switch's own limit only backs it up.
const ringSlack = 5 * time.Second

// ring is the ringing of one agent's phone, by a goroutine of its own.
type ring struct {
	offer      Offer
	from       call.Party
	ticket     call.TicketID
	autoAnswer bool
	previous   *ring         // of the same phone, nil when that is over
	over       chan struct{} // closed when this one is
	cancel     context.CancelCauseFunc
	withdrawn  bool     // before the start
	leg        call.Leg // set once answered, before the owner is told
}

// withdraw stops the ringing, or keeps it from starting.
func (r *ring) withdraw() {
	if r.cancel == nil {
		r.withdrawn = true
		return
	}
	r.cancel(call.Cause{Reason: call.Cancelled, Text: "offer withdrawn"})
}

// addRing takes note of a phone that is to ring.
func (d *Dispatcher) addRing(o Offer) {
	w := d.waiters[o.Entry]
	r := &ring{offer: o, from: w.From, ticket: w.Ticket, previous: d.phones[o.Device], over: make(chan struct{})}
	if q := d.engine.queues[w.Queue]; q != nil {
		r.autoAnswer = q.AutoAnswer
	}
	d.rings[o.ID], d.phones[o.Device] = r, r
	d.pending = append(d.pending, r)
	d.log.Info("offer", zap.String("call", string(o.Entry.Call())), zap.String("agent", string(o.Agent)),
		zap.String("device", o.Device.Masked()), zap.String("why", o.Why))
}

// startRings starts what addRing took note of. A ring's last word is its removal
// from d.rings, so who waits for that map to be empty waits for all of them.
func (d *Dispatcher) startRings(base context.Context) {
	pending := d.pending
	d.pending = nil
	for _, r := range pending {
		var ctx context.Context
		ctx, r.cancel = context.WithCancelCause(base)
		if r.withdrawn {
			r.withdraw()
		}
		d.ringing.Go(func() {
			defer r.cancel(nil)
			if r.previous != nil {
				<-r.previous.over // two INVITEs would make a phone with one line busy; hanging up is bounded
				r.previous = nil
			}
			if ctx.Err() == nil {
				d.ring(ctx, r)
			}
			close(r.over)
			d.submit(func(time.Time) { d.removeRing(r) })
		})
	}
}

func (d *Dispatcher) removeRing(r *ring) {
	delete(d.rings, r.offer.ID)
	if d.phones[r.offer.Device] == r {
		delete(d.phones, r.offer.Device)
	}
}

// ring rings until somebody answers, the phone gives up, or the offer is over.
// It leaves no leg behind but the one that the engine took.
func (d *Dispatcher) ring(ctx context.Context, r *ring) {
	leg, err := d.sw.Originate(ctx, call.Originate{
		ID: r.offer.ID.AgentLeg(), To: r.offer.Device.Endpoint(), From: r.from,
		Ring: time.Until(r.offer.Deadline) + ringSlack, Headers: r.headers(),
	})
	if err != nil {
		d.report(ctx, r, call.AsCause(err), false)
		return
	}
	rang := false
	err = call.AwaitAnswer(ctx, leg, func(time.Time) {
		rang = true
		d.submit(func(now time.Time) { _ = d.apply(now, OfferRang{r.offer.ID}) }) // too late is no matter
	})
	switch {
	case err == nil:
		d.answered(ctx, r, leg)
	case leg.Context().Err() != nil:
		d.report(ctx, r, call.AsCause(context.Cause(leg.Context())), rang)
	default:
		d.hangUp(ctx, leg, call.AsCause(err))
	}
}

// answered takes a leg that is up to the engine, when the one who answered takes
// the call.
func (d *Dispatcher) answered(ctx context.Context, r *ring, leg call.Leg) {
	if r.offer.Ask {
		d.submit(func(now time.Time) { _ = d.apply(now, OfferRang{r.offer.ID}) }) // not every network says that it rings
		if err := d.pressed(ctx, leg); err != nil {
			c := call.AsCause(err)
			d.report(ctx, r, call.Cause{Reason: call.NoAnswer, SIP: c.SIP, Text: "nobody pressed 1: " + c.Error()}, true)
			d.hangUp(ctx, leg, call.Cause{Reason: call.Cancelled, Text: "nobody pressed 1"})
			return
		}
	}
	r.leg = leg
	if !d.accepted(r) {
		d.hangUp(ctx, leg, call.Cause{Reason: call.Cancelled, Text: "answered too late"})
	}
}

// pressed asks who answered to press 1, until they do. It returns early when the
// leg is gone or ctx ends, as it does with the offer.
func (d *Dispatcher) pressed(ctx context.Context, leg call.Leg) error {
	for {
		got, err := leg.Collect(ctx, call.Collect{Prompts: d.prompts, Max: 1, First: 2 * time.Second})
		if err != nil || got.Digits == "1" {
			return err
		}
	}
}

// headers go to a phone of ours alone: a carrier has no business with the ticket.
func (r *ring) headers() map[string]string {
	if _, mobile := r.offer.Device.Number(); mobile {
		return nil
	}
	h := map[string]string{}
	if r.ticket != "" {
		h["X-Firstline-Ticket"] = string(r.ticket)
	}
	if r.autoAnswer { // the two ways that phones know
		h["Call-Info"] = "<sip:firstline>;answer-after=0"
		h["Alert-Info"] = "<http://firstline>;info=alert-autoanswer;delay=0"
	}
	return h
}

// accepted offers the answered leg to the engine and waits for its word. A caller
// who is known to be gone leaves first: the answer has lost the race.
func (d *Dispatcher) accepted(r *ring) bool {
	verdict := make(chan bool, 1)
	ok := d.submit(func(now time.Time) {
		if w := d.waiters[r.offer.Entry]; w != nil && w.gone() {
			_ = d.apply(now, Leave{r.offer.Entry, w.left()})
		}
		verdict <- d.apply(now, OfferDone{Offer: r.offer.ID, Result: call.OfferAnswered}) == nil
	})
	return ok && <-verdict
}

// report says that nobody answered, and why. An offer that is over already has
// its result.
func (d *Dispatcher) report(ctx context.Context, r *ring, c call.Cause, rang bool) {
	if ctx.Err() != nil {
		return
	}
	result := resultOf(c, rang)
	d.log.Info("offer ended", zap.String("call", string(r.offer.Entry.Call())), zap.String("agent", string(r.offer.Agent)),
		zap.String("result", string(result)), zap.String("cause", c.Error()))
	d.submit(func(now time.Time) {
		err := d.apply(now, OfferDone{Offer: r.offer.ID, Result: result, Cause: c})
		if err != nil && !errors.Is(err, ErrUnknownOffer) {
			d.log.Error("offer", zap.String("call", string(r.offer.Entry.Call())), zap.Error(err))
		}
	})
}

// resultOf says what a leg's end means for the agent. A phone that timed out
// without ringing was not there; what went wrong on our side is not the person's
// fault either.
func resultOf(c call.Cause, rang bool) call.OfferResult {
	switch c.Reason {
	case call.NoAnswer:
		if rang {
			return call.OfferMissed
		}
		return call.OfferUnreachable
	case call.Rejected, call.Hangup, call.Cancelled:
		return call.OfferRejected
	case call.Busy:
		return call.OfferBusy
	default:
		return call.OfferUnreachable
	}
}

func (d *Dispatcher) hangUp(ctx context.Context, leg call.Leg, c call.Cause) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), hangupTime)
	defer cancel()
	if err := leg.Hangup(ctx, c); err != nil {
		d.log.Warn("hang up", zap.String("leg", string(leg.ID())), zap.Error(err))
	}
}
