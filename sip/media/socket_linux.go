package media

import (
	"encoding/binary"
	"errors"
	"net/netip"
	"syscall"
	"time"
)

// prepareSocket forbids broadcast, which package net allows, so that the kernel refuses a subnet's broadcast
// address as well, and asks for arrival times: RTP is read every 5 ms and RTCP once a second.
func prepareSocket(_, _ string, c syscall.RawConn) error {
	var fault error
	err := c.Control(func(fd uintptr) { fault = socketOptions(int(fd)) })
	return errors.Join(err, fault)
}

func socketOptions(fd int) error {
	return errors.Join(
		syscall.SetsockoptInt(fd, syscall.SOL_SOCKET, syscall.SO_BROADCAST, 0),
		syscall.SetsockoptInt(fd, syscall.SOL_SOCKET, syscall.SO_TIMESTAMPNS, 1),
	)
}

// receiveNow reads one waiting datagram without blocking; ok is false when there is none. at is the kernel's
// arrival time, zero if it gave none.
func receiveNow(fd uintptr, b, oob []byte) (n int, from netip.Addr, at time.Time, ok bool) {
	n, oobn, _, sa, err := syscall.Recvmsg(int(fd), b, oob, syscall.MSG_DONTWAIT)
	if err != nil {
		return 0, from, at, false
	}
	switch a := sa.(type) {
	case *syscall.SockaddrInet4:
		from = netip.AddrFrom4(a.Addr)
	case *syscall.SockaddrInet6:
		from = netip.AddrFrom16(a.Addr).Unmap()
	}
	return n, from, arrival(oob[:oobn]), true
}

// arrival finds the timespec of SCM_TIMESTAMPNS; its type is the option's number.
func arrival(oob []byte) time.Time {
	messages, err := syscall.ParseSocketControlMessage(oob)
	if err != nil {
		return time.Time{}
	}
	for _, m := range messages {
		if m.Header.Level != syscall.SOL_SOCKET || m.Header.Type != syscall.SO_TIMESTAMPNS || len(m.Data) < 16 {
			continue
		}
		ne := binary.NativeEndian
		return time.Unix(int64(ne.Uint64(m.Data)), int64(ne.Uint64(m.Data[8:])))
	}
	return time.Time{}
}
