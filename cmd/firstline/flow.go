package main

import (
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"time"

	"firstline/config"
	"firstline/intake"
	"firstline/ivr"
	"firstline/ivr/prompts"
)

type flowCommand struct {
	Graph flowGraph `cmd:"" help:"Draw flows: boxes for nodes, arrows for keys and conditions."`
}

type flowGraph struct {
	Flows   []string `arg:"" optional:"" name:"flow" help:"Flows to draw. Default: all."`
	Config  string   `short:"c" help:"Configuration file. Default: as for serve." type:"path"`
	SVG     bool     `name:"svg" help:"Print an SVG drawing." xor:"form"`
	Mermaid bool     `help:"Print a mermaid.js flowchart." xor:"form"`
	Text    bool     `help:"Print indented lines (the default)." xor:"form"`
}

func (c *flowGraph) Run(o *output) error {
	centre, err := soundCentre(o, c.Config)
	if err != nil {
		return err
	}
	if len(c.Flows) == 0 {
		c.Flows = slices.Sorted(maps.Keys(centre.Flows))
	}
	var flows []*ivr.Flow
	for _, id := range c.Flows {
		f, ok := centre.Flows[id]
		if !ok {
			return fmt.Errorf("there is no flow %q; there are %s", id, strings.Join(slices.Sorted(maps.Keys(centre.Flows)), ", "))
		}
		flows = append(flows, f)
	}
	picture := ivr.Draw(flows)
	switch {
	case c.SVG:
		fmt.Fprint(o.out, picture.SVG())
	case c.Mermaid:
		fmt.Fprint(o.out, picture.Mermaid())
	default:
		fmt.Fprint(o.out, picture.Text())
	}
	return nil
}

// soundCentre reads the centre as serve does. Its mistakes are printed.
func soundCentre(o *output, file string) (*config.Centre, error) {
	cfg, err := config.LoadServer(file, os.Environ())
	if n := printFaults(o, err); n > 0 {
		return nil, exitError{exitFailed, fmt.Errorf("%d mistakes", n)}
	}
	keys, err := promptKeys()
	if err != nil {
		return nil, err
	}
	centre, err := readCentre(cfg, keys)
	if n := printFaults(o, inFolder(cfg.Centre, err)); n > 0 {
		return nil, exitError{exitFailed, fmt.Errorf("%d mistakes", n)}
	}
	return centre, nil
}

type whatifCommand struct {
	At      string   `help:"When the call comes: 2026-12-25T10:00 on the number's clock, or with a zone as 2026-12-25T10:00:00Z. Default: now."`
	From    string   `help:"Caller's number; none is a withheld one." placeholder:"+49…"`
	To      string   `help:"Number dialled." required:""`
	Keys    []string `help:"What the caller keys, one input for each time that something is asked: 1,4711#,-,2; - is silence. After the last: silence."`
	Waiting int      `help:"Callers in every queue that a flow asks about."`
	Agents  int      `help:"Agents at work in every queue that a flow asks about, all of them free." default:"1"`
	Config  string   `short:"c" help:"Configuration file. Default: as for serve." type:"path"`
	JSON    bool     `name:"json" help:"Print one JSON object instead of text."`
}

func (whatifCommand) Help() string {
	return `Prints the whole way of a call that is only thought of, and why it goes there: the
hours, each node, what is heard and keyed, and which condition took it on. It is the
code that serves calls. Blocked callers are not asked for: they are in no centre.`
}

func (c *whatifCommand) Run(o *output) error {
	centre, err := soundCentre(o, c.Config)
	if err != nil {
		return err
	}
	at, err := c.at(centre)
	if err != nil {
		return err
	}
	heard, err := loadSounds(prompts.Languages()...)
	if err != nil {
		return err
	}
	q := intake.Question{At: at, From: c.From, To: c.To, Ticket: "T-100001", Queue: func(string) ivr.QueueFacts {
		return ivr.QueueFacts{Waiting: c.Waiting, Agents: c.Agents, Free: c.Agents}
	}}
	for _, k := range c.Keys {
		if strings.Trim(k, "0123456789*#-") != "" {
			return fmt.Errorf("%q is nothing that can be keyed: take digits, *, # and - for silence", k)
		}
		q.Keys = append(q.Keys, strings.ReplaceAll(k, "-", ""))
	}
	a, err := forDesk(centre, heard).WhatIf(q)
	if err != nil {
		return err
	}
	if c.JSON {
		return printJSON(o.out, a)
	}
	for _, s := range a.Steps {
		if place := strings.Trim(s.Flow+"/"+s.Node, "/"); place != "" {
			fmt.Fprintf(o.out, "%s: ", place)
		}
		fmt.Fprintln(o.out, s.What)
	}
	return nil
}

// at is when the call comes, on the clock of the number dialled.
func (c *whatifCommand) at(centre *config.Centre) (time.Time, error) {
	zone := centre.ZoneOf(centre.Numbers[c.To])
	if c.At == "" {
		return time.Now().In(zone), nil
	}
	if t, err := time.Parse(time.RFC3339, c.At); err == nil {
		return t.In(zone), nil
	}
	for _, layout := range []string{"2006-01-02T15:04", "2006-01-02T15:04:05", "2006-01-02 15:04"} {
		if t, err := time.ParseInLocation(layout, c.At, zone); err == nil {
			return t, nil
		}
	}
	return time.Time{}, fmt.Errorf("%q is no time such as 2026-12-25T10:00", c.At)
}
