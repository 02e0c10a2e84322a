package ari

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"firstline/call"
	"firstline/sip/ari/asterisk"
)

// playback is something that plays to a leg.
type playback struct {
	id     string        // changed only by the goroutine that plays
	length time.Duration // 0: not known
	begun  atomic.Bool   // Asterisk has taken it
	done   chan struct{}

	once   sync.Once
	failed bool // read it after done
}

func (p *playback) finish(failed bool) {
	p.once.Do(func() { p.failed = failed; close(p.done) })
}

// Play plays sounds in order.
func (l *leg) Play(ctx context.Context, keys ...call.Media) error {
	p, err := l.play(ctx, keys)
	if err != nil || p == nil {
		return err
	}
	return l.await(ctx, p, nil)
}

// play starts to play; nil when there is nothing to play.
func (l *leg) play(ctx context.Context, keys []call.Media) (*playback, error) {
	if err := l.ready(); err != nil {
		return nil, err
	}
	uris, length, err := l.node.front.uris(keys)
	if err != nil || len(uris) == 0 {
		return nil, err
	}
	if err := l.hush(ctx); err != nil {
		return nil, err
	}
	p := &playback{id: l.nextPlay(), length: length, done: make(chan struct{})}
	l.node.watch(p)
	err = l.verb(ctx, func(ctx context.Context, again bool) error {
		if again { // it may play already, and would be heard twice
			if err := l.node.pbx.StopPlayback(ctx, p.id); err != nil {
				return err
			}
			l.node.unwatch(p)
			p.id = l.nextPlay() // the end of the first is not the end of this one
			l.node.watch(p)
		}
		_, err := l.node.pbx.Play(ctx, l.channel, p.id, uris...)
		return err
	})
	if err != nil {
		l.node.unwatch(p)
		return nil, fmt.Errorf("ari: play %s: %w", keys, err)
	}
	p.begun.Store(true)
	return p, nil
}

// uris maps keys to what Asterisk plays, all or none.
func (f *FrontEnd) uris(keys []call.Media) (uris []string, length time.Duration, err error) {
	known := true
	for _, k := range keys {
		uri, d, ok := f.cfg.Sounds.URI(k)
		if !ok || strings.HasPrefix(uri, musicScheme) {
			return nil, 0, fmt.Errorf("ari: play %s: %w", k, call.ErrNoMedia)
		}
		uris = append(uris, uri)
		length += d
		known = known && d > 0
	}
	if !known {
		length = 0
	}
	return uris, length, nil
}

func (l *leg) nextPlay() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.plays++
	return playbackName(l.channel, l.plays)
}

func (n *node) watch(p *playback) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.plays[p.id] = p
}

func (n *node) unwatch(p *playback) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.plays[p.id] == p {
		delete(n.plays, p.id)
	}
}

// await waits for a playback's end, and stops it when ctx ends first, or when
// somebody keys, which a nil keyed does not look at.
func (l *leg) await(ctx context.Context, p *playback, keyed <-chan struct{}) error {
	defer l.node.unwatch(p)
	late := time.NewTimer(p.length + lookAgain)
	defer late.Stop()
	for {
		select {
		case <-p.done:
			return l.played(ctx, p)
		case <-keyed:
			if l.keys.Len() > 0 {
				l.stop(p)
				return nil
			}
		case <-late.C: // the event that says so may be lost
			l.node.resync(l.ctx, p)
			late.Reset(lookAgain)
		case <-ctx.Done():
			l.stop(p)
			return cmp.Or(l.cause(), context.Cause(ctx))
		case <-l.ctx.Done():
			return context.Cause(l.ctx)
		}
	}
}

// lookAgain is how long after its time a playback is asked for.
const lookAgain = 5 * time.Second

// played is what became of a playback that is over. Asterisk calls one that a
// hang-up ended failed, and that is said a moment before the hang-up is.
func (l *leg) played(ctx context.Context, p *playback) error {
	if !p.failed {
		return l.cause()
	}
	err := fmt.Errorf("%w: Asterisk could not play it", call.ErrNoMedia)
	if e := l.lookFor(ctx, err); l.ctx.Err() != nil || !errors.Is(e, call.ErrState) {
		return e
	}
	return err
}

// cause is why the leg ended; nil while it lives.
func (l *leg) cause() error { return context.Cause(l.ctx) }

