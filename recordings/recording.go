// Package recordings is the catalogue of finished audio: where the files are,
// how long and how big they are, their SHA-256, and what a crash left behind.
// The front end writes the audio; here it is named, closed and served. A file's
// name comes from the recording's id and day alone, never from a caller's text.
package recordings

import (
	"errors"
	"fmt"
	"time"

	"firstline/call"
)

// Recording is one recording, folded from its stream. The zero Recording is
// ready for the first event.
type Recording struct {
	ID          call.RecordingID `json:"id"`
	Call        call.ID          `json:"call"`
	Ticket      call.TicketID    `json:"ticket"`
	Agent       call.AgentID     `json:"agent"`
	File        string           `json:"file"` // relative to the recordings folder, with slashes
	Started     time.Time        `json:"started"`
	Finished    time.Time        `json:"finished,omitzero"` // zero while it runs
	Pauses      []Pause          `json:"pauses,omitempty"`
	Duration    time.Duration    `json:"duration_ns"`
	Bytes       int64            `json:"bytes"`
	SHA256      string           `json:"sha256,omitempty"` // hex, of the whole file
	Interrupted bool             `json:"interrupted,omitempty"`
	Fault       string           `json:"fault,omitempty"` // why it is incomplete
	Flag        *Flag            `json:"flag,omitempty"`  // somebody wants it kept
}

// Flag says who marked a recording as one to keep, and why.
type Flag struct {
	At     time.Time `json:"at"`
	By     string    `json:"by"`
	Reason string    `json:"reason"`
}

// Pause is one silent span, by offset from the start of the audio. To is
// negative while it lasts.
type Pause struct {
	By   string        `json:"by"`
	From time.Duration `json:"from_ns"`
	To   time.Duration `json:"to_ns"`
}

// ErrNotFound means that there is no such recording, or that its file is gone.
var ErrNotFound = errors.New("no such recording")

// Apply folds the next event of the recording's stream in. An event that does
// not fit (a second end, a resume of nothing) is an error and changes nothing.
func (r *Recording) Apply(e call.Event) error {
	if e.Stream.Kind != call.StreamRecording {
		return fmt.Errorf("recordings: %s given a %s event", r.ID, e.Stream.Kind)
	}
	if b, ok := e.Body.(call.RecordingStarted); ok {
		if r.ID != "" {
			return fmt.Errorf("recordings: %s started twice", r.ID)
		}
		*r = Recording{
			ID: call.RecordingID(e.Stream.ID), Call: b.Call, Ticket: b.Ticket, Agent: b.Agent,
			File: b.File, Started: e.At,
		}
		return nil
	}
	flag, flagged := e.Body.(call.RecordingFlagged)
	_, again := e.Body.(call.RecordingFinished)
	switch {
	case r.ID == "":
		return fmt.Errorf("recordings: %s was not started: %s", e.Stream.ID, e.Body.Type())
	case flagged: // while it runs or afterwards
		r.Flag = &Flag{At: e.At, By: flag.By, Reason: flag.Reason}
		return nil
	case again && r.Fault != "": // the audio came late
	case !r.Finished.IsZero():
		return fmt.Errorf("recordings: %s is finished: %s", r.ID, e.Body.Type())
	}
	return r.proceed(e)
}

func (r *Recording) proceed(e call.Event) error {
	switch b := e.Body.(type) {
	case call.RecordingPaused:
		if r.paused() {
			return fmt.Errorf("recordings: %s is paused already", r.ID)
		}
		r.Pauses = append(r.Pauses, Pause{By: b.By, From: b.Offset, To: -1})
	case call.RecordingResumed:
		if !r.paused() {
			return fmt.Errorf("recordings: %s is not paused", r.ID)
		}
		r.Pauses[len(r.Pauses)-1].To = b.Offset
	case call.RecordingFinished:
		if r.paused() {
			r.Pauses[len(r.Pauses)-1].To = b.Duration
		}
		r.Finished, r.Duration, r.Bytes, r.SHA256 = e.At, b.Duration, b.Bytes, b.SHA256
		r.Interrupted, r.Fault = b.Interrupted, b.Fault
	case call.Unknown:
	default:
		return fmt.Errorf("recordings: %s cannot apply %s", r.ID, e.Body.Type())
	}
	return nil
}

func (r *Recording) paused() bool {
	n := len(r.Pauses)
	return n > 0 && r.Pauses[n-1].To < 0
}
