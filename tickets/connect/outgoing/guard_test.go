package outgoing

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"
)

func TestPrivateAddressesAreRefusedInEveryNotation(t *testing.T) {
	for _, a := range []string{
		"127.0.0.1", "127.8.8.8", "0.0.0.0", "10.1.2.3", "172.16.0.1", "172.31.255.255", "192.168.1.1", "169.254.169.254", "100.64.0.1", "100.100.100.200",
		"192.0.0.192", "198.18.0.1", "224.0.0.1", "255.255.255.255", "240.0.0.1",
		"::1", "::", "::ffff:127.0.0.1", "::ffff:7f00:1", "::ffff:169.254.169.254", "::127.0.0.1", "fe80::1", "fe80::1%eth0", "2001:4860:4860::8888%eth0",
		"fc00::1", "fd00:ec2::254", "fec0::1", "ff02::1", "64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe", "64:ff9b:1::1", "2002:7f00:1::", "2002:a00:1::1", "2001::1", "2001:db8::1",
	} {
		if err := (Guard{}).Address(netip.MustParseAddr(a)); !errors.Is(err, ErrRefused) {
			t.Errorf("%s: %v", a, err)
		}
	}
	for _, a := range []string{"8.8.8.8", "1.1.1.1", "172.32.0.1", "100.128.0.1", "2606:4700::1111", "64:ff9b::808:808", "::ffff:8.8.8.8"} {
		if err := (Guard{}).Address(netip.MustParseAddr(a)); err != nil {
			t.Errorf("%s: %v", a, err)
		}
	}
	allowed := Guard{Allow: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}}
	for a, want := range map[string]error{"10.0.0.1": nil, "::ffff:10.0.0.1": nil, "10.0.0.1%x": ErrRefused, "127.0.0.1": ErrRefused} {
		addr, err := netip.ParseAddr(a)
		if err != nil {
			continue // no such notation
		}
		if err := allowed.Address(addr); !errors.Is(err, want) {
			t.Errorf("10/8 allowed, %s: %v", a, err)
		}
	}
}

// T18: none of these may lead to our own port, whatever they are written like.
func TestNoNotationLeadsToOurselves(t *testing.T) {
	var met atomic.Int32
	srv := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { met.Add(1) }))
	defer srv.Close()
	port := srv.URL[strings.LastIndex(srv.URL, ":"):]
	c := New(Config{Guard: Guard{}})
	defer c.Close()
	for _, host := range []string{"127.0.0.1", "127.1", "0x7f000001", "2130706433", "017700000001", "localhost", "0", "[::1]", "[::ffff:127.0.0.1]", "[::]", "localhost.", "0.0.0.0"} {
		for _, scheme := range []string{"http://", "https://"} {
			r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, scheme+host+port, http.NoBody)
			if err != nil {
				continue
			}
			if _, err := c.Do(r); err == nil {
				t.Errorf("%s%s answered", scheme, host)
			}
		}
	}
	if met.Load() > 0 {
		t.Errorf("%d requests came", met.Load())
	}
}

// A name that showed a public address when it was checked and shows ours when it is
// dialled: the check is at the dial.
func TestANameThatResolvesAnewGainsNothing(t *testing.T) {
	var met atomic.Int32
	srv := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { met.Add(1) }))
	defer srv.Close()
	g := Guard{}
	d := &net.Dialer{Control: g.control(false)}
	conn, err := d.DialContext(context.Background(), "tcp", strings.TrimPrefix(srv.URL, "http://")) // what a resolver would have said by then
	if !errors.Is(err, ErrRefused) {
		t.Errorf("%v, %v", conn, err)
	}
}

func TestWithoutTLSOnlyWhatIsAllowed(t *testing.T) {
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(204) }))
	defer srv.Close()
	for name, c := range map[string]struct {
		allow string
		want  error
	}{"allowed": {"127.0.0.0/8", nil}, "another network": {"10.0.0.0/8", ErrRefused}} {
		client := New(Config{Guard: Guard{Allow: []netip.Prefix{netip.MustParsePrefix(c.allow)}}})
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, srv.URL, http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := client.Do(r); !errors.Is(err, c.want) {
			t.Errorf("%s: %v", name, err)
		}
		client.Close()
	}
	if err := (Guard{}).control(true)("tcp4", "8.8.8.8:80", nil); !errors.Is(err, ErrRefused) {
		t.Errorf("a public address without TLS: %v", err)
	}
}

func TestAnAddressThatIsAMistakeIsToldWhenItIsKept(t *testing.T) {
	for text, want := range map[string]error{
		"https://example.com/in?token=1": nil,
		"https://[2606:4700::1111]/":     nil,
		"http://example.com/":            ErrURL,
		"ftp://example.com/":             ErrURL,
		"gopher://example.com":           ErrURL,
		"https://me:secret@example.com/": ErrURL,
		"https://127.0.0.1@example.com/": ErrURL,
		"https:///path":                  ErrURL,
		"https:example.com":              ErrURL,
		"example.com":                    ErrURL,
		"https://example.com/#a":         ErrURL,
		"https://exa mple.com/":          ErrURL,
		"https://example.com/\r\nHost:x": ErrURL,
		"https://[::1]/":                 ErrRefused,
		"https://[fe80::1%25eth0]/":      ErrRefused,
		"https://169.254.169.254/latest": ErrRefused,
		"":                               ErrURL,
	} {
		if _, err := (Guard{}).URL(text); !errors.Is(err, want) {
			t.Errorf("%q: %v, want %v", text, err, want)
		}
	}
}
