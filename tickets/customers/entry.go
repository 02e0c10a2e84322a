// Package customers knows those who call: people, the companies they work for, what
// those take from us, and the things that break. It owns no call and no ticket. What
// is known is the fold of its events and is held in memory, so that a caller is found
// while the database is away; a number finds people, and verifies nobody.
package customers

import (
	"errors"
	"fmt"
	"time"

	"firstline/call"
)

// Errors that callers can match.
var (
	// ErrUnknown means that there is no such entry.
	ErrUnknown = errors.New("customers: nothing known by that id")
	// ErrInvalid means that what is asked breaks a rule; the text says which.
	ErrInvalid = errors.New("customers: not valid")
	// ErrStale means that the entry, or the directory, has changed meanwhile.
	ErrStale = errors.New("customers: changed meanwhile")
)

// Kind is one of the tables.
type Kind string

// The tables.
const (
	People    Kind = "customers"
	Companies Kind = "companies"
	Services  Kind = "services"
	Assets    Kind = "assets"
)

// Kinds are all tables, each before those that name its entries.
func Kinds() []Kind { return []Kind{Companies, Services, People, Assets} }

// Stream is where the story of an entry is kept.
func (k Kind) Stream(id string) call.Stream { return call.Stream{Kind: k.streamKind(), ID: id} }

func (k Kind) streamKind() call.StreamKind {
	switch k {
	case People:
		return call.StreamCustomer
	case Companies:
		return call.StreamCompany
	case Services:
		return call.StreamService
	case Assets:
		return call.StreamAsset
	}
	return ""
}

// Entry is one row of a table: exactly one of Customer, Company, Service and Asset is
// there. The zero Entry is ready for the first event of its stream.
type Entry struct {
	Customer *call.Customer `json:"customer,omitempty"`
	Company  *call.Company  `json:"company,omitempty"`
	Service  *call.Service  `json:"service,omitempty"`
	Asset    *call.Asset    `json:"asset,omitempty"`

	PIN     bool      `json:"pin,omitempty"` // there is one
	Since   time.Time `json:"since"`
	Changed time.Time `json:"changed"`
	By      string    `json:"by"`      // who changed it last
	Version int64     `json:"version"` // counts its changes; what an edit was made on
	Removed bool      `json:"removed,omitempty"`
}

// Kind is the table that the entry is in; empty for an empty entry.
func (e *Entry) Kind() Kind {
	switch {
	case e.Customer != nil:
		return People
	case e.Company != nil:
		return Companies
	case e.Service != nil:
		return Services
	case e.Asset != nil:
		return Assets
	}
	return ""
}

// ID is its id, and Name its name.
func (e *Entry) ID() string { return e.text("id") }

// Name is what people call it.
func (e *Entry) Name() string { return e.text("name") }

// Apply folds the next event of the entry's stream in. An event that does not fit is
// an error and changes nothing.
func (e *Entry) Apply(ev call.Event) error {
	next, by := *e, ""
	switch b := ev.Body.(type) {
	case call.CustomerSet:
		next.Customer, by = &b.Customer, b.By
	case call.CompanySet:
		next.Company, by = &b.Company, b.By
	case call.ServiceSet:
		next.Service, by = &b.Service, b.By
	case call.AssetSet:
		next.Asset, by = &b.Asset, b.By
	case call.CustomerPINChanged:
		next.PIN, by = b.Set, b.By
	case call.DirectoryRemoved:
		next.Removed, by = true, b.By
	case call.Unknown:
		return nil
	default:
		return fmt.Errorf("customers: %s %s cannot apply %s", ev.Stream.Kind, ev.Stream.ID, ev.Body.Type())
	}
	if next.Kind() == "" || next.Kind().Stream(next.ID()) != ev.Stream {
		return fmt.Errorf("customers: %s does not fit %s %s", ev.Body.Type(), ev.Stream.Kind, ev.Stream.ID)
	}
	switch ev.Body.(type) {
	case call.DirectoryRemoved:
		next.PIN = false
	case call.CustomerPINChanged:
	default:
		if next.Removed || next.Since.IsZero() {
			next.Since = ev.At
		}
		next.Removed = false
	}
	next.Changed, next.By = ev.At, by
	next.Version++
	*e = next
	return nil
}

// set is the event that makes the entry as it is.
func (e *Entry) set(at time.Time, by string) call.Event {
	var b call.Body
	switch e.Kind() {
	case People:
		b = call.CustomerSet{Customer: *e.Customer, By: by}
	case Companies:
		b = call.CompanySet{Company: *e.Company, By: by}
	case Services:
		b = call.ServiceSet{Service: *e.Service, By: by}
	case Assets:
		b = call.AssetSet{Asset: *e.Asset, By: by}
	}
	return e.event(at, b)
}

func (e *Entry) event(at time.Time, b call.Body) call.Event {
	return call.Event{Stream: e.Kind().Stream(e.ID()), At: call.Instant(at), Body: b}
}

// Change is one change of an entry: who, when and what.
type Change struct {
	At     time.Time
	By     string
	Kind   string // added, changed, removed, pin
	Fields []Field
}

// History is the story of an entry, oldest first, from the events of its stream.
func History(story []call.Event) []Change {
	var all []Change
	var is Entry
	for _, ev := range story {
		was := is
		if is.Apply(ev) != nil || is.Version == was.Version {
			continue // what does not fit changed nothing
		}
		c := Change{At: ev.At, By: is.By, Kind: Changed, Fields: differences(&was, &is)}
		switch ev.Body.(type) {
		case call.DirectoryRemoved:
			c.Kind = Removed
		case call.CustomerPINChanged:
			c.Kind = "pin"
		default:
			if was.Version == 0 || was.Removed {
				c.Kind = Added
			}
		}
		all = append(all, c)
	}
	return all
}
