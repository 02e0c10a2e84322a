package web

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"
	"go.uber.org/zap"

	"firstline/call"
)

type fixedQueues []QueueRule

func (q fixedQueues) Queues() []QueueRule { return q }

func (fixedQueues) Zone() *time.Location { return time.UTC }

func newTestLive() *live {
	return newLive(Config{Log: zap.NewNop(), Queues: fixedQueues{{ID: "q"}}}, newMeters(time.Now()))
}

func TestSlowReaderIsDroppedAndOthersAreNot(t *testing.T) {
	l := newTestLive()
	now := time.Now()
	slow, quick := l.join(staff, "a", now), l.join(staff, "b", now)
	got := 0
	for n := range int64(2 * readerQueue) {
		l.apply([]call.Event{arrival(n+1, now)})
		l.publishOnce(now, false)
		for len(quick.frames) > 0 {
			<-quick.frames
			got++
		}
	}
	if got < 2*readerQueue {
		t.Errorf("the quick reader got %d messages, want all %d", got, 2*readerQueue)
	}
	kept := 0
	for range slow.frames { // ends only because the reader was dropped
		kept++
	}
	if kept != readerQueue {
		t.Errorf("the slow reader was dropped with %d messages unread, want %d", kept, readerQueue)
	}
	if n := testutil.ToFloat64(l.figures.dropped); n != 1 {
		t.Errorf("%v drops counted, want 1", n)
	}
	l.leave(slow) // its handler does, afterwards
	l.leave(quick)
	if n := testutil.ToFloat64(l.figures.streams); n != 0 {
		t.Errorf("%v readers left", n)
	}
}

func TestPatchesAreCoalescedToFourASecond(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newTestLive()
		ctx, cancel := context.WithCancel(t.Context())
		go l.publish(ctx)
		r := l.join(staff, "a", time.Now())
		<-r.frames // snapshot
		for n := range int64(100) {
			l.apply([]call.Event{arrival(n+1, time.Now())})
			time.Sleep(10 * time.Millisecond)
		}
		time.Sleep(publishEvery)
		synctest.Wait()
		if n := len(r.frames); n < 3 || n > 5 {
			t.Errorf("%d patches for 100 events in a second, want about 4", n)
		}
		cancel()
		synctest.Wait()
		for range r.frames { // closed: the server stops
		}
	})
}

func TestStreamEndsWhenItsPermissionDoes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newTestLive()
		tokens := &oneToken{sum: hashOf("t")}
		s := &Server{log: zap.NewNop(), live: l, door: &door{tokens: tokens, live: l}}
		req := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/api/v1/live", nil)
		req.Header.Set("Authorization", "Bearer t")
		who, err := s.door.identify(req)
		if err != nil {
			t.Fatal(err)
		}
		w := &patient{ResponseRecorder: httptest.NewRecorder()}
		began, done := time.Now(), make(chan struct{})
		go func() { defer close(done); s.stream(w, req, who) }()
		time.Sleep(recheckEvery + time.Second)
		tokens.revoked.Store(true)
		<-done
		if d := time.Since(began); d != 2*recheckEvery {
			t.Errorf("ended after %v, want at the second check, after %v", d, 2*recheckEvery)
		}
		body := w.Body.String()
		if n := strings.Count(body, "event: ping"); n != 7 && n != 8 {
			t.Errorf("%d pings in 120 s, want one each 15 s", n)
		}
		if w.deadlines < 8 {
			t.Errorf("%d write deadlines for %d messages", w.deadlines, strings.Count(body, "event: "))
		}
	})
}

func TestReaderThatTakesNothingIsLeftAtTheWriteDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newTestLive()
		s := &Server{log: zap.NewNop(), live: l, door: &door{live: l}}
		w := &patient{ResponseRecorder: httptest.NewRecorder(), stuck: true}
		began := time.Now()
		s.stream(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", nil), Who{Role: Agent})
		if d := time.Since(began); d != writeWithin || len(l.readers) != 0 {
			t.Errorf("left after %v, want at the write deadline, after %v", d, writeWithin)
		}
	})
}

type oneToken struct {
	sum     string
	revoked atomic.Bool
}

func (o *oneToken) TokenRole(_ context.Context, sum string) (Role, error) {
	if sum == o.sum && !o.revoked.Load() {
		return Agent, nil
	}
	return "", ErrNotFound
}

// patient is a response writer with deadlines; stuck, it blocks until they pass.
type patient struct {
	*httptest.ResponseRecorder
	stuck     bool
	last      time.Time
	deadlines int
}

func (p *patient) SetReadDeadline(time.Time) error { return nil }

func (p *patient) SetWriteDeadline(t time.Time) error {
	p.last = t
	p.deadlines++
	return nil
}

func (p *patient) Write(b []byte) (int, error) {
	if p.stuck {
		time.Sleep(time.Until(p.last))
		return 0, context.DeadlineExceeded
	}
	return p.ResponseRecorder.Write(b)
}

func arrival(global int64, at time.Time) call.Event {
	e := call.CallEvent(at, call.NewID(at), call.Arrived{Ticket: "T-1"})
	e.Global = global
	return e
}

// noEvents is a journal in which nothing happens.
type noEvents struct{}

func (noEvents) Read(int64) Cursor { return noEvents{} }

func (noEvents) Next(ctx context.Context) ([]call.Event, error) {
	<-ctx.Done()
	return nil, ctx.Err()
}

func TestBoardKnowsWhoWasThereBeforeItBeganToRead(t *testing.T) {
	l := newTestLive()
	l.journal = noEvents{}
	at := time.Now().Add(-72 * time.Hour)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	l.follow(ctx, []call.Event{
		call.AgentEvent(at, "ana", call.AgentSet{Name: "Ana", Device: "2001", Level: 1}),
		call.AgentEvent(at, "ana", call.PresenceChanged{Presence: call.Available}),
		call.AgentEvent(at, "ana", call.ActivityChanged{Activity: call.Idle}),
	}, 1000)
	view := l.board.View(time.Now())
	if len(view.Agents) != 1 || view.Agents[0].Name != "Ana" {
		t.Errorf("%+v", view.Agents)
	}
}
