//go:build !linux

package media

import (
	"net/netip"
	"syscall"
	"time"
)

func prepareSocket(_, _ string, _ syscall.RawConn) error { return nil }

// receiveNow has no portable form: without it there are no peer's reports, all else works.
func receiveNow(uintptr, []byte, []byte) (n int, from netip.Addr, at time.Time, ok bool) {
	return 0, from, at, false
}
