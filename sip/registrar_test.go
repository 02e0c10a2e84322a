package sip

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/emiago/sipgo/sip"
	"github.com/google/go-cmp/cmp"

	"firstline/call"
)

// shelf is Bindings in memory.
type shelf struct {
	mu    sync.Mutex // guards the rest
	kept  map[bindingKey]call.Binding
	err   error
	saves int
}

func newShelf() *shelf { return &shelf{kept: make(map[bindingKey]call.Binding)} }

func (s *shelf) SaveBinding(_ context.Context, b call.Binding) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.saves++
	if s.err != nil {
		return s.err
	}
	s.kept[bindingKey{b.Device, b.Contact}] = b
	return nil
}

func (s *shelf) DeleteBinding(_ context.Context, device call.DeviceID, contact string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.err != nil {
		return s.err
	}
	delete(s.kept, bindingKey{device, contact})
	return nil
}

func (s *shelf) Bindings(context.Context) ([]call.Binding, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []call.Binding
	for _, b := range s.kept {
		out = append(out, b)
	}
	return out, s.err
}

func (s *shelf) fail(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.err = err
}

func (s *shelf) contacts() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []string
	for k := range s.kept {
		out = append(out, k.contact)
	}
	slices.Sort(out)
	return out
}

// office is a registrar with a phone to register at it.
type office struct {
	t       *testing.T
	reg     *Registrar
	auth    *Authenticator
	store   *shelf
	changes []string
	seen    int // times that a device has proved to be there
	cseq    int
}

func newOffice(t *testing.T, change func(*RegistrarConfig)) *office {
	t.Helper()
	o := &office{t: t, store: newShelf()}
	o.auth, _, _ = newTestAuth(t)
	cfg := RegistrarConfig{
		Auth: o.auth, Store: o.store, MinExpires: 10 * time.Second,
		OnChange: func(d call.DeviceID, up bool) { o.changes = append(o.changes, fmt.Sprint(d, " ", up)) },
		OnSeen:   func(call.DeviceID) { o.seen++ },
	}
	if change != nil {
		change(&cfg)
	}
	o.reg = NewRegistrar(cfg)
	return o
}

// send registers with 2001's right password. contact is the value of each
// Contact field, one per line; expires the Expires field, empty for none.
func (o *office) send(contact, expires string, edit ...func(*sip.Request)) *sip.Response {
	o.t.Helper()
	o.cseq++
	var b strings.Builder
	for c := range strings.SplitSeq(contact, "\n") {
		if c != "" {
			fmt.Fprintf(&b, "Contact: %s\n", c)
		}
	}
	if expires != "" {
		fmt.Fprintf(&b, "Expires: %s\n", expires)
	}
	text := strings.NewReplacer(
		"Contact: <sip:2001@127.0.0.1:5070>\nExpires: 300\n", b.String(),
		"CSeq: 1", fmt.Sprintf("CSeq: %d", o.cseq),
	).Replace(goodRegister)
	req := parseRequest(o.t, text)
	req.SetSource("192.0.2.1:40000")
	req.SetTransport("TCP")
	for _, e := range edit {
		e(req)
	}
	signed := attempt{"192.0.2.1:40000", "2001", "right", freshNonce(o.t, o.auth), "SHA-256", 1}.request(o.t)
	req.AppendHeader(signed.GetHeader("Authorization"))
	return o.reg.register(o.t.Context(), req)
}

func (o *office) want(res *sip.Response, status int, contacts ...string) {
	o.t.Helper()
	if res.StatusCode != status {
		o.t.Errorf("%d %s, want %d", res.StatusCode, res.Reason, status)
	}
	var got []string
	for _, h := range res.GetHeaders("Contact") {
		got = append(got, h.Value())
	}
	slices.Sort(got)
	slices.Sort(contacts)
	if diff := cmp.Diff(contacts, got); diff != "" {
		o.t.Errorf("contacts:\n%s", diff)
	}
}

func TestRegisterKeepsTheFlowAndListsWhatIsBound(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newOffice(t, nil)
		o.want(o.send("<sip:2001@10.0.0.9:5070;transport=tcp>", "300"), 200, "<sip:2001@10.0.0.9:5070;transport=tcp>;expires=300")
		b := o.reg.Contacts("2001")
		want := []call.Binding{{
			Device: "2001", Contact: "sip:2001@10.0.0.9:5070;transport=tcp", Source: "192.0.2.1:40000", Transport: "tcp",
			CallID: "reg@127.0.0.1", CSeq: 1, Expires: time.Now().Add(300 * time.Second).UTC().Round(0),
		}}
		if diff := cmp.Diff(want, b); diff != "" {
			t.Error(diff)
		}
		time.Sleep(100 * time.Second)
		o.want(o.send("", ""), 200, "<sip:2001@10.0.0.9:5070;transport=tcp>;expires=200") // a question only
	})
}

