package roster_test

import (
	"cmp"
	"errors"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"

	"firstline/call"
	"firstline/callqueue"
	"firstline/callqueue/agents"
	"firstline/callqueue/roster"
)

func TestAFaultyImportIsRefusedWithAllItsFaults(t *testing.T) {
	bubble(t, func(t *testing.T, d *desk) {
		if err := d.SignIn(t.Context(), "7001", "2001", "test"); err != nil {
			t.Fatal(err)
		}
		before := len(d.journal.Events())
		data, err := os.ReadFile("testdata/faulty.csv")
		if err != nil {
			t.Fatal(err)
		}
		var faults, more roster.Faults
		entries, err := roster.ParseCSV(data)
		if !errors.As(err, &faults) {
			t.Fatalf("reading: %v", err)
		}
		_, err = d.Import(t.Context(), entries, roster.Options{By: "test"})
		if !errors.As(err, &more) || !errors.Is(err, roster.ErrInvalid) {
			t.Fatalf("importing: %v", err)
		}
		all := append(faults, more...)
		slices.SortStableFunc(all, func(a, b roster.Fault) int { return cmp.Compare(a.Line, b.Line) })
		golden(t, "testdata/faulty.faults", all.Error()+"\n")
		if n := len(d.journal.Events()); n != before {
			t.Errorf("%d events of a refusal", n-before)
		}
		for _, pin := range []string{"4711", "9999", "2222"} {
			if strings.Contains(all.Error(), pin) {
				t.Errorf("PIN %s is in the message", pin)
			}
		}
	})
}

