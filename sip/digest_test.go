package sip

import (
	"context"
	"crypto/md5"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/emiago/sipgo/sip"
	"github.com/google/go-cmp/cmp"
	"github.com/icholy/digest"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"firstline/call"
)

const testRealm = "firstline"

// phonebook is Credentials in memory: user to password.
type phonebook struct {
	mu        sync.Mutex // guards the rest
	passwords map[string]string
	asked     int
	err       error
}

func (p *phonebook) Credential(_ context.Context, user string) (call.Credential, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.asked++
	if p.err != nil {
		return call.Credential{}, p.err
	}
	pw, ok := p.passwords[user]
	if !ok {
		return call.Credential{}, nil
	}
	a1 := []byte(user + ":" + testRealm + ":" + pw)
	m, s := md5.Sum(a1), sha256.Sum256(a1)
	return call.Credential{User: user, Realm: testRealm, HA1MD5: hex.EncodeToString(m[:]), HA1SHA256: hex.EncodeToString(s[:])}, nil
}

func newTestAuth(t *testing.T) (*Authenticator, *phonebook, *observer.ObservedLogs) {
	t.Helper()
	core, logs := observer.New(zap.InfoLevel)
	book := &phonebook{passwords: map[string]string{"2001": "right", "2002": "also right"}}
	return NewAuthenticator(testRealm, book, zap.New(core)), book, logs
}

const goodRegister = `
REGISTER sip:127.0.0.1 SIP/2.0
Via: SIP/2.0/UDP 127.0.0.1:5070;branch=z9hG4bKreg
Max-Forwards: 70
From: <sip:2001@127.0.0.1>;tag=1
To: <sip:2001@127.0.0.1>
Call-ID: reg@127.0.0.1
CSeq: 1 REGISTER
Contact: <sip:2001@127.0.0.1:5070>
Expires: 300
Content-Length: 0

`

// attempt is one REGISTER with a digest answer.
type attempt struct {
	source, user, password, nonce, algorithm string
	nc                                       int
}

func (at attempt) request(t testing.TB) *sip.Request {
	t.Helper()
	req := parseRequest(t, goodRegister)
	req.SetSource(at.source)
	cred, err := digest.Digest(&digest.Challenge{
		Realm: testRealm, Nonce: at.nonce, Algorithm: at.algorithm, QOP: []string{"auth"},
	}, digest.Options{
		Method: "REGISTER", URI: "sip:127.0.0.1", Username: at.user, Password: at.password, Count: max(at.nc, 1),
	})
	if err != nil {
		t.Fatal(err)
	}
	req.AppendHeader(sip.NewHeader("Authorization", cred.String()))
	return req
}

func challengesOf(t testing.TB, c *challenge) []*digest.Challenge {
	t.Helper()
	if c == nil {
		t.Fatal("no challenge")
	}
	var out []*digest.Challenge
	for _, h := range c.Headers {
		ch, err := digest.ParseChallenge(h.Value())
		if err != nil {
			t.Fatalf("%q: %v", h.Value(), err)
		}
		out = append(out, ch)
	}
	return out
}

// freshNonce is the nonce of a challenge.
func freshNonce(t testing.TB, a *Authenticator) string {
	t.Helper()
	return challengesOf(t, a.challenge(parseRequest(t, goodRegister), false))[0].Nonce
}

func TestChallengeOffersSHA256BeforeMD5(t *testing.T) {
	a, _, _ := newTestAuth(t)
	_, c := a.Check(t.Context(), parseRequest(t, goodRegister))
	if c.Status != 401 {
		t.Errorf("status %d", c.Status)
	}
	var algs []string
	for _, ch := range challengesOf(t, c) {
		algs = append(algs, ch.Algorithm)
		if ch.Realm != testRealm || len(ch.Nonce) != 32 || ch.Stale || !cmp.Equal(ch.QOP, []string{"auth"}) {
			t.Errorf("%+v", ch)
		}
	}
	if diff := cmp.Diff([]string{"SHA-256", "MD5"}, algs); diff != "" {
		t.Error(diff)
	}
}

