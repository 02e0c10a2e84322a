package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"firstline/callqueue/queuelog"
	"firstline/web"
)

type importQueueLog struct {
	File string `arg:"" help:"Asterisk's queue_log, or - for standard input." default:"-"`
	Node string `help:"The Asterisk that wrote it, as people call it." default:"asterisk"`
	From moment `help:"Leave out lines from before this instant (2026-03-02, 2026-03-02T09:00, RFC 3339, today, yesterday)."`
	To   moment `help:"Leave out lines from this instant on."`
	serverFlags
}

func (importQueueLog) Help() string {
	return `For a log that was copied from elsewhere; a running firstline follows those that
asterisk.nodes.<name>.queue-log names. Each call of the queue firstline-fallback, and
of a queue that is called as one of the centre's, becomes a call with a ticket at the
times of the log. To import a log twice makes nothing twice.

Example:  firstline import queue-log queue_log --node pbx2 --from 2026-03-02T14:00
Exit codes: 0 all is in, 1 the server refused, or there were lines that are none.`
}

// longestLog is what the API takes at once, less what JSON adds.
const longestLog = 24 << 20

func (c *importQueueLog) Run(ctx context.Context, o *output) error {
	var in io.Reader = os.Stdin
	if c.File != "-" {
		f, err := os.Open(c.File)
		if err != nil {
			return err
		}
		defer f.Close()
		in = f
	}
	log, err := c.lines(in)
	if err != nil {
		return fmt.Errorf("%s: %w", c.File, err)
	}
	api, err := c.client()
	if err != nil {
		return err
	}
	var did web.QueueLogImport
	if err := api.post(ctx, "/api/v1/queue-log", map[string]string{"node": c.Node, "log": log}, &did); err != nil {
		return err
	}
	fmt.Fprintf(o.out, "%d calls are in now, %d were before", did.Imported, did.Known)
	if did.Open > 0 {
		fmt.Fprintf(o.out, ", %d are not over by this log: import it again later", did.Open)
	}
	fmt.Fprintln(o.out, ".")
	for _, f := range did.Faults {
		fmt.Fprintln(o.err, f)
	}
	if did.Faulty > 0 {
		return exitError{exitFailed, fmt.Errorf("%d lines of %s are none of a queue_log; the others are in", did.Faulty, c.File)}
	}
	return nil
}

// lines is the log between From and To. What cannot be read stays in, for the
// server to complain of.
func (c *importQueueLog) lines(in io.Reader) (string, error) {
	var b strings.Builder
	for r := bufio.NewReader(in); ; {
		text, err := r.ReadString('\n')
		if err != nil && !errors.Is(err, io.EOF) {
			return "", err
		}
		l, fault := queuelog.Parse(strings.TrimSuffix(text, "\n"))
		early := fault == nil && !c.From.IsZero() && l.At.Before(c.From.Time)
		late := fault == nil && !c.To.IsZero() && !l.At.Before(c.To.Time)
		if !early && !late {
			b.WriteString(text)
		}
		if b.Len() > longestLog {
			return "", fmt.Errorf("more than %d MB at once; choose a part with --from and --to", longestLog>>20)
		}
		if err != nil {
			return b.String(), nil
		}
	}
}
