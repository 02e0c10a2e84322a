package media

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"sync"
	"syscall"
	"time"
	"unsafe"
)

const (
	batch       = 8  // datagrams taken at once
	batches     = 4  // of one socket in one look: more than 6,400 a second waits in the kernel, and is lost there
	readyAtOnce = 64 // sockets that one epoll_wait tells of
)

// socket is a stream's RTP socket. Go's poller does not know it: that would wake a goroutine for each packet,
// which costs more than the packet. The shard looks every 5 ms instead.
type socket struct {
	fd    int
	local netip.AddrPort
}

// openSocket binds a UDP socket.
func openSocket(at netip.AddrPort) (*socket, error) {
	family := syscall.AF_INET
	if at.Addr().Is6() {
		family = syscall.AF_INET6
	}
	fd, err := syscall.Socket(family, syscall.SOCK_DGRAM|syscall.SOCK_CLOEXEC|syscall.SOCK_NONBLOCK, 0)
	if err != nil {
		return nil, os.NewSyscallError("socket", err)
	}
	s := &socket{fd: fd, local: at}
	if err := s.bind(family); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

func (s *socket) bind(family int) error {
	var sa syscall.Sockaddr = &syscall.SockaddrInet4{Port: int(s.local.Port()), Addr: addr4(s.local.Addr())}
	if family == syscall.AF_INET6 {
		zone, err := zoneIndex(s.local.Addr().Zone())
		if err != nil {
			return err
		}
		if err := syscall.SetsockoptInt(s.fd, syscall.IPPROTO_IPV6, syscall.IPV6_V6ONLY, 1); err != nil {
			return os.NewSyscallError("setsockopt", err)
		}
		sa = &syscall.SockaddrInet6{Port: int(s.local.Port()), ZoneId: zone, Addr: s.local.Addr().As16()}
	}
	if err := socketOptions(s.fd); err != nil {
		return os.NewSyscallError("setsockopt", err)
	}
	return os.NewSyscallError("bind", syscall.Bind(s.fd, sa))
}

func addr4(a netip.Addr) (b [4]byte) {
	if a.Is4() {
		b = a.As4()
	}
	return b
}

func zoneIndex(zone string) (uint32, error) {
	if zone == "" {
		return 0, nil
	}
	i, err := net.InterfaceByName(zone)
	if err != nil {
		return 0, fmt.Errorf("zone %s: %w", zone, err)
	}
	return uint32(i.Index), nil
}

// send writes one datagram or fails at once. The stream's out.mu keeps it apart from Close.
func (s *socket) send(b []byte, to netip.AddrPort) error {
	var (
		sa4   syscall.RawSockaddrInet4
		sa6   syscall.RawSockaddrInet6
		sa    = unsafe.Pointer(&sa4)
		size  = unsafe.Sizeof(sa4)
		errno syscall.Errno
	)
	if a := to.Addr(); a.Is4() {
		sa4.Family, sa4.Addr = syscall.AF_INET, a.As4()
		binary.BigEndian.PutUint16((*[2]byte)(unsafe.Pointer(&sa4.Port))[:], to.Port())
	} else {
		zone, err := zoneIndex(a.Zone())
		if err != nil {
			return err
		}
		sa6.Family, sa6.Addr, sa6.Scope_id = syscall.AF_INET6, a.As16(), zone
		binary.BigEndian.PutUint16((*[2]byte)(unsafe.Pointer(&sa6.Port))[:], to.Port())
		sa, size = unsafe.Pointer(&sa6), unsafe.Sizeof(sa6)
	}
	_, _, errno = syscall.RawSyscall6(syscall.SYS_SENDTO, uintptr(s.fd), uintptr(unsafe.Pointer(&b[0])), uintptr(len(b)),
		syscall.MSG_DONTWAIT|syscall.MSG_NOSIGNAL, uintptr(sa), size)
	if errno != 0 {
		return errno
	}
	return nil
}

// Close gives the port back.
func (s *socket) Close() error { return os.NewSyscallError("close", syscall.Close(s.fd)) }

// receiver reads the sockets of a shard's streams.
type receiver struct {
	poll int // epoll

	mu      sync.Mutex // guards streams; held while a stream's packets are handled, so leave waits for them
	streams map[int32]*Stream

	ready    [readyAtOnce]syscall.EpollEvent // what follows belongs to look
	headers  [batch]mmsghdr
	vectors  [batch]syscall.Iovec
	names    [batch]syscall.RawSockaddrInet6
	controls [batch][64]byte
	packets  [batch][maxPacket]byte
}

// mmsghdr is recvmmsg(2)'s.
type mmsghdr struct {
	header syscall.Msghdr
	length uint32
}

func newReceiver() (*receiver, error) {
	fd, err := syscall.EpollCreate1(syscall.EPOLL_CLOEXEC)
	if err != nil {
		return nil, os.NewSyscallError("epoll_create", err)
	}
	r := &receiver{poll: fd, streams: make(map[int32]*Stream)}
	for i := range r.headers {
		r.vectors[i].Base = &r.packets[i][0]
		r.vectors[i].SetLen(maxPacket)
		h := &r.headers[i].header
		h.Name, h.Iov, h.Iovlen, h.Control = (*byte)(unsafe.Pointer(&r.names[i])), &r.vectors[i], 1, &r.controls[i][0]
	}
	return r, nil
}

// join begins to read s; leave ends it, and no packet of s is under way any more when it returns.
func (r *receiver) join(s *Stream) error {
	fd := int32(s.conn.fd)
	r.mu.Lock()
	defer r.mu.Unlock()
	ev := syscall.EpollEvent{Events: syscall.EPOLLIN, Fd: fd}
	if err := syscall.EpollCtl(r.poll, syscall.EPOLL_CTL_ADD, int(fd), &ev); err != nil {
		return os.NewSyscallError("epoll_ctl", err)
	}
	r.streams[fd] = s
	return nil
}

func (r *receiver) leave(s *Stream) {
	fd := int32(s.conn.fd)
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.streams[fd] != s {
		return
	}
	delete(r.streams, fd)
	_ = syscall.EpollCtl(r.poll, syscall.EPOLL_CTL_DEL, int(fd), &syscall.EpollEvent{}) // closing does the same
}

func (r *receiver) empty() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.streams) == 0
}

