package hours

import (
	"errors"
	"fmt"
	"time"

	"firstline/call/wall"
)

// Errors of what is written.
var (
	// ErrSpan means that a text is no opening.
	ErrSpan = errors.New("want an opening such as 08:00-18:00")
	// ErrDate means that a text is no date.
	ErrDate = errors.New("want a date such as 2026-12-24")
)

// String is the span as ParseSpan reads it.
func (s Span) String() string {
	to := s.To
	if to > minutesOfDay {
		to -= minutesOfDay
	}
	return fmt.Sprintf("%02d:%02d-%02d:%02d", s.From/60, s.From%60, to/60, to%60)
}

// ParseSpan reads "08:00-18:00". What does not end after it begins ends on the
// next day ("22:00-06:00"); a whole day is "00:00-24:00". Other texts are ErrSpan.
func ParseSpan(text string) (Span, error) {
	if len(text) != len("08:00-18:00") || text[5] != '-' {
		return Span{}, ErrSpan
	}
	from, okFrom := clock(text[:5])
	to, okTo := clock(text[6:])
	if !okFrom || !okTo || from == minutesOfDay {
		return Span{}, ErrSpan
	}
	if from == to {
		return Span{}, fmt.Errorf("it ends when it begins: %w, or 00:00-24:00", ErrSpan)
	}
	if to < from {
		to += minutesOfDay
	}
	return Span{From: from, To: to}, nil
}

// clock reads "HH:MM", up to 24:00, as minutes.
func clock(text string) (minutes int, ok bool) {
	for i, c := range []byte(text) {
		if i == 2 && c != ':' || i != 2 && (c < '0' || c > '9') {
			return 0, false
		}
	}
	hour, minute := int(text[0]-'0')*10+int(text[1]-'0'), int(text[3]-'0')*10+int(text[4]-'0')
	minutes = hour*60 + minute
	return minutes, minute < 60 && minutes <= minutesOfDay
}

// ParseDate reads "2026-12-24". Other texts, and days that a month does not have,
// are ErrDate.
func ParseDate(text string) (wall.Date, error) {
	t, err := time.Parse(time.DateOnly, text)
	if err != nil {
		return wall.Date{}, ErrDate
	}
	return wall.DateOf(t), nil
}
