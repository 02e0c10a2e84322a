package sip

import (
	"context"
	"crypto/md5" // RFC 7616 keeps it for phones that know nothing better
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"net/netip"
	"strings"
	"sync"
	"time"

	"github.com/emiago/sipgo/sip"
	"github.com/icholy/digest"
	"go.uber.org/zap"

	"firstline/call"
)

const (
	nonceLife    = 2 * time.Minute
	maxNonces    = 1 << 16
	maxSources   = 1 << 13
	maxNameBytes = 128             // of a user name that we look up
	answerTime   = 5 * time.Minute // a challenge that got no answer in this time is forgotten
)

// Credentials looks up what a phone's password hashes to. An unknown user is the
// zero Credential and a nil error; an error means that nobody can say now.
type Credentials interface {
	Credential(ctx context.Context, user string) (call.Credential, error)
}

// challenge is the answer to a request that is not authenticated: 401 with both
// algorithms, or 503 while credentials cannot be read.
type challenge = reject

// Authenticator checks the digest credentials of requests as RFC 7616 and RFC
// 8760 say: SHA-256 or MD5, qop=auth only, nonces of 128 random bits that live
// two minutes and whose count must rise. It does the same work and gives the
// same answer whether the user exists or not, and stops checking a source that
// guesses. It is safe for concurrent use and starts nothing.
type Authenticator struct {
	realm  string
	creds  Credentials
	log    *zap.Logger
	pepper [16]byte // makes the hashes that stand in for a user who does not exist

	mu      sync.Mutex // guards the rest
	nonces  map[string]*nonce
	issued  []string // nonces by age
	guesses *guessing
	waiting *recent[asker, time.Time] // when a phone was challenged with both algorithms
	hashed  uint64                    // digests computed
}

// asker is a phone before we know it: its source with the port, and its From user.
type asker struct{ source, user string }

// nonce is one that we gave out.
type nonce struct {
	expires time.Time
	count   int // highest nc that was accepted
}

// NewAuthenticator returns an Authenticator for realm.
func NewAuthenticator(realm string, creds Credentials, log *zap.Logger) *Authenticator {
	if log == nil {
		log = zap.NewNop()
	}
	a := &Authenticator{
		realm: realm, creds: creds, log: log,
		nonces: make(map[string]*nonce), guesses: newGuessing(), waiting: newRecent[asker, time.Time](maxSources),
	}
	rand.Read(a.pepper[:])
	return a
}

// Check returns the authenticated user, or the challenge to answer with.
//
//nolint:revive // unexported-return: only the server and the registrar here answer with it
func (a *Authenticator) Check(ctx context.Context, req *sip.Request) (user string, c *challenge) {
	cred := a.credentials(req)
	if cred == nil {
		return "", a.ask(req)
	}
	a.answered(req)
	if !sameResource(cred.URI, &req.Recipient) {
		return "", badRequest("digest uri differs from the Request-URI") // RFC 7616 section 3.4.6
	}
	if !a.fresh(cred.Nonce, cred.Nc) {
		return "", a.challenge(req, true)
	}
	src := sourceOf(req)
	if !a.admit(src, cred.Username) {
		return "", a.challenge(req, false)
	}
	known, err := a.creds.Credential(ctx, cred.Username)
	if err != nil {
		a.undo(src, cred.Username)
		a.log.Error("sip credentials not readable", zap.Error(err))
		return "", &challenge{
			Status: sip.StatusServiceUnavailable, Reason: "Service Unavailable",
			Headers: []sip.Header{sip.NewHeader("Retry-After", "10")},
		}
	}
	if !a.matches(cred, known, string(req.Method)) {
		a.log.Warn("sip digest refused", zap.String("user", call.CleanText(cred.Username, 64)),
			zap.String("source", src.Addr().String()), zap.Int("tries", a.tries(src, cred.Username)))
		return "", a.challenge(req, false)
	}
	if !a.spend(cred.Nonce, cred.Nc) { // a copy was quicker
		a.undo(src, cred.Username)
		return "", a.challenge(req, true)
	}
	a.welcome(src, cred.Username)
	return cred.Username, nil
}

// credentials is the first usable Digest answer for our realm, nil when there is none.
func (a *Authenticator) credentials(req *sip.Request) *digest.Credentials {
	for _, h := range req.GetHeaders("authorization") {
		cred, err := digest.ParseCredentials(h.Value())
		if err != nil || cred.Realm != a.realm || cred.Userhash {
			continue
		}
		alg := strings.ToUpper(cred.Algorithm)
		if alg != "" && alg != "MD5" && alg != "SHA-256" {
			continue
		}
		// Without qop there is no count, and nothing to tell a replay by.
		if cred.QOP != "auth" || cred.Cnonce == "" || cred.Nc < 1 ||
			cred.Username == "" || len(cred.Username) > maxNameBytes {
			continue
		}
		return cred
	}
	return nil
}

// sameResource compares a digest uri with the Request-URI; phones differ in
// the parameters that they repeat.
func sameResource(uri string, want *sip.Uri) bool {
	var got sip.Uri
	if err := sip.ParseUri(uri, &got); err != nil {
		return false
	}
	return got.User == want.User && strings.EqualFold(got.Host, want.Host)
}

