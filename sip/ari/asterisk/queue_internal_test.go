package asterisk

import (
	"fmt"
	"testing"
)

func TestQueueHasRoomAgainForWhatWasTaken(t *testing.T) {
	q := newQueue(3, 1<<20)
	put, taken := 0, 0
	for round := range 10000 {
		for q.put([]byte(fmt.Sprint(put))) {
			put++
		}
		if put-taken != 3 {
			t.Fatalf("%d events are in a queue for 3", put-taken)
		}
		for range 1 + round%2 {
			if b, ok := q.take(t.Context()); !ok || string(b) != fmt.Sprint(taken) {
				t.Fatalf("took %s, want %d", b, taken)
			}
			taken++
		}
	}
	if n := cap(q.events); n > 100 {
		t.Errorf("a queue for 3 events has room for %d", n)
	}
}

func TestBurstsRoomIsGivenBack(t *testing.T) {
	q := newQueue(1<<20, 1<<30)
	for range 100000 {
		q.put([]byte("x"))
	}
	for range 100000 {
		q.take(t.Context())
	}
	if n := cap(q.events); n > keptLen || q.bytes != 0 {
		t.Errorf("room for %d events and %d bytes are kept", n, q.bytes)
	}
}

func TestClosedQueueGivesWhatItHas(t *testing.T) {
	q := newQueue(3, 1<<20)
	q.put([]byte("1"))
	q.close()
	if b, ok := q.take(t.Context()); !ok || string(b) != "1" {
		t.Errorf("took %s", b)
	}
	if _, ok := q.take(t.Context()); ok {
		t.Error("took what was not put")
	}
}
