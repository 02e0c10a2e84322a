package main

import (
	"bytes"
	"fmt"

	"firstline/call"
	"firstline/ivr/prompts"
	"firstline/sip/media"
)

// sounds maps media keys to audio that is encoded once and shared by all calls:
// "prompt:<language>/<key>", "music:default", "tone:beep".
type sounds struct {
	sound    map[call.Media]*media.Audio
	checksum map[call.Media]string // SHA-256 of the WAV, shortened: which version was heard
}

// loadSounds encodes every prompt of the languages.
func loadSounds(languages ...string) (sounds, error) {
	s := sounds{sound: map[call.Media]*media.Audio{}, checksum: map[call.Media]string{}}
	for _, lang := range languages {
		c, err := prompts.Load(prompts.Files(), lang)
		if err != nil {
			return sounds{}, fmt.Errorf("prompts: %w", err)
		}
		for _, key := range c.Keys() {
			if err := s.add(call.Media("prompt:"+lang+"/"+key), c, key); err != nil {
				return sounds{}, err
			}
		}
		if err := s.add("music:default", c, prompts.Music); err != nil {
			return sounds{}, err
		}
		if err := s.add("tone:beep", c, prompts.Beep); err != nil {
			return sounds{}, err
		}
	}
	return s, nil
}

func (s sounds) add(m call.Media, c *prompts.Catalogue, key string) error {
	wav, err := c.WAV(key)
	if err != nil {
		return fmt.Errorf("prompts: %w", err)
	}
	audio, err := media.DecodeWAV(bytes.NewReader(wav))
	if err != nil {
		return fmt.Errorf("prompts: %s: %w", m, err)
	}
	s.sound[m], s.checksum[m] = audio, hexSHA256(string(wav))[:16]
	return nil
}

// audio is what to play for a key; call.ErrNoMedia when there is none.
func (s sounds) audio(m call.Media) (*media.Audio, error) {
	if a, ok := s.sound[m]; ok {
		return a, nil
	}
	return nil, fmt.Errorf("%w: %q", call.ErrNoMedia, m)
}
