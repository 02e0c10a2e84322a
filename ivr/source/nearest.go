package source

import "strings"

// Nearest is the known name that is most like what was written, or "" when none
// is like it. Of equals the first in known wins.
func Nearest(written string, known []string) string {
	w := []rune(strings.ToLower(written))
	if len(w) > 64 { // no name is that long; the table below would be
		return ""
	}
	best, nearest := len(w)/3+2, "" // a third of the letters may differ, and one more
	for _, k := range known {
		r := []rune(strings.ToLower(k))
		if k == written || len(r) > 64 || len(r) >= len(w)+best || len(w) >= len(r)+best {
			continue
		}
		if d := distance(w, r); d < best && d < max(len(w), len(r)) {
			best, nearest = d, k
		}
	}
	if nearest == "" {
		nearest = extension(written, known)
	}
	return nearest
}

// extension is the only known name that begins with what was written, or that it
// begins with ("service" for "service-desk").
func extension(written string, known []string) string {
	found := ""
	for _, k := range known {
		if len(written) < 3 || len(k) < 3 || k == written {
			continue
		}
		if strings.HasPrefix(k, written) || strings.HasPrefix(written, k) {
			if found != "" {
				return ""
			}
			found = k
		}
	}
	return found
}

// distance counts the letters to insert, delete, change or swap with the next
// one (Damerau and Levenshtein, optimal string alignment).
func distance(a, b []rune) int {
	before, last, row := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range last {
		last[j] = j
	}
	for i := range a {
		row[0] = i + 1
		for j := range b {
			change := last[j]
			if a[i] != b[j] {
				change++
			}
			row[j+1] = min(change, last[j+1]+1, row[j]+1)
			if i > 0 && j > 0 && a[i] == b[j-1] && a[i-1] == b[j] {
				row[j+1] = min(row[j+1], before[j-1]+1)
			}
		}
		before, last, row = last, row, before
	}
	return last[len(b)]
}
