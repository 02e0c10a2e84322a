package web

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"sync"
	"time"

	"go.uber.org/zap"

	"firstline/call"
)

const (
	publishEvery = 250 * time.Millisecond // at most 4 patches a second
	slideEvery   = 5 * time.Second        // windows of figures move without events
	pingEvery    = 15 * time.Second
	recheckEvery = 60 * time.Second // a reader's permission
	writeWithin  = 5 * time.Second  // one message to one reader
	readerQueue  = 32               // messages that a reader may lag behind: 8 s of patches
	retryJournal = time.Second
)

// audience is who looks: people signed in, or a board on a wall.
type audience int

const (
	staff audience = iota
	wall
	audiences
)

// live follows the journal, keeps the board and tells its readers.
type live struct {
	log     *zap.Logger
	journal Journal
	queues  Queues
	figures *meters
	promise Promises

	mu      sync.Mutex // guards all below
	board   *Board
	dirty   bool
	reading bool // the journal could be read the last time
	readers map[*reader]struct{}
	shown   [audiences]shown
	closed  bool
}

// reader is one open stream. frames is closed, once, when it is to end.
type reader struct {
	frames chan []byte
	aud    audience
	key    string // hash of the token that let it in
}

func newLive(c Config, m *meters) *live {
	return &live{
		log: c.Log, journal: c.Journal, queues: c.Queues, figures: m, promise: c.Promises,
		board: NewBoard(c.Queues.Zone()), readers: make(map[*reader]struct{}),
	}
}

// follow applies events until ctx ends.
func (l *live) follow(ctx context.Context, seed []call.Event, after int64) {
	l.apply(seed)
	for ctx.Err() == nil {
		cursor := l.journal.Read(after)
		for {
			evs, err := cursor.Next(ctx)
			if err != nil {
				l.behind(ctx, err)
				break
			}
			l.apply(evs)
			after = l.seq()
		}
	}
}

// behind notes that the journal cannot be read, and waits a little.
func (l *live) behind(ctx context.Context, err error) {
	if ctx.Err() != nil {
		return
	}
	l.mu.Lock()
	l.reading = false
	l.mu.Unlock()
	l.log.Warn("board cannot read the journal", zap.Error(err))
	call.Pause(ctx, retryJournal)
}

func (l *live) apply(evs []call.Event) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.reading, l.dirty = true, true
	l.follows()
	for _, e := range evs {
		if err := l.board.Apply(e); err != nil {
			l.log.Warn("event does not fit the board", zap.Int64("global", e.Global), zap.Error(err))
		}
		l.figures.count(e)
	}
}

// follows brings the board to the active centre. It needs mu held.
func (l *live) follows() {
	l.board.SetQueues(l.queues.Queues())
	l.board.SetZone(l.queues.Zone())
}

func (l *live) seq() int64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.board.Seq()
}

// view is the board at now.
func (l *live) view(now time.Time) BoardView {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.viewLocked(now)
}

func (l *live) viewLocked(now time.Time) BoardView {
	l.follows()
	v := l.board.View(now)
	v.Totals.setPromises(l.promise)
	return v
}

// publish tells the readers what changed, until ctx ends; then it ends them.
func (l *live) publish(ctx context.Context) {
	tick := time.NewTicker(publishEvery)
	defer tick.Stop()
	defer l.close()
	var last time.Time
	for {
		select {
		case <-ctx.Done():
			return
		case now := <-tick.C:
			if l.publishOnce(now, now.Sub(last) >= slideEvery) {
				last = now
			}
		}
	}
}

// publishOnce sends a patch when events came in or, with slide, in any case. It
// reports whether it looked.
func (l *live) publishOnce(now time.Time, slide bool) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.readers) == 0 || !l.dirty && !slide {
		return false
	}
	l.dirty = false
	full := l.viewLocked(now)
	for aud := range audiences {
		if !l.watched(aud) { // join brings it up to date
			continue
		}
		v := full.to(aud)
		p, changed, err := l.shown[aud].patch(v)
		if err != nil {
			l.log.Error("board patch", zap.Error(err))
			continue
		}
		if changed {
			l.tell(aud, frame("patch", v.Seq, p))
		}
	}
	return true
}

func (l *live) watched(aud audience) bool {
	for r := range l.readers {
		if r.aud == aud {
			return true
		}
	}
	return false
}

// tell hands a message to all readers of an audience and drops those who lag: a
// reader that starts again with a snapshot is better than one that is told old
// things.
func (l *live) tell(aud audience, f []byte) {
	for r := range l.readers {
		if r.aud != aud {
			continue
		}
		select {
		case r.frames <- f:
		default:
			l.figures.dropped.Inc()
			l.drop(r)
		}
	}
}

// join adds a reader, whose first message is a snapshot.
func (l *live) join(aud audience, key string, now time.Time) *reader {
	l.mu.Lock()
	defer l.mu.Unlock()
	r := &reader{frames: make(chan []byte, readerQueue), aud: aud, key: key}
	if l.closed {
		close(r.frames)
		return r
	}
	// All readers of an audience share one memory of what is shown, so the
	// snapshot brings the others up to date first.
	full := l.viewLocked(now)
	for a := range audiences {
		v := full.to(a)
		if p, changed, err := l.shown[a].patch(v); err == nil && changed {
			l.tell(a, frame("patch", v.Seq, p))
		}
	}
	r.frames <- frame("snapshot", full.Seq, full.to(aud))
	l.readers[r] = struct{}{}
	l.figures.streams.Inc()
	return r
}

// leave removes a reader; leaving twice does nothing.
func (l *live) leave(r *reader) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.drop(r)
}

// kick ends the readers that were let in by a token.
func (l *live) kick(key string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for r := range l.readers {
		if r.key == key {
			l.drop(r)
		}
	}
}

func (l *live) close() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.closed = true
	for r := range l.readers {
		l.drop(r)
	}
}

// drop needs mu held.
func (l *live) drop(r *reader) {
	if _, in := l.readers[r]; in {
		delete(l.readers, r)
		close(r.frames)
		l.figures.streams.Dec()
	}
}

func (l *live) ping(now time.Time) []byte {
	l.mu.Lock()
	defer l.mu.Unlock()
	return frame("ping", l.board.Seq(), Ping{Seq: l.board.Seq(), At: call.Instant(now), Live: l.reading})
}

func (v BoardView) to(aud audience) BoardView {
	if aud == wall {
		return v.wall()
	}
	return v
}

// frame is one server-sent event. JSON has no line breaks, so one data line does.
func frame(event string, id int64, data any) []byte {
	text, err := json.Marshal(data)
	if err != nil { // our own types only: a mistake in them, found by any test
		panic(fmt.Sprintf("web: %T does not encode: %v", data, err))
	}
	var b bytes.Buffer
	b.WriteString("id: ")
	b.WriteString(strconv.FormatInt(id, 10))
	b.WriteString("\nevent: ")
	b.WriteString(event)
	b.WriteString("\ndata: ")
	b.Write(text)
	b.WriteString("\n\n")
	return b.Bytes()
}
