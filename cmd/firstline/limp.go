package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"firstline/call"
	"firstline/callqueue"
	"firstline/callqueue/queuelog"
	"firstline/intake/limp"
	"firstline/intake/number"
	"firstline/store"
	"firstline/web"
)

// fallbackQueue is the queue of deploy/asterisk that takes calls while we are away.
const fallbackQueue = "firstline-fallback"

// openLimp follows the nodes' queue_logs, for calls that went past us.
func (s *server) openLimp(context.Context) error {
	s.limp = limp.New(limp.Config{
		Queue: s.limpQueue, Journal: s.journal, Tickets: s.tickets,
		Lost: s.lost, Known: s.callsOf, Caller: s.callerOf, Agent: s.memberOf,
		ShortAbandons: func() bool { return s.centre.now().Callers.Lost.ShortAbandons }, Log: s.log.Named("limp"),
	})
	for _, n := range s.cfg.Asterisk.Nodes {
		if n.QueueLog != "" {
			s.life.start("queue_log "+n.Name, s.limp.Follow(n.Name, n.QueueLog, logPlace{s.store, n.Name}).Run)
		}
	}
	return nil
}

// limpQueue is what a queue of Asterisk's is here: one of the centre's that is
// called the same, or the queue of limp mode.
func (s *server) limpQueue(name string) (limp.Queue, bool) {
	if q, ok := s.centre.now().Queue(call.QueueID(name)); ok {
		return limp.Queue{ID: q.ID, Target: q.Target}, true
	}
	q := callqueue.Queue{ID: call.QueueID(name)}.Defaults()
	return limp.Queue{ID: q.ID, Target: q.Target}, name == fallbackQueue
}

func (s *server) callsOf(ctx context.Context, origin string, id call.ID) ([]call.Record, error) {
	p, err := s.store.Calls(ctx, store.CallFilter{Origin: origin})
	if err != nil || id == "" {
		return p.Items, err
	}
	r, err := s.store.Call(ctx, id)
	if errors.Is(err, store.ErrNotFound) {
		return p.Items, nil
	}
	return append(p.Items, r), err
}

func (s *server) callerOf(c *call.Call) (normal, client string) {
	line := s.centre.now().Numbers[c.To.Number]
	return number.Normal(c.From.Number, s.centre.now().Region(line)), line.Client
}

// memberOf finds the person whom a queue member's name means: the name of one
// alone, an id, or the phone ("PJSIP/2001") at which somebody sits. Somebody who is
// not on the roster is called as Asterisk does.
func (s *server) memberOf(name string) call.AgentID {
	_, device, _ := strings.Cut(name, "/")
	var named, at []call.AgentID
	for _, a := range s.roster.Agents() {
		switch {
		case string(a.ID) == name:
			return a.ID
		case a.Name == name:
			named = append(named, a.ID)
		case device != "" && string(a.Device) == device:
			at = append(at, a.ID)
		}
	}
	if len(named) == 1 {
		return named[0]
	}
	if len(at) == 1 {
		return at[0]
	}
	return call.AgentID(strings.ToValidUTF8(name, ""))
}

// logPlace keeps how far a node's queue_log was read.
type logPlace struct {
	store *store.Store
	node  string
}

func (p logPlace) name() string { return "queue_log/" + p.node }

// Load implements limp.Memory.
func (p logPlace) Load(ctx context.Context) ([]byte, error) {
	_, data, err := p.store.Checkpoint(ctx, p.name())
	if errors.Is(err, store.ErrNotFound) {
		return nil, nil
	}
	return data, err
}

// Save implements limp.Memory.
func (p logPlace) Save(ctx context.Context, data []byte) error {
	return p.store.SaveCheckpoint(ctx, p.name(), 0, data)
}

// webFallback is the API's way to a log that was copied from elsewhere.
type webFallback struct{ s *server }

// ImportQueueLog implements web.Fallback.
func (w webFallback) ImportQueueLog(ctx context.Context, node, log string) (web.QueueLogImport, error) {
	did := web.QueueLogImport{Faults: []string{}}
	var lines []queuelog.Line
	n := 0
	for text := range strings.Lines(log) {
		n++
		if text = strings.TrimSuffix(text, "\n"); strings.TrimSpace(text) == "" {
			continue
		}
		l, err := queuelog.Parse(text)
		if err != nil {
			did.Faulty++
			did.Faults = append(did.Faults, fmt.Sprintf("line %d: %v", n, err))
			continue
		}
		lines = append(lines, l)
	}
	in := w.s.limp.Importer(node)
	in.Take(lines)
	got, err := in.Settle(ctx, time.Now())
	did.Imported, did.Known, did.Open = got.Imported, got.Known, got.Open
	return did, away(err)
}
