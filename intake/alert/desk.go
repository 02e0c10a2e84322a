package alert

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"go.uber.org/zap"

	"firstline/call"
	"firstline/intake/incident"
)

// Incidents is what alerts act on: incident.List, after a look at the centre.
type Incidents interface {
	Declare(ctx context.Context, d incident.Declaration) (incident.Incident, error)
	End(ctx context.Context, id call.IncidentID, by, note string) (incident.Incident, error)
	Incidents() []incident.Incident
}

// Config is what a Desk needs.
type Config struct {
	Journal   call.Journal
	Incidents Incidents
	Log       *zap.Logger // nil means none
}

// Desk keeps which problems belong to which incident. Its methods are safe for use by
// many goroutines.
type Desk struct {
	cfg Config
	log *zap.Logger

	mu     sync.Mutex // guards firing, and orders the stream; held while an event is written
	firing map[key]call.IncidentID
}

// key is a problem of a source.
type key struct {
	endpoint    call.EndpointID
	fingerprint string
}

// New takes up what the stream holds.
func New(cfg Config, story []call.Event) *Desk {
	d := &Desk{cfg: cfg, log: cfg.Log, firing: make(map[key]call.IncidentID)}
	if d.log == nil {
		d.log = zap.NewNop()
	}
	for _, e := range story {
		d.apply(e.Body)
	}
	return d
}

func (d *Desk) apply(b call.Body) {
	switch x := b.(type) {
	case call.AlertFired:
		d.firing[key{x.Endpoint, x.Fingerprint}] = x.Incident
	case call.AlertResolved:
		delete(d.firing, key{x.Endpoint, x.Fingerprint})
	}
}

// Source is one monitoring system: in which format it speaks, and which service and
// whose callers its labels mean.
type Source struct {
	Endpoint call.EndpointID
	Settings map[string]string
}

// Check says what is wrong with a source's settings: format, a queue or queue:label:value
// for a service, client or client:label:value for whose callers.
func (s Source) Check() error {
	if f := s.Settings["format"]; f != "alertmanager" && f != "grafana" && f != "zabbix" {
		return fmt.Errorf("format is alertmanager, grafana or zabbix, not %q", f)
	}
	queues := 0
	for name, value := range s.Settings {
		what, label, mapped := strings.Cut(name, ":")
		_, _, valued := strings.Cut(label, ":")
		switch {
		case name == "format":
			continue
		case what != "queue" && what != "client" || mapped && !valued:
			return fmt.Errorf("%q is no setting; there are format, queue, client, queue:label:value and client:label:value", name)
		case value == "":
			return fmt.Errorf("%q is empty", name)
		case what == "queue":
			queues++
		}
	}
	if queues == 0 {
		return errors.New("it needs queue, or queue:label:value: which service an alert is about")
	}
	return nil
}

// means is the value that an alert's labels are mapped to, the default, or nothing.
// When several labels are mapped, the first by name counts.
func (s Source) means(what string, a Alert) string {
	for _, name := range slices.Sorted(maps.Keys(s.Settings)) {
		rule, ok := strings.CutPrefix(name, what+":")
		label, value, _ := strings.Cut(rule, ":")
		if got, has := a.Labels[label]; ok && has && got == value {
			return s.Settings[name]
		}
	}
	return s.Settings[what]
}

// Take takes a message in. ErrFormat; other errors mean that it is to be sent again,
// which is safe.
func (d *Desk) Take(ctx context.Context, s Source, body []byte) error {
	all, err := Parse(s.Settings["format"], body)
	if err != nil {
		return err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, a := range all {
		do := d.resolve
		if a.Firing {
			do = d.fire
		}
		if err := do(ctx, s, a); err != nil {
			return fmt.Errorf("alert %s: %w", a.Fingerprint, err)
		}
	}
	return nil
}

// fire has a problem belong to the incident of its service, which is declared when
// there is none; mu is held.
func (d *Desk) fire(ctx context.Context, s Source, a Alert) error {
	k := key{s.Endpoint, a.Fingerprint}
	q := call.QueueID(s.means("queue", a))
	if _, said := d.firing[k]; said {
		return nil // even when a person has ended the incident: the same problem does not open it again
	}
	if q == "" {
		d.log.Info("an alert is of no service here", zap.String("endpoint", string(s.Endpoint)), zap.String("title", a.Title))
		return nil
	}
	var clients []string
	if c := s.means("client", a); c != "" {
		clients = []string{c}
	}
	i, err := d.cfg.Incidents.Declare(ctx, incident.Declaration{Queue: q, Clients: clients, Title: a.Title, By: by(s)})
	if errors.Is(err, incident.ErrExists) {
		i, err = d.existing(q, clients)
	}
	if err != nil {
		return err
	}
	return d.write(ctx, call.AlertFired{Endpoint: s.Endpoint, Fingerprint: a.Fingerprint, Incident: i.ID, Title: a.Title})
}

// existing is the open incident of a service; mu is held.
func (d *Desk) existing(q call.QueueID, clients []string) (incident.Incident, error) {
	for _, i := range d.cfg.Incidents.Incidents() {
		if i.Open() && i.Queue == q && (len(i.Clients) == 0 || len(clients) == 0 || slices.Contains(i.Clients, clients[0])) {
			return i, nil
		}
	}
	return incident.Incident{}, incident.ErrUnknown
}

// resolve ends the incident when this was its last problem and no person declared it;
// mu is held.
func (d *Desk) resolve(ctx context.Context, s Source, a Alert) error {
	k := key{s.Endpoint, a.Fingerprint}
	id, ok := d.firing[k]
	if !ok {
		return nil
	}
	left := 0
	for other, i := range d.firing {
		if other != k && i == id {
			left++
		}
	}
	if left == 0 && d.open(id) && d.ours(id) {
		if _, err := d.cfg.Incidents.End(ctx, id, by(s), a.Title+": resolved"); err != nil && !errors.Is(err, incident.ErrUnknown) {
			return err
		}
	}
	return d.write(ctx, call.AlertResolved{Endpoint: s.Endpoint, Fingerprint: a.Fingerprint})
}

func (d *Desk) incident(id call.IncidentID) (incident.Incident, bool) {
	all := d.cfg.Incidents.Incidents()
	at := slices.IndexFunc(all, func(i incident.Incident) bool { return i.ID == id })
	if at < 0 {
		return incident.Incident{}, false
	}
	return all[at], true
}

func (d *Desk) open(id call.IncidentID) bool {
	i, ok := d.incident(id)
	return ok && i.Open()
}

// ours reports whether a monitoring system declared it: what a person declared, a
// person ends.
func (d *Desk) ours(id call.IncidentID) bool {
	i, ok := d.incident(id)
	return ok && strings.HasPrefix(i.By, "endpoint:")
}

func by(s Source) string { return "endpoint:" + string(s.Endpoint) }

// write appends an event and folds it in; mu is held.
func (d *Desk) write(ctx context.Context, b call.Body) error {
	if err := d.cfg.Journal.Append(context.WithoutCancel(ctx), call.AlertEvent(time.Now(), b)); err != nil {
		return err
	}
	d.apply(b)
	return nil
}
