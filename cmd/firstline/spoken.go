package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"firstline/call"
	"firstline/intake/spoken"
	"firstline/ivr/say"
	"firstline/sip/media"
)

// spokenFolder is where prompts that were recorded by phone are, in the data folder.
const spokenFolder = "prompts"

// openSpoken takes up the prompts that were recorded by phone.
func (s *server) openSpoken(ctx context.Context) error {
	story, err := wholeStory(ctx, s.store, call.Stream{Kind: call.StreamPrompt, ID: call.PromptStream})
	if err != nil {
		return fmt.Errorf("spoken prompts: %w", err)
	}
	recorded, err := os.OpenRoot(s.cfg.Recordings.Dir)
	if err != nil {
		return fmt.Errorf("spoken prompts: %w", err)
	}
	s.life.onEnd("recorded", recorded.Close)
	cfg := spoken.Config{
		Dir: filepath.Join(s.cfg.DataDir, spokenFolder), Recordings: recorded, Air: onAir{s}, Journal: s.journal, Log: s.log.Named("spoken"),
	}
	if s.publishSound != nil {
		cfg.Publish = s.publishSpoken
	}
	if s.spoken, err = spoken.New(cfg, story); err != nil {
		return err
	}
	s.life.onEnd("spoken", s.spoken.Close)
	return nil
}

// onAir is the desk, which is made after the list: calls that it takes up may hear a prompt.
type onAir struct{ s *server }

func (o onAir) Uses() spoken.Uses     { return o.s.desk.Uses() }
func (o onAir) Hears(key string) bool { return o.s.desk.Hears(key) }
func (o onAir) Hear(ctx context.Context, u spoken.Use, key, by string, with call.Event) error {
	return o.s.desk.Hear(ctx, u, key, by, with)
}

// publishSpoken gives the nodes a prompt in every language that a caller may hear.
func (s *server) publishSpoken(id call.PromptID, wav []byte) error {
	audio, err := media.DecodeWAV(bytes.NewReader(wav))
	if err != nil {
		return err
	}
	for _, lang := range say.Languages() {
		if err := s.publishSound(call.Media("prompt:"+lang+"/"+id.Key()), audio.Samples()); err != nil {
			return err
		}
	}
	return nil
}

// spokenSounds is what was played of late of the prompts that were recorded by phone:
// encoded once, and shared by calls.
type spokenSounds struct {
	mu  sync.Mutex // guards all
	all []spokenSound
}

type spokenSound struct {
	id    call.PromptID
	audio *media.Audio
}

// mostSpoken is how many are kept at hand.
const mostSpoken = 16

func (c *spokenSounds) find(id call.PromptID) *media.Audio {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, x := range c.all {
		if x.id == id {
			return x.audio
		}
	}
	return nil
}

func (c *spokenSounds) keep(id call.PromptID, audio *media.Audio) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.all = append(c.all[max(0, len(c.all)-mostSpoken+1):], spokenSound{id, audio})
}

// spokenOf is the prompt that a key to play names, in whatever language.
func spokenOf(m call.Media) (call.PromptID, bool) {
	prompt, ok := strings.CutPrefix(string(m), "prompt:")
	lang, key, also := strings.Cut(prompt, "/")
	id, is := spoken.Of(key)
	return id, ok && also && is && slices.Contains(append(say.Languages(), language), lang)
}

// spokenAudio is what to play for such a prompt; call.ErrNoMedia when there is none.
func (s *server) spokenAudio(id call.PromptID) (*media.Audio, error) {
	if a := s.spokenSounds.find(id); a != nil {
		return a, nil
	}
	wav, err := s.spoken.WAV(id)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", call.ErrNoMedia, err)
	}
	audio, err := media.DecodeWAV(bytes.NewReader(wav))
	if err != nil {
		return nil, fmt.Errorf("%w: spoken prompt %s: %w", call.ErrNoMedia, id, err)
	}
	s.spokenSounds.keep(id, audio)
	return audio, nil
}

// mayRecord reports whether somebody may record what callers hear.
func (s *server) mayRecord(id call.AgentID) bool {
	return slices.Contains(s.centre.now().Recorders, id)
}

// webPrompts turns the store's absence into the API's 503.
type webPrompts struct{ *spoken.List }

func (w webPrompts) Play(ctx context.Context, id call.PromptID, by string) ([]byte, error) {
	wav, err := w.List.Play(ctx, id, by)
	return wav, away(err)
}

func (w webPrompts) Delete(ctx context.Context, id call.PromptID, by string) error {
	return away(w.List.Delete(ctx, id, by))
}
