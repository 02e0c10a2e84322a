package tickets

import "strings"

// Cell is text as a cell of a CSV file: what a spreadsheet would run as a formula has an
// apostrophe before it, which makes it text there.
func Cell(text string) string {
	if text != "" && strings.ContainsRune("=+-@\t\r＝＋－＠|", []rune(text)[0]) {
		return "'" + text
	}
	return text
}
