package storetest

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"firstline/call/pin"
	"firstline/store"
	"firstline/tickets/customers"
)

// directoryIsKept imports, changes and removes with a restart between, and while the
// database is away.
func directoryIsKept(t *testing.T, engine Engine) {
	p := engine(t)
	s, stop := Start(t, p.Config)
	d := openDirectory(t, s)
	put := func(k customers.Kind, lines ...string) {
		t.Helper()
		if _, err := d.Import(t.Context(), k, []byte(strings.Join(lines, "\n")), customers.Options{By: "supervisor:sue"}); err != nil {
			t.Fatal(err)
		}
	}
	put(customers.Companies, "id,name,users", "north,North,120")
	lines := []string{"id,name,numbers,company,account,pin", "ada,Ada,+493011111,north,4711,8275", "north,A person called as the company,,,,"}
	for n := range 4500 { // more than one transaction takes when it may choose
		lines = append(lines, fmt.Sprintf("p%d,Person %d,+4940%06d,north,,", n, n, n))
	}
	put(customers.People, lines...)
	put(customers.Services, "id,name", "mail,Mail")
	put(customers.Assets, "id,name,customer,service", "pc,PC,ada,mail")
	put(customers.People, "id,name", "ada,Ada Lovelace")
	e, err := d.Entry(customers.People, "p7")
	if err != nil {
		t.Fatal(err)
	}
	if err := d.Remove(t.Context(), customers.People, "p7", e.Version, "supervisor:sue"); err != nil {
		t.Fatal(err)
	}
	stop()

	s, stop = Start(t, p.Config)
	again := openDirectory(t, s)
	for _, k := range customers.Kinds() {
		if diff := cmp.Diff(d.List(k, customers.Filter{}), again.List(k, customers.Filter{})); diff != "" {
			t.Errorf("%s after a restart: %.2000s", k, diff)
		}
	}
	if _, err := again.Verify(t.Context(), "", "4711", "+493011111", "8275"); err != nil {
		t.Errorf("the PIN: %v", err)
	}
	p.Away()
	if m := again.ByNumber("+493011111", ""); len(m.Customers) != 1 || m.Customers[0].Name != "Ada Lovelace" {
		t.Errorf("found while the database is away: %+v", m)
	}
	secret := "9182"
	ada, _ := again.Entry(customers.People, "ada")
	if _, err := again.Put(t.Context(), ada, &secret, ada.Version, "x"); !errors.Is(err, store.ErrAway) {
		t.Errorf("a PIN changed while the database is away: %v", err)
	}
	p.Back()
	stop()
	s, _ = Start(t, p.Config)
	if _, err := openDirectory(t, s).Verify(t.Context(), "", "4711", "", "8275"); err != nil {
		t.Errorf("the PIN after a change that was refused: %v", err)
	}
}

func openDirectory(t *testing.T, s *store.Store) *customers.Directory {
	t.Helper()
	kept, err := s.Directory(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	pins, err := s.CustomerPINs(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return customers.New(customers.Config{Journal: s.Journal(), PINs: s, Cost: pin.Cost{Memory: 64, Passes: 1}}, kept, pins)
}
