package sip

import (
	"context"
	"fmt"

	"firstline/call"
	"firstline/sip/media"
)

// Play plays sounds in order.
func (l *leg) Play(ctx context.Context, keys ...call.Media) error {
	pb, err := l.play(keys)
	if err != nil {
		return err
	}
	return l.await(ctx, pb)
}

func (l *leg) play(keys []call.Media) (*media.Playback, error) {
	if err := l.ready(); err != nil {
		return nil, err
	}
	audio := make([]*media.Audio, 0, len(keys))
	for _, k := range keys {
		a, err := l.sounds(k)
		if err != nil {
			return nil, fmt.Errorf("sip: play %s: %w", k, err)
		}
		audio = append(audio, a)
	}
	l.quiet()
	return l.stream.Play(audio...), nil
}

// await waits for a playback's end, and stops it when ctx or the leg ends first.
func (l *leg) await(ctx context.Context, pb *media.Playback) error {
	select {
	case <-pb.Done():
		return l.verb(nil)
	case <-ctx.Done():
		pb.Stop()
		return l.verb(context.Cause(ctx))
	case <-l.ctx.Done():
		return context.Cause(l.ctx)
	}
}

// Collect plays prompts and gathers digits.
func (l *leg) Collect(ctx context.Context, c call.Collect) (call.Collected, error) {
	if err := l.ready(); err != nil {
		return call.Collected{}, err
	}
	if c.Fresh {
		l.keys.Clear()
	}
	if err := l.prompt(ctx, c); err != nil {
		return call.Collected{}, err
	}
	got, err := l.keys.Gather(ctx, l.ctx, c)
	return got, l.verb(err)
}

// prompt plays a Collect's prompts until a digit is there, or to their end when they are not to be interrupted.
func (l *leg) prompt(ctx context.Context, c call.Collect) error {
	if len(c.Prompts) == 0 || !c.Uninterrupted && l.keys.Len() > 0 {
		return nil
	}
	pb, err := l.play(c.Prompts)
	if err != nil {
		return err
	}
	if c.Uninterrupted {
		return l.await(ctx, pb)
	}
	for {
		select {
		case <-pb.Done():
			return nil
		case <-l.keys.Came():
			if l.keys.Len() > 0 {
				pb.Stop()
				return nil
			}
		case <-ctx.Done():
			pb.Stop()
			return l.verb(context.Cause(ctx))
		case <-l.ctx.Done():
			return context.Cause(l.ctx)
		}
	}
}

// Hold plays music in a loop.
func (l *leg) Hold(_ context.Context, music call.Media) error {
	if err := l.ready(); err != nil {
		return err
	}
	a, err := l.sounds(music)
	if err != nil {
		return fmt.Errorf("sip: hold with %s: %w", music, err)
	}
	l.stream.Stop()
	l.stream.Music(a)
	return nil
}

// Quiet stops music.
func (l *leg) Quiet(context.Context) error {
	if err := l.ready(); err != nil {
		return err
	}
	l.quiet()
	return nil
}

// quiet ends music, and keeps packets flowing where no bridge does.
func (l *leg) quiet() {
	l.mu.Lock()
	bridged := l.bridge != nil
	l.mu.Unlock()
	if bridged {
		l.stream.Stop()
	} else {
		l.stream.Silence()
	}
}

// SendDTMF sends RFC 4733 digits.
func (l *leg) SendDTMF(ctx context.Context, digits string) error {
	if err := l.ready(); err != nil {
		return err
	}
	return l.verb(l.stream.SendDTMF(ctx, digits))
}
