package main

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"firstline/call"
)

// seedRoster gives a new installation the roster of its centre's files; from then
// on the database has it. In the demo everybody is at work, and the phones get
// passwords.
func (s *server) seedRoster(ctx context.Context) error {
	people, err := s.store.Agents(ctx)
	if err != nil {
		return err
	}
	demo := s.cfg.Centre == ""
	if len(people) == 0 {
		now := time.Now()
		var evs []call.Event
		for _, a := range s.centre.now().Agents {
			evs = append(evs, call.AgentEvent(now, a.ID, call.AgentSet{Name: a.Name, Device: a.Device, Level: a.Level, Skills: a.Skills}))
			if demo {
				evs = append(evs, call.AgentEvent(now, a.ID, call.PresenceChanged{Presence: call.Available, By: "demo"}))
			}
		}
		if err := s.journal.Append(ctx, evs...); err != nil {
			return fmt.Errorf("roster: %w", err)
		}
	}
	if !demo {
		return s.seedToken(ctx)
	}
	var devices []call.DeviceID
	for _, a := range s.centre.now().Agents {
		devices = append(devices, a.Device)
	}
	if s.demo, err = loadDemoCredentials(s.cfg.DataDir, s.cfg.SIP.Domain, devices); err != nil {
		return err
	}
	if s.cfg.SignIn.Token != "" {
		s.demo.APIToken = s.cfg.SignIn.Token
	}
	return s.demo.seed(ctx, secrets{s.store})
}

// seedToken puts the configured API token's hash into the store.
func (s *server) seedToken(ctx context.Context) error {
	if s.cfg.SignIn.Token == "" {
		return nil
	}
	return secrets{s.store}.PutToken(ctx, "configured", hexSHA256(s.cfg.SignIn.Token), "admin")
}

// seatAgents puts the roster into the queue engine as the last process left it.
func (s *server) seatAgents(ctx context.Context) error {
	people, err := s.store.Everybody(ctx)
	if err != nil {
		return err
	}
	if err := s.queue.Restore(ctx, people); err != nil {
		return fmt.Errorf("roster: %w", err)
	}
	return nil
}

// users is the demo's devices in order.
func (c *demoCredentials) users() []string { return slices.Sorted(maps.Keys(c.Devices)) }
