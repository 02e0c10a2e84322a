// Package sign signs and checks webhooks by the Standard Webhooks specification 1.0:
// HMAC-SHA256 over id, timestamp and body, with secrets that are written whsec_….
package sign

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// The headers of a signed request.
const (
	HeaderID        = "webhook-id"
	HeaderTimestamp = "webhook-timestamp"
	HeaderSignature = "webhook-signature"
)

// Tolerance is how far a timestamp may be from our clock, to either side.
const Tolerance = 5 * time.Minute

const prefix = "whsec_"

var (
	// ErrSecret means that a text is no secret.
	ErrSecret = errors.New("sign: a secret is whsec_ and 24 to 64 bytes in base64")
	// ErrSignature means that a request is not signed by one who knows the secret.
	ErrSignature = errors.New("sign: the signature does not match")
	// ErrStale means that a request is signed, but not now.
	ErrStale = errors.New("sign: the timestamp is too far from now")
)

// Secret is a key. Its text is never logged.
type Secret struct{ key []byte }

// New makes a secret of 32 random bytes.
func New() Secret {
	key := make([]byte, 32)
	rand.Read(key) // never fails since Go 1.24
	return Secret{key}
}

// Parse reads a secret. ErrSecret.
func Parse(text string) (Secret, error) {
	raw, ok := strings.CutPrefix(text, prefix)
	key, err := base64.StdEncoding.DecodeString(raw)
	if !ok || err != nil || len(key) < 24 || len(key) > 64 {
		return Secret{}, ErrSecret
	}
	return Secret{key}, nil
}

// Text is how the secret is told, once.
func (s Secret) Text() string { return prefix + base64.StdEncoding.EncodeToString(s.key) }

// String keeps the secret out of logs.
func (s Secret) String() string { return prefix + "…" }

func (s Secret) sum(id, stamp string, body []byte) []byte {
	m := hmac.New(sha256.New, s.key)
	fmt.Fprintf(m, "%s.%s.", id, stamp)
	m.Write(body)
	return m.Sum(nil)
}

// Sign sets the headers of a request. With two secrets it is signed with both, so
// that a receiver may change over in its own time.
func Sign(h http.Header, id string, at time.Time, body []byte, secrets ...Secret) {
	stamp := strconv.FormatInt(at.Unix(), 10)
	signatures := make([]string, len(secrets))
	for i, s := range secrets {
		signatures[i] = "v1," + base64.StdEncoding.EncodeToString(s.sum(id, stamp, body))
	}
	h.Set(HeaderID, id)
	h.Set(HeaderTimestamp, stamp)
	h.Set(HeaderSignature, strings.Join(signatures, " "))
}

// Verify checks a request against any of the secrets. ErrSignature, ErrStale.
func Verify(h http.Header, body []byte, now time.Time, secrets ...Secret) error {
	id, stamp := h.Get(HeaderID), h.Get(HeaderTimestamp)
	seconds, err := strconv.ParseInt(stamp, 10, 64)
	if id == "" || err != nil {
		return ErrSignature
	}
	if at := time.Unix(seconds, 0); at.Before(now.Add(-Tolerance)) || at.After(now.Add(Tolerance)) {
		return ErrStale
	}
	for given := range strings.FieldsSeq(h.Get(HeaderSignature)) {
		text, v1 := strings.CutPrefix(given, "v1,")
		mac, err := base64.StdEncoding.DecodeString(text)
		if !v1 || err != nil {
			continue
		}
		for _, s := range secrets {
			if hmac.Equal(mac, s.sum(id, stamp, body)) {
				return nil
			}
		}
	}
	return ErrSignature
}
