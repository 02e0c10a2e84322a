package media

import (
	"context"
	"fmt"
	"runtime"
	"syscall"
	"testing"
	"time"

	"go.uber.org/zap"
)

// BenchmarkRelayedPacket is one packet from receive to the write into the other leg's socket, without the read.
func BenchmarkRelayedPacket(b *testing.B) {
	for name, recorded := range map[string]bool{"plain": false, "recorded": true} {
		b.Run(name, func(b *testing.B) {
			e := newEngine(b, Config{})
			in, out := newPeer(b), newPeer(b)
			s, other := open(b, e), open(b, e)
			configure(b, s, Params{Remote: in.addr()})
			configure(b, other, Params{Remote: out.addr()})
			var rec *Recorder
			if recorded {
				var err error
				if rec, err = e.NewRecorder(b.TempDir()+"/bench.wav", RecorderOptions{Start: time.Now().Add(-time.Second)}); err != nil {
					b.Fatal(err)
				}
			}
			if _, err := e.Bridge(s, other, rec); err != nil {
				b.Fatal(err)
			}
			packet, from := in.marshal(audio(1)), in.addr()
			var h header
			h.parse(packet)
			begin := cpu(b)
			b.ReportAllocs()
			for b.Loop() {
				h.seq++
				h.ts += frameSamples
				h.ssrc, h.payloadType = in.next.SSRC, 0
				h.put(packet)
				s.receive(time.Now(), from, packet)
			}
			b.ReportMetric(float64((cpu(b)-begin).Nanoseconds())/float64(b.N), "cpu-ns/op")
		})
	}
}

// BenchmarkPacedFrame is one frame of music from the wheel to the socket.
func BenchmarkPacedFrame(b *testing.B) {
	e, err := New(Config{}, zap.NewNop())
	if err != nil {
		b.Fatal(err)
	}
	out := newPeer(b)
	s := open(b, e)
	defer s.Close()
	configure(b, s, Params{Remote: out.addr()})
	s.Music(Tone(10*time.Second, 440))
	var buf [headerSize + frameSamples]byte
	now := time.Now()
	b.ReportAllocs()
	for b.Loop() {
		now = now.Add(frameTime)
		s.tick(now, buf[:])
	}
}

