package say_test

import (
	"fmt"
	"iter"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/goccy/go-yaml"
	"pgregory.net/rapid"

	"firstline/ivr/prompts"
	"firstline/ivr/say"
)

// texts is what the pieces of a language say.
func texts(t testing.TB, language string) map[string]string {
	t.Helper()
	b, err := os.ReadFile("testdata/" + language + ".yaml")
	if err != nil {
		t.Fatal(err)
	}
	words := map[string]string{}
	if err := yaml.Unmarshal(b, &words); err != nil {
		t.Fatal(err)
	}
	return words
}

// spell joins the words of pieces.
func spell(t testing.TB, language string, keys []string) string {
	t.Helper()
	words := texts(t, language)
	var all []string
	for _, k := range keys {
		w, ok := words[k]
		if !ok {
			t.Errorf("%s: there is no piece %q", language, k)
		}
		all = append(all, w)
	}
	return strings.Join(all, " ")
}

func TestNumbersAreSaidAsTheLanguageSaysThem(t *testing.T) {
	for language, numbers := range map[string]map[int]string{
		"en": {
			0: "zero", 7: "seven", 13: "thirteen", 20: "twenty", 42: "forty two", 100: "one hundred", 345: "three hundred forty five",
			1000: "one thousand", 21_001: "twenty one thousand one", 999_999: "nine hundred ninety nine thousand nine hundred ninety nine",
		},
		"de": {
			0: "null", 1: "eins", 11: "elf", 21: "ein undzwanzig", 33: "drei unddreißig", 100: "ein hundert", 101: "ein hundert eins",
			1000: "ein tausend", 1234: "ein tausend zwei hundert vier unddreißig", 21_000: "ein undzwanzig tausend", 101_000: "ein hundert ein tausend",
		},
		"es": {
			0: "cero", 1: "uno", 16: "dieciséis", 21: "veintiuno", 30: "treinta", 31: "treinta y uno", 100: "cien", 101: "ciento uno",
			500: "quinientos", 555: "quinientos cincuenta y cinco", 1000: "mil", 2000: "dos mil", 21_000: "veintiún mil", 31_100: "treinta y un mil cien",
		},
		"fr": {
			0: "zéro", 1: "un", 17: "dix-sept", 21: "vingt et un", 71: "soixante et onze", 80: "quatre-vingts", 81: "quatre-vingt un",
			91: "quatre-vingt onze", 99: "quatre-vingt dix-neuf", 100: "cent", 201: "deux cent un", 1000: "mille", 2000: "deux mille", 1999: "mille neuf cent quatre-vingt dix-neuf",
		},
	} {
		for n, want := range numbers {
			if got := spell(t, language, say.Number(language, n)); got != want {
				t.Errorf("%s: %d is %q, want %q", language, n, got, want)
			}
		}
	}
}

func TestDatesAreSaidAsTheLanguageSaysThem(t *testing.T) {
	for _, c := range []struct {
		language string
		day      string
		want     string
	}{
		{"en", "2026-12-24", "Thursday December twenty four twenty twenty six"},
		{"en", "2006-05-01", "Monday May one two thousand six"},
		{"en", "1906-01-02", "Tuesday January two nineteen zero six"},
		{"en", "1900-01-31", "Wednesday January thirty one nineteen hundred"},
		{"de", "2026-12-24", "Donnerstag der vier undzwanzigste Dezember zwei tausend sechs undzwanzig"},
		{"de", "1999-03-03", "Mittwoch der dritte März neunzehn hundert neun undneunzig"},
		{"es", "2026-05-01", "viernes primero de mayo de dos mil veintiséis"},
		{"es", "2031-01-21", "martes veintiuno de enero de dos mil treinta y uno"},
		{"fr", "2026-05-01", "vendredi premier mai deux mille vingt-six"},
		{"fr", "2026-12-24", "jeudi vingt-quatre décembre deux mille vingt-six"},
	} {
		day, err := time.Parse(time.DateOnly, c.day)
		if err != nil {
			t.Fatal(err)
		}
		if got := spell(t, c.language, say.Date(c.language, day)); got != c.want {
			t.Errorf("%s: %s is %q, want %q", c.language, c.day, got, c.want)
		}
	}
}

func TestDurationsAgreeWithTheirUnits(t *testing.T) {
	for _, c := range []struct {
		d              time.Duration
		en, de, es, fr string
	}{
		{0, "less than a minute", "weniger als eine Minute", "menos de un minuto", "moins d'une minute"},
		{time.Second, "one second", "eine Sekunde", "un segundo", "une seconde"},
		{21 * time.Minute, "twenty one minutes", "ein undzwanzig Minuten", "veintiún minutos", "vingt et une minutes"},
		{time.Hour, "one hour", "eine Stunde", "una hora", "une heure"},
		{21*time.Hour + time.Minute, "twenty one hours and one minute", "ein undzwanzig Stunden und eine Minute", "veintiuna horas y un minuto", "vingt et une heures et une minute"},
		{24 * time.Hour, "one day", "ein Tag", "un día", "un jour"},
		{59*time.Minute + 59*time.Second + 900*time.Millisecond, "one hour", "eine Stunde", "una hora", "une heure"},
		{61 * time.Second, "one minute and one second", "eine Minute und eine Sekunde", "un minuto y un segundo", "une minute et une seconde"},
		{49 * time.Hour, "two days and one hour", "zwei Tage und eine Stunde", "dos días y una hora", "deux jours et une heure"},
	} {
		for language, want := range map[string]string{"en": c.en, "de": c.de, "es": c.es, "fr": c.fr} {
			if got := spell(t, language, say.Duration(language, c.d)); got != want {
				t.Errorf("%s: %v is %q, want %q", language, c.d, got, want)
			}
		}
	}
}

