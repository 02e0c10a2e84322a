package main

import (
	"context"
	"fmt"
	"slices"

	"firstline/call"
	"firstline/callqueue"
	"firstline/intake/number"
	"firstline/tickets/customers"
)

// openDirectory takes up what is known of those who call.
func (s *server) openDirectory(ctx context.Context) error {
	kept, err := s.store.Directory(ctx)
	if err != nil {
		return fmt.Errorf("customers: %w", err)
	}
	pins, err := s.store.CustomerPINs(ctx)
	if err != nil {
		return err
	}
	s.directory = customers.New(customers.Config{
		Journal: s.journal, PINs: s.store, Log: s.log.Named("customers"), Normal: s.normalFor,
		Client: func(id string) bool { _, ok := s.centre.now().Clients[id]; return ok },
		Queue: func(id call.QueueID) bool {
			return slices.ContainsFunc(s.centre.now().Queues, func(q callqueue.Queue) bool { return q.ID == id })
		},
	}, kept, pins)
	return nil
}

// normalFor is a number in E.164 as it is written in a client's country.
func (s *server) normalFor(text, client string) string {
	c := s.centre.now()
	region := c.Callers.Region
	if of := c.Clients[client].Region; of != "" {
		region = of
	}
	return number.Normal(text, region)
}
