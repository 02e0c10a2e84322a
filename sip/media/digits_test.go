package media

import (
	"strconv"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// press is one telephone-event packet in a test.
type press struct {
	after    time.Duration
	ssrc, ts uint32
	code     uint8
	end      bool
	duration uint16
}

func TestDigits(t *testing.T) {
	const ms = time.Millisecond
	key := func(ts uint32, code uint8) []press { // a complete press of 100 ms
		var p []press
		for d := uint16(160); d < 800; d += 160 {
			p = append(p, press{20 * ms, 1, ts, code, false, d})
		}
		return append(p, press{20 * ms, 1, ts, code, true, 800}, press{0, 1, ts, code, true, 800}, press{0, 1, ts, code, true, 800})
	}
	join := func(parts ...[]press) (all []press) {
		for _, p := range parts {
			all = append(all, p...)
		}
		return all
	}
	for name, c := range map[string]struct {
		in   []press
		want string // start and end: "5" "/100"
	}{
		"a press is one start and one end, though the end comes three times": {key(1000, 5), "5/100 "},
		"the same digit twice is two presses":                                {join(key(1000, 5), key(2600, 5)), "5/100 5/100 "},
		"all packets but one end lost":                                       {[]press{{0, 1, 1000, 11, true, 800}}, "#/100 "},
		"only the first packet arrived":                                      {[]press{{0, 1, 1000, 10, false, 160}}, "*/20 "},
		"ends lost, next digit comes":                                        {join(key(1000, 1)[:3], key(2600, 2)), "1/60 2/100 "},
		"first packets lost":                                                 {key(1000, 3)[2:], "3/100 "},
		"a duplicate of every packet": {
			[]press{{0, 1, 9, 1, false, 160}, {0, 1, 9, 1, false, 160}, {0, 1, 9, 1, true, 320}, {0, 1, 9, 1, true, 320}}, "1/40 ",
		},
		"a straggler of the last digit after the next began": {
			join(key(1000, 1), key(2600, 2)[:2], []press{{0, 1, 1000, 1, true, 800}}, key(2600, 2)[2:]), "1/100 2/100 ",
		},
		"updates after the end": {join(key(1000, 1), []press{{0, 1, 1000, 1, false, 640}}), "1/100 "},
		"another SSRC with the same timestamp": {
			join(key(1000, 1), []press{{0, 2, 1000, 1, true, 800}}), "1/100 1/100 ",
		},
		"timestamp wraps between digits": {join(key(1<<32-100, 7), key(1500, 7)), "7/100 7/100 "},
		"a press longer than one segment": {
			[]press{{0, 1, 1000, 4, false, 65535}, {20 * ms, 1, 66535, 4, false, 160}, {0, 1, 66535, 4, true, 320}, {0, 1, 66535, 4, true, 320}},
			"4/8231 ",
		},
		"flash is no digit": {[]press{{0, 1, 1000, 16, true, 800}}, ""},
		"letters":           {join(key(1000, 12), key(2600, 15)), "A/100 D/100 "},
	} {
		t.Run(name, func(t *testing.T) {
			var d digitDetector
			now, got := time.Now(), ""
			note := func(r digitReport) {
				for _, e := range r.list() {
					if e.Kind == DigitStart {
						got += string(e.Digit)
					} else {
						got += "/" + cmpMillis(e.Duration) + " "
					}
				}
			}
			for _, p := range c.in {
				now = now.Add(p.after)
				h := header{ssrc: p.ssrc, ts: p.ts}
				note(d.packet(now, &h, telephoneEvent{code: p.code, end: p.end, duration: p.duration}))
			}
			note(d.expire(now.Add(digitExpiry)))
			note(d.expire(now.Add(2 * digitExpiry)))
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func cmpMillis(d time.Duration) string { return strconv.FormatInt(d.Milliseconds(), 10) }
