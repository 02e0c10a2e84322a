package customers_test

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"firstline/call"
	"firstline/tickets/customers"
)

func TestImportTellsEachFaultWithItsLineAndChangesNothing(t *testing.T) {
	d, k := known(t)
	before := len(k.events)
	for _, c := range []struct {
		why  string
		kind customers.Kind
		file string
		want []string
	}{
		{
			"every field", customers.People, "id,name,numbers,mail,language,company,account,opt_outs,pin\n" +
				"Eve,,555,no mail,german,west,12x,fax,1111\n" + "fay,Fay,,,,,4711,,\n" + "gus,Gus,,,,,,,1234\n" + "gus,Gus,,,,,,,\n",
			[]string{
				`line 2: id: "Eve" is no id`, `line 2: name: "" is no name`, `line 2: company: there is no company "west": import companies first`,
				`line 2: numbers: "555" is no number: write it with + and the country code`, `line 2: mail: "no mail" is no mail address`,
				`line 2: language: "german" is no language`, `line 2: account: "12x" cannot be keyed`, `line 2: opt_outs: "fax" is none of mail, sms, call`,
				`line 2: pin: is one digit over and over`, `account: 4711 of fay is ada's`, `line 4: pin: needs an account`, `line 5: id: "gus" stands twice, first in line 4`,
			},
		},
		{"a company", customers.Companies, "id,name,client,users,from,until\nx,X,initech,-1,2026-02-30,\ny,Y,,many,,\nz,Z,,,2026-02-01,2026-01-01\n", []string{`"many" is not a whole number`}},
		{"a company's days", customers.Companies, "id,name,client,users,from,until\nx,X,initech,-1,2026-02-30,\nz,Z,,,2026-02-01,2026-01-01\n", []string{
			`line 2: client: there is no client "initech"`, `line 2: users: -1 is not between`, `line 2: from: "2026-02-30" is no day`, `line 3: until: 2026-01-01 is before the contract begins`,
		}},
		{"a queue", customers.Services, "id,name,queue\nfax,Fax,basement\n", []string{`there is no queue "basement"`}},
		{"an asset's", customers.Assets, "id,name,customer,service\np1,Printer,zed,print\n", []string{`there is no customer "zed"`, `there is no service "print"`}},
		{"columns", customers.People, "id,nome\n", []string{`line 1: unknown column "nome"; there are id, name, numbers`}},
		{"no id", customers.People, "name\nx\n", []string{`there is no column "id"`}},
		{"too few fields", customers.People, "id,name\nzoe\n", []string{"line 2: 1 fields; the header has 2"}},
		{"a quote", customers.People, "id,name\nzoe,\"Zoe\n", []string{"line 2"}},
		{"latin-1", customers.People, "id,name\nzoe,Zo\xeb\n", []string{"line 2: the text is not UTF-8"}},
		{"nothing", customers.People, "", []string{"no header line"}},
		{"nobody", customers.People, "id,name\n", []string{"no entry in the file"}},
	} {
		_, err := d.Import(t.Context(), c.kind, []byte(c.file), customers.Options{By: "supervisor:sue"})
		if !errors.Is(err, customers.ErrInvalid) {
			t.Errorf("%s: %v", c.why, err)
			continue
		}
		for _, want := range c.want {
			if !strings.Contains(err.Error(), want) {
				t.Errorf("%s: no %q in\n%v", c.why, want, err)
			}
		}
	}
	if len(k.events) != before {
		t.Errorf("%d events of files with faults", len(k.events)-before)
	}
}

func TestADryRunIsAppliedAsItWasShownOrNotAtAll(t *testing.T) {
	d, k := known(t)
	file := []byte("\ufeffid;name;numbers;pin\nada;Ada Lovelace;\"030 11111;+441\";9173\nnew;New;;\n")
	before := len(k.events)
	dry, err := d.Import(t.Context(), customers.People, []byte(strings.ReplaceAll(string(file), "+441", "+441111111")), customers.Options{DryRun: true})
	if err != nil || len(k.events) != before {
		t.Fatalf("%v, %d events", err, len(k.events)-before)
	}
	want := []customers.Difference{
		{ID: "ada", Name: "Ada Lovelace", Kind: customers.Changed, Fields: []customers.Field{
			{Name: "name", From: "Ada", To: "Ada Lovelace"}, {Name: "numbers", From: "+493011111;+491711234567", To: "+493011111;+441111111"}, {Name: "pin", To: "****"},
		}},
		{ID: "new", Name: "New", Kind: customers.Added, Fields: []customers.Field{{Name: "name", To: "New"}}},
	}
	if diff := cmp.Diff(want, dry.Changes); diff != "" || dry.Absent != 3 {
		t.Errorf("%d absent\n%s", dry.Absent, diff)
	}
	apply := func() error {
		_, err := d.Import(t.Context(), customers.People, []byte(strings.ReplaceAll(string(file), "+441", "+441111111")), customers.Options{Expect: dry.Digest, By: "supervisor:sue"})
		return err
	}
	k.away = errors.New("neither database nor disk")
	if err := apply(); !errors.Is(err, k.away) {
		t.Errorf("while nothing can be kept: %v", err)
	}
	k.away = nil
	if _, err := d.Verify(t.Context(), "", "4711", "", "8275"); err != nil {
		t.Errorf("the PIN is half changed: %v", err)
	}
	if err := apply(); err != nil {
		t.Fatal(err)
	}
	if e, _ := d.Entry(customers.People, "ada"); e.Customer.Company != "north" || e.Customer.Account != "4711" {
		t.Errorf("columns that the file lacks: %+v", e.Customer)
	}
	if err := apply(); !isStale(err) {
		t.Errorf("the difference of before, once more: %v", err)
	}
}

