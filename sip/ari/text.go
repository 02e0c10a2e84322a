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
	p := call.Party{Number: numberOf(c.Number), Name: call.CleanText(c.Name, maxPartyRunes)}
	if p.Number == "" && withheld(p.Name) {
		p.Name = ""
	}
	return p
}

// numberOf is a number without visual separators, or a name where a phone sends
// one in its place; empty when it is withheld.
func numberOf(s string) string {
	s, _, _ = strings.Cut(call.CleanText(s, maxPartyRunes), ";")
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

// shown is text as it may stand in a header that Asterisk writes.
func shown(s string, limit int) string {
	return strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) || strings.ContainsRune(`"\`, r) {
			return -1
		}
		return r
	}, call.CleanText(s, limit))
}

// userPart keeps the characters of a user part that need no escaping (RFC 3261
// section 25.1, unreserved and a few of user-unreserved).
func userPart(s string) string {
	return strings.Map(func(r rune) rune {
		if r < utf8.RuneSelf && strings.ContainsRune(letters+digits+"-_.!~*'()&=+$,", r) {
			return r
		}
		return -1
	}, call.CleanText(s, maxPartyRunes))
}
