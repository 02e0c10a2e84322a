package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"firstline/config"
)

type checkCommand struct {
	Config string `short:"c" help:"Configuration file. Default: as for serve." type:"path"`
}

func (checkCommand) Help() string {
	return `Reads the configuration and the centre's files as serve does, and prints every
mistake with its file, line and a suggestion. Nothing is started or changed.
Exit codes: 0 all is well, 1 there are mistakes.`
}

func (c *checkCommand) Run(o *output) error {
	cfg, err := config.LoadServer(c.Config, os.Environ())
	found := printFaults(o, err)
	if cfg == nil {
		return exitError{code: exitFailed}
	}
	keys, err := promptKeys()
	if err != nil {
		return err
	}
	centre, err := readCentre(cfg, keys)
	found += printFaults(o, inFolder(cfg.Centre, err))
	if found > 0 {
		return exitError{exitFailed, fmt.Errorf("%d mistakes", found)}
	}
	for _, a := range centre.Advice(nil) {
		fmt.Fprintln(o.out, "advice:", a)
	}
	where := cfg.Centre
	if where == "" {
		where = "the embedded demo"
	}
	fmt.Fprintf(o.out, "All is well: %d numbers, %d flows, %d queues, %d agents in %s, version %.12s.\n",
		len(centre.Numbers), len(centre.Flows), len(centre.Queues), len(centre.Agents), where, centre.Hash)
	return nil
}

// inFolder says of a centre's faults where its files lie.
func inFolder(dir string, err error) error {
	var faults config.Faults
	if dir == "" || !errors.As(err, &faults) {
		return err
	}
	named := slices.Clone(faults)
	for i := range named {
		named[i].File = filepath.Join(dir, named[i].File)
	}
	return named
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
