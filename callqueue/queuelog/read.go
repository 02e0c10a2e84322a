package queuelog

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Line is one line of a queue_log. Fields that Asterisk writes as NONE are empty.
type Line struct {
	At    time.Time // whole seconds, UTC
	Call  string    // the channel's unique id; for changes of members, by whom: "MANAGER", "CLI", "REALTIME"
	Queue string
	Agent string // the member's name
	Event string // "ENTERQUEUE"
	Data  []string
}

// longestLine is what a line of a queue_log may have, in bytes; Asterisk writes
// less than half of it.
const longestLine = 16 << 10

// ErrNoLine means that a text is not a line of a queue_log.
var ErrNoLine = errors.New("not a line of a queue_log")

// Parse reads one line, without its end. An error matches ErrNoLine and does not
// repeat the text, which may hold a caller's number.
func Parse(text string) (Line, error) {
	text = strings.TrimSuffix(text, "\r")
	if len(text) > longestLine {
		return Line{}, fmt.Errorf("%w: longer than %d bytes", ErrNoLine, longestLine)
	}
	f := strings.Split(text, "|")
	if len(f) < 5 {
		return Line{}, fmt.Errorf("%w: %d fields in place of at least 5", ErrNoLine, len(f))
	}
	at, err := instant(f[0])
	if err != nil {
		return Line{}, err
	}
	if f[4] == "" {
		return Line{}, fmt.Errorf("%w: no event", ErrNoLine)
	}
	l := Line{At: at, Call: something(f[1]), Queue: something(f[2]), Agent: something(f[3]), Event: f[4], Data: f[5:]}
	if len(l.Data) == 1 && l.Data[0] == "" { // the bar that ends a line without data
		l.Data = nil
	}
	return l, nil
}

// instant reads seconds since 1970. A log that went through a database may have a
// fraction, which Asterisk's own has not.
func instant(text string) (time.Time, error) {
	whole, _, _ := strings.Cut(text, ".")
	sec, err := strconv.ParseInt(whole, 10, 64)
	if err != nil || sec <= 0 || sec > 1<<33 {
		return time.Time{}, fmt.Errorf("%w: it does not begin with seconds since 1970", ErrNoLine)
	}
	return time.Unix(sec, 0).UTC(), nil
}

func something(field string) string {
	if field == none {
		return ""
	}
	return field
}

// Field is the nth field of the event's data, from 0; empty when there are fewer.
func (l Line) Field(n int) string {
	if n >= len(l.Data) {
		return ""
	}
	return l.Data[n]
}

// Number is the nth field as a number, 0 when it is none.
func (l Line) Number(n int) int64 {
	v, err := strconv.ParseInt(l.Field(n), 10, 64)
	if err != nil {
		return 0
	}
	return v
}
