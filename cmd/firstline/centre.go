package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"time"

	"go.uber.org/zap"

	"firstline/call"
	"firstline/callqueue"
	"firstline/config"
	"firstline/intake"
	"firstline/intake/number"
	"firstline/ivr/prompts"
	"firstline/web"
)

// What the journey plays by itself.
const (
	noticePrompt  = "recording-notice"
	troublePrompt = "technical-trouble"
	fullPrompt    = "no-agents"
	callPrompt    = "agent-announce"
	pressPrompt   = "press-1"
	language      = "en" // of lines whose client names none
)

// centreHolder is the centre in force.
type centreHolder struct {
	mu     sync.Mutex // guards what follows
	c      *config.Centre
	before string // hash of the one that it took the place of; empty for none
}

func newCentreHolder(c *config.Centre) *centreHolder { return &centreHolder{c: c} }

func (h *centreHolder) now() *config.Centre {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.c
}

func (h *centreHolder) set(c *config.Centre) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.c, h.before = c, h.c.Hash
}

// previous is the hash of the centre that was in force before; empty for none.
func (h *centreHolder) previous() string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.before
}

// forDesk is a centre as the journey knows it.
func forDesk(c *config.Centre, heard sounds) *intake.Centre {
	d := &intake.Centre{
		Hash: c.Hash, Flows: c.Flows,
		Numbers: map[string]intake.Number{}, Queues: map[call.QueueID]callqueue.Queue{},
		Language: language, Notice: noticePrompt, Trouble: troublePrompt, Full: fullPrompt, Versions: heard.checksum, Recorded: heard.languages,
		Calendars: map[string]intake.Hours{},
		Announce:  map[call.QueueID]intake.Announce{}, Callbacks: c.Callbacks, Messages: c.Messages, Places: c.Places, Outbound: c.Outbound, Patience: c.Patience,
		Blocked: intake.Blocked{Status: c.Callers.Blocked.Status, Prompt: c.Callers.Blocked.Prompt}, ShortAbandons: c.Callers.Lost.ShortAbandons,
		Redial: c.Tickets.Redial, Enrich: c.Tickets.Enrich, Points: c.Tickets.Points,
	}
	for number, n := range c.Numbers {
		to := intake.Number{Flow: n.Flow, Queue: n.Queue, Language: c.Language(n), Client: n.Client, Greeting: c.Clients[n.Client].Greeting, Class: c.Class(n), Region: c.Region(n), Closed: intake.Closed(n.Closed), Zone: c.ZoneOf(n)}
		if calendar := c.Calendars[n.Hours]; calendar != nil { // a nil pointer would be hours all the same
			to.Hours, to.Calendar = calendar, n.Hours
		}
		d.Numbers[number] = to
	}
	for name, calendar := range c.Calendars {
		d.Calendars[name] = calendar
	}
	for _, q := range c.Queues {
		d.Queues[q.ID] = q
	}
	for id, a := range c.Announce {
		d.Announce[id] = intake.Announce(a)
	}
	return d
}

// callerOf is a caller's number in its normal form; empty when withheld.
func (h *centreHolder) callerOf(a call.Arrived) string {
	c := h.now()
	return number.Normal(a.From.Number, c.Region(c.Numbers[a.To.Number]))
}

// askToPress is what an agent on a number hears before they take a call.
func askToPress() []call.Media {
	return []call.Media{promptKey(callPrompt), promptKey(pressPrompt)}
}

func promptKey(key string) call.Media { return call.Media("prompt:" + language + "/" + key) }

// Queues is what the board shows of the queues' rules.
func (h *centreHolder) Queues() []web.QueueRule {
	var out []web.QueueRule
	for _, q := range h.now().Queues {
		out = append(out, web.QueueRule{ID: q.ID, Name: q.Name, Need: q.Need, Target: q.Target})
	}
	return out
}

// Zone is where the desk's day begins.
func (h *centreHolder) Zone() *time.Location { return h.zoneOf("") }

