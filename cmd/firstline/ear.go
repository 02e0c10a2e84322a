package main

import (
	"fmt"
	"os"
	"sync"
	"time"

	"firstline/sip"
	"firstline/sip/media"
)

// longestEar is how much of a call the tools keep in memory.
const longestEar = 10 * time.Minute

// ear keeps what a phone hears.
type ear struct {
	mu      sync.Mutex // guards samples
	samples []int16    // 8 kHz
}

func newEar(p *sip.PhoneCall) *ear {
	e := &ear{}
	p.Hear(func(samples []int16, _ uint32) {
		e.mu.Lock()
		defer e.mu.Unlock()
		if e.of(len(e.samples)) < longestEar {
			e.samples = append(e.samples, samples...)
		}
	})
	return e
}

func (e *ear) of(samples int) time.Duration { return time.Duration(samples) * time.Second / 8000 }

// length is how much was heard.
func (e *ear) length() time.Duration {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.of(len(e.samples))
}

// tone is how long a frequency was heard.
func (e *ear) tone(hz float64) time.Duration {
	e.mu.Lock()
	defer e.mu.Unlock()
	return media.Heard(e.samples, hz, audible)
}

// loud is how long anything louder than silence was heard.
func (e *ear) loud() time.Duration { return e.loudSince(0) }

// loudSince leaves out the first part of what was heard.
func (e *ear) loudSince(from time.Duration) time.Duration {
	e.mu.Lock()
	defer e.mu.Unlock()
	const frame, floor = 160, 200 // 20 ms; about -44 dBFS
	loud := 0
	for i := int(from * 8000 / time.Second); i+frame <= len(e.samples); i += frame {
		peak := int16(0)
		for _, s := range e.samples[i : i+frame] {
			peak = max(peak, s, -max(s, -32767))
		}
		if peak > floor {
			loud += frame
		}
	}
	return e.of(loud)
}

func (e *ear) save(file string) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	f, err := os.Create(file)
	if err != nil {
		return err
	}
	if err := media.EncodeWAV(f, e.samples); err != nil {
		f.Close()
		return fmt.Errorf("%s: %w", file, err)
	}
	return f.Close()
}
