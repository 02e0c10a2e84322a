// Package say turns what a caller is told (a number, digits, a date, a duration,
// a ticket's number) into the pieces that say it in a language: keys of recorded
// prompts, in order. The grammar is here, the words are the catalogue's, so a rule
// is tested by joining the words. It does no I/O and keeps no state.
package say

import (
	"fmt"
	"slices"
	"strconv"
	"time"
)

// Languages are those with rules, by their ISO 639-1 codes. Others are told in
// digits, which every catalogue has.
func Languages() []string { return []string{"de", "en", "es", "fr"} }

// most is the largest number that is said as a number; above it are digits.
const most = 999_999

// grammar is how one language says what is more than digits.
type grammar struct {
	// number says n, 1 to 999,999, before a thing of a gender.
	number func(n int, g gender) []string
	date   func(year int, month time.Month, day int) []string
	things map[string]gender // of the units of time
}

// gender is what a number agrees with. Counting is for numbers that stand alone.
type gender int

const (
	counting gender = iota
	masculine
	feminine
)

func grammars() map[string]grammar {
	return map[string]grammar{
		"en": {number: english, date: englishDate},
		"de": {number: german, date: germanDate, things: map[string]gender{"day": masculine, "hour": feminine, "minute": feminine, "second": feminine}},
		"es": {number: spanish, date: spanishDate, things: map[string]gender{"day": masculine, "hour": feminine, "minute": masculine, "second": masculine}},
		"fr": {number: french, date: frenchDate, things: map[string]gender{"day": masculine, "hour": feminine, "minute": feminine, "second": feminine}},
	}
}

// Number says a whole number. One below zero, above 999,999, or in a language
// without rules is said digit by digit, without its sign.
func Number(language string, n int) []string { return number(language, n, counting) }

func number(language string, n int, g gender) []string {
	rules, ok := grammars()[language]
	switch {
	case !ok, n < 0, n > most:
		return Digits(strconv.Itoa(n))
	case n == 0:
		return []string{"digit-0"}
	}
	return rules.number(n, g)
}

// Digits says each digit of a text, and passes over what is none.
func Digits(text string) []string {
	var keys []string
	for _, c := range text {
		if c >= '0' && c <= '9' {
			keys = append(keys, "digit-"+string(c))
		}
	}
	return keys
}

// Ticket says a ticket's number: its letters, then its digits.
func Ticket(id string) []string {
	var keys []string
	for _, c := range id {
		switch {
		case c >= '0' && c <= '9':
			keys = append(keys, "digit-"+string(c))
		case c >= 'A' && c <= 'Z':
			keys = append(keys, "letter-"+string(c-'A'+'a'))
		case c >= 'a' && c <= 'z':
			keys = append(keys, "letter-"+string(c))
		}
	}
	return keys
}

// Date says a day of the calendar with its weekday and year, as t's own zone has
// it; in a language without rules the digits of day, month and year.
func Date(language string, t time.Time) []string {
	year, month, day := t.Date()
	rules, ok := grammars()[language]
	if !ok {
		return slices.Concat(Digits(strconv.Itoa(day)), Digits(strconv.Itoa(int(month))), Digits(strconv.Itoa(year)))
	}
	weekday := fmt.Sprintf("weekday-%d", int(t.Weekday())) // 0 is Sunday
	return append([]string{weekday}, rules.date(year, month, day)...)
}

// Duration says a span of time by its two largest units of days, hours, minutes
// and seconds, rounded to the smaller of them. Less than a second is "less than a minute".
func Duration(language string, d time.Duration) []string {
	parts := units(d)
	if len(parts) == 0 {
		return []string{"less-than-a-minute"}
	}
	var keys []string
	for i, p := range parts {
		if i > 0 {
			keys = append(keys, "and")
		}
		unit := p.unit
		if p.n != 1 {
			unit += "s"
		}
		keys = append(append(keys, number(language, p.n, grammars()[language].things[p.unit])...), unit)
	}
	return keys
}

// Wait says a wait of low to high minutes, or of high alone where low is 0 or the
// same. From an hour on it is said as a duration.
func Wait(language string, low, high int) []string {
	low, high = max(low, 0), max(high, 1)
	switch {
	case low == 0, low >= high:
		return Duration(language, time.Duration(high)*time.Minute)
	case high >= 60:
		from, to := time.Duration(low)*time.Minute, time.Duration(high)*time.Minute
		return slices.Concat(Duration(language, from), []string{"range-to"}, Duration(language, to))
	}
	return slices.Concat(rangeFrom(language, low), []string{"range-to"}, Duration(language, time.Duration(high)*time.Minute))
}

// rangeFrom is the number that a range of minutes begins with: it stands alone in
// Spanish ("uno a dos minutos"), and agrees with the minutes elsewhere.
func rangeFrom(language string, low int) []string {
	if language == "es" {
		return Number(language, low)
	}
	return number(language, low, grammars()[language].things["minute"])
}

type part struct {
	n    int
	unit string
}

func units(d time.Duration) []part {
	table := []struct {
		unit  string
		holds time.Duration
	}{{"day", 24 * time.Hour}, {"hour", time.Hour}, {"minute", time.Minute}, {"second", time.Second}}
	for i, u := range table {
		if d < u.holds {
			continue
		}
		if i+1 == len(table) {
			return []part{{int(d / u.holds), u.unit}}
		}
		below := table[i+1]
		rest := d.Round(below.holds)
		if i > 0 && rest >= table[i-1].holds {
			return units(rest) // 59 min 59.9 s is an hour
		}
		parts := []part{{int(rest / u.holds), u.unit}}
		if n := int(rest % u.holds / below.holds); n > 0 {
			parts = append(parts, part{n, below.unit})
		}
		return parts
	}
	return nil
}

func piece(what string, n int) string { return fmt.Sprintf("%s-%d", what, n) }

// whole is the piece of a number that has one: the digits', or its own.
func whole(n int) string {
	if n < 10 {
		return piece("digit", n)
	}
	return piece("number", n)
}
