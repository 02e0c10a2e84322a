package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"text/tabwriter"
	"time"

	"firstline/tickets/month"
	"firstline/web"
)

type reportCommand struct {
	Month reportMonth `cmd:"" help:"A month of a client's promises: what was kept and what was missed."`
}

type reportMonth struct {
	Client  string `required:"" help:"Id of the client."`
	Month   string `required:"" help:"2026-10."`
	Version int    `help:"A version that was sealed. Default: the last, or the month as it is now."`
	Now     bool   `help:"The month as it is now, with what differs from what was sealed last."`
	Seal    bool   `help:"Seal the month; when it was sealed and differs now, seal a restatement."`
	CSV     bool   `name:"csv" help:"Print each promise as a line of CSV."`
	JSON    bool   `help:"Print the API's answer."`
	serverFlags
}

func (reportMonth) Help() string {
	return `A promise counts in the month in which its clock began, in the contract's zone. A
sealed month is never changed: a later correction makes a restatement, which names what
differs.

Exit codes: 0 done, 1 the server refused.`
}

func (c *reportMonth) Run(ctx context.Context, o *output) error {
	api, err := c.client()
	if err != nil {
		return err
	}
	var raw json.RawMessage
	if c.Seal {
		err = api.send(ctx, http.MethodPost, "/api/v1/reports/month/seal", map[string]string{"client": c.Client, "month": c.Month}, &raw)
	} else {
		q := url.Values{"client": {c.Client}, "month": {c.Month}, "version": {strconv.Itoa(c.Version)}, "now": {strconv.FormatBool(c.Now)}}
		err = api.do(ctx, http.MethodGet, "/api/v1/reports/month?"+q.Encode(), &raw)
	}
	if err != nil {
		return err
	}
	if c.JSON {
		fmt.Fprintf(o.out, "%s\n", raw)
		return nil
	}
	var story web.MonthStory
	if err := json.Unmarshal(raw, &story); err != nil {
		return err
	}
	if c.CSV {
		text, err := story.Report.CSV()
		if err != nil {
			return err
		}
		_, err = o.out.Write(text)
		return err
	}
	return printMonth(o.out, story)
}

func printMonth(out io.Writer, s web.MonthStory) error {
	r := s.Report
	fmt.Fprintf(out, "%s, %s, contract %s, %s to %s in %s\n", r.Client, r.Month, r.Contract, r.From.Format(time.RFC3339), r.To.Format(time.RFC3339), r.Zone)
	for _, v := range s.Sealed {
		fmt.Fprintf(out, "version %d sealed %s %s\n", v.Version, v.At.Format(time.RFC3339), v.Hash)
	}
	if s.Version == 0 {
		fmt.Fprintln(out, "as it is now, not sealed")
	}
	table := tabwriter.NewWriter(out, 0, 4, 2, ' ', 0)
	fmt.Fprintln(table, "clock\tpriority\tmade\tkept\tmissed\topen\texcluded")
	for _, x := range r.Rows {
		fmt.Fprintf(table, "%s\t%d\t%d\t%d\t%d\t%d\t%d\n", x.Clock, x.Priority, x.Made, x.Kept, x.Missed, x.Open, x.Excluded)
	}
	if err := table.Flush(); err != nil {
		return err
	}
	for _, p := range r.Promises {
		if p.Outcome == month.Missed {
			fmt.Fprintf(out, "missed: %s %s, priority %d, due %s\n", p.Ticket, p.Clock, p.Priority, p.Due.Format(time.RFC3339))
		}
	}
	for _, x := range r.Exclusions {
		span := "the whole ticket"
		if !x.Whole() {
			span = x.From.Format(time.RFC3339) + " to " + x.To.Format(time.RFC3339)
		}
		fmt.Fprintf(out, "excluded: %s, %s, by %s: %s\n", x.Ticket, span, printable(x.By), printable(x.Why))
	}
	if r.Restates != nil {
		for _, d := range r.Restates.Differences {
			fmt.Fprintf(out, "differs from version %d: %s\n", r.Restates.Version, difference(d))
		}
	}
	return nil
}

func difference(d month.Difference) string {
	is := d.Is
	if is == nil {
		is = d.Was
	}
	was, now := "not there", "not there"
	if d.Was != nil {
		was = fmt.Sprintf("%s, priority %d", d.Was.Outcome, d.Was.Priority)
	}
	if d.Is != nil {
		now = fmt.Sprintf("%s, priority %d", d.Is.Outcome, d.Is.Priority)
	}
	return fmt.Sprintf("%s %s: was %s; is %s", is.Ticket, is.Clock, was, now)
}
