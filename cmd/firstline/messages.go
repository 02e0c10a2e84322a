package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"strings"

	"firstline/call"
	"firstline/sip/media"
)

// recordingMedia is the key under which a recording is played on a leg.
const recordingMedia = "recording:"

// sound is what the native front end plays for a key: what is loaded, or a recording.
func (s *server) sound(m call.Media) (*media.Audio, error) {
	if id, ok := spokenOf(m); ok {
		return s.spokenAudio(id)
	}
	id, recorded := strings.CutPrefix(string(m), recordingMedia)
	if !recorded {
		return s.sounds.audio(m)
	}
	samples, err := s.recorded(context.Background(), call.RecordingID(id)) // a Play has no more to say of its context
	if err != nil {
		return nil, fmt.Errorf("%w: %w", call.ErrNoMedia, err)
	}
	return media.NewAudio(samples), nil
}

// playable makes a recording something that any leg can play.
func (s *server) playable(ctx context.Context, id call.RecordingID) (call.Media, error) {
	m := call.Media(recordingMedia + string(id))
	if s.publishSound == nil {
		return m, nil
	}
	samples, err := s.recorded(ctx, id)
	if err != nil {
		return "", err
	}
	return m, s.publishSound(m, samples)
}

// recorded is a recording's audio, both sides together, as far as it goes.
func (s *server) recorded(ctx context.Context, id call.RecordingID) ([]int16, error) {
	f, _, err := s.recordings.Open(ctx, id)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	b, err := io.ReadAll(f)
	if err != nil {
		return nil, fmt.Errorf("read recording %s: %w", id, err)
	}
	sides, err := media.ReadWAV(bytes.NewReader(b))
	if err != nil {
		return nil, fmt.Errorf("recording %s: %w", id, err)
	}
	out := make([]int16, len(sides[0]))
	for i := range out {
		sum := int32(0)
		for _, side := range sides {
			sum += int32(side[i])
		}
		out[i] = int16(max(-32768, min(sum, 32767)))
	}
	return out, nil
}
