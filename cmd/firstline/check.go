package main

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"

	"firstline/config"
)

type checkCommand struct {
	Config string `short:"c" help:"Configuration file. Default: as for serve." type:"path"`
	JSON   bool   `name:"json" help:"Print one JSON object instead of text."`
}

func (checkCommand) Help() string {
	return `Reads the configuration and the centre's files as serve does, and prints every
mistake with its file, line and a suggestion, then what is no mistake but hardly
meant. Nothing is started or changed. Exit codes: 0 all is well, 1 there are mistakes.`
}

// checked is what a check found.
type checked struct {
	Faults  config.Faults `json:"faults"`
	Hints   config.Faults `json:"hints"`  // no mistakes, but hardly meant
	Advice  []string      `json:"advice"` // the same, of no one line
	Version string        `json:"version,omitempty"`

	sum string // what there is, when all is well
}

func (c *checkCommand) Run(o *output) error {
	found, err := c.check()
	if err != nil {
		return err
	}
	if c.JSON {
		if err := printJSON(o.out, found); err != nil {
			return err
		}
	} else {
		found.print(o.out)
	}
	if n := len(found.Faults); n > 0 {
		return exitError{exitFailed, fmt.Errorf("%d mistakes", n)}
	}
	return nil
}

// check reads everything; the error is about what cannot be read at all.
func (c *checkCommand) check() (*checked, error) {
	found := &checked{Faults: config.Faults{}, Hints: config.Faults{}, Advice: []string{}}
	cfg, err := config.LoadServer(c.Config, os.Environ())
	if err := found.add(err); err != nil || cfg == nil {
		return found, err
	}
	keys, err := promptKeys()
	if err != nil {
		return nil, err
	}
	centre, err := readCentre(cfg, keys)
	if err := found.add(inFolder(cfg.Centre, err)); err != nil || centre == nil {
		return found, err
	}
	found.Hints = append(found.Hints, placed(cfg.Centre, centre.Hints)...)
	found.Advice = append(found.Advice, centre.Advice(nil)...)
	found.Version = centre.Hash
	found.sum = fmt.Sprintf("%d numbers, %d flows, %d queues, %d agents in %s, version %.12s",
		len(centre.Numbers), len(centre.Flows), len(centre.Queues), len(centre.Agents), cmp.Or(cfg.Centre, "the embedded demo"), centre.Hash)
	return found, nil
}

// add takes faults note of, and returns any other error.
func (c *checked) add(err error) error {
	var faults config.Faults
	if !errors.As(err, &faults) {
		return err
	}
	c.Faults = append(c.Faults, faults...)
	return nil
}

func (c *checked) print(w io.Writer) {
	for _, f := range c.Faults {
		fmt.Fprintln(w, f)
	}
	if len(c.Faults) > 0 {
		return
	}
	for _, h := range c.Hints {
		fmt.Fprintf(w, "advice: %v\n", h)
	}
	for _, a := range c.Advice {
		fmt.Fprintln(w, "advice:", a)
	}
	fmt.Fprintf(w, "All is well: %s.\n", c.sum)
}

func printJSON(w io.Writer, v any) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	e.SetEscapeHTML(false)
	return e.Encode(v)
}

// inFolder says of a centre's faults where its files lie.
func inFolder(dir string, err error) error {
	var faults config.Faults
	if dir == "" || !errors.As(err, &faults) {
		return err
	}
	return placed(dir, faults)
}

// placed is faults with their files' names as seen from here.
func placed(dir string, faults config.Faults) config.Faults {
	all := slices.Clone(faults)
	for i := range all {
		if dir != "" {
			all[i].File = filepath.Join(dir, all[i].File)
		}
	}
	return all
}

// printFaults prints mistakes one per line and counts them.
func printFaults(o *output, err error) int {
	var faults config.Faults
	switch {
	case err == nil:
		return 0
	case errors.As(err, &faults):
		for _, f := range faults {
			fmt.Fprintln(o.out, f)
		}
		return len(faults)
	default:
		fmt.Fprintln(o.out, err)
		return 1
	}
}
