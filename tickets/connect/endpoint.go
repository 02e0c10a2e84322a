package connect

import (
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"

	"firstline/call"
)

// Kind is how an endpoint is told.
type Kind string

// The kinds.
const (
	Webhook   Kind = "webhook"   // every message, signed by Standard Webhooks
	Connector Kind = "connector" // another ticket system, by a preset's templates
	Mail      Kind = "mail"      // callers and customers, by mail
	SMS       Kind = "sms"       // callers and customers, by a preset of an SMS service
	Alerts    Kind = "alerts"    // it tells us: a monitoring system, of problems
)

var (
	// ErrUnknown means that there is no such endpoint.
	ErrUnknown = errors.New("connect: no such endpoint")
	// ErrInvalid means that what is said is refused; the text says why.
	ErrInvalid = errors.New("connect: not valid")
	// ErrExists means that an endpoint has the id already.
	ErrExists = errors.New("connect: an endpoint has this id already")
)

// Endpoint is one place that is told of tickets.
type Endpoint struct {
	ID call.EndpointID
	call.EndpointSet
	Made     time.Time
	Changed  time.Time
	Disabled string               // why nothing is sent; empty while it is
	Secrets  map[string]time.Time // which were given, and when last
	version  int64                // counts what its delivery depends on
}

// Runs reports whether it is sent to.
func (e *Endpoint) Runs() bool { return !e.Paused && e.Disabled == "" && !e.speaks(Alerts) }

// wants reports whether messages of a type are told.
func (e *Endpoint) wants(t Type) bool {
	return len(e.Types) == 0 || slices.Contains(e.Types, string(t))
}

// meant reports whether a client's tickets are told.
func (e *Endpoint) meant(client string) bool {
	return len(e.Clients) == 0 || slices.Contains(e.Clients, client)
}

// book is every endpoint by id, folded from the stream.
type book map[call.EndpointID]*Endpoint

// apply folds the next event in. One that does not fit is an error and changes nothing.
func (b book) apply(e call.Event) error {
	if set, ok := e.Body.(call.EndpointSet); ok {
		b.set(e.At, set)
		return nil
	}
	switch x := e.Body.(type) {
	case call.EndpointDisabled:
		return b.change(x.Endpoint, func(p *Endpoint) { p.Disabled, p.version = x.Why, p.version+1 })
	case call.EndpointSecretSet:
		return b.change(x.Endpoint, func(p *Endpoint) {
			p.Secrets = maps.Clone(p.Secrets)
			if p.Secrets == nil {
				p.Secrets = make(map[string]time.Time)
			}
			p.Secrets[x.Secret] = e.At
			p.version++
		})
	case call.EndpointRemoved:
		if b[x.Endpoint] == nil {
			return fmt.Errorf("%w: %s", ErrUnknown, x.Endpoint)
		}
		delete(b, x.Endpoint)
	}
	return nil
}

func (b book) set(at time.Time, set call.EndpointSet) {
	p := b[set.Endpoint]
	if p == nil {
		p = &Endpoint{ID: set.Endpoint, Made: at}
		p.From = set.From
		b[set.Endpoint] = p
	}
	from := p.From
	p.EndpointSet, p.Changed, p.Disabled = set, at, ""
	p.From = from
	p.version++
}

func (b book) change(id call.EndpointID, do func(*Endpoint)) error {
	if b[id] == nil {
		return fmt.Errorf("%w: %s", ErrUnknown, id)
	}
	do(b[id])
	return nil
}

// idForm is an id: what people type and what stands in paths.
const idForm = `^[a-z0-9][a-z0-9-]{0,39}$`

// check returns every fault of a setting that does not depend on its kind.
func check(s call.EndpointSet) error {
	var faults []error
	fault := func(format string, args ...any) {
		faults = append(faults, fmt.Errorf("%w: "+format, append([]any{ErrInvalid}, args...)...))
	}
	if !regexp.MustCompile(idForm).MatchString(string(s.Endpoint)) {
		fault("an id is up to 40 small letters, digits and dashes")
	}
	if strings.TrimSpace(s.Name) == "" {
		fault("it needs a name")
	}
	if s.By == "" {
		fault("nobody says so")
	}
	for _, t := range s.Types {
		if !slices.Contains(Types(), Type(t)) {
			fault("there is no message of type %q; there are %v", t, Types())
		}
	}
	if s.Priority < 0 || s.Priority > 5 {
		fault("a priority is 1 to 5, or 0 for all")
	}
	return errors.Join(faults...)
}

// About is the endpoint that an event of theirs is about; empty for any other event.
func About(e call.Event) call.EndpointID {
	switch x := e.Body.(type) {
	case call.EndpointSet:
		return x.Endpoint
	case call.EndpointDisabled:
		return x.Endpoint
	case call.EndpointRemoved:
		return x.Endpoint
	case call.EndpointSecretSet:
		return x.Endpoint
	}
	return ""
}
