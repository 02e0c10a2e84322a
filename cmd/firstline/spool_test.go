package main

import (
	"bytes"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"firstline/call"
	"firstline/store/storetest"
)

func TestSpoolPrintsWhatTheDatabaseDidNotGet(t *testing.T) {
	p := storetest.SQLite(t)
	s, _ := storetest.Start(t, p.Config)
	p.Away()
	at := time.Now()
	storetest.Append(t, s.Journal(), call.CallEvent(at, call.NewID(at), call.Arrived{Ticket: "T-7"}),
		call.TicketEvent(at, "T-7", call.TicketOpened{Subject: "printer"}))
	dir := filepath.Join(p.Config.DataDir, "spool")
	for _, c := range []struct {
		flags []string
		says  []string
	}{
		{nil, []string{"  call.arrived  {", "  ticket T-7  ticket.opened  ", "printer"}},
		{[]string{"--json"}, []string{`"type":"call.arrived"`, `"ticket":"T-7"`, `"subject":"printer"`}},
	} {
		var out, err bytes.Buffer
		if code := run(t.Context(), append([]string{"spool", dir}, c.flags...), &out, &err); code != 0 || err.String() != "2 events.\n" {
			t.Errorf("exit code %d, %s", code, err.String())
		}
		for _, want := range c.says {
			if !strings.Contains(out.String(), want) {
				t.Errorf("%v does not print %q:\n%s", c.flags, want, out.String())
			}
		}
	}
	p.Back()
	var out, err bytes.Buffer
	if code := run(t.Context(), []string{"spool", filepath.Join(dir, "none")}, &out, &err); code != 1 || !strings.Contains(err.String(), "no such file") {
		t.Errorf("of a folder that is not there: exit code %d, %s", code, err.String())
	}
}
