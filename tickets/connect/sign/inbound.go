package sign

import (
	"crypto/hmac"
	"crypto/sha1" //nolint:gosec // HMAC-SHA1 is what Zammad signs with; as a MAC it is not broken
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"hash"
	"net/http"
	"strings"
	"time"
)

// Inbound checks a request of somebody who tells us something, in the way that they
// can: by Standard Webhooks when the secret is whsec_…; else by a signature of the body
// (X-Hub-Signature-256, X-Hub-Signature), or by the secret as bearer token.
// ErrSignature, ErrStale.
func Inbound(h http.Header, body []byte, now time.Time, secret string) error {
	if s, err := Parse(secret); err == nil && h.Get(HeaderSignature) != "" {
		return Verify(h, body, now, s)
	}
	if secret == "" {
		return ErrSignature
	}
	for _, x := range []struct {
		header, prefix string
		make           func() hash.Hash
	}{{"X-Hub-Signature-256", "sha256=", sha256.New}, {"X-Hub-Signature", "sha1=", sha1.New}} {
		if given := h.Get(x.header); given != "" {
			return hub(given, x.prefix, x.make, body, secret)
		}
	}
	given, bearer := strings.CutPrefix(h.Get("Authorization"), "Bearer ")
	a, b := sha256.Sum256([]byte(given)), sha256.Sum256([]byte(secret)) // of one length, whatever was given
	if !bearer || subtle.ConstantTimeCompare(a[:], b[:]) != 1 {
		return ErrSignature
	}
	return nil
}

func hub(given, prefix string, kind func() hash.Hash, body []byte, secret string) error {
	text, ok := strings.CutPrefix(given, prefix)
	mac, err := hex.DecodeString(text)
	m := hmac.New(kind, []byte(secret))
	m.Write(body)
	if !ok || err != nil || !hmac.Equal(mac, m.Sum(nil)) {
		return ErrSignature
	}
	return nil
}
