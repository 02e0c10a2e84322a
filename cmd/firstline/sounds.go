package main

import (
	"bytes"
	"fmt"
	"strings"

	"firstline/call"
	"firstline/ivr/prompts"
	"firstline/sip/media"
)

// sounds maps media keys to audio that is encoded once and shared by all calls:
// "prompt:<language>/<key>", "music:default", "tone:beep".
type sounds map[call.Media]*media.Audio

// loadSounds encodes every prompt of the languages.
func loadSounds(languages ...string) (sounds, error) {
	s := sounds{}
	for _, lang := range languages {
		c, err := prompts.Load(prompts.Files(), lang)
		if err != nil {
			return nil, fmt.Errorf("prompts: %w", err)
		}
		for _, key := range c.Keys() {
			if err := s.add(call.Media("prompt:"+lang+"/"+key), c, key); err != nil {
				return nil, err
			}
		}
		if err := s.add("music:default", c, prompts.Music); err != nil {
			return nil, err
		}
		if err := s.add("tone:beep", c, prompts.Beep); err != nil {
			return nil, err
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
	s[m] = audio
	return nil
}

// audio is what to play for a key; call.ErrNoMedia when there is none.
func (s sounds) audio(m call.Media) (*media.Audio, error) {
	if a, ok := s[m]; ok {
		return a, nil
	}
	return nil, fmt.Errorf("%w: %q", call.ErrNoMedia, m)
}

// hasPrompt reports whether a flow may name the prompt in a language.
func (s sounds) hasPrompt(lang, key string) bool {
	_, ok := s[call.Media("prompt:"+lang+"/"+strings.TrimPrefix(key, "prompt:"))]
	return ok
}
