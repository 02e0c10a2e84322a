package ari

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"firstline/call"
)

// catalogue is what has been published. It is the Sounds of its publisher.
type catalogue struct {
	mu      sync.RWMutex // guards entries
	entries map[call.Media]published
}

type published struct {
	uri    string
	length time.Duration
}

// URI is what Asterisk plays for a key.
func (c *catalogue) URI(m call.Media) (uri string, length time.Duration, ok bool) {
	c.mu.RLock()
	defer c.mu.RUnlock()
	p, ok := c.entries[m]
	return p.uri, p.length, ok
}

// Music makes a key stand for a class of music on hold in Asterisk's own
// configuration (musiconhold.conf).
func (c *catalogue) Music(m call.Media, class string) error {
	if class == "" || !only(class, dialplanLetters) {
		return fmt.Errorf("ari: %q is no class of music on hold", class)
	}
	c.put(m, published{uri: musicScheme + class})
	return nil
}

func (c *catalogue) put(m call.Media, p published) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.entries == nil {
		c.entries = map[call.Media]published{}
	}
	c.entries[m] = p
}

// Folder publishes audio as files that Asterisk can read: on the same machine, or
// in a folder that both mount. A file's name says what is in it, so a prompt that
// changes gets another one, and nobody plays half a file.
type Folder struct {
	catalogue
	dir    string
	prefix string // "firstline/": how Asterisk calls the folder below its sounds
}

// NewFolder publishes into a folder, which is made when it is missing. prefix is
// how Asterisk calls that folder: relative to its sounds folder, or absolute.
func NewFolder(dir, prefix string) (*Folder, error) {
	if !only(prefix, letters+digits+"/._-") || prefix == "" {
		return nil, fmt.Errorf("ari: %q is no folder that Asterisk can be told of", prefix)
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, fmt.Errorf("ari: folder of sounds: %w", err)
	}
	return &Folder{dir: dir, prefix: strings.TrimSuffix(prefix, "/") + "/"}, nil
}

// Publish makes samples (8 kHz, mono) playable under a key.
func (f *Folder) Publish(m call.Media, samples []int16) error {
	audio := wav(samples)
	name := soundName(m, audio)
	file := filepath.Join(f.dir, name+".wav")
	if _, err := os.Stat(file); errors.Is(err, fs.ErrNotExist) {
		if err := writeWhole(file, audio); err != nil {
			return fmt.Errorf("ari: publish %s: %w", m, err)
		}
	}
	f.put(m, published{"sound:" + f.prefix + name, lengthOf(samples)})
	return nil
}

// writeWhole makes a file that others can read, at once or not at all.
func writeWhole(file string, b []byte) error {
	tmp, err := os.CreateTemp(filepath.Dir(file), ".sound-*")
	if err != nil {
		return err
	}
	defer os.Remove(tmp.Name()) // gone already, when it has become the file
	_, err = tmp.Write(b)
	if err = errors.Join(err, tmp.Chmod(0o644), tmp.Sync(), tmp.Close()); err != nil {
		return err
	}
	return os.Rename(tmp.Name(), file)
}

// Server publishes audio over HTTP: Asterisk fetches a sound when it first plays it,
// and keeps it (res_http_media_cache). It is the handler that has to be served.
type Server struct {
	catalogue
	base string // "http://192.0.2.1:8081/sounds"

	mu    sync.RWMutex // guards files
	files map[string][]byte
}

// NewServer publishes under an address that Asterisk can reach.
func NewServer(base string) *Server {
	return &Server{base: strings.TrimSuffix(base, "/"), files: map[string][]byte{}}
}

// Publish makes samples (8 kHz, mono) playable under a key.
func (s *Server) Publish(m call.Media, samples []int16) {
	audio := wav(samples)
	name := soundName(m, audio) + ".wav"
	s.mu.Lock()
	s.files[name] = audio
	s.mu.Unlock()
	s.put(m, published{"sound:" + s.base + "/" + name, lengthOf(samples)})
}

// ServeHTTP serves a published sound by the last part of its path.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	name := path.Base(r.URL.Path)
	s.mu.RLock()
	audio, ok := s.files[name]
	s.mu.RUnlock()
	if !ok {
		http.NotFound(w, r)
		return
	}
	w.Header().Set("Content-Type", "audio/wav")
	w.Header().Set("Cache-Control", "public, max-age=31536000, immutable")
	http.ServeContent(w, r, name, time.Time{}, bytes.NewReader(audio))
}

var (
	_ Sounds = (*Folder)(nil)
	_ Sounds = (*Server)(nil)
)

// soundName is a file's name: its key, for people, and what is in it.
func soundName(m call.Media, audio []byte) string {
	key := strings.Map(func(r rune) rune {
		if r < 128 && strings.ContainsRune(letters+digits, r) {
			return r
		}
		return '-'
	}, string(m))
	sum := sha256.Sum256(audio)
	return key + "-" + hex.EncodeToString(sum[:8])
}

func lengthOf(samples []int16) time.Duration {
	return time.Duration(len(samples)) * time.Second / sampleRate
}

// wav is a mono file of 8 kHz and 16 bit.
func wav(samples []int16) []byte {
	b := wavHeader(1, int64(len(samples))*2)
	for _, s := range samples {
		b = binary.LittleEndian.AppendUint16(b, uint16(s))
	}
	return b
}
