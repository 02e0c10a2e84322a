// Package number brings callers' numbers into one form, so that +49 30 1234567,
// 0049301234567 and 030 1234567 are one caller. The form is for comparing: what a
// caller signalled is kept and shown as it came.
package number

import (
	"strings"

	"github.com/nyaruka/phonenumbers"
)

// longest is the most digits of a number of the public network (ITU-T E.164
// section 6.1).
const longest = 15

// Normal is a number in E.164 ("+49301234567"), read as a line in a region gives it
// (ISO 3166-1 alpha-2, "DE"). Without a region only + and 00 say that a country
// code follows. An extension and a name stay as they are; a withheld number is empty.
// What is normal stays so.
func Normal(text, region string) string {
	form := normal(text, region)
	for range longest { // of numbers that nobody has, 000001, one pass leaves zeros
		again := normal(form, region)
		if again == form {
			break
		}
		form = again
	}
	return form
}

func normal(text, region string) string {
	text = strings.TrimSpace(text)
	bare := withoutSeparators(text)
	digits := strings.TrimPrefix(bare, "+")
	if digits == "" || strings.Trim(digits, "0123456789") != "" || len(digits) > longest+4 {
		return text
	}
	if region == "" {
		if rest, abroad := strings.CutPrefix(bare, "00"); abroad && rest != "" {
			return "+" + rest
		}
		return bare
	}
	n, err := phonenumbers.ParseAndKeepRawInput(bare, region)
	if err != nil || !public(n, bare, region) {
		return normal(bare, "")
	}
	return phonenumbers.Format(n, phonenumbers.E164)
}

// public reports whether n was meant as a number of the public network. Digits
// alone may be an extension: they count when a subscriber has them, or when they
// begin with what is dialled before a number of the same country.
func public(n *phonenumbers.PhoneNumber, bare, region string) bool {
	if n.GetCountryCodeSource() != phonenumbers.PhoneNumber_FROM_DEFAULT_COUNTRY || phonenumbers.IsValidNumber(n) {
		return true
	}
	trunk := phonenumbers.GetNddPrefixForRegion(region, true)
	return trunk != "" && strings.HasPrefix(bare, trunk) && phonenumbers.IsPossibleNumber(n)
}

// Emergency reports whether a number reaches, or comes from, an emergency service
// of a region.
func Emergency(text, region string) bool {
	return region != "" && phonenumbers.IsEmergencyNumber(withoutSeparators(text), region)
}

// Region reports whether a text names a region that has numbers: "DE".
func Region(text string) bool { return phonenumbers.GetSupportedRegions()[text] }

// withoutSeparators drops what people write between digits (RFC 3966 section 5.1.1).
func withoutSeparators(s string) string {
	return strings.Map(func(c rune) rune {
		if strings.ContainsRune("-.() /\u00a0\u202f\u2011", c) {
			return -1
		}
		return c
	}, s)
}
