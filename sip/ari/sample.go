package ari

import (
	"cmp"
	"context"
	"strings"
	"time"

	"go.uber.org/zap"

	"firstline/call"
	"firstline/sip/ari/asterisk"
)

// silence is whether anything comes from a leg's phone. ARI does not say so: the
// packets are counted from time to time.
type silence struct {
	received uint64
	counted  bool // received means something
	lost     bool // nothing has come since the count before
}

// sample looks at the media of answered legs now and then.
func (n *node) sample(ctx context.Context) {
	tick := time.NewTicker(n.front.cfg.Sample)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
		for _, l := range n.allLegs() {
			if !n.isBack() || ctx.Err() != nil {
				break
			}
			if !l.is(up) {
				continue
			}
			if s, err := n.pbx.RTPStats(ctx, l.channel); err == nil {
				l.measured(call.Quality{
					Codec: n.codecOf(ctx, l),
					Sent:  s.Sent, Received: s.Received, Lost: s.Lost, Jitter: seconds(s.Jitter), RTT: seconds(s.RTT),
				})
				l.counted(s.Received)
			}
		}
	}
}

// codecOf is the codec of a leg, which is asked for once.
func (n *node) codecOf(ctx context.Context, l *leg) string {
	if c := l.Quality().Codec; c != "" {
		return c
	}
	v, err := n.pbx.Variable(ctx, l.channel, "CHANNEL(audionativeformat)")
	if err != nil {
		return ""
	}
	switch name := strings.Trim(v, "()"); name { // "(ulaw)"
	case "ulaw":
		return "PCMU"
	case "alaw":
		return "PCMA"
	default:
		return strings.ToUpper(call.CleanText(name, 32))
	}
}

// measured keeps the figures of a leg's media. The last ones come with its end.
func (l *leg) measured(q call.Quality) {
	l.mu.Lock()
	defer l.mu.Unlock()
	q.Codec = cmp.Or(q.Codec, l.quality.Codec)
	l.quality = q
}

// counted tells when packets stop coming, and when they come again. Who holds need
// not send any.
func (l *leg) counted(received uint64) {
	l.mu.Lock()
	s := &l.silence
	nothing := s.counted && received == s.received && !l.held
	changed := nothing != s.lost
	*s = silence{received: received, counted: !l.held, lost: nothing}
	l.mu.Unlock()
	switch {
	case !changed:
	case nothing:
		l.push(call.LegEvent{Kind: call.LegMediaLost})
	default:
		l.push(call.LegEvent{Kind: call.LegMediaBack})
	}
}

// referred is a phone that asks for a transfer. What becomes of it is decided by
// who reads the leg's events; the phone is told to wait.
func (n *node) referred(e *asterisk.ChannelTransfer) {
	n.withLeg(&e.ReferredBy.Source, func(l *leg) {
		asked := call.LegEvent{Kind: call.LegTransfer, Target: numberOf(e.ReferTo.Requested.Destination)}
		if d := e.ReferTo.Destination; d != nil { // attended
			n.withLeg(d, func(other *leg) { asked.Replaces = other.id })
		}
		if asked.Target == "" && asked.Replaces == "" || e.State != "" { // it tells how a transfer goes, which we know
			return
		}
		l.push(asked)
		n.front.spawn(func() {
			ctx, cancel := context.WithTimeout(n.front.life, goodbye)
			defer cancel()
			if err := n.pbx.TransferProgress(ctx, l.channel, "channel_progress"); err != nil {
				l.log.Info("phone not told of its transfer", zap.Error(err))
			}
		})
	})
}