func TestContactExpiresBeatsTheHeaderAndDefaultsToAnHour(t *testing.T) {
	for _, tt := range []struct{ contact, expires, want string }{
		{"<sip:a@b>;expires=60", "300", "60"},
		{"<sip:a@b>;Expires=60", "", "60"},
		{"<sip:a@b>", "", "3600"},
		{"<sip:a@b>", "7200", "3600"},
		{"<sip:a@b>;expires=99999999999999999999999", "", "3600"},
		{"<sip:a@b>;expires=soon", "60", "3600"},
		{"<sip:a@b>;q=0.7;expires=60", "", "60"},
	} {
		o := newOffice(t, nil)
		o.want(o.send(tt.contact, tt.expires), 200, "<sip:a@b>;expires="+tt.want)
	}
}

func TestShortIntervalIsRefusedWithMinExpires(t *testing.T) {
	o := newOffice(t, nil)
	res := o.send("<sip:a@b>;expires=5", "")
	o.want(res, 423)
	if h := res.GetHeader("Min-Expires"); h == nil || h.Value() != "10" {
		t.Errorf("%v", h)
	}
	if len(o.reg.Contacts("2001")) != 0 {
		t.Error("bound all the same")
	}
}

func TestExpiresZeroRemovesOneAndStarRemovesAll(t *testing.T) {
	o := newOffice(t, nil)
	o.send("<sip:a@b>\n<sip:c@d>\n<sip:e@f>", "60")
	o.want(o.send("<sip:a@b>;expires=0", ""), 200, "<sip:c@d>;expires=60", "<sip:e@f>;expires=60")
	o.want(o.send("*", "0"), 200)
	if diff := cmp.Diff([]string{"2001 true", "2001 false"}, o.changes); diff != "" {
		t.Error(diff)
	}
}

func TestStarGoesAloneAndWithZero(t *testing.T) {
	o := newOffice(t, nil)
	o.send("<sip:a@b>", "60")
	o.want(o.send("*", "60"), 400)
	o.want(o.send("*", ""), 400)
	o.want(o.send("*\n<sip:c@d>", "0"), 400)
	if len(o.reg.Contacts("2001")) != 1 {
		t.Error("a refused request changed something")
	}
}

func TestOldRequestOfTheSameCallDoesNotOverwrite(t *testing.T) {
	o := newOffice(t, nil)
	o.cseq = 10
	o.send("<sip:a@b>", "60")
	o.cseq = 5
	o.want(o.send("<sip:c@d>\n<sip:a@b>;expires=0", "60"), 400)
	if c := o.reg.Contacts("2001"); len(c) != 1 || c[0].Contact != "sip:a@b" {
		t.Errorf("%+v", c)
	}
	o.cseq = 5
	o.want(o.send("<sip:a@b>", "120", func(r *sip.Request) { // the phone restarted: another Call-ID begins again
		id := sip.CallIDHeader("other")
		r.ReplaceHeader(&id)
	}), 200, "<sip:a@b>;expires=120")
}

func TestUserRegistersOnlyItself(t *testing.T) {
	o := newOffice(t, nil)
	o.want(o.send("<sip:a@b>", "60", func(r *sip.Request) { r.To().Address.User = "2002" }), 403)
	o.want(o.send("<sip:a@b>", "60", func(r *sip.Request) { r.To().Address.User = "20%301" }), 200, "<sip:a@b>;expires=60")
	o.want(o.send("<sip:a@b>", "60", func(r *sip.Request) { r.To().Address.User = "2001%00" }), 403)
}

func TestForeignDomainIsNotFound(t *testing.T) {
	o := newOffice(t, func(c *RegistrarConfig) { c.Domain = "Desk.example" })
	o.want(o.send("<sip:a@b>", "60"), 404)
	o.want(o.send("<sip:a@b>", "60", func(r *sip.Request) { r.To().Address.Host = "desk.example" }), 200, "<sip:a@b>;expires=60")
}

func TestStrangerIsChallenged(t *testing.T) {
	o := newOffice(t, nil)
	req := parseRequest(t, goodRegister)
	req.SetSource("192.0.2.1:40000")
	res := o.reg.register(t.Context(), req)
	if res.StatusCode != 401 || len(res.GetHeaders("WWW-Authenticate")) != 2 {
		t.Errorf("%s", res)
	}
}

