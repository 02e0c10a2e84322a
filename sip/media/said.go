package media

import (
	"encoding/binary"
	"time"
)

// speechPeak is a peak that a quiet voice has and a quiet line does not: -36 dBFS.
const speechPeak = 520

// lastSpoken is the last sample of a stereo block that is as loud as speech, -1 for none.
// Every eighth is looked at, which no voice slips through.
func lastSpoken(b []byte) int64 {
	for i := len(b)/stereoFrame - 1; i >= 0; i -= 8 {
		for c := range 2 {
			v := int16(binary.LittleEndian.Uint16(b[i*stereoFrame+2*c:]))
			if v > speechPeak || v < -speechPeak {
				return int64(i)
			}
		}
	}
	return -1
}

// Said is when something was said last, from the start of the recording, and whether
// anything was at all, as far as it is written: a second or so behind.
func (r *Recorder) Said() (last time.Duration, ever bool) {
	r.writing.Lock()
	defer r.writing.Unlock()
	return durationOf(r.said), r.said > 0
}