func TestPhoneThatStumblesOverSHA256IsOfferedMD5Alone(t *testing.T) {
	a, _, _ := newTestAuth(t)
	for agent, want := range map[string]int{
		"baresip v1.0.0 (x86_64/linux)": 1, "baresip v0.6.5": 1, "baresip v2.0.0": 1,
		"baresip v3.15.0 (x86_64/Linux)": 2, "baresip v10.0": 2, "baresip v": 2, "baresip": 2, "Linphone/5.0": 2, "": 2,
	} {
		req := parseRequest(t, goodRegister)
		req.SetSource("192.0.2.1:" + fmt.Sprint(5000+len(agent)))
		req.AppendHeader(sip.NewHeader("User-Agent", agent))
		_, c := a.Check(t.Context(), req)
		if got := challengesOf(t, c); len(got) != want || got[len(got)-1].Algorithm != "MD5" {
			t.Errorf("%q: %d challenges, want %d", agent, len(got), want)
		}
	}
}

func TestPhoneThatLeavesTheChallengeUnansweredIsOfferedMD5Alone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, _, _ := newTestAuth(t)
		offered := func(source string) int {
			req := parseRequest(t, goodRegister)
			req.SetSource(source)
			_, c := a.Check(t.Context(), req)
			return len(challengesOf(t, c))
		}
		const phone, other = "192.0.2.1:5060", "192.0.2.1:5061"
		if a, b, c := offered(phone), offered(phone), offered(other); a != 2 || b != 1 || c != 2 {
			t.Errorf("%d, %d, another phone %d", a, b, c)
		}
		if _, c := a.Check(t.Context(), (attempt{phone, "2001", "right", freshNonce(t, a), "SHA-256", 1}).request(t)); c != nil {
			t.Fatalf("%+v", c)
		}
		if n := offered(phone); n != 2 {
			t.Errorf("%d after an answer", n)
		}
		time.Sleep(answerTime)
		if n := offered(phone); n != 2 {
			t.Errorf("%d after a long time", n)
		}
	})
}

func TestRightPasswordPassesWithEitherAlgorithm(t *testing.T) {
	for _, alg := range []string{"SHA-256", "MD5", ""} {
		t.Run("algorithm "+alg, func(t *testing.T) {
			a, _, _ := newTestAuth(t)
			at := attempt{"192.0.2.1:5060", "2001", "right", freshNonce(t, a), alg, 1}
			user, c := a.Check(t.Context(), at.request(t))
			if c != nil || user != "2001" {
				t.Fatalf("%q, %+v", user, c)
			}
		})
	}
}

func TestResponseIsThatOfRFC7616Section391(t *testing.T) {
	const user, realm = "Mufasa", "http-auth@example.org"
	a := NewAuthenticator(realm, &phonebook{}, nil)
	a1 := []byte(user + ":" + realm + ":Circle of Life")
	m, s := md5.Sum(a1), sha256.Sum256(a1)
	known := call.Credential{User: user, Realm: realm, HA1MD5: hex.EncodeToString(m[:]), HA1SHA256: hex.EncodeToString(s[:])}
	for alg, response := range map[string]string{
		"MD5":     "8ca523f5e9506fed4657c9700eebdbec",
		"SHA-256": "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1",
	} {
		cred, err := digest.ParseCredentials(`Digest username="Mufasa", realm="http-auth@example.org", uri="/dir/index.html", algorithm=` + alg +
			`, nonce="7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v", nc=00000001, cnonce="f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ", qop=auth, response="` + response + `"`)
		if err != nil {
			t.Fatal(err)
		}
		if !a.matches(cred, known, "GET") {
			t.Errorf("%s does not match", alg)
		}
		if a.matches(cred, known, "POST") {
			t.Errorf("%s matches another method", alg)
		}
	}
}

func TestReplayIsRefusedAsStale(t *testing.T) {
	a, _, _ := newTestAuth(t)
	at := attempt{"192.0.2.1:5060", "2001", "right", freshNonce(t, a), "SHA-256", 3}
	if _, c := a.Check(t.Context(), at.request(t)); c != nil {
		t.Fatalf("first: %+v", c)
	}
	for _, nc := range []int{3, 2, 1} {
		at.nc = nc
		_, c := a.Check(t.Context(), at.request(t))
		if !challengesOf(t, c)[0].Stale {
			t.Errorf("nc %d: not stale", nc)
		}
	}
	at.nc = 4
	if _, c := a.Check(t.Context(), at.request(t)); c != nil {
		t.Errorf("a rising nc is refused: %+v", c)
	}
}

