package main

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"

	"firstline/config"
)

type importCommand struct {
	Queues   importQueues   `cmd:"" default:"withargs" help:"Make a centre's files from Asterisk's queues.conf."`
	QueueLog importQueueLog `cmd:"" help:"Make calls and tickets of Asterisk's queue_log: of calls that it served while firstline was away."`

	Companies importCompanies `cmd:"" help:"Take companies into a running server, from a CSV file."`
	Services  importServices  `cmd:"" help:"The same for what companies take."`
	Customers importCustomers `cmd:"" help:"The same for people who call."`
	Assets    importAssets    `cmd:"" help:"The same for things that can break."`
}

type importQueues struct {
	Queues string `arg:"" help:"Asterisk's queues.conf." type:"existingfile"`
	Rules  string `arg:"" optional:"" help:"Asterisk's queuerules.conf." type:"existingfile"`
	Out    string `short:"o" help:"Folder to write the centre's files to; made when missing, and never written over." default:"centre" type:"path"`
	Quiet  bool   `short:"q" help:"Leave out of the list what firstline does in any case."`
}

func (importQueues) Help() string {
	return `Makes a centre's files (queues.yaml, skills.yaml, agents.yaml, numbers.yaml) from
Asterisk's, and lists each option that came over differently or not at all, with
its line. Members become agents; a queue's members have a skill of its name.

Templates, (+), =>, += and ;-- --; comments are read as Asterisk reads them.
#include and #exec are refused: put the other file's text in their place.`
}

func (c *importQueues) Run(o *output) error {
	queues, err := os.ReadFile(c.Queues)
	if err != nil {
		return err
	}
	var rules []byte
	if c.Rules != "" {
		if rules, err = os.ReadFile(c.Rules); err != nil {
			return err
		}
	}
	im, err := config.ImportAsterisk(filepath.Base(c.Queues), queues, filepath.Base(c.Rules), rules)
	if n := printFaults(o, err); n > 0 {
		return exitError{exitFailed, fmt.Errorf("%d mistakes; nothing was written", n)}
	}
	if _, err := config.LoadFiles(im.Files, nil); err != nil {
		printFaults(o, err)
		return exitError{exitFailed, errors.New("the import is not a valid centre, which is a fault of firstline; nothing was written")}
	}
	if err := writeNew(c.Out, im.Files); err != nil {
		return err
	}
	fmt.Fprintf(o.out, "%d queues and %d agents are in %s. Write the numbers into numbers.yaml, then: firstline check\n", im.Queues, im.Agents, c.Out)
	c.list(o, im.Remarks)
	return nil
}

// list prints what did not come over as it was, by what became of it.
func (c *importQueues) list(o *output, remarks []config.Remark) {
	for _, group := range []struct {
		fate  config.Fate
		title string
	}{
		{config.Later, "Written as comments, for a version that knows them:"},
		{config.Changed, "Came over with a difference:"},
		{config.None, "Has no counterpart:"},
		{config.Always, "Firstline does so in any case:"},
	} {
		first := true
		for _, r := range remarks {
			if r.Fate != group.fate || r.Fate == config.Always && c.Quiet {
				continue
			}
			if first {
				fmt.Fprintf(o.out, "\n%s\n", group.title)
				first = false
			}
			fmt.Fprintf(o.out, "  %s\n", r)
		}
	}
}

// writeNew writes files to a folder in which none of them is yet.
func writeNew(dir string, files map[string][]byte) error {
	names := slices.Sorted(maps.Keys(files))
	for _, name := range names {
		if _, err := os.Lstat(filepath.Join(dir, name)); err == nil || !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("%s is there already; name another folder with --out", filepath.Join(dir, name))
		}
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	for _, name := range names {
		f, err := os.OpenFile(filepath.Join(dir, name), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
		if err != nil {
			return err
		}
		_, err = f.Write(files[name])
		if err := errors.Join(err, f.Close()); err != nil {
			return err
		}
	}
	return nil
}