func TestATicketIsSaidByItsLettersAndDigits(t *testing.T) {
	if got, want := say.Ticket("T-100123"), []string{"letter-t", "digit-1", "digit-0", "digit-0", "digit-1", "digit-2", "digit-3"}; !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
}

func TestALanguageWithoutRulesIsToldInDigits(t *testing.T) {
	day := time.Date(2026, 12, 24, 0, 0, 0, 0, time.UTC)
	if got := fmt.Sprint(say.Number("pt", 42), say.Date("pt", day)); got != "[digit-4 digit-2] [digit-2 digit-4 digit-1 digit-2 digit-2 digit-0 digit-2 digit-6]" {
		t.Error(got)
	}
	if got := say.Number("de", -5); !slices.Equal(got, []string{"digit-5"}) {
		t.Error(got)
	}
}

// Whatever is said, each piece has a word, and different numbers sound different.
func TestEveryNumberDateAndDurationHasItsPieces(t *testing.T) {
	words := map[string]map[string]string{}
	for _, l := range say.Languages() {
		words[l] = texts(t, l)
	}
	rapid.Check(t, func(t *rapid.T) {
		a, b := rapid.IntRange(0, 999_999).Draw(t, "a"), rapid.IntRange(0, 999_999).Draw(t, "b")
		day := time.Unix(rapid.Int64Range(-1e9, 8e9).Draw(t, "day"), 0).UTC()
		for _, l := range say.Languages() {
			keys := slices.Concat(say.Number(l, a), say.Date(l, day), say.Duration(l, time.Duration(a)*time.Second))
			for _, k := range keys {
				if words[l][k] == "" {
					t.Fatalf("%s: no piece %q", l, k)
				}
			}
			if a != b && slices.Equal(say.Number(l, a), say.Number(l, b)) {
				t.Fatalf("%s: %d and %d sound the same", l, a, b)
			}
		}
	})
}

// The catalogues that come with the program can say everything, in the words by
// which the grammar is tested.
func TestTheCataloguesHaveEveryPiece(t *testing.T) {
	for _, language := range say.Languages() {
		c := catalogue(t, language)
		for key, word := range texts(t, language) {
			if got := strings.TrimSuffix(c.Text(key), "."); got != word {
				t.Errorf("%s: %q says %q, want %q", language, key, got, word)
			}
		}
	}
}

func catalogue(t *testing.T, language string) *prompts.Catalogue {
	t.Helper()
	c, err := prompts.Load(prompts.Files(), language)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// Everything that can be asked for is gone through: each number up to two thousand and
// many above, durations by each unit, waits, each day of a leap year and each of 1,200
// years. No piece is missing in a catalogue, and none is there that is never said.
func TestEveryPieceThatCanBeAskedForIsRecordedAndNoOther(t *testing.T) {
	for _, language := range say.Languages() {
		said := map[string]bool{}
		for _, keys := range everything(language) {
			for _, k := range keys {
				said[k] = true
			}
		}
		c := catalogue(t, language)
		for k := range said {
			if c.Duration(k) == 0 {
				t.Errorf("%s: nothing says %q", language, k)
			}
		}
		for k := range texts(t, language) {
			if !said[k] {
				t.Errorf("%s: %q is recorded and never said", language, k)
			}
		}
	}
}

func everything(language string) iter.Seq2[int, []string] {
	return func(yield func(int, []string) bool) {
		for n := range 2000 {
			yield(0, say.Number(language, n))
			for _, unit := range []time.Duration{time.Second, time.Minute, time.Hour, 24 * time.Hour} {
				yield(0, say.Duration(language, time.Duration(n)*unit))
			}
			yield(0, say.Wait(language, n/40, n%100))
		}
		for n := 2000; n <= 999_999; n += 97 {
			yield(0, say.Number(language, n))
		}
		for n := range 366 {
			yield(0, say.Date(language, time.Date(2028, 1, 1+n, 0, 0, 0, 0, time.UTC)))
		}
		for year := 1000; year < 2200; year++ {
			yield(0, say.Date(language, time.Date(year, 1, 1, 0, 0, 0, 0, time.UTC)))
		}
		yield(0, say.Ticket("T-0123456789"))
	}
}

func TestWaitsAreSaidAsTheLanguageSaysThem(t *testing.T) {
	for _, c := range []struct {
		low, high      int
		en, de, es, fr string
	}{
		{1, 1, "one minute", "eine Minute", "un minuto", "une minute"},
		{2, 2, "two minutes", "zwei Minuten", "dos minutos", "deux minutes"},
		{0, 21, "twenty one minutes", "ein undzwanzig Minuten", "veintiún minutos", "vingt et une minutes"},
		{1, 2, "one to two minutes", "eine bis zwei Minuten", "uno a dos minutos", "une à deux minutes"},
		{3, 12, "three to twelve minutes", "drei bis zwölf Minuten", "tres a doce minutos", "trois à douze minutes"},
		{60, 90, "one hour to one hour and thirty minutes", "eine Stunde bis eine Stunde und dreißig Minuten", "una hora a una hora y treinta minutos", "une heure à une heure et trente minutes"},
		{45, 75, "forty five minutes to one hour and fifteen minutes", "fünf undvierzig Minuten bis eine Stunde und fünfzehn Minuten", "cuarenta y cinco minutos a una hora y quince minutos", "quarante cinq minutes à une heure et quinze minutes"}, //nolint:misspell // French
	} {
		for language, want := range map[string]string{"en": c.en, "de": c.de, "es": c.es, "fr": c.fr} {
			if got := spell(t, language, say.Wait(language, c.low, c.high)); got != want {
				t.Errorf("%s: %d to %d minutes are %q, want %q", language, c.low, c.high, got, want)
			}
		}
	}
}
