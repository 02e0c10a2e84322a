package main

import (
	"bytes"
	"fmt"
	"strings"

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

// loadSounds encodes every prompt of the languages, the first of which is heard where
// another has no recording, and in languages that have none at all.
func loadSounds(languages ...string) (sounds, error) {
	s := sounds{sound: map[call.Media]*media.Audio{}, checksum: map[call.Media]string{}, languages: languages}
	for _, lang := range languages {
		c, err := prompts.Load(prompts.Files(), lang)
		if err != nil {
			return sounds{}, fmt.Errorf("prompts: %w", err)
		}
		for _, key := range c.Keys() {
			if err := s.add(promptIn(lang, key), c, key); err != nil {
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
	s.lend()
	return s, nil
}

// lend gives the recordings of the first language to those that lack them.
func (s sounds) lend() {
	for m, audio := range s.sound {
		key, ok := strings.CutPrefix(string(m), "prompt:"+s.languages[0]+"/")
		if !ok {
			continue
		}
		for _, to := range say.Languages() {
			if own := promptIn(to, key); s.sound[own] == nil {
				s.sound[own], s.checksum[own] = audio, s.checksum[m]
			}
		}
	}
}

func promptIn(language, key string) call.Media { return call.Media("prompt:" + language + "/" + key) }

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
