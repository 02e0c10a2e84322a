package media

// Stats returns the counters up to now.
func (s *Stream) Stats() Stats {
	var st Stats
	s.in.mu.Lock()
	in := &s.in
	st.PacketsReceived, st.BytesReceived = in.packets, in.octets
	if in.arrivals.started {
		st.Lost = in.arrivals.before + in.arrivals.lost()
	}
	st.Jitter = durationOf(int64(in.arrivals.jitter >> 4))
	st.RTT, st.RemoteLost, st.RemoteJitter = in.reports.rtt, in.reports.lost, in.reports.jitter
	st.Foreign, st.Malformed, st.UnknownPayload = in.drops[DropForeign], in.drops[DropMalformed], in.drops[DropPayload]
	st.OutOfWindow, st.Early = in.drops[DropSequence], in.drops[DropEarly]
	st.Locked = in.lock.locked
	if st.Locked {
		st.Source = in.lock.addr
	}
	s.in.mu.Unlock()

	s.out.mu.Lock()
	st.PacketsSent, st.BytesSent, st.SendErrors = s.out.packets, s.out.octets, s.out.errors
	s.out.mu.Unlock()

	s.events.mu.Lock()
	st.EventsDropped = s.events.dropped
	s.events.mu.Unlock()
	st.MOS = st.mos()
	return st
}

// mos is the opinion score of a G.711 leg by ITU-T G.107, simplified: delay below 177 ms costs 0.024 per ms, and
// random loss is weighed with Bpl 4.3 (G.113 appendix I, G.711 without concealment).
func (st Stats) mos() float64 {
	expected := float64(st.PacketsReceived) + float64(max(0, st.Lost))
	if st.PacketsReceived == 0 {
		return 0
	}
	loss := 100 * float64(max(0, st.Lost)) / expected
	delay := st.RTT.Seconds()*1000/2 + 2*st.Jitter.Seconds()*1000
	r := 93.2 - 0.024*delay - 95*loss/(loss+4.3)
	if delay > 177.3 {
		r -= 0.11 * (delay - 177.3)
	}
	r = min(100, max(0, r))
	return 1 + 0.035*r + r*(r-60)*(100-r)*7e-6
}
