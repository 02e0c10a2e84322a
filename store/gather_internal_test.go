package store

import (
	"testing"
	"time"
)

func TestGroupsKeepADistanceThatIsShorterWhenSomebodyWaits(t *testing.T) {
	began := time.Date(2026, 1, 5, 9, 0, 0, 0, time.UTC)
	post, awaited := &request{items: make([]item, 1)}, &request{items: make([]item, 1), done: make(chan error, 1)}
	many := &request{items: make([]item, largestGroup)}
	for _, c := range []struct {
		what    string
		pending []*request
		after   time.Duration // the beginning of the last group
		want    time.Duration // still to gather; negative: overdue
	}{
		{"nothing to write", nil, 0, 0},
		{"a post", []*request{post}, time.Millisecond, postGap - time.Millisecond},
		{"a post after a pause", []*request{post}, time.Second, postGap - time.Second},
		{"somebody waits", []*request{post, awaited}, time.Millisecond, appendGap - time.Millisecond},
		{"a full group", []*request{many}, 0, 0},
	} {
		j := &Journal{group: began}
		for _, r := range c.pending {
			j.pending = append(j.pending, r)
			j.count(r, 1)
		}
		if got := j.due(began.Add(c.after)); got != c.want {
			t.Errorf("%s: %v to gather, want %v", c.what, got, c.want)
		}
	}
}
