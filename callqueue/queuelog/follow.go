package queuelog

import (
	"context"
	"fmt"
	"io"

	"firstline/call"
)

// Events is a journal that is read in order. Next waits for events and returns at
// least one, or an error.
type Events interface {
	Next(ctx context.Context) ([]call.Event, error)
}

// Follow writes the lines of events as they come, one write per batch, until
// reading or writing ends with an error. After each write it calls written with
// the last event's global sequence, so that a reader who starts again knows where.
func Follow(ctx context.Context, from Events, l *Log, to io.Writer, written func(global int64) error) error {
	var lines []byte
	for {
		evs, err := from.Next(ctx)
		if err != nil {
			return err
		}
		lines = lines[:0]
		for _, ev := range evs {
			lines = l.Append(lines, ev)
		}
		if len(lines) > 0 {
			if _, err := to.Write(lines); err != nil {
				return fmt.Errorf("queue log: %w", err)
			}
		}
		if len(evs) == 0 || written == nil {
			continue
		}
		if err := written(evs[len(evs)-1].Global); err != nil {
			return err
		}
	}
}