func TestWhatOthersNameStays(t *testing.T) {
	d, _ := known(t)
	_, err := d.Import(t.Context(), customers.Companies, []byte("id\nsouth\n"), customers.Options{Remove: true})
	if !errors.Is(err, customers.ErrInvalid) || !strings.Contains(err.Error(), "company north cannot go") {
		t.Errorf("a company with people: %v", err)
	}
	if _, err := d.Import(t.Context(), customers.People, []byte("id\nada\n"), customers.Options{Remove: true, By: "x"}); err != nil {
		t.Fatal(err)
	}
	if n := d.Size(customers.People); n != 1 {
		t.Errorf("%d people are left", n)
	}
	if m := d.ByNumber("+493022222", ""); m.Sure() != "unknown" {
		t.Errorf("who has gone is found: %+v", m)
	}
}

// A spreadsheet must run nothing of what callers are called, and what it saves must
// come back as it was.
func TestWhatIsExportedIsNoFormulaAndComesBackAsItWas(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		d, _ := directory(t)
		text := rapid.StringOfN(rapid.RuneFrom([]rune("=+-@'aé;,\" ＝|\t1")), 1, 12, -1)
		var want []string
		for i := range rapid.IntRange(1, 4).Draw(rt, "people") {
			c := call.Customer{ID: call.CustomerID("c" + string(rune('0'+i))), Name: text.Draw(rt, "name"), Class: text.Draw(rt, "class")}
			if _, err := d.Put(t.Context(), customers.Entry{Customer: &c}, nil, 0, "x"); err != nil {
				continue // a name of blanks
			}
			want = append(want, c.Name)
		}
		if len(want) == 0 {
			return
		}
		file := d.Export(customers.People)
		lines, err := csv.NewReader(bytes.NewReader(file)).ReadAll()
		if err != nil {
			rt.Fatal(err)
		}
		for _, cell := range slices.Concat(lines...) {
			if cell != "" && strings.ContainsAny(cell[:1], "=+-@\t") {
				rt.Fatalf("a formula: %q in\n%s", cell, file)
			}
		}
		diff, err := d.Import(t.Context(), customers.People, file, customers.Options{DryRun: true, Remove: true})
		if err != nil || len(diff.Changes) > 0 {
			rt.Fatalf("%v %+v\n%s", err, diff.Changes, file)
		}
	})
}

func TestEditsOfWhatHasChangedAreRefused(t *testing.T) {
	d, k := known(t)
	e, _ := d.Entry(customers.People, "bob")
	put := func(name string, version int64) error {
		c := *e.Customer
		c.Name = name
		_, err := d.Put(t.Context(), customers.Entry{Customer: &c}, nil, version, "agent:ana")
		return err
	}
	if err := put("Bob One", e.Version); err != nil {
		t.Fatal(err)
	}
	if err := put("Bob Two", e.Version); !isStale(err) {
		t.Errorf("a second edit of one version: %v", err)
	}
	if err := put("Bob Three", 0); !isStale(err) {
		t.Errorf("taken on twice: %v", err)
	}
	var story []call.Event
	for _, ev := range k.events {
		if ev.Stream == customers.People.Stream("bob") {
			story = append(story, ev)
		}
	}
	h := customers.History(story)
	if len(h) != 2 || h[1].By != "agent:ana" || cmp.Diff([]customers.Field{{Name: "name", From: "Bob", To: "Bob One"}}, h[1].Fields) != "" {
		t.Errorf("history: %+v", h)
	}
	if got, _ := open(k).Entry(customers.People, "bob"); got.Customer.Name != "Bob One" || got.Version != 2 {
		t.Errorf("to another process: %+v", got)
	}
}

func TestNoEventHoldsAPIN(t *testing.T) {
	_, k := known(t)
	for _, ev := range k.events {
		text, err := json.Marshal(ev)
		if err != nil || strings.Contains(string(text), "8275") || strings.Contains(string(text), "argon2") {
			t.Errorf("%s %v", text, err)
		}
	}
}
