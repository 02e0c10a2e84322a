package sip

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestDigitsAreReadFromInfo(t *testing.T) {
	for _, c := range []struct {
		kind, body string
		want       byte
		ms         int64
	}{
		{"application/dtmf-relay", "Signal=5\r\nDuration=160\r\n", '5', 160},
		{"application/dtmf-relay; charset=x", "signal= # \nduration=oops", '#', 0},
		{"Application/DTMF-Relay", "Signal=10", '*', 0},
		{"application/dtmf", " d ", 'D', 0},
		{"application/dtmf", "12", 0, 0},
		{"text/plain", "Signal=5", 0, 0},
	} {
		b, press, ok := infoDigit(c.kind, []byte(c.body))
		if ok != (c.want != 0) || ok && (b != c.want || press.Milliseconds() != c.ms) {
			t.Errorf("%q %q: %c %v %v", c.kind, c.body, b, press, ok)
		}
	}
}

func TestListsAreSplitOutsideQuotesAndBrackets(t *testing.T) {
	got := splitList(`"a, b" <sip:x,y@z;lr>, <sip:q>,<sip:r>`)
	want := []string{`"a, b" <sip:x,y@z;lr>`, ` <sip:q>`, `<sip:r>`}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func FuzzInfoDigit(f *testing.F) {
	f.Add("application/dtmf-relay", []byte("Signal=5\r\nDuration=160\r\n"))
	f.Add("application/dtmf", []byte("#"))
	f.Fuzz(func(t *testing.T, kind string, body []byte) {
		if b, press, ok := infoDigit(kind, body); ok && (!strings.ContainsRune("0123456789*#ABCD", rune(b)) || press < 0) {
			t.Errorf("%c for %v", b, press)
		}
	})
}

func FuzzSplitList(f *testing.F) {
	f.Add(`"a, b" <sip:x,y@z>, <sip:q>`)
	f.Fuzz(func(t *testing.T, s string) {
		if got := strings.Join(splitList(s), ","); got != s {
			t.Errorf("%q became %q", s, got)
		}
	})
}

func FuzzClean(f *testing.F) {
	f.Add("Ann \"x\"\r\nBcc: me", 8)
	f.Fuzz(func(t *testing.T, s string, n int) {
		n = min(max(n, 0), 100)
		got := clean(s, n)
		if strings.ContainsAny(got, "\r\n\x00\"\\") || len([]rune(got)) > n {
			t.Errorf("%q", got)
		}
	})
}
