package media

import (
	"context"
	"fmt"
	"strings"
	"time"
)

const (
	digitFrames    = 5 // 100 ms of tone; the fifth packet is the end
	digitEnds      = 3 // RFC 4733 section 2.5.1.4
	digitGapFrames = 4 // 80 ms before the next press
)

// digitJob is one SendDTMF; the stream's out.mu guards it, done tells the sender.
type digitJob struct {
	digits    string
	step      int // frames of the present digit that are done
	ts        uint32
	cancelled bool
	done      chan struct{}
	err       error
}

// SendDTMF sends RFC 4733 digits ('0'-'9', '*', '#', 'A'-'D'), 100 ms each with 80 ms between, and returns when
// the last is out. Other audio is suppressed meanwhile. ErrNoDTMF, ErrDigit, ErrNotSends, ErrClosed, or ctx's cause,
// after which a digit that began is still ended.
func (s *Stream) SendDTMF(ctx context.Context, digits string) error {
	for _, r := range digits {
		if !strings.ContainsRune(digitNames, r) {
			return fmt.Errorf("%w: %q", ErrDigit, r)
		}
	}
	job, err := s.queueDigits(digits)
	if err != nil {
		return err
	}
	select {
	case <-job.done:
		return job.err
	case <-ctx.Done():
	}
	s.out.mu.Lock()
	job.cancelled = true
	s.out.mu.Unlock()
	return fmt.Errorf("send digits: %w", context.Cause(ctx))
}

func (s *Stream) queueDigits(digits string) (*digitJob, error) {
	o := &s.out
	o.mu.Lock()
	defer o.mu.Unlock()
	switch {
	case o.closed:
		return nil, ErrClosed
	case o.dtmfPayload == 0:
		return nil, ErrNoDTMF
	case !o.sends:
		return nil, ErrNotSends
	}
	job := &digitJob{digits: digits, done: make(chan struct{})}
	o.jobs = append(o.jobs, job)
	s.pace()
	return job, nil
}

// tickDigits does a frame of the first job and reports whether there was one.
func (s *Stream) tickDigits(at time.Time, buf []byte) bool {
	o := &s.out
	for len(o.jobs) > 0 {
		job := o.jobs[0]
		if len(job.digits) == 0 || job.cancelled && job.step == 0 {
			o.jobs = o.jobs[1:]
			close(job.done)
			continue
		}
		s.digitFrame(at, job, buf)
		if job.step++; job.step == digitFrames+digitEnds-1+digitGapFrames {
			job.digits, job.step = job.digits[1:], 0
		}
		return true
	}
	o.jobs = nil
	return false
}

// digitFrame sends the packet of the job's present step; the gap has none.
func (s *Stream) digitFrame(at time.Time, job *digitJob, buf []byte) {
	o := &s.out
	if job.step == 0 {
		job.ts = o.stepped(at)
		o.ts, o.at, o.span, o.last = job.ts, at, frameSamples, nobody
	}
	if job.step >= digitFrames+digitEnds-1 || !o.sends || o.dtmfPayload == 0 || s.unanswered(at) {
		return
	}
	event := telephoneEvent{
		code:     uint8(strings.IndexByte(digitNames, job.digits[0])),
		end:      job.step >= digitFrames-1,
		volume:   10, // -10 dBm0
		duration: uint16(min(job.step+1, digitFrames) * frameSamples),
	}
	h := header{payloadType: o.dtmfPayload, marker: job.step == 0, ts: job.ts, ssrc: o.ssrc}
	b := buf[:headerSize+4]
	event.put(b[headerSize:])
	s.write(&h, b)
}