// cpu is the processor time of this process so far.
func cpu(b *testing.B) time.Duration {
	b.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// BenchmarkWaitingOnMusic holds 1,000 streams on music for two seconds per round. It reports processor cores and
// memory; the kernel's delivery to the peer's socket is in it. Run with -benchtime=1x.
func BenchmarkWaitingOnMusic(b *testing.B) {
	const streams, span = 1000, 2 * time.Second
	e := newEngine(b, Config{Quarantine: time.Millisecond})
	out := newPeer(b)
	runtime.GC()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	music := Tone(10*time.Second, 440)
	for range streams {
		s := open(b, e)
		configure(b, s, Params{Remote: out.addr()})
		s.Music(music)
	}
	var used time.Duration
	for range b.N {
		begin := cpu(b)
		wait(b, span)
		used += cpu(b) - begin
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	var sent uint64
	for _, s := range e.open(nil) {
		sent += s.Stats().PacketsSent
	}
	b.ReportMetric(used.Seconds()/span.Seconds()/float64(b.N)*1000/streams, "cores/1000")
	b.ReportMetric(float64(used.Nanoseconds())/float64(sent), "cpu-ns/frame")
	memory := after.HeapInuse + after.StackInuse - before.HeapInuse - before.StackInuse
	b.ReportMetric(float64(memory)/streams/1000, "kB/stream")
	b.ReportMetric(float64(sent)/streams/float64(b.N), "frames/stream")
}

// BenchmarkMixedFrame is 20 ms of a call that is tapped: the caller's, the agent's and the tap's packet from receive
// to the buffer, and the mix for all three from the wheel to the sockets.
func BenchmarkMixedFrame(b *testing.B) {
	for _, mode := range []TapMode{Listen, Barge} {
		b.Run(mode.String(), func(b *testing.B) {
			e, err := New(Config{}, zap.NewNop())
			if err != nil {
				b.Fatal(err)
			}
			var (
				streams [3]*Stream
				packets [3][]byte
				heads   [3]header
				out     = newPeer(b)
			)
			for i := range streams {
				streams[i] = open(b, e)
				defer streams[i].Close()
				configure(b, streams[i], Params{Remote: out.addr()})
				packets[i] = out.marshal(Tone(frameTime, 440).frame(PCMU, 0))
				heads[i].parse(packets[i])
			}
			br, err := e.Bridge(streams[0], streams[1], nil)
			if err != nil {
				b.Fatal(err)
			}
			now := time.Now()
			if err := br.tapAt(now.Add(-time.Second), streams[2], mode); err != nil {
				b.Fatal(err)
			}
			var buf [headerSize + frameSamples]byte
			begin := cpu(b)
			b.ReportAllocs()
			for b.Loop() {
				now = now.Add(frameTime)
				for i, s := range streams {
					heads[i].seq++
					heads[i].ts += frameSamples
					heads[i].put(packets[i])
					s.receive(now, out.addr(), packets[i])
				}
				br.mixer.tick(now, buf[:])
			}
			b.ReportMetric(float64((cpu(b)-begin).Nanoseconds())/float64(b.N), "cpu-ns/op")
		})
	}
}

// BenchmarkCalls serves 100 calls both ways for two seconds per round; those that are tapped have a third leg, which
// listens. The peers are streams of a second engine in this process, so their cost is measured alone first and taken
// off. Run with -benchtime=1x.
func BenchmarkCalls(b *testing.B) {
	for _, kind := range []string{"relayed", "recorded", "tapped"} {
		b.Run(kind, func(b *testing.B) { benchmarkCalls(b, kind == "recorded", kind == "tapped") })
	}
}

func benchmarkCalls(b *testing.B, recorded, tapped bool) {
	const calls, span = 100, 2 * time.Second
	server := newEngine(b, Config{})
	phones := newEngine(b, Config{PortMin: 40000, PortMax: 49999})
	dir, talk := b.TempDir(), Tone(10*time.Second, 440)
	var far []*Stream
	leg := func() *Stream {
		s, f := open(b, server), open(b, phones)
		configure(b, s, Params{Remote: f.LocalAddr(), DTMFPayload: 101})
		configure(b, f, Params{Remote: s.LocalAddr(), DTMFPayload: 101})
		f.Music(talk)
		far = append(far, f)
		return s
	}
	var legs [][3]*Stream
	for range calls {
		l := [3]*Stream{leg(), leg()}
		if tapped {
			l[2] = leg()
		}
		legs = append(legs, l)
	}
	wait(b, 200*time.Millisecond)
	begin := cpu(b)
	wait(b, span)
	alone := cpu(b) - begin // the phones send, the server receives and drops
	for i, l := range legs {
		var rec *Recorder
		if recorded {
			var err error
			if rec, err = server.NewRecorder(fmt.Sprintf("%s/%d.wav", dir, i), RecorderOptions{}); err != nil {
				b.Fatal(err)
			}
		}
		br, err := server.Bridge(l[0], l[1], rec)
		if err == nil && tapped {
			err = br.Tap(l[2], Listen)
		}
		if err != nil {
			b.Fatal(err)
		}
	}
	var used time.Duration
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for range b.N {
		begin = cpu(b)
		wait(b, span)
		used += cpu(b) - begin
	}
	runtime.ReadMemStats(&after)
	per := used / time.Duration(b.N)
	b.ReportMetric(float64(after.Mallocs-before.Mallocs)/calls/span.Seconds()/float64(b.N), "allocs/call-s")
	b.ReportMetric(per.Seconds()/span.Seconds()*1000/calls, "cpu-s/1000-call-s(all)")
	b.ReportMetric((per-alone).Seconds()/span.Seconds()*1000/calls, "cpu-s/1000-call-s(calls+phones'-receive)")
	var lost int64
	for _, f := range far {
		lost += f.Stats().Lost
	}
	b.ReportMetric(float64(lost), "lost")
}

// wait lets a load run for d.
func wait(b *testing.B, d time.Duration) {
	b.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), d)
	defer cancel()
	<-ctx.Done()
}
