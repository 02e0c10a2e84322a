package main

import (
	"encoding/json"
	"fmt"
	"time"

	"firstline/call"
	"firstline/store"
)

type spoolCommand struct {
	Path string `arg:"" help:"Folder of a spool (data-dir/aside/…), or one file of it." type:"path"`
	JSON bool   `help:"Events as JSON, one a line."`
}

func (spoolCommand) Help() string {
	return `A spool holds what was kept while the database was away. What a former owner had
spooled when another server took over is set aside below data-dir/aside: the
database does not have it, and it is not replayed (docs/standby.md). Numbers of
callers are in it: treat what is printed like the recordings.`
}

func (c *spoolCommand) Run(o *output) error {
	events := 0
	torn, err := store.ReadSpool(c.Path, func(evs []call.Event) error {
		for _, e := range evs {
			events++
			if err := c.print(o, e); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	if torn > 0 {
		fmt.Fprintf(o.err, "The last %d bytes are no whole group: nobody was told that they were kept.\n", torn)
	}
	fmt.Fprintf(o.err, "%d events.\n", events)
	return nil
}

// print writes one event: when, of what, what, and the rest as JSON.
func (c *spoolCommand) print(o *output, e call.Event) error {
	if c.JSON {
		return json.NewEncoder(o.out).Encode(e)
	}
	body, err := json.Marshal(e.Body)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(o.out, "%s  %s %s  %s  %s\n", e.At.Format(time.RFC3339Nano), e.Stream.Kind, e.Stream.ID, e.Body.Type(), body)
	return err
}
