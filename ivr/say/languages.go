package say

import "time"

// english joins tens and ones: pieces of 0 to 19 and the tens.
func english(n int, g gender) []string {
	switch {
	case n < 20:
		return []string{whole(n)}
	case n < 100:
		keys := []string{whole(n / 10 * 10)}
		if n%10 != 0 {
			keys = append(keys, whole(n%10))
		}
		return keys
	case n < 1000:
		return above(english, n, 100, "hundred", g)
	}
	return above(english, n, 1000, "thousand", g)
}

// above says how many hundreds or thousands, the word, and the rest.
func above(say func(int, gender) []string, n, of int, word string, g gender) []string {
	keys := append(say(n/of, counting), word)
	if n%of != 0 {
		keys = append(keys, say(n%of, g)...)
	}
	return keys
}

// englishDate says the day as a plain number, as Americans may, which needs no
// recordings of its own.
func englishDate(year int, month time.Month, day int) []string {
	keys := append([]string{piece("month", int(month))}, english(day, counting)...)
	century, rest := year/100, year%100
	switch {
	case year < 1000 || year > 9999 || year%1000 < 10: // two thousand six
		return append(keys, Number("en", year)...)
	case rest == 0: // nineteen hundred
		return append(append(keys, english(century, counting)...), "hundred")
	}
	keys = append(keys, english(century, counting)...)
	if rest < 10 {
		keys = append(keys, "digit-0") // nineteen oh six
	}
	return append(keys, english(rest, counting)...)
}

// german says the ones before the tens: "zwei" "undzwanzig". "Ein" stands before
// these, before hundred, thousand and masculine things, "eine" before feminine ones.
func german(n int, g gender) []string {
	switch {
	case n == 1 && g == masculine:
		return []string{"one-m"}
	case n == 1 && g == feminine:
		return []string{"one-f"}
	case n < 20, n < 100 && n%10 == 0:
		return []string{whole(n)}
	case n < 100:
		return append(german(n%10, masculine), piece("and", n/10*10))
	case n < 1000:
		return germanAbove(n, 100, "hundred", g)
	}
	return germanAbove(n, 1000, "thousand", g)
}

func germanAbove(n, of int, word string, g gender) []string {
	keys := append(german(n/of, masculine), word)
	if n%of != 0 {
		keys = append(keys, german(n%of, g)...)
	}
	return keys
}

func germanDate(year int, month time.Month, day int) []string {
	keys := append(germanDay(day), piece("month", int(month)))
	if century := year / 100; century >= 11 && century <= 19 { // neunzehnhundertsechs
		keys = append(keys, whole(century), "hundred")
		if year%100 != 0 {
			keys = append(keys, german(year%100, counting)...)
		}
		return keys
	}
	return append(keys, Number("de", year)...)
}

// germanDay is "der dritte", and "der" "drei" "undzwanzigste".
func germanDay(day int) []string {
	if day <= 20 || day == 30 {
		return []string{piece("day", day)}
	}
	return append(append([]string{"the"}, german(day%10, masculine)...), piece("day-and", day/10*10))
}

// spanish has pieces up to 29 and of the tens, of 200 to 900, and "cien" beside
// "ciento". One agrees with what is counted, at the end of larger numbers too;
// so do the hundreds.
func spanish(n int, g gender) []string {
	switch {
	case n%10 == 1 && n < 30 && n != 11 && g != counting:
		return []string{agreeing(n, g)}
	case n < 30:
		return []string{whole(n)}
	case n < 100:
		keys := []string{whole(n / 10 * 10)}
		if n%10 != 0 {
			keys = append(append(keys, "y"), spanish(n%10, g)...)
		}
		return keys
	case n == 100:
		return []string{"number-100"}
	case n < 200:
		return append([]string{"hundred"}, spanish(n-100, g)...)
	case n < 1000:
		keys := []string{piece("number", n/100*100)}
		if g == feminine {
			keys[0] += "-f"
		}
		if n%100 != 0 {
			keys = append(keys, spanish(n%100, g)...)
		}
		return keys
	}
	var keys []string
	if n >= 2000 { // mil, dos mil, veintiún mil
		keys = spanish(n/1000, masculine)
	}
	keys = append(keys, "thousand")
	if n%1000 != 0 {
		keys = append(keys, spanish(n%1000, g)...)
	}
	return keys
}

// agreeing is a number that ends in one, before a thing: 1, 21.
func agreeing(n int, g gender) string {
	key := "one"
	if n != 1 {
		key = piece("number", n)
	}
	if g == feminine {
		return key + "-f"
	}
	return key + "-m"
}

func spanishDate(year int, month time.Month, day int) []string {
	keys := spanish(day, counting)
	if day == 1 {
		keys = []string{"day-1"}
	}
	return append(append(keys, "of", piece("month", int(month)), "of"), Number("es", year)...)
}

// french has pieces up to 29, of the tens up to 60, and of those with "et". Seventy
// counts on from sixty, ninety from eighty, whose s stands only at the end. Before a
// feminine thing those that end in "un" end in "une".
func french(n int, g gender) []string {
	switch {
	case n < 70 && g == feminine && n%10 == 1 && n != 11:
		return []string{agreeing(n, g)}
	case n < 30, n < 70 && n%10 <= 1, n == 71, n == 80:
		return []string{whole(n)}
	case n < 80:
		tens := min(n/10*10, 60)
		return append([]string{whole(tens)}, french(n-tens, g)...)
	case n < 100:
		return append([]string{"number-80-and"}, french(n-80, g)...)
	case n < 1000:
		return frenchAbove(n, 100, "hundred", g)
	}
	return frenchAbove(n, 1000, "thousand", g)
}

// frenchAbove says cent and mille without a number for one of them.
func frenchAbove(n, of int, word string, g gender) []string {
	var keys []string
	if n/of > 1 {
		keys = french(n/of, counting)
	}
	keys = append(keys, word)
	if n%of != 0 {
		keys = append(keys, french(n%of, g)...)
	}
	return keys
}

func frenchDate(year int, month time.Month, day int) []string {
	keys := french(day, counting)
	if day == 1 {
		keys = []string{"day-1"}
	}
	return append(append(keys, piece("month", int(month))), Number("fr", year)...)
}
