package sip

import (
	"strconv"
	"strings"
	"time"
)

// infoDigit reads a digit from the body of an INFO: application/dtmf-relay ("Signal=5", "Duration=160" in
// milliseconds) or application/dtmf (the digit alone). Both are custom, not RFC.
func infoDigit(contentType string, body []byte) (digit byte, press time.Duration, ok bool) {
	kind, _, _ := strings.Cut(strings.ToLower(contentType), ";")
	text := string(body)
	switch strings.TrimSpace(kind) {
	case "application/dtmf":
		digit, ok = dtmfDigit(strings.TrimSpace(text))
		return digit, 0, ok
	case "application/dtmf-relay":
	default:
		return 0, 0, false
	}
	for line := range strings.Lines(text) {
		name, value, _ := strings.Cut(line, "=")
		value = strings.TrimSpace(value)
		switch strings.ToLower(strings.TrimSpace(name)) {
		case "signal":
			digit, ok = dtmfDigit(value)
		case "duration":
			if ms, err := strconv.ParseUint(value, 10, 16); err == nil {
				press = time.Duration(ms) * time.Millisecond
			}
		}
	}
	return digit, press, ok
}

// dtmfDigit reads "0"-"9", "*", "#", "A"-"D", or the event numbers 10 and 11 of RFC 4733.
func dtmfDigit(s string) (byte, bool) {
	switch s = strings.ToUpper(s); {
	case s == "10":
		return '*', true
	case s == "11":
		return '#', true
	case len(s) == 1 && strings.Contains("0123456789*#ABCD", s):
		return s[0], true
	}
	return 0, false
}