// stop ends a playback that nobody wants to hear any more.
func (l *leg) stop(p *playback) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(l.ctx), goodbye)
	defer cancel()
	if l.node.isBack() && l.node.pbx.StopPlayback(ctx, p.id) == nil {
		return
	}
	l.node.debts.owe("playback "+p.id, func(ctx context.Context) error { return l.node.pbx.StopPlayback(ctx, p.id) })
}

// hush ends music and whatever a process before us left playing, and waits until
// a bridge that ended has let the leg go.
func (l *leg) hush(ctx context.Context) error {
	if err := l.parted(ctx); err != nil {
		return err
	}
	l.mu.Lock()
	inherits, music := l.inherits, l.music != "" || l.inherits
	l.mu.Unlock()
	if !music {
		return nil
	}
	err := l.verb(ctx, func(ctx context.Context, _ bool) error {
		for i := range playbacksKept {
			if !inherits {
				break
			}
			if err := l.node.pbx.StopPlayback(ctx, playbackName(l.channel, i)); err != nil {
				return err
			}
		}
		return l.node.pbx.StopMOH(ctx, l.channel)
	})
	if err != nil {
		return err
	}
	l.mu.Lock()
	l.inherits, l.music = false, ""
	l.mu.Unlock()
	return nil
}

// musicScheme marks what Sounds gives as a class of music on hold.
const musicScheme = "moh:"

// class is the class of music on hold behind a key.
func (f *FrontEnd) class(music call.Media) (string, error) {
	uri, _, ok := f.cfg.Sounds.URI(music)
	class, moh := strings.CutPrefix(uri, musicScheme)
	if !ok || !moh {
		return "", fmt.Errorf("ari: music %s: %w", music, call.ErrNoMedia)
	}
	return class, nil
}

// Hold starts music. Asterisk goes on where it stopped on this channel.
func (l *leg) Hold(ctx context.Context, music call.Media) error {
	if err := l.ready(); err != nil {
		return err
	}
	class, err := l.node.front.class(music)
	if err != nil {
		return err
	}
	if l.hears(class) {
		return nil
	}
	if err := l.hush(ctx); err != nil {
		return err
	}
	// Until Asterisk has answered, music may play or not. A request that was given
	// up half-way could start it after everything else, in the middle of a talk:
	// so it is seen through, whatever becomes of ctx.
	l.musicIs(true, "")
	err = l.verb(ctx, func(ctx context.Context, _ bool) error {
		return l.node.pbx.StartMOH(context.WithoutCancel(ctx), l.channel, class)
	})
	if err != nil {
		return err
	}
	l.musicIs(false, class)
	return nil
}

// musicIs takes note of the music that plays, or that some may.
func (l *leg) musicIs(perhaps bool, class string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.inherits, l.music = perhaps, class
}

func (l *leg) hears(class string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.music == class && !l.inherits
}

// Quiet stops music.
func (l *leg) Quiet(ctx context.Context) error {
	if err := l.ready(); err != nil {
		return err
	}
	return l.hush(ctx)
}

// keyLength is how long a digit that we send lasts, and the pause after it.
const keyLength = 100 * time.Millisecond

// SendDTMF sends digits, and returns when Asterisk must be done with them.
func (l *leg) SendDTMF(ctx context.Context, keys string) error {
	if err := l.ready(); err != nil {
		return err
	}
	if keys == "" || !only(keys, digits+"*#ABCD") {
		return fmt.Errorf("ari: %q are not digits to send", keys)
	}
	err := l.verb(ctx, func(ctx context.Context, again bool) error {
		if again {
			return errors.New("ari: whether the digits were sent is not known") // twice would be another number
		}
		return l.node.pbx.SendDTMF(ctx, l.channel, keys, keyLength, keyLength)
	})
	if err != nil {
		return err
	}
	t := time.NewTimer(time.Duration(len(keys)) * 2 * keyLength)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-l.ctx.Done():
		return context.Cause(l.ctx)
	}
}

// resync looks whether a playback is over whose end may have been missed. That
// its leg is over would be known already.
func (n *node) resync(ctx context.Context, p *playback) {
	if !p.begun.Load() || !n.isBack() {
		return
	}
	if _, err := n.pbx.Playback(ctx, p.id); errors.Is(err, asterisk.ErrNotFound) {
		p.finish(false)
	}
}