// matches computes the expected response and compares it in constant time.
func (a *Authenticator) matches(cred *digest.Credentials, known call.Credential, method string) bool {
	exists := known.User == cred.Username && known.Realm == a.realm
	sha := strings.EqualFold(cred.Algorithm, "SHA-256")
	ha1 := known.HA1MD5
	if sha {
		ha1 = known.HA1SHA256
	}
	if standIn := a.standIn(cred.Username, sha); !exists || len(ha1) != len(standIn) {
		exists, ha1 = false, standIn
	}
	want, err := digest.Digest(&digest.Challenge{
		Realm: a.realm, Nonce: cred.Nonce, Algorithm: cred.Algorithm, QOP: []string{"auth"},
	}, digest.Options{
		Method: method, URI: cred.URI, Count: cred.Nc, Username: cred.Username, A1: ha1, Cnonce: cred.Cnonce,
	})
	a.mu.Lock()
	a.hashed++
	a.mu.Unlock()
	if err != nil {
		return false
	}
	equal := subtle.ConstantTimeCompare([]byte(want.Response), []byte(strings.ToLower(cred.Response))) == 1
	return equal && exists
}

// standIn is a hash that no password has, of the length that a real one would have.
func (a *Authenticator) standIn(user string, sha bool) string {
	in := append(a.pepper[:len(a.pepper):len(a.pepper)], user...)
	if sha {
		h := sha256.Sum256(in)
		return hex.EncodeToString(h[:])
	}
	h := md5.Sum(in) // only its length matters
	return hex.EncodeToString(h[:])
}

// challenge asks for credentials, SHA-256 first (RFC 8760 section 2.4). stale
// tells the phone to try again with the same password.
func (a *Authenticator) challenge(req *sip.Request, stale bool) *challenge {
	if stumbles(req) {
		return a.challengeWith(stale, "MD5")
	}
	return a.challengeWith(stale, "SHA-256", "MD5")
}

func (a *Authenticator) challengeWith(stale bool, algorithms ...string) *challenge {
	n := a.issue()
	c := &challenge{Status: sip.StatusUnauthorized, Reason: "Unauthorized"}
	for _, alg := range algorithms {
		ch := digest.Challenge{Realm: a.realm, Nonce: n, Stale: stale, Algorithm: alg, QOP: []string{"auth"}}
		c.Headers = append(c.Headers, sip.NewHeader("WWW-Authenticate", ch.String()))
	}
	return c
}

// ask is the challenge for a request without credentials. A phone that asks
// again and left the last challenge unanswered is offered MD5 alone: many look
// at the first challenge only and do not know SHA-256.
func (a *Authenticator) ask(req *sip.Request) *challenge {
	key, now := askerOf(req), time.Now()
	a.mu.Lock()
	last := a.waiting.make(key)
	unanswered := !last.IsZero() && now.Sub(*last) < answerTime
	*last = now
	a.mu.Unlock()
	if unanswered {
		return a.challengeWith(false, "MD5")
	}
	return a.challenge(req, false)
}

// answered notes that the phone can do with what it was offered.
func (a *Authenticator) answered(req *sip.Request) {
	key := askerOf(req)
	a.mu.Lock()
	defer a.mu.Unlock()
	a.waiting.drop(key)
}

func askerOf(req *sip.Request) asker {
	user := req.From().Address.User
	return asker{req.Source(), user[:min(len(user), maxNameBytes)]}
}

// stumbles knows phones that give up when one of several challenges names an
// algorithm that is new to them, instead of taking the next: baresip before
// version 3 (Debian 12 has 1.0.0). It looks at nothing but the request, so the
// answer is still the same for every user.
func stumbles(req *sip.Request) bool {
	h := req.GetHeader("user-agent")
	if h == nil {
		return false
	}
	version, ok := strings.CutPrefix(h.Value(), "baresip v")
	return ok && version != "" && strings.IndexByte("012", version[0]) >= 0 && (len(version) == 1 || !isDigit(version[1]))
}

func isDigit(c byte) bool { return c >= '0' && c <= '9' }

// issue makes a nonce, and forgets those that are over or, when a flood asked
// for more than we keep, the oldest.
func (a *Authenticator) issue() string {
	var b [16]byte
	rand.Read(b[:])
	n := hex.EncodeToString(b[:])
	now := time.Now()
	a.mu.Lock()
	defer a.mu.Unlock()
	for len(a.issued) > 0 && (len(a.issued) >= maxNonces || !now.Before(a.nonces[a.issued[0]].expires)) {
		delete(a.nonces, a.issued[0])
		a.issued = a.issued[1:]
	}
	a.nonces[n] = &nonce{expires: now.Add(nonceLife)}
	a.issued = append(a.issued, n)
	return n
}

// fresh reports whether the nonce is ours, alive, and nc not used yet.
func (a *Authenticator) fresh(value string, nc int) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	n, ok := a.nonces[value]
	return ok && time.Now().Before(n.expires) && nc > n.count
}

// spend takes nc of a nonce; false when it is used up meanwhile.
func (a *Authenticator) spend(value string, nc int) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	n, ok := a.nonces[value]
	if !ok || nc <= n.count {
		return false
	}
	n.count = nc
	return true
}

func (a *Authenticator) admit(src netip.Prefix, user string) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.guesses.admit(time.Now(), src, user)
}

func (a *Authenticator) undo(src netip.Prefix, user string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.guesses.undo(src, user)
}

func (a *Authenticator) welcome(src netip.Prefix, user string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.guesses.welcome(src, user)
}

func (a *Authenticator) tries(src netip.Prefix, user string) int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.guesses.tries(src, user)
}

func sourceOf(req *sip.Request) netip.Prefix {
	ap, _ := netip.ParseAddrPort(req.Source())
	return sourceKey(ap.Addr().Unmap())
}
