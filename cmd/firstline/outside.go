package main

import (
	"context"
	"fmt"
	"time"

	"firstline/call"
)

// longestOutside is how long a call outside may have been up before a restart that is
// still counted in what is up.
const longestOutside = 12 * time.Hour

// restoreOutside tells the desk what was dialled outside of late, so that caps hold
// through a restart.
func (s *server) restoreOutside(ctx context.Context) error {
	var evs []call.Event
	now := time.Now()
	for at := now.Add(-longestOutside); !at.After(now); at = at.Add(time.Hour) {
		story, err := wholeStory(ctx, s.store, call.OutsideStream(at))
		if err != nil {
			return fmt.Errorf("calls outside: %w", err)
		}
		evs = append(evs, story...)
	}
	s.desk.RestoreOutside(evs)
	return nil
}