func TestContactWithHeadersOrAnotherSchemeIsRefused(t *testing.T) {
	o := newOffice(t, nil)
	for _, c := range []string{
		"<sip:user@example.com?Route=%3Csip:sip.example.com%3E>", "<mailto:a@b>", "<tel:+4930>",
		"<sip:" + strings.Repeat("x", 600) + "@b>",
		strings.TrimSuffix(strings.Repeat("<sip:a@b>\n", 17), "\n"),
	} {
		o.want(o.send(c, "60"), 400)
	}
}

func TestParametersOfURIAndContactAreToldApart(t *testing.T) {
	o := newOffice(t, nil)
	o.want(o.send("sip:+19725552222@gw1.example.net;unknownparam", "60"), 200, "<sip:+19725552222@gw1.example.net>;expires=60") // RFC 4475 3.3.12
	o.send("*", "0")
	o.want(o.send("<sip:+19725552222@gw1.example.net;unknownparam>", "60"), 200, "<sip:+19725552222@gw1.example.net;unknownparam>;expires=60")
}

func TestOldestContactMakesRoom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newOffice(t, func(c *RegistrarConfig) { c.MaxPerDevice = 2 })
		for i := range 4 {
			o.send(fmt.Sprintf("<sip:a@h%d>", i), "600")
			time.Sleep(time.Second)
		}
		var got []string
		for _, b := range o.reg.Contacts("2001") {
			got = append(got, b.Contact)
		}
		if diff := cmp.Diff([]string{"sip:a@h3", "sip:a@h2"}, got); diff != "" { // the freshest first
			t.Error(diff)
		}
	})
}

func TestHostOfAContactComparesWithoutCase(t *testing.T) {
	o := newOffice(t, nil)
	o.send("<sip:a@Host>", "60")
	o.want(o.send("<sip:a@hOST>", "120"), 200, "<sip:a@host>;expires=120")
}

// runs the registrar until the test ends, inside a bubble.
func (o *office) run() (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() { _ = o.reg.Run(ctx) })
	return func() { cancel(); wg.Wait() }
}

func TestBindingExpiresAndIsForgotten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newOffice(t, nil)
		defer o.run()()
		o.send("<sip:a@b>", "60")
		synctest.Wait()
		if diff := cmp.Diff([]string{"sip:a@b"}, o.store.contacts()); diff != "" {
			t.Error(diff)
		}
		time.Sleep(59 * time.Second)
		synctest.Wait()
		if len(o.reg.Contacts("2001")) != 1 {
			t.Error("gone too early")
		}
		time.Sleep(time.Second)
		synctest.Wait()
		if c := o.reg.Contacts("2001"); len(c) != 0 || len(o.store.contacts()) != 0 {
			t.Errorf("%v, %v", c, o.store.contacts())
		}
		if diff := cmp.Diff([]string{"2001 true", "2001 false"}, o.changes); diff != "" {
			t.Error(diff)
		}
	})
}

func TestBindingsSurviveARestart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newOffice(t, nil)
		stop := o.run()
		o.send("<sip:a@b>\n<sip:c@d>;expires=20", "60")
		stop()
		time.Sleep(30 * time.Second)

		again := newOffice(t, nil)
		again.store = o.store
		again.reg.cfg.Store = o.store
		if err := again.reg.Restore(t.Context()); err != nil {
			t.Fatal(err)
		}
		c := again.reg.Contacts("2001")
		if len(c) != 1 || c[0].Contact != "sip:a@b" || c[0].Source != "192.0.2.1:40000" {
			t.Errorf("%+v", c)
		}
		if diff := cmp.Diff([]string{"2001 true"}, again.changes); diff != "" {
			t.Error(diff)
		}
		again.run()()
		if diff := cmp.Diff([]string{"sip:a@b"}, o.store.contacts()); diff != "" {
			t.Errorf("the expired one is still stored: %s", diff)
		}
	})
}

func TestRegistrationGoesOnWhileTheStoreIsAway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newOffice(t, nil)
		defer o.run()()
		o.store.fail(errors.New("away"))
		o.want(o.send("<sip:a@b>", "60"), 200, "<sip:a@b>;expires=60")
		time.Sleep(10 * time.Second)
		o.store.fail(nil)
		time.Sleep(2 * storeRetry)
		synctest.Wait()
		if diff := cmp.Diff([]string{"sip:a@b"}, o.store.contacts()); diff != "" {
			t.Error(diff)
		}
		if o.store.saves > 15 {
			t.Errorf("%d tries in ten seconds", o.store.saves)
		}
	})
}

func TestRestoreSaysThatTheStoreIsAway(t *testing.T) {
	o := newOffice(t, nil)
	o.store.fail(context.DeadlineExceeded)
	if err := o.reg.Restore(t.Context()); !errors.Is(err, context.DeadlineExceeded) {
		t.Error(err)
	}
}
