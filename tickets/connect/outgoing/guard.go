// Package outgoing makes the requests that leave for addresses which people typed.
// What it promises: no connection to a private, loopback, link-local or metadata
// address unless the configuration allows it, whatever name or notation led there;
// no redirect is followed, no proxy asked; TLS is verified; time and size are bounded.
package outgoing

import (
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"syscall"
)

var (
	// ErrRefused means that the address is none that may be connected to.
	ErrRefused = errors.New("outgoing: the address is not allowed")
	// ErrURL means that the address cannot be used at all; the text says why.
	ErrURL = errors.New("outgoing: no usable address")
)

// Guard decides whom we connect to. The zero Guard allows public addresses by TLS.
type Guard struct {
	Allow []netip.Prefix // private networks, and hosts that may be asked without TLS
}

// special are the networks that are nobody's on the internet, or lead into one that
// is private (IANA special-purpose address registries).
func special() []netip.Prefix {
	var all []netip.Prefix
	for _, p := range []string{
		"0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24", "192.0.2.0/24",
		"192.88.99.0/24", "192.168.0.0/16", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4",
		"::/96", "100::/64", "2001::/23", "2001:db8::/32", "3fff::/20", "5f00::/16", "fc00::/7", "fe80::/10", "fec0::/10", "ff00::/8",
		"64:ff9b:1::/48",
	} {
		all = append(all, netip.MustParsePrefix(p))
	}
	return all
}

// Address checks one that was resolved. ErrRefused.
func (g Guard) Address(a netip.Addr) error {
	if a.Zone() != "" { // only link-local addresses have one, and it would hide from prefixes
		return fmt.Errorf("%w: %s", ErrRefused, a)
	}
	a = a.Unmap()
	if g.allows(a) {
		return nil
	}
	for _, x := range append([]netip.Addr{a}, embedded(a)...) {
		if slices.ContainsFunc(special(), func(p netip.Prefix) bool { return p.Contains(x) }) {
			return fmt.Errorf("%w: %s", ErrRefused, a)
		}
	}
	return nil
}

func (g Guard) allows(a netip.Addr) bool {
	return slices.ContainsFunc(g.Allow, func(p netip.Prefix) bool { return p.Contains(a.Unmap()) })
}

// embedded are the IPv4 addresses to which an IPv6 one may be translated: NAT64
// (RFC 6052) and 6to4 (RFC 3056).
func embedded(a netip.Addr) []netip.Addr {
	if !a.Is6() {
		return nil
	}
	b := a.As16()
	switch {
	case netip.MustParsePrefix("64:ff9b::/96").Contains(a):
		return []netip.Addr{netip.AddrFrom4([4]byte(b[12:16]))}
	case netip.MustParsePrefix("2002::/16").Contains(a):
		return []netip.Addr{netip.AddrFrom4([4]byte(b[2:6]))}
	}
	return nil
}

// control is net.Dialer's: it sees the address after resolution, just before the
// connection, so a name that resolves anew in between gains nothing.
func (g Guard) control(clear bool) func(network, address string, _ syscall.RawConn) error {
	return func(_, address string, _ syscall.RawConn) error {
		ap, err := netip.ParseAddrPort(address)
		if err != nil {
			return fmt.Errorf("%w: %s", ErrRefused, address)
		}
		if clear && !g.allows(ap.Addr().WithZone("")) {
			return fmt.Errorf("%w: %s without TLS", ErrRefused, ap.Addr())
		}
		return g.Address(ap.Addr())
	}
}

// URL checks an address before it is kept: what may be connected to is seen when it
// is, but a mistake is better told now. ErrURL, ErrRefused.
func (g Guard) URL(text string) (*url.URL, error) {
	u, err := url.Parse(text)
	switch {
	case err != nil:
		return nil, fmt.Errorf("%w: it cannot be read", ErrURL) // its text may hold a password
	case u.Scheme != "https" && u.Scheme != "http":
		return nil, fmt.Errorf("%w: it begins neither with https:// nor with http://", ErrURL)
	case u.User != nil:
		return nil, fmt.Errorf("%w: a name or password has no place in it", ErrURL)
	case u.Hostname() == "" || u.Opaque != "":
		return nil, fmt.Errorf("%w: it names no host", ErrURL)
	case u.Fragment != "":
		return nil, fmt.Errorf("%w: a fragment is never sent", ErrURL)
	case strings.ContainsAny(text, "\r\n\t "):
		return nil, fmt.Errorf("%w: it holds a space or a line break", ErrURL)
	case u.Scheme == "http" && len(g.Allow) == 0:
		return nil, fmt.Errorf("%w: without TLS only addresses that the configuration allows (connect.allow) are asked", ErrURL)
	}
	if a, err := netip.ParseAddr(u.Hostname()); err == nil {
		return u, g.Address(a)
	}
	return u, nil
}
