package ari

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"firstline/call"
	"firstline/sip/ari/asterisk"
)

// fakePBX is an Asterisk in memory, as far as the front end can see it: channels,
// bridges, playbacks and recordings that go on when nobody is connected, and events
// that are lost then. A test cuts it off, lets answers get lost, or restarts it.
type fakePBX struct {
	faults sync.Mutex            // guards fault
	fault  func(op string) fault // what becomes of the next request; nil: nothing happens to it
	// events says how often an event arrives: 0 loses it, 2 doubles it; nil: once.
	events func(e asterisk.Event) int

	mu       sync.Mutex    // guards what follows
	reach    chan struct{} // closed while it can be reached
	refusing bool          // while it cannot: nobody listens there
	drop     chan struct{} // closed to end the connection
	replaced bool          // somebody else has the application
	attached bool          // the application is connected: events are kept for it
	queue    []asterisk.Event
	some     chan struct{} // something is in the queue
	started  time.Time
	seq      int
	channels map[string]*fakeChannel
	bridges  map[string]*fakeBridge
	plays    map[string]*fakePlay
	live     map[string]*fakeLive
	stored   map[string][]byte
	phones   map[string]*fakePhone
	fellBack []string // channels that went to the fallback
	dials    map[string]int
}

// fault is what becomes of a request.
type fault int

const (
	fine fault = iota
	requestLost
	answerLost
)

type fakeChannel struct {
	asterisk.Channel
	inbound bool
	dialled bool
	held    bool
	ended   bool
	cause   int // said at the hang-up, from either side
	byUs    bool
	play    *fakePlay
	music   string
	known   string // the variable FIRSTLINE_CALL
	sentTo  string // endpoint that the far end was asked to go to
	spies   string // channel that a snoop listens to
	spy     string // what of it: in, out, both
	whisper string // where what the snoop hears goes: out is to the channel's far end
	phone   *fakePhone
}

type fakePlay struct {
	asterisk.Playback
	channel string
	uris    []string
	began   time.Time
	end     *time.Timer
}

// now is what plays now.
func (p *fakePlay) now() string {
	at := time.Since(p.began)
	for _, uri := range p.uris {
		if at -= fakeLength(uri); at < 0 {
			return uri
		}
	}
	return ""
}

type fakeBridge struct{ asterisk.Bridge }

func (b *fakeBridge) copied() asterisk.Bridge {
	c := b.Bridge
	c.Channels = slices.Clone(b.Channels)
	return c
}

type fakeLive struct {
	asterisk.LiveRecording
	began time.Time
	muted bool
}

func newFakePBX() *fakePBX {
	f := &fakePBX{
		reach: make(chan struct{}), drop: make(chan struct{}), some: make(chan struct{}, 1), started: time.Now(),
		channels: map[string]*fakeChannel{}, bridges: map[string]*fakeBridge{}, plays: map[string]*fakePlay{},
		live: map[string]*fakeLive{}, stored: map[string][]byte{}, phones: map[string]*fakePhone{}, dials: map[string]int{},
	}
	close(f.reach)
	return f
}

// Run is the event socket.
func (f *fakePBX) Run(ctx context.Context, h asterisk.Handler) error {
	for {
		f.mu.Lock()
		reach := f.reach
		f.mu.Unlock()
		select {
		case <-reach:
		case <-time.After(500 * time.Millisecond): // an attempt
			if f.isRefusing() {
				h.Unreached(fmt.Errorf("%w: %w", asterisk.ErrAway, syscall.ECONNREFUSED))
			}
			continue
		case <-ctx.Done():
			return nil
		}
		f.mu.Lock()
		f.attached, f.queue = true, nil
		drop := f.drop
		f.mu.Unlock()
		conn, end := context.WithCancel(ctx)
		stop := make(chan struct{})
		go func() { // the connection ends when it is cut
			defer close(stop)
			select {
			case <-drop:
				end()
			case <-conn.Done():
			}
		}()
		h.Connected(conn)
		f.deliver(conn, h)
		end()
		<-stop
		f.mu.Lock()
		f.attached = false
		f.mu.Unlock()
		h.Disconnected(fmt.Errorf("cut: %w", asterisk.ErrAway))
		f.mu.Lock()
		replaced := f.replaced
		f.mu.Unlock()
		if replaced {
			return asterisk.ErrReplaced
		}
		if !call.Pause(ctx, 100*time.Millisecond) {
			return nil
		}
	}
}

