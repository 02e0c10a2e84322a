package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"strconv"
	"strings"
	"time"

	"firstline/call"
	"firstline/callqueue/agents"
	"firstline/callqueue/queuelog"
	"firstline/callqueue/sim"
	"firstline/config"
	"firstline/store"
)

// historyFlags say where a recorded journal is read: from a running server by its
// API, or from the database of one that does not run.
type historyFlags struct {
	Config      string `short:"c" help:"Configuration file. Default: as for serve." type:"path"`
	API         string `help:"Base URL of a running server's API. Default: the demo's, when it runs; else the database is read." placeholder:"http://127.0.0.1:8080"`
	Token       string `help:"API token. Default: the demo's." env:"FL_TOKEN"`
	Credentials string `help:"Demo credentials file." default:"var/demo-credentials.json" type:"path"`
}

// history is a recorded journal.
type history struct {
	page   func(ctx context.Context, after int64) ([]call.Event, error) // empty at the end
	behind func(ctx context.Context, t time.Time) (int64, error)        // see store.Store.Behind
	roster func(ctx context.Context) ([]store.Agent, error)             // as it is now
	centre *config.Centre
	close  func() error
}

// warmUp is how much of the journal before a period is read with it: whoever
// waits, talks or works when it begins came, as a rule, within that time.
const warmUp = 36 * time.Hour

func (f *historyFlags) open(ctx context.Context) (*history, error) {
	cfg, err := config.LoadServer(f.Config, os.Environ())
	if err != nil {
		return nil, err
	}
	keys, err := promptKeys()
	if err != nil {
		return nil, err
	}
	centre, err := readCentre(cfg, keys)
	if err != nil {
		return nil, err
	}
	demo, err := readDemoCredentials(f.Credentials)
	if err != nil {
		return nil, err
	}
	asked := f.API != ""
	api := &apiClient{base: f.API, token: f.Token}
	if demo != nil {
		api.base, api.token = cmp.Or(api.base, demo.HTTP), cmp.Or(api.token, demo.APIToken)
	}
	if api.base != "" {
		h := apiHistory(api)
		h.centre = centre
		_, err := h.page(ctx, 0)
		if err == nil {
			return h, nil
		}
		if asked {
			return nil, fmt.Errorf("journal of %s: %w", api.base, err)
		}
	}
	log, err := newLog(config.Log{Level: "warn", Format: cfg.Log.Format}) // what becomes of a spool has to be said
	if err != nil {
		return nil, err
	}
	st, err := store.Open(ctx, store.Config{Database: cfg.Database, DataDir: cfg.DataDir}, log)
	if errors.Is(err, store.ErrOwned) {
		return nil, fmt.Errorf("%w: give --api and --token of the server that runs", err)
	}
	if err != nil {
		return nil, err
	}
	return &history{
		page:   func(ctx context.Context, after int64) ([]call.Event, error) { return st.Events(ctx, after, 1000) },
		behind: st.Behind, roster: st.Agents, centre: centre, close: st.Close,
	}, nil
}

// apiHistory reads a running server's journal.
func apiHistory(api *apiClient) *history {
	page := func(ctx context.Context, after int64, limit int) ([]call.Event, error) {
		var list struct {
			Events []call.Event `json:"events"`
		}
		q := url.Values{"after": {strconv.FormatInt(after, 10)}, "limit": {strconv.Itoa(limit)}}
		err := api.do(ctx, "GET", "/api/v1/events?"+q.Encode(), &list)
		return list.Events, err
	}
	return &history{
		page: func(ctx context.Context, after int64) ([]call.Event, error) { return page(ctx, after, 500) },
		behind: func(ctx context.Context, t time.Time) (int64, error) {
			return behind(t, func(after int64) (call.Event, bool, error) {
				for limit := 1; ; limit = 500 {
					evs, err := page(ctx, after, limit)
					if err != nil || len(evs) == 0 {
						return call.Event{}, false, err
					}
					for _, e := range evs {
						// Calls that Asterisk served are not in order of time, nor who was lost in them.
						if after = e.Global; e.Config != call.ConfigAsterisk && e.Stream.Kind != call.StreamLost {
							return e, true, nil
						}
					}
				}
			})
		},
		roster: func(ctx context.Context) ([]store.Agent, error) {
			var list struct {
				Agents []struct {
					store.Agent
					State string `json:"state"`
				} `json:"agents"`
			}
			err := api.do(ctx, "GET", "/api/v1/agents", &list)
			var out []store.Agent
			for _, a := range list.Agents {
				if a.State == "unreachable" {
					a.Activity, a.Active = call.PhoneGone, a.Since
				}
				out = append(out, a.Agent)
			}
			return out, err
		},
		close: func() error { return nil },
	}
}

