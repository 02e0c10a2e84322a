package call

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// CleanText is text from outside made fit to keep and to show: valid UTF-8, no
// control characters, nothing that turns the writing direction round, single
// spaces, and at most limit runes. Cleaning again changes nothing.
func CleanText(s string, limit int) string {
	var b strings.Builder
	n, space := 0, false
	for _, r := range s {
		if r == utf8.RuneError || unicode.IsControl(r) || isBidi(r) || r == '\u2028' || r == '\u2029' {
			continue
		}
		if unicode.IsSpace(r) {
			space = b.Len() > 0
			continue
		}
		if space {
			if n++; n >= limit {
				break
			}
			b.WriteByte(' ')
			space = false
		}
		if n++; n > limit {
			break
		}
		b.WriteRune(r)
	}
	return b.String()
}

// isBidi reports the marks, embeddings, overrides and isolates of Unicode's
// bidirectional algorithm (UAX 9).
func isBidi(r rune) bool {
	return r >= '\u202a' && r <= '\u202e' || r >= '\u2066' && r <= '\u2069' || r == '\u200e' || r == '\u200f' || r == '\u061c'
}
