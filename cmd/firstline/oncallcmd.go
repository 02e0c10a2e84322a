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

type oncallCommand struct {
	Show oncallShow `cmd:"" default:"withargs" help:"Every schedule's turns in the days ahead, and who stands in."`
	Who  oncallWho  `cmd:"" help:"Who is on call at an instant."`
}

// errNoSchedules is of a centre in which nobody is ever on call.
var errNoSchedules = errors.New("this centre has no schedules: write them into oncall.yaml of its folder, and reload")

// onCallNow is what the API says of an instant.
type onCallNow struct {
	Schedules []web.Duty    `json:"schedules"`
	Overrides []web.StandIn `json:"overrides"`
}

type oncallWho struct {
	Schedule string `arg:"" optional:"" help:"One schedule by its id. Default: all."`
	At       moment `help:"An instant, as 2026-03-02T03:00. Default: now." default:"now"`
	serverFlags
}

func (oncallWho) Help() string {
	return "Exit codes: 0 somebody is on call, 1 nobody is, or there is no such schedule."
}

func (c *oncallWho) Run(ctx context.Context, o *output) error {
	api, err := c.client()
	if err != nil {
		return err
	}
	var now onCallNow
	query := url.Values{"at": {c.At.UTC().Format(time.RFC3339Nano)}}
	if err := api.do(ctx, "GET", "/api/v1/on-call?"+query.Encode(), &now); err != nil {
		return err
	}
	if len(now.Schedules) == 0 {
		return errNoSchedules
	}
	table := tabwriter.NewWriter(o.out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "SCHEDULE\tON CALL\tUNTIL\tBY\tNEXT")
	found, somebody := false, false
	for _, d := range now.Schedules {
		if c.Schedule != "" && d.Schedule != c.Schedule {
			continue
		}
		found, somebody = true, somebody || d.Now != nil
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\n", d.Schedule, personText(d.Now), endText(d.Now), byText(d.Now), personText(d.Next))
	}
	if err := table.Flush(); err != nil {
		return err
	}
	switch {
	case !found:
		return fmt.Errorf("there is no schedule %q", c.Schedule)
	case !somebody:
		return exitError{exitFailed, nil}
	}
	return nil
}

func personText(t *web.Turn) string {
	if t == nil {
		return "nobody"
	}
	return t.Name
}

func byText(t *web.Turn) string {
	if t == nil {
		return "-"
	}
	return t.By
}

func endText(t *web.Turn) string {
	if t == nil || t.To == nil {
		return "-"
	}
	return t.To.Local().Format(time.DateTime)
}

type oncallShow struct {
	From moment `help:"From when on. Default: now." default:"now"`
	Days int    `help:"So many days." default:"14"`
	serverFlags
}

func (c *oncallShow) Run(ctx context.Context, o *output) error {
	api, err := c.client()
	if err != nil {
		return err
	}
	var now onCallNow
	at := url.Values{"at": {c.From.UTC().Format(time.RFC3339Nano)}}
	if err := api.do(ctx, "GET", "/api/v1/on-call?"+at.Encode(), &now); err != nil {
		return err
	}
	if len(now.Schedules) == 0 {
		return errNoSchedules
	}
	table := tabwriter.NewWriter(o.out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "SCHEDULE\tFROM\tTO\tON CALL\tBY")
	period := url.Values{"from": {c.From.UTC().Format(time.RFC3339Nano)}, "to": {c.From.AddDate(0, 0, c.Days).UTC().Format(time.RFC3339Nano)}}
	for _, d := range now.Schedules {
		var list struct {
			Turns []web.Turn `json:"turns"`
		}
		if err := api.do(ctx, "GET", "/api/v1/on-call/"+url.PathEscape(d.Schedule)+"/turns?"+period.Encode(), &list); err != nil {
			return err
		}
		for _, t := range list.Turns {
			fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\n", d.Schedule, beginText(&t), endText(&t), t.Name, t.By)
		}
	}
	return table.Flush()
}

func beginText(t *web.Turn) string {
	if t.From == nil {
		return "-"
	}
	return t.From.Local().Format(time.DateTime)
}