func (f *fakePBX) deliver(ctx context.Context, h asterisk.Handler) {
	for {
		f.mu.Lock()
		queue := f.queue
		f.queue = nil
		f.mu.Unlock()
		for _, e := range queue {
			h.Event(e)
		}
		if len(queue) > 0 {
			continue
		}
		select {
		case <-f.some:
		case <-ctx.Done():
			return
		}
	}
}

// emit sends an event; the mutex is held.
func (f *fakePBX) emit(e asterisk.Event) {
	if !f.attached {
		return
	}
	times := 1
	if f.events != nil {
		times = f.events(e)
	}
	for range times {
		f.queue = append(f.queue, e)
	}
	select {
	case f.some <- struct{}{}:
	default:
	}
}

// cut makes it unreachable for a while; what happens meanwhile is not told.
func (f *fakePBX) cut(d time.Duration) {
	f.mu.Lock()
	f.unreachable()
	f.mu.Unlock()
	time.Sleep(d)
	f.mu.Lock()
	defer f.mu.Unlock()
	f.reachable()
}

func (f *fakePBX) isRefusing() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.refusing
}

func (f *fakePBX) unreachable() {
	if isOpen(f.reach) {
		return
	}
	f.reach = make(chan struct{})
	close(f.drop)
	f.attached = false
}

func (f *fakePBX) reachable() {
	if isOpen(f.reach) {
		f.drop = make(chan struct{})
		close(f.reach)
	}
}

// replace is another process that takes the application over.
func (f *fakePBX) replace() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.replaced = true
	f.unreachable()
}

// restart kills it and starts it again: nothing but what is on its disk is left.
func (f *fakePBX) restart(down time.Duration) {
	f.mu.Lock()
	f.unreachable()
	for _, c := range f.channels {
		c.ended = true
		if c.phone != nil {
			c.phone.ring = nil
		}
	}
	f.channels, f.bridges, f.plays = map[string]*fakeChannel{}, map[string]*fakeBridge{}, map[string]*fakePlay{}
	for name, l := range f.live {
		f.stored[name] = l.audio()
	}
	f.live = map[string]*fakeLive{}
	f.mu.Unlock()
	time.Sleep(down)
	f.mu.Lock()
	defer f.mu.Unlock()
	f.started = time.Now()
	f.reachable()
}

// do is one request.
func (f *fakePBX) do(ctx context.Context, op string, work func() error) error {
	verdict := f.verdict(op)
	if !call.Pause(ctx, time.Millisecond) {
		return context.Cause(ctx)
	}
	f.mu.Lock()
	away := isOpen(f.reach)
	var err error
	if !away && verdict != requestLost {
		err = work()
	}
	f.mu.Unlock()
	if !call.Pause(ctx, time.Millisecond) {
		return context.Cause(ctx)
	}
	if away || verdict != fine {
		return fmt.Errorf("%s: %w", op, asterisk.ErrAway)
	}
	return err
}

func (f *fakePBX) verdict(op string) fault {
	f.faults.Lock()
	defer f.faults.Unlock()
	if f.fault == nil {
		return fine
	}
	return f.fault(op)
}

// losing sets how often events arrive from now on.
func (f *fakePBX) losing(events func(asterisk.Event) int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.events = events
}

// failing sets what becomes of requests from now on.
func (f *fakePBX) failing(fault func(op string) fault) {
	f.faults.Lock()
	defer f.faults.Unlock()
	f.fault = fault
}