// zoneOf is whose days a client's calls are counted in.
func (h *centreHolder) zoneOf(client string) *time.Location { return h.now().Zone(client) }

// centreFiles is the centre's folder, or the embedded demo.
func centreFiles(cfg *config.Server) fs.FS {
	fetched := filepath.Join(cfg.DataDir, holidaysFolder)
	if cfg.Centre == "" {
		return kept{config.DemoCentre(), fetched}
	}
	return kept{os.DirFS(cfg.Centre), fetched}
}

// readCentre reads the centre's files. An fs.FS does not know its own name, so a
// folder that is not there is told here.
func readCentre(cfg *config.Server, keys []string) (*config.Centre, error) {
	if cfg.Centre != "" {
		if _, err := os.Stat(cfg.Centre); err != nil {
			return nil, fmt.Errorf("centre: %w", err)
		}
	}
	return config.LoadCentre(centreFiles(cfg), keys)
}

// promptKeys is what flows may play.
func promptKeys() ([]string, error) {
	c, err := prompts.Load(prompts.Files(), language)
	if err != nil {
		return nil, fmt.Errorf("prompts: %w", err)
	}
	return c.Keys(), nil
}

func (s *server) loadCentre() (*config.Centre, error) {
	keys, err := promptKeys()
	if err != nil {
		return nil, err
	}
	c, err := readCentre(s.cfg, keys)
	return c, inFolder(s.cfg.Centre, err)
}

// keepCentre stores a version by its hash, before it comes into force.
func (s *server) keepCentre(ctx context.Context, c *config.Centre) error {
	data, err := json.Marshal(c.Files)
	if err != nil {
		return err
	}
	if err := s.store.PutCentre(ctx, c.Hash, data); err != nil {
		return fmt.Errorf("keep centre: %w", err)
	}
	return nil
}

// reload reads the centre's files again and activates them as a whole, or
// changes nothing. Calls keep the flow that they started with; queues change for
// those who wait.
func (s *server) reload(ctx context.Context, by string) (string, error) {
	next, err := s.loadCentre()
	if err != nil {
		return "", err
	}
	if next.Equal(s.centre.now()) {
		return next.Hash, nil
	}
	if err := s.keepCentre(ctx, next); err != nil {
		return "", err
	}
	return next.Hash, s.activate(ctx, next, by)
}

// goBack activates a version that was stored: by its hash, or the one before this.
// The files stay as they are, and the next reload reads them.
func (s *server) goBack(ctx context.Context, version, by string) (string, error) {
	if version == previousVersion {
		if version = s.centre.previous(); version == "" {
			return "", errors.New("no version was in force before, since this server started: name one by its hash")
		}
	}
	if version == s.centre.now().Hash {
		return version, nil
	}
	next, err := webPast{s}.centreOf(ctx, version)
	if err != nil {
		return "", fmt.Errorf("version %.12s: %w", version, err)
	}
	return next.Hash, s.activate(ctx, next, by)
}

// previousVersion stands for the version before the one in force.
const previousVersion = "previous"

// activate brings a centre into force, or changes nothing.
func (s *server) activate(ctx context.Context, next *config.Centre, by string) error {
	if err := s.queue.SetQueues(ctx, next.Queues); err != nil {
		return err
	}
	if err := s.queue.SetRules(ctx, next.Rules); err != nil {
		return errors.Join(err, s.queue.SetQueues(ctx, s.centre.now().Queues))
	}
	s.centre.set(next)
	s.desk.SetCentre(forDesk(next, s.sounds))
	s.journal.SetConfig(next.Hash)
	s.promises.Changed()
	s.journal.Post(call.SystemEvent(time.Now(), call.ConfigActivated{Hash: next.Hash, By: by}))
	s.log.Info("centre activated", zap.String("config", next.Hash), zap.String("by", by))
	return nil
}

// version is a centre that a call of before started with.
func (s *server) version(ctx context.Context, hash string) (*intake.Centre, error) {
	c, err := webPast{s}.centreOf(ctx, hash)
	if err != nil {
		return nil, err
	}
	return forDesk(c, s.sounds), nil
}
