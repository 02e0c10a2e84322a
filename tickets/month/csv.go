package month

import (
	"bytes"
	"encoding/csv"
	"strconv"
	"time"

	"firstline/tickets"
)

// CSV is the report as a CSV file: each promise a line, then the exclusions. No cell is a
// formula to a spreadsheet.
func (r Report) CSV() ([]byte, error) {
	var out bytes.Buffer
	w := csv.NewWriter(&out)
	lines := [][]string{{"client", "month", "zone", "ticket", "clock", "turn", "priority", "service", "outcome", "began", "due", "ended", "spent_s", "within_s", "by", "why"}}
	line := func(cells ...string) {
		lines = append(lines, append([]string{r.Client, string(r.Month), r.Zone}, cells...))
	}
	for _, p := range r.Promises {
		line(string(p.Ticket), string(p.Clock), strconv.Itoa(p.Turn), strconv.Itoa(p.Priority), p.Service, string(p.Outcome),
			stamp(p.Began), stamp(p.Due), stamp(p.Ended), strconv.FormatInt(p.SpentMs/1000, 10), strconv.FormatInt(p.WithinMs/1000, 10), "", "")
	}
	for _, x := range r.Exclusions {
		line(string(x.Ticket), "", "", "", "", "exclusion", stamp(x.From), "", stamp(x.To), "", "", x.By, x.Why)
	}
	for _, cells := range lines {
		for i, c := range cells {
			cells[i] = tickets.Cell(c)
		}
		if err := w.Write(cells); err != nil {
			return nil, err
		}
	}
	w.Flush()
	return out.Bytes(), w.Error()
}

func stamp(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339)
}
