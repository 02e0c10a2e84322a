package web

import (
	"slices"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"firstline/call"
	"firstline/tickets/clock"
)

// meters is the figures for Prometheus, computed as a reader of events. Labels
// are bounded: queues and outcomes, never calls or numbers.
type meters struct {
	began   time.Time // older events are history that was counted before
	calls   *prometheus.CounterVec
	wait    *prometheus.HistogramVec
	lost    *prometheus.CounterVec
	backs   *prometheus.CounterVec
	tries   map[call.EntryID]bool // entries of callbacks, which are no caller's wait
	panics  prometheus.Counter
	warned  *prometheus.CounterVec
	streams prometheus.Gauge
	dropped prometheus.Counter
}

func newMeters(began time.Time) *meters {
	return &meters{
		began: began,
		calls: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "firstline_calls_total", Help: "Calls that ended, by outcome.",
		}, []string{"outcome"}),
		wait: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "firstline_queue_wait_seconds", Help: "Wait of queue entries that ended, by queue and whether an agent answered.",
			Buckets: []float64{5, 10, 15, 20, 30, 45, 60, 90, 120, 180, 300, 600},
		}, []string{"queue", "answered"}),
		lost: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "firstline_lost_callers_ended_total", Help: "Callers who came off the list of lost callers, by how.",
		}, []string{"end"}),
		backs: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "firstline_callbacks_ended_total", Help: "Requests to be called back that ended, by how.",
		}, []string{"end"}),
		tries: make(map[call.EntryID]bool),
		panics: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "firstline_panics_total", Help: "Conversations ended by the panic button.",
		}),
		warned: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "firstline_ticket_promises_total", Help: "Promises of tickets that were warned of, and that were missed.",
		}, []string{"clock", "said"}),
		streams: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "firstline_live_readers", Help: "Open live streams.",
		}),
		dropped: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "firstline_live_drops_total", Help: "Live streams ended because their reader was too slow.",
		}),
	}
}

func (m *meters) register(r prometheus.Registerer, l *live) error {
	for _, c := range []prometheus.Collector{m.calls, m.wait, m.lost, m.backs, m.panics, m.warned, m.streams, m.dropped, newGauges(l)} {
		if err := r.Register(c); err != nil {
			return err
		}
	}
	return nil
}

// count is given every event in order.
func (m *meters) count(e call.Event) {
	if e.At.Before(m.began) {
		return
	}
	switch b := e.Body.(type) {
	case call.Ended:
		m.calls.WithLabelValues(outcomeLabel(b.Outcome)).Inc()
	case call.QueueJoined:
		if b.Callback != "" {
			m.tries[b.Entry] = true
		}
	case call.QueueLeft:
		if m.tries[b.Entry] {
			delete(m.tries, b.Entry)
			return
		}
		answered := "no"
		if b.Outcome == call.OutcomeAnswered {
			answered = "yes"
		}
		m.wait.WithLabelValues(string(b.Queue), answered).Observe(b.Wait.Seconds())
	case call.LostEnded:
		m.lost.WithLabelValues(endLabel(b.End)).Inc()
	case call.CallbackClosed:
		m.backs.WithLabelValues(backLabel(b.End)).Inc()
	case call.Panicked:
		m.panics.Inc()
	case call.TicketWarned:
		m.warned.WithLabelValues(clockLabel(b.Clock), map[bool]string{true: "missed", false: "warned"}[b.Percent >= clock.Whole]).Inc()
	}
}

func outcomeLabel(o call.Outcome) string {
	switch o {
	case call.OutcomeAnswered, call.OutcomeAbandonedShort, call.OutcomeAbandoned, call.OutcomeTimeoutOverflow,
		call.OutcomeEmpty, call.OutcomeExitKey, call.OutcomeCallbackTaken, call.OutcomeVoicemail,
		call.OutcomeDeflected, call.OutcomeWithdrawn, call.OutcomeMoved, call.OutcomeSystemFailed,
		call.OutcomeEndedInFlow, call.OutcomeClosed, call.OutcomeBlocked, call.OutcomeRoutedOut, call.OutcomeNoCapacity, call.OutcomeNotReached:
		return string(o)
	}
	return "other"
}

func backLabel(e call.CallbackEnd) string {
	if slices.Contains(call.CallbackEnds(), e) {
		return string(e)
	}
	return "other"
}

func clockLabel(kind string) string {
	if slices.Contains(clock.Kinds(), clock.Kind(kind)) {
		return kind
	}
	return "other"
}

