package main

import (
	"context"
	"fmt"
	"time"

	"firstline/call"
	"firstline/intake/block"
	"firstline/intake/incident"
	"firstline/intake/lost"
	"firstline/intake/number"
)

// openCare takes up who is kept out, and who left unserved and is owed a call.
func (s *server) openCare(ctx context.Context) error {
	open, err := s.store.OpenLostItems(ctx)
	if err != nil {
		return fmt.Errorf("lost callers: %w", err)
	}
	live, err := s.store.LiveBlocks(ctx)
	if err != nil {
		return fmt.Errorf("blocks: %w", err)
	}
	story, err := wholeStory(ctx, s.store, call.Stream{Kind: call.StreamIncident, ID: call.IncidentStream})
	if err != nil {
		return fmt.Errorf("known incidents: %w", err)
	}
	s.incidents = incident.New(incident.Config{Journal: s.journal, Ticket: s.store.Numbers().Next, Log: s.log.Named("incident")}, story)
	s.lost = lost.New(lost.Config{
		Journal: s.journal, Log: s.log.Named("lost"),
		Tries: func() int { return s.centre.now().Callers.Lost.Tries },
	}, open)
	s.blocks = block.New(block.Config{
		Journal: s.journal, Log: s.log.Named("block"), Exempt: s.neverKeptOut,
		Hold: func() time.Duration { return s.centre.now().Callers.Blocked.Hold },
	}, live)
	return nil
}

// neverKeptOut reports whether a number is an emergency service's, or one on which
// an agent takes calls.
func (s *server) neverKeptOut(caller string) bool {
	c := s.centre.now()
	if number.Emergency(caller, c.Callers.Region) {
		return true
	}
	for _, client := range c.Clients {
		if number.Emergency(caller, client.Region) {
			return true
		}
	}
	_, ours := s.roster.At(call.NumberDevice(caller))
	return ours
}
