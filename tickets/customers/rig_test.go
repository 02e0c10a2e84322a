package customers_test

import (
	"context"
	"errors"
	"maps"
	"strings"
	"testing"

	"firstline/call"
	"firstline/call/pin"
	"firstline/tickets/customers"
)

// kept is a journal and what is beside it; it refuses when it is to.
type kept struct {
	events []call.Event
	pins   map[call.CustomerID]string
	away   error // what Append answers, when not nil
}

func (k *kept) Append(_ context.Context, evs ...call.Event) error {
	if k.away == nil {
		k.events = append(k.events, evs...)
	}
	return k.away
}

func (k *kept) Post(evs ...call.Event) { k.events = append(k.events, evs...) }

func (k *kept) PutCustomerPINs(_ context.Context, hashes map[call.CustomerID]string) error {
	maps.Copy(k.pins, hashes)
	return nil
}

func directory(t testing.TB) (*customers.Directory, *kept) {
	t.Helper()
	k := &kept{pins: make(map[call.CustomerID]string)}
	return open(k), k
}

// open is the directory as another process finds it.
func open(k *kept) *customers.Directory {
	rows := make(map[call.Stream]*customers.Entry)
	for _, ev := range k.events {
		if rows[ev.Stream] == nil {
			rows[ev.Stream] = new(customers.Entry)
		}
		if err := rows[ev.Stream].Apply(ev); err != nil {
			panic(err)
		}
	}
	var all []customers.Entry
	for _, e := range rows {
		all = append(all, *e)
	}
	return customers.New(customers.Config{
		Journal: k, PINs: k, Cost: pin.Cost{Memory: 64, Passes: 1},
		Normal: func(n, _ string) string {
			n = strings.ReplaceAll(n, " ", "")
			if local, ok := strings.CutPrefix(n, "0"); ok {
				return "+49" + local
			}
			return n
		},
		Client: func(id string) bool { return id == "acme" || id == "globex" },
		Queue:  func(q call.QueueID) bool { return q == "service-desk" },
	}, all, k.pins)
}

func load(t testing.TB, d *customers.Directory, k customers.Kind, lines ...string) {
	t.Helper()
	if _, err := d.Import(t.Context(), k, []byte(strings.Join(lines, "\n")), customers.Options{By: "supervisor:sue"}); err != nil {
		t.Fatalf("import %s: %v", k, err)
	}
}

// known is a small company with three people, two of whom share a phone.
func known(t testing.TB) (*customers.Directory, *kept) {
	d, k := directory(t)
	load(t, d, customers.Companies, "id,name,client,class,users,from,until,authorised", "north,North GmbH,acme,gold,120,2026-01-01,2026-12-31,ada;bob", "south,South AG,globex,,,,,")
	load(t, d, customers.Services, "id,name,company,queue", "mail,Mail,,service-desk", "vpn,VPN,north,")
	load(t, d, customers.People, "id,name,numbers,company,account,pin",
		"ada,Ada,+493011111;0171 1234567,north,4711,8275", "bob,Bob,+493022222,north,4712,", "cyd,Cyd,+493022222,north,,", "dee,Dee,+493033333,south,4713,9182")
	return d, k
}

func isStale(err error) bool { return errors.Is(err, customers.ErrStale) }
