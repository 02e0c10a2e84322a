package main

import (
	"context"
	"fmt"
	"net"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"go.uber.org/zap"

	"firstline/store"
	"firstline/web"
)

// standby is a server before it owns the database: its HTTP port is open and says
// who does, SIP is closed, so that phones and trunks go elsewhere.
type standby struct {
	log *zap.Logger
	out *output
	web *web.Standby
	end func() // of web's part

	mu    sync.Mutex // guards what follows
	told  bool       // somebody was told that we wait
	owner store.Standing
	ours  bool
}

// openStandby opens what can be open without the database, when this server is to stand by.
func (s *server) openStandby(context.Context) error {
	if !s.cfg.Standby.Wait {
		return nil
	}
	b := &standby{log: s.log.Named("standby"), out: s.out}
	r := prometheus.NewRegistry()
	r.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}), role("standby"))
	var err error
	b.web, err = web.NewStandby(web.StandbyConfig{
		Listen: s.cfg.HTTP.Listen.String(), Log: s.log.Named("web"), Metrics: r, Status: b.status,
	})
	if err != nil {
		return err
	}
	s.life.onEnd("port", b.web.Close)
	b.end = s.life.start("standby", b.web.Run)
	s.standby = b
	for _, l := range s.cfg.SIP.Listen {
		if err := bindable(l.Network, l.Address.String()); err != nil {
			b.log.Warn("a SIP address is not to be had now; it must be when the calls are taken over", zap.Stringer("listen", l), zap.Error(err))
		}
	}
	return nil
}

// bindable opens an address and closes it again.
func bindable(network, address string) error {
	if network == "udp" {
		c, err := net.ListenPacket("udp", address) //nolint:noctx // opening a port does not wait
		if err != nil {
			return err
		}
		return c.Close()
	}
	l, err := net.Listen("tcp", address) //nolint:noctx // opening a port does not wait
	if err != nil {
		return err
	}
	return l.Close()
}

// watched is told by the store what it sees of the owner.
func (b *standby) watched(now store.Standing) {
	b.mu.Lock()
	was, first := b.owner, !b.told
	b.owner, b.told = now, true
	b.mu.Unlock()
	if first {
		fmt.Fprintf(b.out.out, "firstline stands by.\n  owner  %s\n  state  http://%s/readyz\n", named(now), b.web.Addr())
	}
	switch {
	case now.Away: // said by the store
	case was.Away && !first:
		b.log.Info("the database is back", zap.String("owner", named(now)))
	case first || !now.Since.Equal(was.Since):
		b.log.Info("standing by", zap.String("owner", named(now)))
	}
}

// took notes that the database is ours, and reports whether we had to wait for it.
func (b *standby) took() (waited bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.ours = true
	return b.told
}

// status is why this server is not ready.
func (b *standby) status() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case b.ours || !b.told:
		return "taking over: this firstline owns the database, and is about to serve"
	case b.owner.Away:
		return "standby, the database does not answer; owner was " + named(b.owner)
	default:
		return "standby, owner is " + named(b.owner)
	}
}

func named(o store.Standing) string {
	if o.Owner == "" {
		return "nobody yet"
	}
	return o.Owner + " since " + o.Since.Format(time.RFC3339)
}

// role is the gauge of what this process is: 1 for one of the two roles.
func role(is string) prometheus.Collector {
	v := prometheus.NewGaugeVec(prometheus.GaugeOpts{
		Name: "firstline_role", Help: "Whether this process owns the calls or stands by.",
	}, []string{"role"})
	for _, r := range []string{"owner", "standby"} {
		v.WithLabelValues(r).Set(map[bool]float64{true: 1}[r == is])
	}
	return v
}

// takenOver is done when a standby has become the owner: the centre's files may
// have changed since they were read.
func (s *server) takenOver() {
	if s.standby == nil || !s.standby.took() {
		return
	}
	c, err := s.loadCentre()
	if err != nil {
		s.log.Error("the centre's files have mistakes now; the one read at the start stays in force", zap.Error(err))
		return
	}
	s.centre.set(c)
}

// port is the HTTP port for web: that of the standby, which ends, or none yet.
func (s *server) port() (net.Listener, error) {
	if s.standby == nil {
		return nil, nil
	}
	s.standby.end()
	return s.standby.web.Listener()
}
