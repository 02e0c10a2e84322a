package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"time"

	"firstline/call"
	"firstline/callqueue/queuelog"
)

type exportCommand struct {
	QueueLog exportQueueLog `cmd:"" help:"The queues' story as Asterisk's queue_log, for boards and reports that read it."`
	Table    exportTable    `cmd:"" help:"What a running server knows of those who call, as a CSV file."`
}

type exportQueueLog struct {
	historyFlags
	From        moment `help:"From this instant on (2026-03-02, 2026-03-02T09:00, RFC 3339, today, yesterday)." default:"today"`
	To          moment `help:"Until before this instant. Default: all there is."`
	Out         string `short:"o" help:"File to write. Default: standard output." type:"path"`
	Follow      bool   `short:"f" help:"Go on as events come. With --out, go on where the last time ended."`
	CallerNames bool   `help:"Write callers' names (Asterisk's log-caller-id-name)."`
	HideNumbers bool   `help:"Leave callers' numbers out."`
}

func (exportQueueLog) Help() string {
	return `Lines are byte for byte as Asterisk 22 writes them. Agents are named by name; a
queue's members are those who meet what it needs. Outcomes that app_queue does
not have are written as the nearest it has: see the package queuelog.

Example:  firstline export queue-log --from 2026-03-02 --to 2026-03-03 -o queue_log`
}

func (c *exportQueueLog) Run(ctx context.Context, o *output) error {
	h, err := c.open(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = h.close() }()
	place, err := c.place()
	if err != nil {
		return err
	}
	start := c.From.Add(-warmUp)
	_, members, _, err := h.people(ctx, start)
	if err != nil {
		return err
	}
	cfg := queuelog.Config{Queues: make(map[call.QueueID]call.Requirement), Roster: members, CallerNames: c.CallerNames, HideNumbers: c.HideNumbers}
	for _, q := range h.centre.Queues {
		cfg.Queues[q.ID] = q.Need
	}
	l := queuelog.New(cfg)
	out, finish, err := c.sink(o.out, place)
	if err != nil {
		return err
	}
	last, err := c.past(ctx, h, l, out, place, start)
	if err == nil && c.Follow {
		err = queuelog.Follow(ctx, &poll{h: h, after: last}, l, out, func(global int64) error { return place.reached(global, out) })
	}
	if c.Follow && ctx.Err() != nil {
		err = nil // to be stopped is how following ends
	}
	return errors.Join(err, finish())
}

// past writes what has been, and returns the last event's global sequence.
func (c *exportQueueLog) past(ctx context.Context, h *history, l *queuelog.Log, out io.Writer, at *place, start time.Time) (last int64, err error) {
	var lines []byte
	var wrong error
	err = h.read(ctx, start, func(ev call.Event) bool {
		if !c.To.IsZero() && ev.At.After(c.To.Add(time.Minute)) {
			return false
		}
		last = ev.Global
		lines = l.Append(lines[:0], ev)
		wanted := !ev.At.Before(c.From.Time) && (c.To.IsZero() || ev.At.Before(c.To.Time)) && ev.Global > at.Global
		if wanted && len(lines) > 0 {
			_, wrong = out.Write(lines)
		}
		return wrong == nil && ctx.Err() == nil
	})
	if err = errors.Join(err, wrong, context.Cause(ctx)); err != nil {
		return last, err
	}
	return last, at.reached(last, out)
}

// poll reads a journal again and again.
type poll struct {
	h     *history
	after int64
}

const pollEvery = time.Second

// Next implements queuelog.Events.
func (p *poll) Next(ctx context.Context) ([]call.Event, error) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		case <-timer.C:
		}
		evs, err := p.h.page(ctx, p.after)
		if err != nil {
			return nil, err
		}
		if len(evs) > 0 {
			p.after = evs[len(evs)-1].Global
			return evs, nil
		}
		timer.Reset(pollEvery)
	}
}

// place is how far a followed file has come. It is kept beside the file, with the
// file's size: what was written beyond it, before a crash, is written again.
type place struct {
	path   string // empty: not kept
	Global int64  `json:"global"`
	Size   int64  `json:"size"`
}

func (c *exportQueueLog) place() (*place, error) {
	if !c.Follow || c.Out == "" {
		return &place{}, nil
	}
	p := &place{path: c.Out + ".position"}
	b, err := os.ReadFile(p.path)
	if errors.Is(err, fs.ErrNotExist) {
		return p, nil
	}
	if err != nil {
		return nil, err
	}
	if err := json.Unmarshal(b, p); err != nil {
		return nil, fmt.Errorf("%s: %w", p.path, err)
	}
	return p, nil
}

// reached keeps the place once the lines are in the file.
func (p *place) reached(global int64, out io.Writer) error {
	if b, ok := out.(*bufio.Writer); ok {
		if err := b.Flush(); err != nil {
			return err
		}
	}
	if p.path == "" || global <= p.Global {
		return nil
	}
	info, err := os.Stat(p.path[:len(p.path)-len(".position")])
	if err != nil {
		return err
	}
	p.Global, p.Size = global, info.Size()
	b, err := json.Marshal(p)
	if err != nil {
		return err
	}
	if err := os.WriteFile(p.path+".new", b, 0o600); err != nil {
		return err
	}
	return os.Rename(p.path+".new", p.path)
}

// sink is where lines go. Callers' numbers are in it: only the owner reads a file
// that is made here.
func (c *exportQueueLog) sink(stdout io.Writer, at *place) (io.Writer, func() error, error) {
	if c.Out == "" {
		w := bufio.NewWriter(stdout)
		return w, w.Flush, nil
	}
	f, err := os.OpenFile(c.Out, os.O_WRONLY|os.O_CREATE, 0o600)
	if err != nil {
		return nil, nil, err
	}
	_, err = f.Seek(at.Size, io.SeekStart)
	if err := errors.Join(err, f.Truncate(at.Size)); err != nil {
		return nil, nil, errors.Join(err, f.Close())
	}
	w := bufio.NewWriter(f)
	return w, func() error { return errors.Join(w.Flush(), f.Close()) }, nil
}
