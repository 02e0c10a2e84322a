package main

import (
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"firstline/store"
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
		gauge("firstline_journal_spooling", "1 while events go to the local disk because the database does not answer.", func() int {
			if s.journal.Status().Mode == store.Spooling {
				return 1
			}
			return 0
		}),
		gauge("firstline_journal_spooled_events", "Events on the local disk that the database does not have yet.", func() int { return s.journal.Status().Spooled }),
		gauge("firstline_journal_pending_events", "Events that are not durable yet.", func() int { return s.journal.Status().Pending }),
		gauge("firstline_rtp_port_pairs", "RTP port pairs in use, without those in quarantine.", s.media.PortsInUse),
	)
	if s.exchange.asterisk != nil {
		r.MustRegister(nodeMeters{s})
	}
	return r
}

// nodeMeters is how the Asterisk nodes are.
type nodeMeters struct{ s *server }

func (nodeMeters) descriptions() (up, calls *prometheus.Desc) {
	return prometheus.NewDesc("firstline_asterisk_node_up", "1 while the node's ARI answers.", []string{"node"}, nil),
		prometheus.NewDesc("firstline_asterisk_node_calls", "Calls on the node now.", []string{"node"}, nil)
}

// Describe implements prometheus.Collector.
func (m nodeMeters) Describe(ch chan<- *prometheus.Desc) {
	up, calls := m.descriptions()
	ch <- up
	ch <- calls
}

// Collect implements prometheus.Collector.
func (m nodeMeters) Collect(ch chan<- prometheus.Metric) {
	up, calls := m.descriptions()
	for _, n := range m.s.exchange.asterisk.Nodes() {
		answers := 0.0
		if n.Up {
			answers = 1
		}
		ch <- prometheus.MustNewConstMetric(up, prometheus.GaugeValue, answers, n.Name)
		ch <- prometheus.MustNewConstMetric(calls, prometheus.GaugeValue, float64(n.Calls), n.Name)
	}
}
