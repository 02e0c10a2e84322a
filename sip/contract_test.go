package sip_test

import (
	"context"
	"crypto/md5"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/netip"
	"sync"
	"testing"
	"time"

	"go.uber.org/zap"

	"firstline/call"
	"firstline/call/calltest"
	"firstline/sip"
	"firstline/sip/media"
	"firstline/sip/siptest"
)

func TestNativeFrontEndKeepsTheContract(t *testing.T) {
	calltest.Contract(t, calltest.FrontEnd{
		Open:   func(t *testing.T) calltest.Exchange { return newExchange(t) },
		Result: "../call/calltest/testdata/native.json",
		Lacks: map[calltest.Ability]string{
			calltest.Adopt:      "the audio goes through the process; who was cut off is on the list of lost callers and keeps the place",
			calltest.EarlyMedia: "a call is answered before anything is played",
			calltest.Transfer:   "a trunk's REFER is not spoken; a call goes on as a leg of ours",
			calltest.Continue:   "there is no dialplan",
		},
	})
}

const realm = "contract.test"

func sounds(m call.Media) (*media.Audio, error) {
	hz, d := siptest.Tone(m)
	if hz == 0 {
		return nil, fmt.Errorf("%w: %q", call.ErrNoMedia, m)
	}
	return media.Tone(d, hz), nil
}

// exchange is the native front end with softphones around it.
type exchange struct {
	*sip.Server
	t     *testing.T
	at    netip.AddrPort
	far   *media.Engine // of the phones
	inbox *inbox
	desks int
}

// inbox hands calls to whoever serves them now.
type inbox struct {
	mu sync.Mutex // guards h
	h  call.Handler
}

func (i *inbox) ServeCall(ctx context.Context, c *call.Call) {
	i.mu.Lock()
	h := i.h
	i.mu.Unlock()
	if h != nil {
		h.ServeCall(ctx, c)
	}
}

// Serve sets who serves calls that come in.
func (x *exchange) Serve(h call.Handler) {
	x.inbox.mu.Lock()
	defer x.inbox.mu.Unlock()
	x.inbox.h = h
}

type passwords struct{}

// Credential is the same password for every device.
func (passwords) Credential(_ context.Context, user string) (call.Credential, error) {
	a1 := []byte(user + ":" + realm + ":secret")
	m, s := md5.Sum(a1), sha256.Sum256(a1)
	return call.Credential{User: user, Realm: realm, HA1MD5: hex.EncodeToString(m[:]), HA1SHA256: hex.EncodeToString(s[:])}, nil
}

type forgetful struct{}

func (forgetful) SaveBinding(context.Context, call.Binding) error            { return nil }
func (forgetful) DeleteBinding(context.Context, call.DeviceID, string) error { return nil }
func (forgetful) Bindings(context.Context) ([]call.Binding, error)           { return nil, nil }

func newExchange(t *testing.T) *exchange {
	t.Helper()
	x := &exchange{t: t, inbox: &inbox{}}
	ours := siptest.Engine(t, 24000)
	x.far = siptest.Engine(t, 26000)
	auth := sip.NewAuthenticator(realm, passwords{}, zap.NewNop())
	registrar := sip.NewRegistrar(sip.RegistrarConfig{Auth: auth, Store: forgetful{}, Log: zap.NewNop()})
	var err error
	x.Server, err = sip.New(sip.Config{
		Listen: []sip.Listener{{Network: "udp", Addr: "127.0.0.1:0"}},
		Trunks: []sip.Trunk{{Name: "carrier", Allow: []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")}}},
		Known:  func(string) bool { return true },
		Media:  ours, Sounds: sounds, RecordingsDir: t.TempDir(),
		Auth: auth, Registrar: registrar, Log: zap.NewNop(), Ending: 3 * time.Second,
	})
	if err != nil {
		t.Fatal(err)
	}
	x.at = netip.MustParseAddrPort(x.Addrs()[0].String())
	siptest.Runs(t, "registrar", registrar.Run)
	siptest.Runs(t, "server", func(ctx context.Context) error { return x.Run(ctx, x.inbox) })
	return x
}

func (x *exchange) phoneConfig(user string) sip.PhoneConfig {
	return sip.PhoneConfig{User: user, Password: "secret", Registrar: x.at, Media: x.far}
}

// PhoneIn dials; the caller speaks from the answer on.
func (x *exchange) PhoneIn(t *testing.T) calltest.Far {
	return siptest.Dial(t, siptest.Phone(t, x.phoneConfig("4930123")), "1000")
}

// Desk registers a phone that rings until it is told to do something.
func (x *exchange) Desk(t *testing.T) calltest.DeskPhone {
	x.desks++
	return siptest.NewDesk(t, x.phoneConfig(fmt.Sprintf("20%02d", x.desks)))
}
