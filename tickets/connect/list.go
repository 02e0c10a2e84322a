package connect

import (
	"cmp"
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
	"firstline/tickets/connect/sign"
)

// Vault keeps secrets, each under its endpoint and name.
type Vault interface {
	PutSecret(ctx context.Context, endpoint call.EndpointID, name, value string) error
	Secrets(ctx context.Context, endpoint call.EndpointID) (map[string]string, error)
}

// ListConfig is what a List needs.
type ListConfig struct {
	Journal call.Journal
	Vault   Vault
	Last    func() int64                   // the journal's end: from where a new endpoint is told
	Check   func(p call.EndpointSet) error // of what depends on the kind; ErrInvalid
	Log     *zap.Logger                    // nil means none
}

// List is the endpoints, and their one writer. Its methods are safe for use by many
// goroutines.
type List struct {
	cfg ListConfig
	log *zap.Logger

	mu      sync.Mutex // guards what follows, and orders the stream; held while an event is written
	all     book
	used    map[call.EndpointID]bool // ids that endpoints have or had: what waits for one that is gone never goes to another
	changed chan struct{}            // closed and replaced when all changes
}

// NewList takes up what the stream holds; events that do not fit are left out.
func NewList(cfg ListConfig, story []call.Event) *List {
	l := &List{cfg: cfg, log: cfg.Log, all: book{}, used: map[call.EndpointID]bool{}, changed: make(chan struct{})}
	if l.log == nil {
		l.log = zap.NewNop()
	}
	for _, e := range story {
		if err := l.apply(e); err != nil {
			l.log.Error("event does not fit", zap.Int64("global", e.Global), zap.Error(err))
		}
	}
	return l
}

// Add makes an endpoint, which is told of what happens from now on. A webhook's
// signing secret is made with it, and told this once. An id is given once, whatever
// became of its endpoint. ErrInvalid, ErrExists.
func (l *List) Add(ctx context.Context, s call.EndpointSet) (p Endpoint, secret string, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.used[s.Endpoint] {
		return p, "", fmt.Errorf("%w: %s; the id of one that was removed stays its own", ErrExists, s.Endpoint)
	}
	if err := l.check(&s); err != nil {
		return p, "", err
	}
	if s.Kind == string(Webhook) { // before it is known, so that it is never without
		secret = sign.New().Text()
		if err := l.cfg.Vault.PutSecret(ctx, s.Endpoint, SigningSecret, secret); err != nil {
			return p, "", fmt.Errorf("secret of %s: %w", s.Endpoint, err)
		}
	}
	s.From = l.cfg.Last()
	p, err = l.set(ctx, s)
	if err != nil || secret == "" {
		return p, "", err
	}
	err = l.write(ctx, call.EndpointSecretSet{Endpoint: s.Endpoint, Secret: SigningSecret, By: s.By})
	return l.copied(s.Endpoint), secret, err
}

// apply folds an event of the stream in.
func (l *List) apply(e call.Event) error {
	if set, ok := e.Body.(call.EndpointSet); ok {
		l.used[set.Endpoint] = true
	}
	return l.all.apply(e)
}

// Change sets an endpoint anew; one that was disabled is tried again. ErrUnknown, ErrInvalid.
func (l *List) Change(ctx context.Context, s call.EndpointSet) (Endpoint, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	was := l.all[s.Endpoint]
	if was == nil {
		return Endpoint{}, fmt.Errorf("%w: %s", ErrUnknown, s.Endpoint)
	}
	if s.Kind != was.Kind {
		return Endpoint{}, fmt.Errorf("%w: an endpoint stays a %s; make another", ErrInvalid, was.Kind)
	}
	if err := l.check(&s); err != nil {
		return Endpoint{}, err
	}
	s.From = 0
	return l.set(ctx, s)
}

// check holds a setting to the rules.
func (l *List) check(s *call.EndpointSet) error {
	s.Name = strings.TrimSpace(s.Name)
	return errors.Join(check(*s), l.cfg.Check(*s))
}