// look takes what has come since the last look.
func (r *receiver) look() {
	for {
		n, _, errno := syscall.RawSyscall6(syscall.SYS_EPOLL_PWAIT, uintptr(r.poll), uintptr(unsafe.Pointer(&r.ready[0])), readyAtOnce, 0, 0, 0)
		if errno != 0 {
			return // interrupted: there is another look in 5 ms
		}
		for i := range int(n) {
			r.take(r.ready[i].Fd)
		}
		if n < readyAtOnce {
			return
		}
	}
}

func (r *receiver) take(fd int32) {
	r.mu.Lock()
	defer r.mu.Unlock()
	s := r.streams[fd]
	if s == nil {
		return
	}
	for range batches {
		for i := range r.headers {
			h := &r.headers[i].header
			h.Namelen = uint32(unsafe.Sizeof(r.names[i]))
			h.SetControllen(len(r.controls[i]))
		}
		n, _, errno := syscall.RawSyscall6(syscall.SYS_RECVMMSG, uintptr(fd), uintptr(unsafe.Pointer(&r.headers[0])), batch, syscall.MSG_DONTWAIT, 0, 0)
		if errno != 0 {
			return // nothing there, or an ICMP error of a former send, which passes
		}
		now := time.Now()
		for i := range int(n) {
			r.hand(s, now, i)
		}
		if n < batch {
			return
		}
	}
}

// hand gives a datagram to its stream, with the time when the kernel got it.
func (r *receiver) hand(s *Stream, now time.Time, i int) {
	h := &r.headers[i]
	if h.length >= maxPacket {
		s.drop(DropMalformed) // cut off, or never ours
		return
	}
	if at := stamp(r.controls[i][:h.header.Controllen]); !at.IsZero() {
		// By the wall clock; what is told to streams has the other clock as well.
		if ago := now.Round(0).Sub(at); ago > 0 && ago < time.Second {
			now = now.Add(-ago)
		}
	}
	s.receive(now, source(&r.names[i]), r.packets[i][:h.length])
}

// stamp is arrival without allocating, for the one control message that is asked for.
func stamp(oob []byte) time.Time {
	head := int(unsafe.Sizeof(syscall.Cmsghdr{}))
	if len(oob) < head+16 {
		return time.Time{}
	}
	c := (*syscall.Cmsghdr)(unsafe.Pointer(&oob[0]))
	if c.Level != syscall.SOL_SOCKET || c.Type != syscall.SO_TIMESTAMPNS {
		return time.Time{}
	}
	ne := binary.NativeEndian
	return time.Unix(int64(ne.Uint64(oob[head:])), int64(ne.Uint64(oob[head+8:])))
}

func source(name *syscall.RawSockaddrInet6) netip.AddrPort {
	port := binary.BigEndian.Uint16((*[2]byte)(unsafe.Pointer(&name.Port))[:])
	if name.Family == syscall.AF_INET {
		return netip.AddrPortFrom(netip.AddrFrom4((*syscall.RawSockaddrInet4)(unsafe.Pointer(name)).Addr), port)
	}
	return netip.AddrPortFrom(netip.AddrFrom16(name.Addr).Unmap(), port)
}

func (r *receiver) close() error { return os.NewSyscallError("close", syscall.Close(r.poll)) }
