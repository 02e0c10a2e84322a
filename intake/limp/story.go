package limp

import (
	"slices"
	"time"

	"firstline/callqueue/queuelog"
)

// Events of queue_log that app_queue does not write: the dialplan's own, by
// QueueLog(). DID is what FreePBX writes, too.
const (
	eventDID       = "DID"       // the number dialled
	eventVoicemail = "VOICEMAIL" // the file of a message, without its ending
	eventHangup    = "HANGUP"    // the channel is gone
	eventDied      = "QUEUESTART"
)

// phase is how far a call's story goes.
type phase int

const (
	begun   phase = iota // the number dialled is known, no queue yet
	waiting              // in a queue
	left                 // left it without an agent
	talking              // with an agent
	over                 // nothing more is to come
)

// How long a story may stand still in a phase before it is taken for complete: a
// dialplan of another's may not say that a channel is gone.
func (p phase) patience() time.Duration {
	switch p {
	case begun:
		return time.Hour
	case left:
		return 10 * time.Minute
	case waiting, talking:
		return 24 * time.Hour
	}
	return 0
}

// lineAfterHangup is how late a queue's last line may come after the channel's.
const lineAfterHangup = 30 * time.Second

// story is the lines of one call, in order.
type story struct {
	Lines []queuelog.Line `json:"lines"`
}

// most bounds the lines that are kept of one call, which rings a hundred phones at
// most; what is more only repeats RINGNOANSWER.
const most = 5000

// add takes a line; one that is there already changes nothing.
func (s *story) add(l queuelog.Line) {
	same := func(o queuelog.Line) bool {
		return o.Event == l.Event && o.At.Equal(l.At) && o.Agent == l.Agent && o.Queue == l.Queue && slices.Equal(o.Data, l.Data)
	}
	if slices.ContainsFunc(s.Lines, same) || len(s.Lines) >= most && l.Event == "RINGNOANSWER" {
		return
	}
	s.Lines = append(s.Lines, l)
}

// at is the phase that the lines lead to, whether the channel is gone, and when the
// last of them was written.
func (s *story) at() (p phase, gone bool, last time.Time) {
	for _, l := range s.Lines {
		last = l.At
		switch l.Event {
		case "ENTERQUEUE":
			p = waiting
		case "CONNECT":
			p = talking
		case "ABANDON", "COMPLETECALLER", "COMPLETEAGENT", "TRANSFER", "BLINDTRANSFER", "ATTENDEDTRANSFER", eventDied:
			p = over
		case "EXITWITHTIMEOUT", "EXITEMPTY", "EXITWITHKEY", "WITHDRAW", "SYSCOMPAT":
			p = left
		case eventHangup:
			gone = true
		}
	}
	return p, gone, last
}

// complete reports whether nothing more is to come, by the time that it is.
func (s *story) complete(now time.Time) bool {
	p, gone, last := s.at()
	switch {
	case p == over:
		return true
	case gone && (p == begun || p == left):
		return true
	case gone:
		return now.Sub(last) > lineAfterHangup
	}
	return now.Sub(last) > p.patience()
}