func TestCopiesOfOneAnswerPassOnce(t *testing.T) {
	a, _, _ := newTestAuth(t)
	at := attempt{"192.0.2.1:5060", "2001", "right", freshNonce(t, a), "SHA-256", 1}
	var wg sync.WaitGroup
	passed := make(chan string, 8)
	for range cap(passed) {
		req := at.request(t)
		wg.Go(func() {
			if user, c := a.Check(context.Background(), req); c == nil {
				passed <- user
			}
		})
	}
	wg.Wait()
	if n := len(passed); n != 1 {
		t.Errorf("%d passed", n)
	}
}

func TestNonceGrowsStale(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, _, _ := newTestAuth(t)
		at := attempt{"192.0.2.1:5060", "2001", "right", freshNonce(t, a), "SHA-256", 1}
		time.Sleep(nonceLife)
		_, c := a.Check(t.Context(), at.request(t))
		if ch := challengesOf(t, c)[0]; !ch.Stale || ch.Nonce == at.nonce {
			t.Errorf("%+v", ch)
		}
	})
}

func TestNonceStoreIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, _, _ := newTestAuth(t)
		seen := make(map[string]bool)
		for range maxNonces + 100 {
			n := a.issue()
			if seen[n] {
				t.Fatal("nonce given twice")
			}
			seen[n] = true
		}
		if len(a.nonces) != maxNonces || len(a.issued) != maxNonces {
			t.Errorf("%d, %d kept", len(a.nonces), len(a.issued))
		}
		time.Sleep(nonceLife)
		a.issue()
		if len(a.nonces) != 1 || len(a.issued) != 1 {
			t.Errorf("%d, %d kept after their life", len(a.nonces), len(a.issued))
		}
	})
}

// refusal is what a peer can tell apart in a challenge: all but the nonce.
func refusal(t testing.TB, c *challenge) []digest.Challenge {
	var out []digest.Challenge
	for _, ch := range challengesOf(t, c) {
		ch.Nonce = ""
		out = append(out, *ch)
	}
	return out
}

func TestUnknownUserGetsTheSameAnswerForTheSameWork(t *testing.T) {
	for _, alg := range []string{"SHA-256", "MD5"} {
		t.Run(alg, func(t *testing.T) {
			a, book, _ := newTestAuth(t)
			type effort struct {
				Hashed uint64
				Asked  int
				Answer []digest.Challenge
			}
			try := func(user string) effort {
				hashed, asked := a.hashed, book.asked
				_, c := a.Check(t.Context(), attempt{"192.0.2.1:5060", user, "wrong", freshNonce(t, a), alg, 1}.request(t))
				return effort{a.hashed - hashed, book.asked - asked, refusal(t, c)}
			}
			known, unknown := try("2001"), try("4711")
			if diff := cmp.Diff(known, unknown); diff != "" {
				t.Errorf("a known user differs from an unknown one:\n%s", diff)
			}
			if known.Hashed != 1 || known.Asked != 1 {
				t.Errorf("%+v", known)
			}
		})
	}
}

func TestEmptyPasswordOfNobodyDoesNotPass(t *testing.T) {
	a, _, _ := newTestAuth(t)
	for _, pw := range []string{"", "right"} {
		if u, c := a.Check(t.Context(), attempt{"192.0.2.1:5060", "4711", pw, freshNonce(t, a), "MD5", 1}.request(t)); c == nil {
			t.Errorf("passed as %q", u)
		}
	}
}

func TestUnreadableCredentialsAreNoGuess(t *testing.T) {
	a, book, _ := newTestAuth(t)
	book.err = errors.New("away")
	for range 50 {
		_, c := a.Check(t.Context(), attempt{"192.0.2.1:5060", "2001", "right", freshNonce(t, a), "MD5", 1}.request(t))
		if c == nil || c.Status != 503 {
			t.Fatalf("%+v", c)
		}
	}
	book.err = nil
	if _, c := a.Check(t.Context(), attempt{"192.0.2.1:5060", "2001", "right", freshNonce(t, a), "MD5", 1}.request(t)); c != nil {
		t.Errorf("%+v", c)
	}
}

