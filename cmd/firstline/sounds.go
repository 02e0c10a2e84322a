package main

import (
	"bytes"
	"fmt"
	"slices"

	"firstline/call"
	"firstline/ivr/prompts"
	"firstline/ivr/say"
	"firstline/sip/media"
)

// sounds maps media keys to audio that is encoded once and shared by all calls:
// "prompt:<language>/<key>", "music:default", "tone:beep".
type sounds struct {
	sound     map[call.Media]*media.Audio
	languages []string              // that are recorded; the first is heard in place of others
	checksum  map[call.Media]string // SHA-256 of the WAV, shortened: which version was heard
}

// loadSounds encodes every prompt of the languages. The other languages that have
// a grammar have no recordings yet: their callers hear the first of these.
func loadSounds(languages ...string) (sounds, error) {
	s := sounds{sound: map[call.Media]*media.Audio{}, checksum: map[call.Media]string{}, languages: languages}
	for _, lang := range languages {
		c, err := prompts.Load(prompts.Files(), lang)
		if err != nil {
			return sounds{}, fmt.Errorf("prompts: %w", err)
		}
		for _, key := range c.Keys() {
			if err := s.add(call.Media("prompt:"+lang+"/"+key), c, key); err != nil {
				return sounds{}, err
			}
			s.lend(lang, key)
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

// lend gives a recording of the first language to those that have none.
func (s sounds) lend(from, key string) {
	for _, to := range say.Languages() {
		if from == s.languages[0] && !s.recorded(to) {
			m, own := call.Media("prompt:"+from+"/"+key), call.Media("prompt:"+to+"/"+key)
			s.sound[own], s.checksum[own] = s.sound[m], s.checksum[m]
		}
	}
}

// recorded reports whether a language has recordings of its own.
func (s sounds) recorded(language string) bool { return slices.Contains(s.languages, language) }

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
