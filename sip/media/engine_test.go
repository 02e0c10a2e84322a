package media

import (
	"context"
	"errors"
	"path/filepath"
	"testing"
	"time"

	"go.uber.org/zap"
)

func TestRecordingCanBeReadWhileTheCallIsUpAndIsWholeWhenTheEngineEnds(t *testing.T) {
	e, err := New(Config{FlushEvery: 20 * time.Millisecond}, zap.NewNop())
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	ended := make(chan error, 1)
	go func() { ended <- e.Run(ctx) }()
	phone := newPeer(t)
	s := open(t, e)
	configure(t, s, Params{Remote: phone.addr()})
	path := filepath.Join(t.TempDir(), "call.wav")
	rec, err := e.NewRecorder(path, RecorderOptions{Start: time.Now().Add(-time.Second)}) // a packet is placed before its arrival
	if err != nil {
		t.Fatal(err)
	}
	s.Record(rec, Right)
	if _, err := phone.conn.WriteToUDPAddrPort(phone.marshal(audio(1)), s.LocalAddr()); err != nil {
		t.Fatal(err)
	}
	poll := time.NewTicker(10 * time.Millisecond)
	defer poll.Stop()
	for end := time.After(within); ; {
		if _, right := readStereo(t, path); Goertzel(right, 0) != 0 { // the constant of the one packet
			break
		}
		select {
		case <-poll.C:
		case <-end:
			t.Fatal("the packet never came into the file")
		}
	}
	cancel()
	if err := <-ended; err != nil {
		t.Errorf("run: %v", err)
	}
	recorded, err := rec.Close()
	if err != nil {
		t.Fatal(err)
	}
	left, _ := readStereo(t, path)
	if durationOf(int64(len(left))) != recorded.Duration {
		t.Errorf("file of %d samples, recorded %v", len(left), recorded.Duration)
	}
	if _, err := e.Open(); !errors.Is(err, ErrClosed) {
		t.Errorf("open after the end: %v", err)
	}
	if _, err := e.NewRecorder(filepath.Join(t.TempDir(), "late.wav"), RecorderOptions{}); !errors.Is(err, ErrClosed) {
		t.Errorf("record after the end: %v", err)
	}
	if n := e.PortsInUse(); n != 0 {
		t.Errorf("%d ports in use", n)
	}
}

func TestALegIsInOneBridgeOnlyAndIsFreeWhenTheOtherCloses(t *testing.T) {
	e := newEngine(t, Config{})
	a, b, c := open(t, e), open(t, e), open(t, e)
	if _, err := e.Bridge(a, b, nil); err != nil {
		t.Fatal(err)
	}
	if _, err := e.Bridge(c, a, nil); !errors.Is(err, ErrBridged) {
		t.Errorf("second bridge: %v", err)
	}
	if _, err := e.Bridge(c, c, nil); !errors.Is(err, ErrBridged) {
		t.Errorf("with itself: %v", err)
	}
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := e.Bridge(a, b, nil); !errors.Is(err, ErrClosed) {
		t.Errorf("with a closed leg: %v", err)
	}
	br, err := e.Bridge(c, a, nil)
	if err != nil {
		t.Fatal(err)
	}
	br.Close()
	br.Close()
}

func TestSendingDigitsRefusesWhatItCannotSend(t *testing.T) {
	e := newEngine(t, Config{})
	s, phone := open(t, e), newPeer(t)
	configure(t, s, Params{Remote: phone.addr()})
	if err := s.SendDTMF(t.Context(), "1"); !errors.Is(err, ErrNoDTMF) {
		t.Errorf("not negotiated: %v", err)
	}
	configure(t, s, Params{Remote: phone.addr(), DTMFPayload: 101, Direction: RecvOnly})
	if err := s.SendDTMF(t.Context(), "1"); !errors.Is(err, ErrNotSends) {
		t.Errorf("on hold: %v", err)
	}
	configure(t, s, Params{Remote: phone.addr(), DTMFPayload: 101})
	if err := s.SendDTMF(t.Context(), "1x"); !errors.Is(err, ErrDigit) {
		t.Errorf("no digit: %v", err)
	}
	gone := errors.New("caller gone")
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(gone)
	if err := s.SendDTMF(ctx, "123456789"); !errors.Is(err, gone) {
		t.Errorf("cancelled: %v", err)
	}
}