func TestUnusableCredentialsAreChallengedUnchecked(t *testing.T) {
	a, book, _ := newTestAuth(t)
	n := freshNonce(t, a)
	good := fmt.Sprintf(`Digest username="2001", realm="firstline", nonce="%s", uri="sip:127.0.0.1", algorithm=MD5, qop=auth, nc=00000001, cnonce="x", response="0"`, n)
	for _, tt := range []struct{ rule, old, with string }{
		{"other scheme", "Digest ", "NoOneKnowsThisScheme "},
		{"other realm", `realm="firstline"`, `realm="elsewhere"`},
		{"no qop", "qop=auth, ", ""},
		{"auth-int", "qop=auth", "qop=auth-int"},
		{"no cnonce", `cnonce="x", `, ""},
		{"nc zero", "nc=00000001", "nc=00000000"},
		{"nc negative", "nc=00000001", "nc=-0000001"},
		{"nc no number", "nc=00000001", "nc=zzz"},
		{"algorithm", "algorithm=MD5", "algorithm=MD4"},
		{"userhash", "qop=auth", "qop=auth, userhash=true"},
		{"no user", `username="2001"`, `username=""`},
		{"long user", `username="2001"`, `username="` + strings.Repeat("x", 4000) + `"`},
		{"foreign nonce", n, strings.Repeat("0", 32)},
		{"quote not closed", `cnonce="x"`, `cnonce="x`},
	} {
		t.Run(tt.rule, func(t *testing.T) {
			req := parseRequest(t, goodRegister)
			req.AppendHeader(sip.NewHeader("Authorization", strings.Replace(good, tt.old, tt.with, 1)))
			if _, c := a.Check(t.Context(), req); c == nil || c.Status != 401 {
				t.Errorf("%+v", c)
			}
		})
	}
	if book.asked != 0 {
		t.Errorf("%d look-ups", book.asked)
	}
}

func TestDigestForAnotherResourceIsABadRequest(t *testing.T) {
	a, _, _ := newTestAuth(t)
	req := attempt{"192.0.2.1:5060", "2001", "right", freshNonce(t, a), "MD5", 1}.request(t)
	req.Recipient.Host = "example.com"
	if _, c := a.Check(t.Context(), req); c == nil || c.Status != 400 {
		t.Errorf("%+v", c)
	}
}

func TestRefusalLogsOneShortLineWithoutThePassword(t *testing.T) {
	a, _, logs := newTestAuth(t)
	evil := "20\x1b[31m01\r\nX: y" + strings.Repeat("z", 80)
	at := attempt{"192.0.2.1:5060", "2001", "secret guess", freshNonce(t, a), "MD5", 1}
	req := at.request(t)
	req.RemoveHeader("Authorization")
	req.AppendHeader(sip.NewHeader("Authorization", strings.Replace(
		at.request(t).GetHeader("Authorization").Value(), `"2001"`, `"`+strings.NewReplacer("\r", "", "\n", "").Replace(evil)+`"`, 1)))
	a.Check(t.Context(), req)
	a.Check(t.Context(), attempt{"192.0.2.1:5060", "2001", "secret guess", freshNonce(t, a), "MD5", 1}.request(t))
	lines := logs.All()
	if len(lines) != 2 {
		t.Fatalf("%d lines", len(lines))
	}
	for i, l := range lines {
		f := l.ContextMap()
		if s := fmt.Sprint(f); strings.Contains(s, "secret") || strings.ContainsAny(s, "\x1b\r\n") || len(s) > 200 {
			t.Errorf("%q", s)
		}
		if f["tries"] != int64(i+1) {
			t.Errorf("tries %v, want %d", f["tries"], i+1)
		}
	}
}

// FuzzDigestHeader feeds Authorization headers: nothing may panic, and nobody gets in.
func FuzzDigestHeader(f *testing.F) {
	f.Add(`Digest username="2001", realm="firstline", nonce="NONCE", uri="sip:127.0.0.1", algorithm=MD5, qop=auth, nc=00000001, cnonce="x", response="0"`)
	f.Add(`Digest username="2001",realm="firstline",nonce="`)
	f.Add(`NoOneKnowsThisScheme opaque-data=here`)
	f.Add(`Digest =,=,,"`)
	f.Fuzz(func(t *testing.T, value string) {
		a := NewAuthenticator(testRealm, &phonebook{passwords: map[string]string{"2001": "right"}}, nil)
		req := parseRequest(t, goodRegister)
		nonce := freshNonce(t, a)
		req.AppendHeader(sip.NewHeader("Authorization", strings.ReplaceAll(value, "NONCE", nonce)))
		if user, c := a.Check(t.Context(), req); c == nil {
			t.Fatalf("%q got in as %q", value, user)
		}
	})
}