func endLabel(e call.LostEnd) string {
	if slices.Contains(call.LostEnds(), e) {
		return string(e)
	}
	return "other"
}

// gauges reads the board when asked.
type gauges struct {
	live                           *live
	open, waiting, longest, agents *prometheus.Desc
	level, target, within          *prometheus.Desc
	lost, oldest, backs            *prometheus.Desc
	tickets, late                  *prometheus.Desc
}

func newGauges(l *live) *gauges {
	return &gauges{
		live:    l,
		open:    prometheus.NewDesc("firstline_calls_open", "Calls now, by state.", []string{"state"}, nil),
		waiting: prometheus.NewDesc("firstline_queue_waiting", "Calls waiting now.", []string{"queue"}, nil),
		longest: prometheus.NewDesc("firstline_queue_longest_wait_seconds", "Longest wait now.", []string{"queue"}, nil),
		agents:  prometheus.NewDesc("firstline_agents", "Agents now, by state.", []string{"state"}, nil),
		level:   prometheus.NewDesc("firstline_queue_service_level_percent", "Service level of the last 30 minutes; absent while nothing counts.", []string{"queue"}, nil),
		target:  prometheus.NewDesc("firstline_queue_target_percent", "Service level that the queue promises.", []string{"queue"}, nil),
		within:  prometheus.NewDesc("firstline_queue_target_seconds", "Wait within which an answer counts for the service level.", []string{"queue"}, nil),
		lost:    prometheus.NewDesc("firstline_lost_callers_open", "Callers to call back now.", nil, nil),
		backs:   prometheus.NewDesc("firstline_callbacks_open", "Requests to be called back that are open, by queue.", []string{"queue"}, nil),
		tickets: prometheus.NewDesc("firstline_tickets_open", "Tickets that are not over.", nil, nil),
		late:    prometheus.NewDesc("firstline_tickets_late", "Open tickets with a promise that is missed and still runs.", nil, nil),
		oldest:  prometheus.NewDesc("firstline_lost_callers_oldest_seconds", "Time since the arrival of the caller who is owed a call the longest.", nil, nil),
	}
}

// Describe implements prometheus.Collector.
func (g *gauges) Describe(ch chan<- *prometheus.Desc) {
	ch <- g.open
	ch <- g.waiting
	ch <- g.longest
	ch <- g.agents
	ch <- g.level
	ch <- g.target
	ch <- g.within
	ch <- g.lost
	ch <- g.oldest
	ch <- g.backs
	ch <- g.tickets
	ch <- g.late
}

// Collect implements prometheus.Collector.
func (g *gauges) Collect(ch chan<- prometheus.Metric) {
	v := g.live.view(time.Now())
	send := func(d *prometheus.Desc, value float64, labels ...string) {
		ch <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, value, labels...)
	}
	oldest := 0.0
	if v.Totals.LostSince != nil {
		oldest = v.At.Sub(*v.Totals.LostSince).Seconds()
	}
	send(g.lost, float64(v.Totals.LostOpen))
	send(g.oldest, oldest)
	send(g.tickets, float64(v.Totals.TicketsOpen))
	send(g.late, float64(v.Totals.TicketsLate))
	for _, q := range v.Queues {
		send(g.waiting, float64(q.Waiting), string(q.ID))
		send(g.backs, float64(q.CallbacksOpen), string(q.ID))
		longest := 0.0
		if q.LongestSince != nil {
			longest = v.At.Sub(*q.LongestSince).Seconds()
		}
		send(g.longest, longest, string(q.ID))
		send(g.target, q.TargetPercent, string(q.ID))
		send(g.within, float64(q.TargetMs)/1000, string(q.ID))
		if q.ServiceLevel30m != nil {
			send(g.level, *q.ServiceLevel30m, string(q.ID))
		}
	}
	states := map[CallState]int{CallInFlow: 0, CallWaiting: 0, CallRinging: 0, CallTalking: 0, CallOnHold: 0}
	for _, c := range v.Calls {
		states[c.State]++
	}
	for s, n := range states {
		send(g.open, float64(n), string(s))
	}
	a := v.Totals.Agents
	send(g.agents, float64(a.Available), string(AgentAvailable))
	send(g.agents, float64(a.Ringing), string(AgentRinging))
	send(g.agents, float64(a.Talking), string(AgentTalking))
	send(g.agents, float64(a.WrapUp), string(AgentWrapUp))
	send(g.agents, float64(a.Break), string(AgentOnBreak))
	send(g.agents, float64(a.Unreachable), string(AgentUnreachable))
	send(g.agents, float64(a.Offline), string(AgentOffline))
}