// set writes a setting; mu is held.
func (l *List) set(ctx context.Context, s call.EndpointSet) (Endpoint, error) {
	if err := l.write(ctx, s); err != nil {
		return Endpoint{}, err
	}
	l.log.Info("endpoint set", zap.String("endpoint", string(s.Endpoint)), zap.String("kind", s.Kind), zap.Bool("paused", s.Paused), zap.String("by", s.By))
	return l.copied(s.Endpoint), nil
}

// Disable stops an endpoint until somebody sets it anew. ErrUnknown.
func (l *List) Disable(ctx context.Context, id call.EndpointID, why string) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if p := l.all[id]; p == nil || p.Disabled != "" {
		return l.known(id)
	}
	l.log.Warn("endpoint disabled", zap.String("endpoint", string(id)), zap.String("why", why))
	return l.write(ctx, call.EndpointDisabled{Endpoint: id, Why: why})
}

// Remove ends an endpoint; what was not delivered is not sent any more. ErrUnknown.
func (l *List) Remove(ctx context.Context, id call.EndpointID, by string) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if err := l.known(id); err != nil {
		return err
	}
	return l.write(ctx, call.EndpointRemoved{Endpoint: id, By: by})
}

// PutSecret keeps a secret. A new signing secret leaves the one before valid beside
// it, so that a receiver can change over. ErrUnknown, ErrInvalid.
func (l *List) PutSecret(ctx context.Context, id call.EndpointID, name, value, by string) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if err := l.known(id); err != nil {
		return err
	}
	if name == "" || len(name) > 40 || len(value) > 10_000 || strings.ContainsAny(value, "\r\n\x00") {
		return fmt.Errorf("%w: a secret has a name, and one line of text", ErrInvalid)
	}
	if name == InboundSecret && len(value) < 20 {
		return fmt.Errorf("%w: the secret of those who tell us has at least 20 characters", ErrInvalid)
	}
	if name == SigningSecret {
		if err := l.rotate(ctx, id, value); err != nil {
			return err
		}
	}
	if err := l.cfg.Vault.PutSecret(ctx, id, name, value); err != nil {
		return fmt.Errorf("secret of %s: %w", id, err)
	}
	return l.write(ctx, call.EndpointSecretSet{Endpoint: id, Secret: name, By: by})
}

// known is ErrUnknown for an endpoint that is not there; mu is held.
func (l *List) known(id call.EndpointID) error {
	if l.all[id] == nil {
		return fmt.Errorf("%w: %s", ErrUnknown, id)
	}
	return nil
}

// write appends an event and folds it in; mu is held.
func (l *List) write(ctx context.Context, b call.Body) error {
	ev := EndpointEvent(time.Now(), b)
	if err := l.cfg.Journal.Append(context.WithoutCancel(ctx), ev); err != nil {
		return fmt.Errorf("endpoint: %w", err)
	}
	defer func() {
		close(l.changed)
		l.changed = make(chan struct{})
	}()
	return l.apply(ev)
}

// EndpointEvent is an event of the endpoints at an instant.
func EndpointEvent(at time.Time, b call.Body) call.Event {
	return call.Event{Stream: call.Stream{Kind: call.StreamEndpoint, ID: call.EndpointStream}, At: call.Instant(at), Body: b}
}

// Endpoint is one of them. ErrUnknown.
func (l *List) Endpoint(id call.EndpointID) (Endpoint, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if err := l.known(id); err != nil {
		return Endpoint{}, err
	}
	return l.copied(id), nil
}

// All is every endpoint by id.
func (l *List) All() []Endpoint {
	all, _ := l.watch()
	return all
}

// watch is All, with a channel that closes when it is no longer true.
func (l *List) watch() ([]Endpoint, <-chan struct{}) {
	l.mu.Lock()
	defer l.mu.Unlock()
	var out []Endpoint
	for id := range l.all {
		out = append(out, l.copied(id))
	}
	slices.SortFunc(out, func(a, b Endpoint) int { return cmp.Compare(a.ID, b.ID) })
	return out, l.changed
}

// copied is an endpoint as it is now; mu is held. Its maps and lists are never changed.
func (l *List) copied(id call.EndpointID) Endpoint {
	p := *l.all[id]
	p.Secrets = maps.Clone(p.Secrets)
	return p
}
