package main

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"text/tabwriter"
	"time"

	"firstline/web"
)

type blocksCommand struct {
	List    blocksList    `cmd:"" default:"withargs" help:"Who is kept out, and who is proposed to be."`
	Add     blocksAdd     `cmd:"" help:"Keep a caller out; with an agent's token, propose it."`
	Approve blocksApprove `cmd:"" help:"Bring a proposal into force, or give a block another end."`
	Decline blocksDecline `cmd:"" help:"End a proposal."`
	Lift    blocksLift    `cmd:"" help:"End a block before its time."`
}

type blocksList struct {
	All bool `help:"Those that are over, too."`
	serverFlags
}

func (c *blocksList) Run(ctx context.Context, o *output) error {
	api, err := c.client()
	if err != nil {
		return err
	}
	query := url.Values{"limit": {"500"}}
	if !c.All {
		query.Set("live", "true")
	}
	table := tabwriter.NewWriter(o.out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "ID\tNUMBER\tSTATE\tUNTIL\tREFUSED\tPROPOSED BY\tREASON")
	for {
		var page struct {
			Blocks []web.Block `json:"blocks"`
			Next   string      `json:"next"`
		}
		if err := api.do(ctx, "GET", "/api/v1/blocks?"+query.Encode(), &page); err != nil {
			return err
		}
		for _, b := range page.Blocks {
			fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%d\t%s\t%s\n", b.ID, b.Number, b.State, untilText(b), b.Refused, b.Proposed.By, b.Reason)
		}
		if page.Next == "" {
			return table.Flush()
		}
		query.Set("cursor", page.Next)
	}
}

func untilText(b web.Block) string {
	switch {
	case b.State == "proposed" && b.Holds:
		return "held until " + b.Hold.Local().Format(time.DateTime)
	case b.State == "proposed":
		return "-"
	case b.Until == nil:
		return "for ever"
	}
	return b.Until.Local().Format(time.DateTime)
}

// howLong is an end on the command line.
type howLong struct {
	For     time.Duration `help:"How long, as 720h." xor:"end"`
	Until   moment        `help:"Until when, as 2026-03-02T09:00." xor:"end"`
	Forever bool          `help:"Without an end; a supervisor's to say." xor:"end"`
}

// end is nil where there is none.
func (h howLong) end() *time.Time {
	switch {
	case h.For > 0:
		return new(time.Now().Add(h.For))
	case !h.Until.IsZero():
		return &h.Until.Time
	}
	return nil
}

type blocksAdd struct {
	Number string `arg:"" help:"+49…, or as it is dialled; with * at the end for all that begin so; or withheld."`
	Reason string `required:"" help:"Why."`
	howLong
	serverFlags
}

func (c *blocksAdd) Run(ctx context.Context, o *output) error {
	until := c.end()
	if until == nil && !c.Forever {
		return errors.New("say for how long: --for, --until or --forever")
	}
	return c.change(ctx, o, "/api/v1/blocks", struct {
		Number string     `json:"number"`
		Reason string     `json:"reason"`
		Until  *time.Time `json:"until,omitempty"`
	}{c.Number, c.Reason, until})
}

type blocksApprove struct {
	ID string `arg:"" help:"Of the block, as list says it."`
	howLong
	serverFlags
}

func (blocksApprove) Help() string {
	return "Without --for, --until and --forever it holds as long as was proposed."
}

func (c *blocksApprove) Run(ctx context.Context, o *output) error {
	return c.change(ctx, o, blockPath(c.ID, "approve"), struct {
		Until   *time.Time `json:"until,omitempty"`
		Forever bool       `json:"forever,omitempty"`
	}{c.end(), c.Forever})
}

// blockEnd is what ending a proposal and a block have in common.
type blockEnd struct {
	ID     string `arg:"" help:"Of the block, as list says it."`
	Reason string `required:"" help:"Why."`
	serverFlags
}

func (c *blockEnd) say(ctx context.Context, o *output, verb string) error {
	return c.change(ctx, o, blockPath(c.ID, verb), struct {
		Reason string `json:"reason"`
	}{c.Reason})
}

type blocksDecline struct{ blockEnd }

func (c *blocksDecline) Run(ctx context.Context, o *output) error { return c.say(ctx, o, "decline") }

type blocksLift struct{ blockEnd }

func (c *blocksLift) Run(ctx context.Context, o *output) error { return c.say(ctx, o, "lift") }

func blockPath(id, verb string) string {
	return "/api/v1/blocks/" + url.PathEscape(id) + "/" + verb
}

func (f *serverFlags) change(ctx context.Context, o *output, path string, body any) error {
	api, err := f.client()
	if err != nil {
		return err
	}
	var b web.Block
	if err := api.send(ctx, "POST", path, body, &b); err != nil {
		return err
	}
	fmt.Fprintf(o.out, "%s: %s is %s, until: %s\n", b.ID, b.Number, b.State, untilText(b))
	return nil
}

type lostCommand struct {
	State string `enum:"open,ended,all" default:"open" help:"open: to call back; ended; all."`
	serverFlags
}

func (c *lostCommand) Run(ctx context.Context, o *output) error {
	api, err := c.client()
	if err != nil {
		return err
	}
	query := url.Values{"limit": {"500"}, "state": {c.State}}
	table := tabwriter.NewWriter(o.out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "ID\tARRIVED\tNUMBER\tQUEUE\tCALLS\tTRIES\tTICKET\tEND")
	for {
		var page struct {
			Callers []web.LostCaller `json:"callers"`
			Next    string           `json:"next"`
		}
		if err := api.do(ctx, "GET", "/api/v1/lost-callers?"+query.Encode(), &page); err != nil {
			return err
		}
		for _, l := range page.Callers {
			number := l.From.Number
			if number == "" {
				number = "withheld"
			}
			fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%d\t%d\t%s\t%s\n",
				l.ID, l.Joined.Local().Format(time.DateTime), number, l.Queue, l.Count, len(l.Tries), l.Ticket, l.End)
		}
		if page.Next == "" {
			return table.Flush()
		}
		query.Set("cursor", page.Next)
	}
}
