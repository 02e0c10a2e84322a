package media

import (
	"time"
)

// Channel of a stereo recording.
type Channel uint8

// The channels: the caller is on the left, the agent on the right.
const (
	Left Channel = iota
	Right
)

// RecorderOptions of a recording; the zero value is right for a call.
type RecorderOptions struct {
	Start time.Time // position 0 of the time line; default now
}

// Recorded is what a finished file holds.
type Recorded struct {
	Duration time.Duration
	Bytes    int64 // size of the file
}

// Recorder writes an 8 kHz stereo 16-bit PCM WAV.
type Recorder struct{}

// Pause makes the time line exact digital silence on both channels from at until Resume.
func (r *Recorder) Pause(at time.Time) {}

// Resume ends the pause.
func (r *Recorder) Resume(at time.Time) {}

// Err is the first write error, such as a full disk; the call goes on, the file stays playable up to there.
func (r *Recorder) Err() error { return nil }

// Close writes the rest, patches the header and syncs. It returns Err as well, with what the file holds.
func (r *Recorder) Close() (Recorded, error) { return Recorded{}, nil }

// Repair sets the header sizes of a file that a crash left behind from the file's length.
func Repair(path string) (Recorded, error) { return Recorded{}, nil }
