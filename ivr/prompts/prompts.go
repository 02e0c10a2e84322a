// Package prompts holds what callers hear: a catalogue of texts per language, one
// recording for each, music for waiting and a beep. All audio is WAV, 8 kHz mono
// mu-law (ITU-T G.711). A text that was changed after its recording was made is found by
// Check; Build makes the recordings again with any speech synthesiser that reads
// text and writes WAV.
package prompts

import (
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"time"

	"github.com/goccy/go-yaml"
)

// ErrUnknown says that no recording has this key.
var ErrUnknown = errors.New("no such prompt")

// Two recordings belong to no language. They are keys like any other.
const (
	Music = "music" // 32 s for waiting, loops without a seam
	Beep  = "beep"  // before a message
)

//go:embed de.yaml en.yaml es.yaml fr.yaml de en es fr music.wav beep.wav
var embedded embed.FS

// Files returns the catalogues that come with the program.
func Files() fs.FS { return embedded }

// Languages are those of the catalogues that come with the program, by their ISO
// 639-1 codes; Fallback is first.
func Languages() []string { return []string{Fallback, "de", "es", "fr"} }

// Fallback is the language that is heard where a prompt is missing in another.
const Fallback = "en"

// Catalogue is the prompts of one language. It is read-only and safe for use by
// several goroutines.
type Catalogue struct {
	fsys    fs.FS
	lang    string
	texts   []entry
	entries map[string]made
}

// entry is a line of the catalogue file.
type entry struct{ key, text string }

// made is what the manifest says of a recording.
type made struct {
	TextSHA256 string `yaml:"text_sha256"` // of the text it speaks
	WAVSHA256  string `yaml:"wav_sha256"`
	DurationMS int64  `yaml:"duration_ms"`
}

// Load reads the catalogue LANG.yaml and the manifest LANG/manifest.yaml; lang is
// a folder's name such as "en". Recordings are read when asked for. What Load
// does not look at (a stale or missing recording) is for Check.
func Load(fsys fs.FS, lang string) (*Catalogue, error) {
	texts, err := readTexts(fsys, lang)
	if err != nil {
		return nil, err
	}
	entries, err := readManifest(fsys, lang)
	if err != nil {
		return nil, err
	}
	return &Catalogue{fsys: fsys, lang: lang, texts: texts, entries: entries}, nil
}

// Keys returns the keys that have a text, in the order of the file.
func (c *Catalogue) Keys() []string {
	keys := make([]string, len(c.texts))
	for i, e := range c.texts {
		keys[i] = e.key
	}
	return keys
}

// Has says whether key can be played: a text, Music or Beep.
func (c *Catalogue) Has(key string) bool {
	return isTone(key) || c.index(key) >= 0
}

// Text returns what the prompt says; "" for a tone and for an unknown key.
func (c *Catalogue) Text(key string) string {
	if i := c.index(key); i >= 0 {
		return c.texts[i].text
	}
	return ""
}

// Duration returns how long the recording of a text lasts; 0 when there is none.
func (c *Catalogue) Duration(key string) time.Duration {
	return time.Duration(c.entries[key].DurationMS) * time.Millisecond
}

// WAV returns the recording: a whole WAV file, 8 kHz mono mu-law. The error is
// ErrUnknown when no prompt has this key.
func (c *Catalogue) WAV(key string) ([]byte, error) {
	if !c.Has(key) {
		return nil, fmt.Errorf("prompt %q in %s: %w", key, c.lang, ErrUnknown)
	}
	name := wavName(c.lang, key)
	if isTone(key) {
		name = key + ".wav"
	}
	b, err := fs.ReadFile(c.fsys, name)
	if err != nil {
		return nil, fmt.Errorf("prompt %q: %w", key, err)
	}
	return b, nil
}

func (c *Catalogue) index(key string) int {
	return slices.IndexFunc(c.texts, func(e entry) bool { return e.key == key })
}

func isTone(key string) bool { return key == Music || key == Beep }

func textsName(lang string) string    { return lang + ".yaml" }
func manifestName(lang string) string { return path.Join(lang, "manifest.yaml") }
func wavName(lang, key string) string { return path.Join(lang, key+".wav") }

// readTexts keeps the order of the file, and refuses keys that are no file name.
func readTexts(fsys fs.FS, lang string) ([]entry, error) {
	b, err := fs.ReadFile(fsys, textsName(lang))
	if err != nil {
		return nil, fmt.Errorf("prompt texts: %w", err)
	}
	var lines yaml.MapSlice
	if err := yaml.Unmarshal(b, &lines); err != nil {
		return nil, fmt.Errorf("%s: %w", textsName(lang), err)
	}
	texts := make([]entry, 0, len(lines))
	var faults []error
	for _, line := range lines {
		key, isKey := line.Key.(string)
		text, isText := line.Value.(string)
		switch {
		case !isKey || !validKey(key):
			faults = append(faults, fmt.Errorf("%s: key %q: lower-case letters, digits and hyphens only", textsName(lang), fmt.Sprint(line.Key)))
		case isTone(key):
			faults = append(faults, fmt.Errorf("%s: key %q is a tone, not a text", textsName(lang), key))
		case !isText || text == "":
			faults = append(faults, fmt.Errorf("%s: %s: a text is wanted; put it in quotes if it is one", textsName(lang), key))
		default:
			texts = append(texts, entry{key, text})
		}
	}
	return texts, errors.Join(faults...)
}

func validKey(key string) bool {
	for _, r := range key {
		if (r < 'a' || r > 'z') && (r < '0' || r > '9') && r != '-' {
			return false
		}
	}
	return key != ""
}

// readManifest returns an empty one when there is none yet.
func readManifest(fsys fs.FS, lang string) (map[string]made, error) {
	entries := make(map[string]made)
	b, err := fs.ReadFile(fsys, manifestName(lang))
	if errors.Is(err, fs.ErrNotExist) {
		return entries, nil
	} else if err != nil {
		return nil, fmt.Errorf("prompt manifest: %w", err)
	}
	if err := yaml.UnmarshalWithOptions(b, &entries, yaml.Strict()); err != nil {
		return nil, fmt.Errorf("%s: %w", manifestName(lang), err)
	}
	return entries, nil
}
