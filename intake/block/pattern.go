package block

import (
	"fmt"
	"strings"

	"firstline/intake/number"
)

// Pattern says whom a block is for: a number in its normal form ("+4930123456"),
// all that begin so ("+4930123*"), or Withheld.
type Pattern string

// Withheld is everybody who does not say a number.
const Withheld Pattern = "withheld"

// Bounds of what people may block, in digits. Fewer would be an emergency number,
// or half a country.
const (
	leastDigits  = 4
	leastBegin   = 5
	mostInNumber = 15
)

// Parse reads what a person writes, as a number is written in a region. The error
// is ErrInvalid.
func Parse(text, region string) (Pattern, error) {
	text = strings.TrimSpace(text)
	if strings.EqualFold(text, string(Withheld)) {
		return Withheld, nil
	}
	if number.Emergency(text, region) {
		return "", fmt.Errorf("%w: %s is an emergency number", ErrInvalid, text)
	}
	begin, all := strings.CutSuffix(text, "*")
	form := number.Normal(begin, region)
	if all {
		form = number.Normal(begin, "") // a beginning is no whole number of any country
	}
	digits := strings.TrimPrefix(form, "+")
	switch {
	case digits == "" || strings.Trim(digits, "0123456789") != "":
		return "", fmt.Errorf("%w: %q is neither a number, nor the beginning of one with * behind it, nor %q", ErrInvalid, text, Withheld)
	case len(digits) > mostInNumber:
		return "", fmt.Errorf("%w: a number has %d digits at most", ErrInvalid, mostInNumber)
	case all && !strings.HasPrefix(form, "+"):
		return "", fmt.Errorf("%w: the beginning of numbers is written with + and the country code: +4930123*", ErrInvalid)
	case all && len(digits) < leastBegin:
		return "", fmt.Errorf("%w: numbers that begin with %s are too many; write %d digits at least", ErrInvalid, form, leastBegin)
	case len(digits) < leastDigits:
		return "", fmt.Errorf("%w: a number has %d digits at least", ErrInvalid, leastDigits)
	case all:
		form += "*"
	}
	return Pattern(form), nil
}

// Of is the pattern of one caller, by the number in its normal form; empty when
// there can be none.
func Of(number string) Pattern {
	switch {
	case number == "":
		return Withheld
	case strings.Contains(number, "*"):
		return ""
	}
	return Pattern(number)
}

// covering is the patterns that a caller's number is covered by, the closest first.
func covering(number string) []Pattern {
	own := Of(number)
	if own == "" || own == Withheld {
		return []Pattern{own}
	}
	all := []Pattern{own}
	for n := len(number); n > leastBegin; n-- {
		all = append(all, Pattern(number[:n]+"*"))
	}
	return all
}