// golden compares with a file; UPDATE_GOLDEN=1 writes it anew.
func golden(t *testing.T, file, got string) {
	t.Helper()
	if os.Getenv("UPDATE_GOLDEN") != "" {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if d := gocmp.Diff(string(want), got); d != "" {
		t.Errorf("%s (-want +got):\n%s", file, d)
	}
}

func TestARosterIsReadWhateverPartsItsColumns(t *testing.T) {
	want := []roster.Entry{
		{Line: 2, Agent: agents.Agent{ID: "7001", Name: "Ana, Silva", Level: 2, Device: "2001", Skills: map[string]int{"desk": 3, "printer": 5}}, PIN: "4711"},
		{Line: 3, Agent: agents.Agent{ID: "ben", Name: "Ben", Level: 1}},
	}
	for _, text := range []string{
		"id,name,device,level,skills,pin\n7001,\"Ana, Silva\",2001,L2,desk:3;printer:5,4711\nben,Ben,,,,\n",
		"\ufeffID;Name;Device;Level;Skills;PIN\r\n7001;Ana, Silva;2001;2;\"desk:3;printer:5\";4711\r\nben;Ben;;;;\r\n",
		"name\tid\tpin\tskills\tlevel\tdevice\nAna, Silva\t7001\t4711\tdesk:3|printer:5\t2\t2001\nBen\tben\t\t\t\t\n",
	} {
		got, err := roster.ParseCSV([]byte(text))
		if d := gocmp.Diff(want, got); err != nil || d != "" {
			t.Errorf("%q: %v %s", text, err, d)
		}
	}
	for text, fault := range map[string]string{
		"":                             "line 1: there is no header line",
		"7001,Ana\n":                   `line 1: unknown column "7001"`,
		"id,name\n":                    "there is nobody in the file",
		"id,name,name\n":               `line 1: column "name" stands twice`,
		"id\n7001\n":                   `line 1: there is no column "name"`,
		"id,name\n7001,Ana\n7002,\"":   "line 3: ",
		"id,name\n7001,Ana\n7002,\xff": "line 3: the text is not UTF-8",
	} {
		if _, err := roster.ParseCSV([]byte(text)); err == nil || !strings.Contains(err.Error(), fault) {
			t.Errorf("%q: %v, want %q", text, err, fault)
		}
	}
}

func entries(t *testing.T, lines ...string) []roster.Entry {
	t.Helper()
	es, err := roster.ParseCSV([]byte("id,name,device,level,skills,pin\n" + strings.Join(lines, "\n")))
	if err != nil {
		t.Fatal(err)
	}
	return es
}

func TestTheDifferenceIsShownBeforeItIsApplied(t *testing.T) {
	bubble(t, func(t *testing.T, d *desk) {
		ctx := t.Context()
		if err := d.SignIn(ctx, "7001", "2001", "test"); err != nil {
			t.Fatal(err)
		}
		people := entries(t, "7001,Ana Silva,2003,2,desk:5,4711", "7002,Ben,,2,desk:3,", "7003,Carla,2002,1,printer:1,")
		before := len(d.journal.Events())
		show, err := d.Import(ctx, people, roster.Options{DryRun: true, By: "test"})
		if err != nil {
			t.Fatal(err)
		}
		want := []roster.Change{
			{Agent: "7001", Name: "Ana Silva", Kind: roster.Changed, Fields: []roster.Field{
				{"name", "Ana", "Ana Silva"}, {"level", "1", "2"}, {"skills", "", "desk:5"}, {"pin", "", "****"},
			}},
			{Agent: "7003", Name: "Carla", Kind: roster.Added, Fields: []roster.Field{
				{"name", "", "Carla"}, {"device", "", "2002"}, {"level", "", "1"}, {"skills", "", "printer:1"},
			}},
		}
		if diff := gocmp.Diff(want, show.Changes); diff != "" || show.Unchanged != 1 {
			t.Errorf("unchanged %d %s", show.Unchanged, diff)
		}
		if n := len(d.journal.Events()); n != before {
			t.Fatalf("%d events of a dry run", n-before)
		}
		did, err := d.Import(ctx, people, roster.Options{Expect: show.Digest, By: "test"})
		if diff := gocmp.Diff(show, did); err != nil || diff != "" {
			t.Errorf("%v %s", err, diff)
		}
		d.want("7001", "2001", call.Available) // who sits somewhere stays there
		d.want("7003", "2002", call.LoggedOut)
		if got := d.view("7001"); got.Level != 2 || got.Skills["desk"] != 5 {
			t.Errorf("the queue has %+v", got.Agent)
		}
		if err := d.CheckPIN(ctx, "7001", "2001", "4711"); err != nil {
			t.Error(err)
		}
		if _, err := d.Import(ctx, people, roster.Options{Expect: show.Digest}); !errors.Is(err, roster.ErrStale) {
			t.Errorf("the same once more: %v, want ErrStale", err)
		}
	})
}

func TestWhoIsNotInTheImportLeavesOnlyWhenAskedTo(t *testing.T) {
	bubble(t, func(t *testing.T, d *desk) {
		ctx := t.Context()
		d.sw.Phone("2001")
		if err := errors.Join(d.SignIn(ctx, "7001", "2001", "test"), d.SetPIN(ctx, "7001", "4711", "test")); err != nil {
			t.Fatal(err)
		}
		people := entries(t, "7002,Ben,,2,desk:3,")
		show, err := d.Import(ctx, people, roster.Options{})
		if err != nil || len(show.Absent) != 1 || len(show.Changes) != 0 {
			t.Fatalf("%+v, %v", show, err)
		}
		end := d.talk("7001")
		if _, err := d.Import(ctx, people, roster.Options{Remove: true}); !errors.Is(err, callqueue.ErrTalking) {
			t.Errorf("in a talk: %v", err)
		}
		end()
		if _, err := d.Import(ctx, people, roster.Options{Remove: true, By: "test"}); err != nil {
			t.Fatal(err)
		}
		if _, err := d.Agent("7001"); !errors.Is(err, callqueue.ErrUnknownAgent) {
			t.Errorf("still on the roster: %v", err)
		}
		if err := d.CheckPIN(ctx, "7001", "2001", "4711"); !errors.Is(err, roster.ErrWrongPIN) {
			t.Errorf("the PIN still opens: %v", err)
		}
		all := d.journal.Events()
		if last := all[len(all)-1]; last.Body.Type() != "agent.removed" {
			t.Errorf("the last word is %s", last.Body.Type())
		}
	})
}

func TestAnImportIsBounded(t *testing.T) {
	bubble(t, func(t *testing.T, d *desk) {
		for n, want := range map[int]string{
			roster.MaxPINs + 1:   "201 PINs; one import takes at most 200",
			roster.MaxImport + 1: "5001 people; one import takes at most 5000",
		} {
			var many []roster.Entry
			for i := range n {
				id := call.AgentID(strconv.Itoa(10_000 + i))
				many = append(many, roster.Entry{Agent: agents.Agent{ID: id, Name: "X", Level: 1}, PIN: "4711"})
			}
			if _, err := d.Import(t.Context(), many, roster.Options{}); err == nil || err.Error() != want {
				t.Errorf("%d people: %v", n, err)
			}
		}
		if _, err := d.Import(t.Context(), nil, roster.Options{Remove: true}); !errors.Is(err, roster.ErrInvalid) {
			t.Errorf("letting everybody go: %v", err)
		}
	})
}

// One check by a desk phone, at the cost that is the default.
func BenchmarkCheckPIN(b *testing.B) {
	r := roster.New(roster.Config{}, nil, nil)
	n := 0
	for b.Loop() {
		n++ // another agent at another phone: nobody is throttled
		err := r.CheckPIN(b.Context(), call.AgentID(strconv.Itoa(n)), call.DeviceID(strconv.Itoa(n)), "4711")
		if !errors.Is(err, roster.ErrWrongPIN) {
			b.Fatal(err)
		}
	}
}
