package customers

import (
	"slices"
	"strings"
	"time"

	"firstline/call"
)

// Match is whom a number may be. It proves nothing: a number can be forged, lent and
// shared.
type Match struct {
	Customers []call.Customer // by id
}

// Sure is how much a match says, in the words of package ivr: unknown, known for one
// person, maybe for several.
func (m Match) Sure() string {
	switch len(m.Customers) {
	case 0:
		return "unknown"
	case 1:
		return "known"
	}
	return "maybe"
}

// index finds people by what callers bring. It is made anew with each change and
// never changed.
type index struct {
	numbers  map[string][]call.CustomerID // by number in E.164, by id
	accounts map[string]call.CustomerID
}

func indexOf(people map[string]*Entry) index {
	x := index{numbers: make(map[string][]call.CustomerID), accounts: make(map[string]call.CustomerID)}
	for _, e := range people {
		if e.Removed {
			continue
		}
		c := e.Customer
		for _, n := range c.Numbers {
			x.numbers[n] = append(x.numbers[n], c.ID)
		}
		if c.Account != "" {
			x.accounts[c.Account] = c.ID
		}
	}
	for _, ids := range x.numbers {
		slices.Sort(ids)
	}
	return x
}

// ByNumber is who may call from a number, in E.164, on a client's line. A withheld
// number is nobody's. People of other clients' companies are not there: who they
// are is not that client's to know.
func (d *Directory) ByNumber(number, client string) Match {
	d.mu.RLock()
	defer d.mu.RUnlock()
	var m Match
	if number == "" {
		return m
	}
	for _, id := range d.by.numbers[number] {
		if e := d.tables[People][string(id)]; d.concerns(e, client) {
			m.Customers = append(m.Customers, *e.Customer)
		}
	}
	return m
}

// ByAccount is whose account it is, on a client's line.
func (d *Directory) ByAccount(account, client string) (call.Customer, bool) {
	d.mu.RLock()
	defer d.mu.RUnlock()
	id, ok := d.by.accounts[account]
	if !ok || account == "" {
		return call.Customer{}, false
	}
	e := d.tables[People][string(id)]
	return *e.Customer, d.concerns(e, client)
}

// concerns reports whether a person may be known on a client's line.
func (d *Directory) concerns(e *Entry, client string) bool {
	whose := d.clientOfLocked(e.Customer.Company)
	return whose == "" || client == "" || whose == client
}

// Standing is what a company says of a person who calls.
type Standing struct {
	Company    call.Company
	Class      string // the person's, else the company's
	Authorised bool   // may report in the company's name
	Entitled   bool   // the contract runs on that day
}

// Standing is how a person stands on a day of their calendar.
func (d *Directory) Standing(c call.Customer, day time.Time) Standing {
	s := Standing{Class: c.Class, Authorised: true, Entitled: true}
	e := d.entry(Companies, string(c.Company))
	if e == nil {
		return s
	}
	s.Company = *e.Company
	if s.Class == "" {
		s.Class = s.Company.Class
	}
	on := day.Format(time.DateOnly)
	s.Authorised = len(s.Company.Authorised) == 0 || slices.Contains(s.Company.Authorised, c.ID)
	s.Entitled = s.Company.From <= on && (s.Company.Until == "" || on <= s.Company.Until)
	return s
}

// Taken are the services that a company takes, and the assets that are the person's.
func (d *Directory) Taken(c call.Customer) (services []call.Service, assets []call.Asset) {
	d.mu.RLock()
	defer d.mu.RUnlock()
	for _, e := range d.tables[Services] {
		if s := e.Service; !e.Removed && (s.Company == "" || s.Company == c.Company) {
			services = append(services, *s)
		}
	}
	for _, e := range d.tables[Assets] {
		if a := e.Asset; !e.Removed && a.Customer == c.ID {
			assets = append(assets, *a)
		}
	}
	slices.SortFunc(services, func(a, b call.Service) int { return strings.Compare(a.ID, b.ID) })
	slices.SortFunc(assets, func(a, b call.Asset) int { return strings.Compare(a.ID, b.ID) })
	return services, assets
}