// behind finds by halving a place in the journal that nothing at t or later lies
// before. Next is the first event behind a global sequence.
func behind(t time.Time, next func(after int64) (call.Event, bool, error)) (int64, error) {
	want := t.Add(-time.Minute) // clocks and late writers
	high := int64(1)
	for { // doubling until an event that is late enough, or the end
		ev, ok, err := next(high)
		if err != nil {
			return 0, err
		}
		if !ok || !ev.At.Before(want) {
			break
		}
		high *= 2
	}
	low := int64(0)
	for low < high {
		middle := low + (high-low)/2
		ev, ok, err := next(middle)
		switch {
		case err != nil:
			return 0, err
		case !ok || !ev.At.Before(want):
			high = middle
		default:
			low = ev.Global
		}
	}
	return low, nil
}

// read gives every event from t on to each, which says when it has enough.
func (h *history) read(ctx context.Context, from time.Time, each func(call.Event) (more bool)) error {
	after, err := h.behind(ctx, from)
	if err != nil {
		return err
	}
	for {
		evs, err := h.page(ctx, after)
		if err != nil || len(evs) == 0 {
			return err
		}
		for _, ev := range evs {
			after = ev.Global
			if !each(ev) {
				return nil
			}
		}
	}
}

// people is the roster as it was at t. It is known as it is now, and the journal
// from t on says what has changed since: whoever is not in it was as now, and
// whoever begins by coming was out.
func (h *history) people(ctx context.Context, t time.Time) (roster []agents.Agent, members []queuelog.Member, were []sim.Shift, err error) {
	all, err := h.roster(ctx)
	if err != nil {
		return nil, nil, nil, fmt.Errorf("roster: %w", err)
	}
	first := make(map[call.AgentID]call.PresenceChanged)
	moved := make(map[call.AgentID]bool)
	err = h.read(ctx, t, func(ev call.Event) bool {
		id := call.AgentID(ev.Stream.ID)
		switch b := ev.Body.(type) {
		case call.PresenceChanged:
			if _, ok := first[id]; !ok {
				first[id] = b
			}
		case call.ActivityChanged:
			moved[id] = true
		}
		return ctx.Err() == nil
	})
	if err != nil {
		return nil, nil, nil, err
	}
	for _, a := range all {
		who := agents.Agent{ID: a.ID, Name: a.Name, Device: a.Device, Level: a.Level, Skills: a.Skills}
		was := sim.Shift{At: t, Agent: a.ID, Presence: cmp.Or(a.Presence, call.LoggedOut), Reason: a.Reason}
		if change, ok := first[a.ID]; ok {
			was.Presence, was.Reason = call.Available, ""
			if change.Presence == call.Available {
				was.Presence = call.LoggedOut
			}
		}
		if a.Activity == call.PhoneGone && !moved[a.ID] {
			was.Phone = sim.PhoneGoes
		}
		roster, were = append(roster, who), append(were, was)
		members = append(members, queuelog.Member{Agent: who, Presence: was.Presence})
	}
	return roster, members, were, nil
}

// moment is an instant on the command line: RFC 3339, or a local date and time of
// which less may be said, or "today" and "yesterday".
type moment struct{ time.Time }

// UnmarshalText implements encoding.TextUnmarshaler.
func (m *moment) UnmarshalText(b []byte) error {
	text := strings.TrimSpace(string(b))
	now := time.Now()
	midnight := time.Date(now.Year(), now.Month(), now.Day(), 0, 0, 0, 0, time.Local)
	switch text {
	case "now":
		m.Time = now
		return nil
	case "today":
		m.Time = midnight
		return nil
	case "yesterday":
		m.Time = midnight.AddDate(0, 0, -1)
		return nil
	}
	if t, err := time.Parse(time.RFC3339Nano, text); err == nil {
		m.Time = t
		return nil
	}
	for _, layout := range []string{"2006-01-02T15:04:05", "2006-01-02T15:04", "2006-01-02 15:04", "2006-01-02"} {
		if t, err := time.ParseInLocation(layout, text, time.Local); err == nil {
			m.Time = t
			return nil
		}
	}
	return fmt.Errorf("%q is no instant: write 2026-03-02, 2026-03-02T09:00, 2026-03-02T09:00:00Z, today or yesterday", text)
}
