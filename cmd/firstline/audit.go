package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"firstline/call"
	"firstline/e2e/audit"
)

type auditCommand struct {
	From        time.Time `help:"Tell only what broke from then on (RFC 3339). Default: the journal's beginning." placeholder:"2026-01-02T15:04:05Z"`
	To          time.Time `help:"And before then. Default: now." placeholder:"2026-01-02T16:04:05Z"`
	API         string    `help:"Base URL of the API. Default: that of the credentials." placeholder:"http://127.0.0.1:8080"`
	Token       string    `help:"API token of a supervisor. Default: that of the credentials." env:"FL_TOKEN"`
	Credentials string    `help:"Demo credentials file." default:"var/demo-credentials.json" type:"path"`
	JSON        bool      `help:"Print the findings as JSON." name:"json"`
}

func (auditCommand) Help() string {
	return `Reads the journal of a running server from its first event, through the API, and
holds it to what the queue promises: one agent one call, one outcome for each
entry, no phone rung for a caller who is gone, first come first served, nobody
idle while somebody waits whom they could help, figures that add up, a board that
is the journal's fold, one ticket for each call.

Exit codes: 0 all promises are kept, 1 one is broken or the journal could not be
read, 2 wrong command line.`
}

func (c *auditCommand) Run(ctx context.Context, o *output) error {
	creds, err := readDemoCredentials(c.Credentials)
	if err != nil {
		return err
	}
	if creds != nil {
		c.API, c.Token = cmp.Or(c.API, creds.HTTP), cmp.Or(c.Token, creds.APIToken)
	}
	if c.API == "" || c.Token == "" {
		return errors.New("no API address and token: give --api and --token, or --credentials with the demo's file")
	}
	r, err := audit.API{Base: c.API, Token: c.Token}.Run(ctx, audit.Config{From: c.From, To: c.To})
	if err != nil {
		return fmt.Errorf("audit: %w", err)
	}
	if c.JSON {
		enc := json.NewEncoder(o.out)
		enc.SetIndent("", "  ")
		if err := enc.Encode(r); err != nil {
			return err
		}
	} else {
		printAudit(o.out, r)
	}
	if !r.OK() {
		return exitError{exitFailed, nil}
	}
	return nil
}

func printAudit(w io.Writer, r *audit.Report) {
	fmt.Fprintf(w, "%d events from %s to %s: %d calls (%d up), %d tickets, %d offers, %d agents\n", r.Events,
		r.Begin.Format(time.DateTime), r.End.Format(time.DateTime), r.Calls, r.OpenCalls, r.Tickets, r.Offers, r.Agents)
	for _, id := range slices.Sorted(maps.Keys(r.Queues)) {
		q := r.Queues[id]
		parts := []string{fmt.Sprintf("%d wait", q.Waiting)}
		for _, out := range slices.SortedFunc(maps.Keys(q.Outcomes), func(a, b call.Outcome) int { return cmp.Compare(a, b) }) {
			parts = append(parts, fmt.Sprintf("%d %s", q.Outcomes[out], out))
		}
		fmt.Fprintf(w, "queue %s: %d offered: %s\n", id, q.Offered, strings.Join(parts, ", "))
	}
	for _, rule := range audit.Rules() {
		verdict := "kept"
		if n := r.Broken[rule]; n > 0 {
			verdict = fmt.Sprintf("BROKEN %d times", n)
		}
		fmt.Fprintf(w, "%-14s %s\n", verdict, rule)
	}
	fmt.Fprintf(w, "deadlines were kept at most %v late\n", r.Latest.Round(time.Millisecond))
	for _, v := range r.Violations {
		fmt.Fprintln(w, " ", v)
	}
}
