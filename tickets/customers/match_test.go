package customers_test

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"firstline/call"
	"firstline/call/pin"
	"firstline/tickets/customers"
)

func TestANumberFindsNoneOneOrSeveral(t *testing.T) {
	d, _ := known(t)
	for _, c := range []struct {
		why, number, client, sure string
		want                      []call.CustomerID
	}{
		{"one person's", "+493011111", "acme", "known", []call.CustomerID{"ada"}},
		{"as it was written in a country", "+491711234567", "acme", "known", []call.CustomerID{"ada"}},
		{"two people behind one number", "+493022222", "acme", "maybe", []call.CustomerID{"bob", "cyd"}},
		{"of another client", "+493033333", "acme", "unknown", nil},
		{"on a line of nobody in particular", "+493033333", "", "known", []call.CustomerID{"dee"}},
		{"not known", "+493044444", "acme", "unknown", nil},
		{"withheld", "", "acme", "unknown", nil},
	} {
		m := d.ByNumber(c.number, c.client)
		var got []call.CustomerID
		for _, p := range m.Customers {
			got = append(got, p.ID)
		}
		if m.Sure() != c.sure || len(got) != len(c.want) {
			t.Errorf("%s: %s %v, want %s %v", c.why, m.Sure(), got, c.sure, c.want)
		}
	}
}

func TestACompanySaysWhoMayReportAndUntilWhen(t *testing.T) {
	d, _ := known(t)
	for _, c := range []struct {
		id                   call.CustomerID
		day                  string
		authorised, entitled bool
	}{
		{"ada", "2026-12-31", true, true},
		{"cyd", "2026-06-01", false, true},
		{"ada", "2027-01-01", true, false},
		{"ada", "2025-12-31", true, false},
		{"dee", "2030-01-01", true, true},
	} {
		day, err := time.Parse(time.DateOnly, c.day)
		if err != nil {
			t.Fatal(err)
		}
		p, err := d.Customer(c.id)
		if err != nil {
			t.Fatal(err)
		}
		if s := d.Standing(p, day); s.Authorised != c.authorised || s.Entitled != c.entitled {
			t.Errorf("%s on %s: %+v", c.id, c.day, s)
		}
	}
}

func TestOnlyAccountAndPINVerify(t *testing.T) {
	d, _ := known(t)
	for _, c := range []struct {
		why, client, account, pin string
		want                      call.CustomerID
	}{
		{"both right", "acme", "4711", "8275", "ada"},
		{"wrong PIN", "acme", "4711", "8276", ""},
		{"another's PIN", "acme", "4711", "9182", ""},
		{"an account without a PIN", "acme", "4712", "", ""},
		{"no such account", "acme", "9999", "8275", ""},
		{"no account", "acme", "", "", ""},
		{"an account of another client's", "acme", "4713", "9182", ""},
	} {
		p, err := d.Verify(t.Context(), c.client, c.account, "+49301", c.pin)
		if p.ID != c.want || (err == nil) != (c.want != "") || err != nil && !errors.Is(err, customers.ErrWrongPIN) {
			t.Errorf("%s: %q, %v", c.why, p.ID, err)
		}
	}
}

func TestGuessingEndsAndTheRightPINWaitsToo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d, _ := known(t)
		guess := func(from, account, secret string) error {
			_, err := d.Verify(t.Context(), "acme", account, from, secret)
			return err
		}
		for n := range 6 { // from another number each, as who forges them would
			if err := guess("+4930"+string(rune('1'+n)), "4711", "0000"); !errors.Is(err, customers.ErrWrongPIN) {
				t.Fatalf("guess %d: %v", n, err)
			}
		}
		if err := guess("+49307", "4711", "8275"); !errors.Is(err, customers.ErrThrottled) {
			t.Errorf("the seventh: %v", err)
		}
		for n := range 12 { // one number, through the accounts
			_ = guess("+4940", "50"+string(rune('0'+n)), "0000")
		}
		if err := guess("+4940", "4712", "0000"); !errors.Is(err, customers.ErrThrottled) {
			t.Errorf("all accounts from one number: %v", err)
		}
		time.Sleep(pin.Window)
		if err := guess("+49307", "4711", "8275"); err != nil {
			t.Errorf("when the window has passed: %v", err)
		}
	})
}

func TestAPINLeavesWithItsOwner(t *testing.T) {
	d, k := known(t)
	e, err := d.Entry(customers.People, "ada")
	if err != nil || !e.PIN {
		t.Fatal(e, err)
	}
	if err := d.Remove(t.Context(), customers.People, "ada", e.Version, "supervisor:sue"); err != nil {
		t.Fatal(err)
	}
	load(t, d, customers.People, "id,name,account", "ada,Another Ada,4711")
	for _, d := range []*customers.Directory{d, open(k)} {
		if _, err := d.Verify(t.Context(), "acme", "4711", "", "8275"); !errors.Is(err, customers.ErrWrongPIN) {
			t.Errorf("the former PIN opens another's account: %v", err)
		}
	}
}
