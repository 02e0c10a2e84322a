package main

import (
	"context"
	"fmt"
	"os"

	"firstline/ivr/prompts"
)

type promptsCommand struct {
	Build promptsBuild `cmd:"" help:"Speak the texts that have no recording, or an outdated one."`
	Check promptsCheck `cmd:"" help:"Name texts whose recording is missing, outdated or damaged."`
}

type promptsBuild struct {
	Dir      string `help:"Folder of the catalogue." default:"ivr/prompts" type:"existingdir"`
	Language string `help:"Language to build." default:"en"`
}

func (c *promptsBuild) Run(ctx context.Context, o *output) error {
	if err := prompts.Build(ctx, c.Dir, c.Language, prompts.Voice(c.Language)); err != nil {
		return err
	}
	return (&promptsCheck{Dir: c.Dir, Language: c.Language}).Run(o)
}

type promptsCheck struct {
	Dir      string `help:"Folder of the catalogue. Default: the one inside the program."`
	Language string `help:"Language to check." default:"en"`
}

func (c *promptsCheck) Run(o *output) error {
	files := prompts.Files()
	if c.Dir != "" {
		files = os.DirFS(c.Dir)
	}
	faults, err := prompts.Check(files, c.Language)
	if err != nil {
		return err
	}
	for _, f := range faults {
		fmt.Fprintln(o.out, f)
	}
	if len(faults) > 0 {
		return exitError{exitFailed, fmt.Errorf("%d prompts need work; firstline prompts build makes them", len(faults))}
	}
	cat, err := prompts.Load(files, c.Language)
	if err != nil {
		return err
	}
	fmt.Fprintf(o.out, "All is well: %d prompts in %s.\n", len(cat.Keys()), c.Language)
	return nil
}
