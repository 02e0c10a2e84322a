package ari

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"firstline/call"
	"firstline/sip/ari/asterisk"
)

const maxPartyRunes = 64

// partyOf is what a caller says of himself, made fit to keep and to show. Asterisk
// has already looked whether he may be named (RFC 3323) and whom to believe (RFC 3325).
func partyOf(c asterisk.CallerID) call.Party {
	p := call.Party{Number: numberOf(c.Number), Name: cleanText(c.Name, maxPartyRunes)}
	if p.Number == "" && withheld(p.Name) {
		p.Name = ""
	}
	return p
}

// numberOf is a number without visual separators, or a name where a phone sends
// one in its place; empty when it is withheld.
func numberOf(s string) string {
	s, _, _ = strings.Cut(cleanText(s, maxPartyRunes), ";")
	if withheld(s) {
		return ""
	}
	bare := strings.Map(func(c rune) rune {
		if strings.ContainsRune("-.() ", c) {
			return -1
		}
		return c
	}, s)
	if bare != "" && only(bare, "+0123456789*#") {
		return bare
	}
	return s // a name: its dots and hyphens belong to it
}

// withheld knows the words that switches put where a number is kept back.
func withheld(s string) bool {
	switch strings.ToLower(s) {
	case "", "anonymous", "unavailable", "restricted", "private", "unknown", "withheld":
		return true
	}
	return false
}

// cleanText is text from outside made fit to keep and to show: valid UTF-8, no
// control characters, nothing that turns the writing direction round, single
// spaces, and at most limit runes.
func cleanText(s string, limit int) string {
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

// shown is text as it may stand in a header that Asterisk writes.
func shown(s string, limit int) string {
	return strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) || strings.ContainsRune(`"\`, r) {
			return -1
		}
		return r
	}, cleanText(s, limit))
}

// userPart keeps the characters of a user part that need no escaping (RFC 3261
// section 25.1, unreserved and a few of user-unreserved).
func userPart(s string) string {
	return strings.Map(func(r rune) rune {
		if r < utf8.RuneSelf && strings.ContainsRune(letters+digits+"-_.!~*'()&=+$,", r) {
			return r
		}
		return -1
	}, cleanText(s, maxPartyRunes))
}
