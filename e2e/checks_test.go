//go:build e2e || load

package e2e

import (
	"slices"
	"strings"
	"testing"
	"time"

	"firstline/e2e/audit"
	"firstline/sip/media"
)

// wholeJournal checks that every event is there once and in order, and returns them all.
func wholeJournal(t *testing.T, s *office) []event {
	t.Helper()
	all := s.api.journal()
	last, next := int64(0), map[string]int64{}
	for _, e := range all {
		stream := e.Stream.Kind + "/" + e.Stream.ID
		if e.Global <= last {
			t.Errorf("event %d comes after %d", e.Global, last)
		}
		if next[stream]++; e.Seq != next[stream] {
			t.Errorf("event %d of %s has number %d, want %d", e.Global, stream, e.Seq, next[stream])
			next[stream] = e.Seq
		}
		last = e.Global
	}
	return all
}

// lostAtMost is how much talk a crash may leave without audio: a recording is
// written twice a second, and the last sign of life is as old.
const lostAtMost = 1000 // ms

// playable waits until n recordings are finished, and plays each. None is empty
// but one that a crash cut before its first audio was written.
func playable(t *testing.T, s *office, n int) {
	t.Helper()
	var rows []recording
	eventually(t, "all recordings are finished", func() bool {
		rows = s.api.recordings()
		return len(rows) == n && !slices.ContainsFunc(rows, func(r recording) bool { return r.Ended == nil })
	})
	talked := map[string]int64{}
	for _, c := range s.api.calls() {
		talked[c.ID] = c.TalkMs
	}
	for _, r := range rows {
		b := s.api.audio(r.ID)
		left, _ := wav(t, b)
		empty := len(left) == 0 && (!r.Interrupted || talked[r.Call] > lostAtMost)
		if int64(len(b)) != r.Bytes || empty || r.SHA256 != sha256Hex(b) {
			t.Errorf("recording %+v has %d bytes and %d samples", r, len(b), len(left))
		}
	}
}

// wav reads a recording's two sides.
func wav(t *testing.T, b []byte) (left, right []int16) {
	t.Helper()
	sides, err := media.ReadWAV(strings.NewReader(string(b)))
	must(t, err)
	if len(sides) != 2 || len(sides[0]) != len(sides[1]) {
		t.Fatalf("a recording of %d channels", len(sides))
	}
	return sides[0], sides[1]
}

// promises holds the whole journal, and the board, to those rules of the audit that
// do not depend on how fast this machine is.
func promises(t *testing.T, s *office) {
	t.Helper()
	r, err := audit.API{Base: s.creds.HTTP, Token: s.creds.APIToken}.Run(t.Context(), audit.Config{Slack: time.Minute})
	must(t, err)
	for _, v := range r.Violations {
		if v.Rule == audit.LostOnce || v.Rule == audit.OneTicket || v.Rule == audit.OneOutcome || v.Rule == audit.BoardIsFold {
			t.Error(v)
		}
	}
}
