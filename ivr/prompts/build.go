package prompts

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"github.com/goccy/go-yaml"
)

// Command is a speech synthesiser: a program and its arguments. It gets the text
// on standard input and writes a WAV of 16-bit PCM or mu-law, of any rate, to standard output.
type Command []string

// Voice is the synthesiser of a language's recordings that come with the program:
// in English Festival's slt of Carnegie Mellon's Arctic recordings (Debian packages
// festival and festvox-us-slt-hts), else espeak-ng with the voice klatt2. README.md
// says how they were chosen.
func Voice(lang string) Command {
	if lang == "en" {
		return Command{"text2wave", "-eval", "(voice_cmu_us_slt_arctic_hts)"}
	}
	return Command{"espeak-ng", "-v", lang + "+klatt2", "-s", "200", "--stdin", "--stdout"}
}

// Build makes what is missing or stale below dir, the folder of LANG.yaml: the
// recordings of the language, its manifest, the music and the beep. Recordings
// whose text is gone are deleted. After an error or a cancelled ctx, what was made
// stands in the manifest, so the next Build goes on there.
func Build(ctx context.Context, dir, lang string, synth Command) error {
	if len(synth) == 0 {
		return errors.New("build prompts: no synthesiser named")
	}
	texts, err := readTexts(os.DirFS(dir), lang)
	if err != nil {
		return err
	}
	before, err := readManifest(os.DirFS(dir), lang)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Join(dir, lang), 0o755); err != nil {
		return fmt.Errorf("build prompts: %w", err)
	}
	now, err := record(ctx, dir, lang, texts, before, synth)
	err = errors.Join(err, writeManifest(dir, lang, texts, now))
	if err != nil {
		return err
	}
	return errors.Join(removeStray(dir, lang, texts), writeTones(dir))
}

// record makes each stale recording, and returns the manifest of what is there then.
func record(ctx context.Context, dir, lang string, texts []entry, before map[string]made, synth Command) (map[string]made, error) {
	now := make(map[string]made, len(texts))
	for _, e := range texts {
		if fault(os.DirFS(dir), lang, e, before) == "" {
			now[e.key] = before[e.key]
		}
	}
	for _, e := range texts {
		if _, current := now[e.key]; current {
			continue
		}
		s, err := synth.speak(ctx, e.text)
		if err != nil {
			return now, fmt.Errorf("prompt %q: %w", e.key, err)
		}
		if s = forTelephone(s); len(s.samples) == 0 {
			return now, fmt.Errorf("prompt %q: %s made silence", e.key, synth[0])
		}
		b := encodeWAV(s)
		if err := os.WriteFile(filepath.Join(dir, filepath.FromSlash(wavName(lang, e.key))), b, 0o644); err != nil {
			return now, fmt.Errorf("prompt %q: %w", e.key, err)
		}
		now[e.key] = made{TextSHA256: digest([]byte(e.text)), WAVSHA256: digest(b), DurationMS: s.duration().Milliseconds()}
	}
	return now, nil
}

// speak gives the synthesiser a file as its output, not a pipe: Festival goes back
// to write the length into the header.
func (c Command) speak(ctx context.Context, text string) (sound, error) {
	out, err := os.CreateTemp("", "prompt-*.wav")
	if err != nil {
		return sound{}, err
	}
	defer os.Remove(out.Name())
	defer out.Close()
	var stderr bytes.Buffer
	cmd := exec.CommandContext(ctx, c[0], c[1:]...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = strings.NewReader(text+"\n"), out, &stderr
	if err := cmd.Run(); err != nil {
		return sound{}, fmt.Errorf("%s: %w: %s", c[0], err, strings.TrimSpace(stderr.String()))
	}
	b, err := os.ReadFile(out.Name())
	if err != nil {
		return sound{}, err
	}
	s, err := decodeWAV(b)
	if err != nil {
		return sound{}, fmt.Errorf("%s: %w", c[0], err)
	}
	return s, nil
}

// writeManifest keeps the order of the texts, so that a diff shows what changed.
func writeManifest(dir, lang string, texts []entry, entries map[string]made) error {
	var ordered yaml.MapSlice
	for _, e := range texts {
		if m, ok := entries[e.key]; ok {
			ordered = append(ordered, yaml.MapItem{Key: e.key, Value: m})
		}
	}
	b, err := yaml.Marshal(ordered)
	if err != nil {
		return fmt.Errorf("prompt manifest: %w", err)
	}
	b = append([]byte("# Made by `firstline prompts build`, not by hand.\n"), b...)
	if err := os.WriteFile(filepath.Join(dir, filepath.FromSlash(manifestName(lang))), b, 0o644); err != nil {
		return fmt.Errorf("prompt manifest: %w", err)
	}
	return nil
}

func removeStray(dir, lang string, texts []entry) error {
	var faults []error
	for _, key := range strayKeys(os.DirFS(dir), lang, texts) {
		faults = append(faults, os.Remove(filepath.Join(dir, filepath.FromSlash(wavName(lang, key)))))
	}
	return errors.Join(faults...)
}

func writeTones(dir string) error {
	return errors.Join(
		os.WriteFile(filepath.Join(dir, Music+".wav"), encodeWAV(music()), 0o644),
		os.WriteFile(filepath.Join(dir, Beep+".wav"), encodeWAV(beep()), 0o644),
	)
}

// Fault is a prompt whose recording does not fit its text.
type Fault struct {
	Lang, Key string
	Reason    string
}

func (f Fault) String() string { return fmt.Sprintf("%s/%s: %s", f.Lang, f.Key, f.Reason) }

// Check compares texts, recordings and manifest of a language: a text without a
// recording, a text or a recording that was changed since, a recording without a
// text. The error is about files that cannot be read at all.
func Check(fsys fs.FS, lang string) ([]Fault, error) {
	texts, err := readTexts(fsys, lang)
	if err != nil {
		return nil, err
	}
	entries, err := readManifest(fsys, lang)
	if err != nil {
		return nil, err
	}
	var faults []Fault
	for _, e := range texts {
		if reason := fault(fsys, lang, e, entries); reason != "" {
			faults = append(faults, Fault{lang, e.key, reason})
		}
	}
	for _, key := range strayKeys(fsys, lang, texts) {
		faults = append(faults, Fault{lang, key, "a recording without a text"})
	}
	return faults, nil
}

// fault is what is wrong with one recording; "" when nothing is.
func fault(fsys fs.FS, lang string, e entry, entries map[string]made) string {
	m, ok := entries[e.key]
	if !ok {
		return "not recorded yet"
	}
	if m.TextSHA256 != digest([]byte(e.text)) {
		return "the text was changed after the recording was made"
	}
	b, err := fs.ReadFile(fsys, wavName(lang, e.key))
	if err != nil {
		return err.Error()
	}
	if m.WAVSHA256 != digest(b) {
		return "the recording is not the one in the manifest"
	}
	return ""
}

// strayKeys are recordings that no text names.
func strayKeys(fsys fs.FS, lang string, texts []entry) []string {
	names, err := fs.Glob(fsys, wavName(lang, "*"))
	if err != nil {
		return nil // the pattern is ours and well formed unless lang is not a folder's name, which readTexts refuses
	}
	var stray []string
	for _, name := range names {
		key := strings.TrimSuffix(strings.TrimPrefix(name, lang+"/"), ".wav")
		if !slices.ContainsFunc(texts, func(e entry) bool { return e.key == key }) {
			stray = append(stray, key)
		}
	}
	return stray
}

func digest(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}