func (f *fakePBX) head(kind string) asterisk.Head {
	return asterisk.Head{Type: kind, Application: "firstline", Timestamp: asterisk.Time{Time: time.Now()}}
}

// channel finds a channel that takes verbs; the mutex is held.
func (f *fakePBX) channel(id string) (*fakeChannel, error) {
	c := f.channels[id]
	switch {
	case c == nil:
		return nil, asterisk.ErrNotFound
	case !inApp(&c.Channel, "firstline"):
		return nil, asterisk.ErrState
	}
	return c, nil
}

// newChannel makes a channel; the mutex is held.
func (f *fakePBX) newChannel(id, name, state string) *fakeChannel {
	f.seq++
	if id == "" {
		id = fmt.Sprintf("fake-%d.%d", time.Now().Unix(), f.seq)
	}
	c := &fakeChannel{Channel: asterisk.Channel{
		ID: id, Name: fmt.Sprintf("%s-%08x", name, f.seq), State: state, ProtocolID: fmt.Sprintf("call-%d", f.seq),
		CreationTime: asterisk.Time{Time: time.Now()},
	}}
	f.channels[id] = c
	return c
}

// enter puts a channel into the application; the mutex is held.
func (f *fakePBX) enter(c *fakeChannel, args ...string) {
	c.Dialplan.AppName = "Stasis"
	c.Dialplan.AppData = strings.Join(append([]string{"firstline"}, args...), ",")
	f.emit(asterisk.StasisStart{Head: f.head("StasisStart"), Args: args, Channel: c.Channel})
}

// hangUp ends a channel; the mutex is held.
func (f *fakePBX) hangUp(c *fakeChannel, q850, status int, byUs bool) {
	if c.ended {
		return
	}
	c.ended, c.cause, c.byUs = true, q850, byUs
	f.stopPlay(c, "failed")
	if c.phone != nil && c.phone.ring == c {
		c.phone.ring = nil
	}
	f.emit(asterisk.ChannelHangupRequest{Head: f.head("ChannelHangupRequest"), Cause: q850, Soft: byUs, Channel: c.Channel})
	f.leaveBridges(c.ID)
	was := inApp(&c.Channel, "firstline")
	for _, s := range f.channels {
		if s.spies == c.ID {
			f.hangUp(s, 16, 0, false)
		}
	}
	for name, l := range f.live {
		if l.Target == "channel:"+c.ID {
			f.endLive(name)
		}
	}
	delete(f.channels, c.ID)
	if was {
		f.emit(asterisk.StasisEnd{Head: f.head("StasisEnd"), Channel: c.Channel})
	}
	if !c.inbound && c.spies == "" {
		f.emit(asterisk.ChannelDestroyed{Head: f.head("ChannelDestroyed"), Cause: q850, TechCause: status, Channel: c.Channel})
	}
}

func (f *fakePBX) leaveBridges(id string) {
	for _, b := range f.bridges {
		b.Channels = slices.DeleteFunc(b.Channels, func(c string) bool { return c == id })
	}
}

// stopPlay ends what plays on a channel; the mutex is held.
func (f *fakePBX) stopPlay(c *fakeChannel, state string) {
	p := c.play
	if p == nil {
		return
	}
	p.end.Stop()
	c.play = nil
	delete(f.plays, p.ID)
	p.State = state
	f.emit(asterisk.PlaybackFinished{Head: f.head("PlaybackFinished"), Playback: p.Playback})
}

func (l *fakeLive) audio() []byte {
	return make([]byte, 2*samplesIn(time.Since(l.began)))
}

// endLive stores a live recording; the mutex is held.
func (f *fakePBX) endLive(name string) {
	l := f.live[name]
	delete(f.live, name)
	f.stored[name] = append(f.stored[name], l.audio()...)
	l.State = "done"
	f.emit(asterisk.RecordingFinished{Head: f.head("RecordingFinished"), Recording: l.LiveRecording})
}
