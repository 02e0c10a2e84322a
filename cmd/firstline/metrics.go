package main

import (
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
)

// metrics is the registry of this process: the Go runtime's own figures, and what
// must be zero when there are no calls.
func (s *server) metrics() *prometheus.Registry {
	r := prometheus.NewRegistry()
	gauge := func(name, help string, read func() int) prometheus.Collector {
		return prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: name, Help: help}, func() float64 { return float64(read()) })
	}
	r.MustRegister(
		collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
		role("owner"),
		gauge("firstline_sip_legs", "Legs now, callers' and agents'.", s.sip.Legs),
		gauge("firstline_rtp_port_pairs", "RTP port pairs in use, without those in quarantine.", s.media.PortsInUse),
	)
	return r
}
