package media

import "math"

const (
	ringSamples = 2048          // 256 ms: the longest wait, the longest packet, and some earliness
	missing     = math.MinInt16 // a sample that has not come; neither law has this value

	shortestWait = frameSamples     // 20 ms
	longestWait  = 3 * frameSamples // 60 ms
	waitMargin   = frameSamples / 4 // sockets are read every 5 ms
	waitSlack    = frameSamples / 2 // 10 ms: the buffer may be this far from the wait that it wants

	transitWindow = 2 * sampleRate // samples; how even a source is counts over one to two of these
	transitJump   = 2 * sampleRate // packets further apart than this have another clock
	tooLate       = 5              // packets in a row after their time: the way has become longer for good
)

// jitter evens out what comes from one source: a packet waits 20 to 60 ms for those that take longer, the less the
// more evenly they come. Times are the engine's, in samples. The place of a sample is its RTP timestamp, and the
// instant at which it is due hangs on the packets' arrivals, so neither lateness nor a clock that goes wrong adds up.
type jitter struct {
	started bool
	epoch   uint32  // of the source: another one has another clock
	ref     uint32  // arrival less timestamp of the first packet; transits are counted from there
	transit [2]span // of this window and the last
	since   int64   // when this window began
	late    int     // packets in a row that came after their time

	playing bool
	read    uint32 // timestamp of the sample that is due
	wait    int32  // for the packet that took the shortest way

	ring [ringSamples]int16 // by timestamp
	last [frameSamples]int16
}

// span of transit times.
type span struct{ least, most int32 }

// reset forgets everything that was said.
func (j *jitter) reset() {
	j.started, j.playing = false, false
	clear(j.last[:])
}

// begin waits for a source's first packet anew; what was played fades as after a loss.
func (j *jitter) begin(at int64, epoch, ts uint32) {
	j.started, j.playing, j.late = true, false, 0
	j.epoch, j.ref, j.since, j.wait = epoch, uint32(at)-ts, at, shortestWait
	j.transit = [2]span{}
	j.read = ts - shortestWait
	for i := range j.ring {
		j.ring[i] = missing
	}
}

// put takes a packet that arrived at the given time; samples decodes its payload.
func (j *jitter) put(at int64, epoch, ts uint32, payload []byte, samples *[256]int16) {
	if !j.started || j.epoch != epoch {
		j.begin(at, epoch, ts)
	}
	transit := int32(uint32(at) - ts - j.ref)
	if least, most := j.bounds(); transit < most-transitJump || transit > least+transitJump {
		j.begin(at, epoch, ts)
		transit = 0
	}
	j.note(at, transit)
	ahead := int32(ts - j.read)
	switch {
	case int(ahead)+len(payload) <= 0:
		if j.late++; j.late < tooLate {
			return
		}
		j.begin(at, epoch, ts)
	case int(ahead)+len(payload) > ringSamples-longestWait:
		j.begin(at, epoch, ts)
	case ahead < 0:
		payload, ts = payload[-ahead:], j.read
	}
	j.late = 0
	for i, code := range payload {
		j.ring[(ts+uint32(i))%ringSamples] = samples[code]
	}
}

// bounds are the shortest and the longest transit of late.
func (j *jitter) bounds() (least, most int32) {
	return min(j.transit[0].least, j.transit[1].least), max(j.transit[0].most, j.transit[1].most)
}

func (j *jitter) note(at int64, transit int32) {
	if at-j.since >= transitWindow {
		j.transit[1] = j.transit[0]
		j.transit[0] = span{transit, transit}
		j.since = at
	}
	s := &j.transit[0]
	s.least, s.most = min(s.least, transit), max(s.most, transit)
}

// next gives the 20 ms that are due now. What is missing repeats the 20 ms before, half as loud each time.
func (j *jitter) next(now int64, frame *[frameSamples]int16) {
	if j.started {
		j.steer(now)
	}
	for i := range frame {
		v := int16(missing)
		if j.started {
			k := (j.read + uint32(i)) % ringSamples
			v, j.ring[k] = j.ring[k], missing
		}
		if v == missing {
			v = j.last[i] / 2
		}
		frame[i] = v
	}
	j.read += frameSamples
	j.last = *frame
}

// steer moves to where the wait is right, when it is more than a little off.
func (j *jitter) steer(now int64) {
	least, most := j.bounds()
	j.wait = waitFor(most-least+waitMargin, j.wait)
	due := uint32(now) - j.ref - uint32(least) - uint32(j.wait)
	off := int32(due - j.read)
	if j.playing && off >= -waitSlack && off <= waitSlack {
		return
	}
	j.playing = true
	for off = min(off, ringSamples); off > 0; off-- { // what is skipped must not be found the next time round
		j.ring[(due-uint32(off))%ringSamples] = missing
	}
	j.read = due
}

// waitFor is the wait, in whole frames, for packets that differ by need; it shrinks only when that is clear.
func waitFor(need, wait int32) int32 {
	frames := (need + frameSamples - 1) / frameSamples * frameSamples
	if frames > wait || need <= wait-frameSamples-waitMargin {
		wait = frames
	}
	return max(shortestWait, min(wait, longestWait))
}
