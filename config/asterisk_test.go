package config_test

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"firstline/call"
	"firstline/callqueue"
	"firstline/config"
)

func importDir(t *testing.T) *config.Imported {
	t.Helper()
	queues, err := os.ReadFile("testdata/asterisk/queues.conf")
	if err != nil {
		t.Fatal(err)
	}
	rules, err := os.ReadFile("testdata/asterisk/queuerules.conf")
	if err != nil {
		t.Fatal(err)
	}
	im, err := config.ImportAsterisk("queues.conf", queues, "queuerules.conf", rules)
	if err != nil {
		t.Fatal(err)
	}
	return im
}

func TestImportedQueuesLoadAndMeanTheSame(t *testing.T) {
	im := importDir(t)
	c, err := config.LoadFiles(im.Files, nil)
	if err != nil {
		t.Fatalf("%v\n%s", err, im.Files["queues.yaml"])
	}
	if im.Queues != 2 || im.Agents != 4 || len(c.Queues) != 2 || len(c.Agents) != 4 {
		t.Fatalf("%d queues, %d agents, loaded %d and %d", im.Queues, im.Agents, len(c.Queues), len(c.Agents))
	}
	q, _ := c.Queue("support-desk")
	want := callqueue.Queue{
		ID: "support-desk", Name: "Support Desk", Need: call.Requirement{Skills: map[string]int{"support-desk": 1}},
		Priority: 100, Ring: 25 * time.Second, Misses: 1, WrapUp: 15 * time.Second, MaxLen: 30, Record: true,
		Target: call.Target{Within: time.Minute},
	}.Defaults()
	got := callqueue.Queue{
		ID: q.ID, Name: q.Name, Need: q.Need, Priority: q.Priority, Ring: q.Ring, Misses: q.Misses, WrapUp: q.WrapUp,
		MaxLen: q.MaxLen, Record: q.Record, Target: q.Target,
	}.Defaults()
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	sales, _ := c.Queue("sales")
	if sales.WrapUp != -1 || sales.Record || sales.Misses != 100 {
		t.Errorf("Asterisk's defaults are not kept: %+v", sales)
	}
	if d := cmp.Diff([]config.Agent{
		{ID: "ana-silva", Name: "Ana Silva", Device: "2001", Level: 1, Skills: map[string]int{"support-desk": 10, "sales": 7}},
		{ID: "ben-o-kafor", Name: "Ben O;Kafor", Device: "2002", Level: 1, Skills: map[string]int{"support-desk": 8}},
		{ID: "2003", Name: "Local/2003@agents", Device: "2003", Level: 1, Skills: map[string]int{"support-desk": 1}},
		{ID: "dahdi-1", Name: "DAHDI/1", Level: 1, Skills: map[string]int{"support-desk": 10}},
	}, c.Agents); d != "" {
		t.Error(d)
	}
}

// What has no counterpart is named, each option with its line.
func TestImportNamesWhatHasNoCounterpart(t *testing.T) {
	im := importDir(t)
	said := make(map[string]config.Fate)
	for _, r := range im.Remarks {
		said[fmt.Sprintf("%s:%d %s", r.File, r.Line, r.Option)] = r.Fate
		if r.Text == "" || r.Section == "" {
			t.Errorf("%+v", r)
		}
	}
	for what, fate := range map[string]config.Fate{
		"queues.conf:3 persistentmembers":                          config.Always,
		"queues.conf:6 force_longest_waiting_caller":               config.Always,
		"queues.conf:13 musicclass":                                config.Changed,
		"queues.conf:19 announce-frequency":                        config.None,
		"queues.conf:24 weight":                                    config.Changed,
		"queues.conf:32 member Local/2003@agents, state_interface": config.None,
		"queues.conf:32 member Local/2003@agents, paused":          config.None,
		"queues.conf:33 member":                                    config.Changed,
		"queues.conf:34 stratgy":                                   config.None,
		"queues.conf:37 context":                                   config.None,
		"queues.conf:38 periodic-announce":                         config.None,
		"queues.conf:40 queue-thankyou":                            config.None,
		"queues.conf:41 member":                                    config.Changed,
		"queues.conf:44 announce":                                  config.None,
		"queuerules.conf:4 penaltychange":                          config.Changed,
		"queuerules.conf:5 penaltychange":                          config.Changed,
		"queuerules.conf:6 penaltychange":                          config.None,
		"queuerules.conf:7 rule":                                   config.None,
	} {
		if said[what] != fate {
			t.Errorf("%s: %q, want %q", what, said[what], fate)
		}
	}
	for _, r := range im.Remarks {
		if r.Option == "stratgy" && !strings.Contains(r.Text, `"strategy"`) {
			t.Errorf("no suggestion: %v", r)
		}
	}
}

// Whether a line stands as a comment or as a setting is up to what the reader
// takes; it stands there either way.
func TestImportWritesRulesAsStepsAndPenaltiesAsTiers(t *testing.T) {
	text := string(importDir(t).Files["queues.yaml"])
	for _, want := range []string{
		"strategy: round-robin", "strategy: ring-all # Asterisk's default", "delays: {no-answer: 3s}",
		"tiers: {ben-o-kafor: 3, 2003: 13}",
		"steps: [{after: 30s, window: {max: 4}}, {after: 60s, window: {min: 6, max: 11}}, {after: 120s, window: {min: 4, max: 6, raise: 21}}]",
		"no-agent: {leave: true, join: true, counts: [idle, ringing, wrap-up]}",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
}

func TestAsteriskFilesAreReadAsAsteriskReadsThem(t *testing.T) {
	for name, c := range map[string]struct{ file, fault string }{
		"include":        {"[q]\n#include more.conf\n", `queues.conf:2:1: #include is not followed`},
		"tryinclude":     {"[q]\n#tryinclude \"more.conf\"\n", `queues.conf:2:1: #tryinclude is not followed`},
		"exec":           {"#exec /bin/true\n", `queues.conf:1:1: #exec is not followed`},
		"no section":     {"strategy = random\n", `queues.conf:1:1: "strategy = random" stands before any [section]`},
		"no template":    {"[q](gone)\n", `queues.conf:1:1: [q] inherits from [gone], which is not above it`},
		"nothing to add": {"[q](+)\n", `queues.conf:1:1: [q](+) adds to a section that is not above it`},
		"no setting":     {"[q]\nstrategy random\n", `queues.conf:2:1: "strategy random" is no setting`},
		"no bracket":     {"[q\n", `queues.conf:1:1: the ] of a section is missing`},
		"open comment":   {"[q]\n;-- all of it\nstrategy = random\n", `queues.conf:2:1: the comment that begins here with ;-- does not end`},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := config.ImportAsterisk("queues.conf", []byte(c.file), "queuerules.conf", nil)
			faults, ok := errors.AsType[config.Faults](err)
			if !ok || len(faults) != 1 || !strings.HasPrefix(faults[0].Error(), c.fault) {
				t.Errorf("%v, want %s", err, c.fault)
			}
		})
	}
	for name, file := range map[string]string{
		"comment ends within a line": "[q]\n;-- no --;maxlen = 7\n",
		"comment at the end":         "[q]\nmaxlen = 7 ; seven\n",
		"arrow":                      "[q]\nmaxlen=>7\n",
		"no line end":                "[q]\nmaxlen = 7",
		"line of dashes":             "[q]\n;-------\nmaxlen = 7\n",
		"byte order mark":            "\ufeff[q]\nmaxlen = 7\n",
		"two templates":              "[a](!)\nmaxlen=1\n[b](!)\nmaxlen=7\n[q](a,b)\n",
		"the last counts":            "[q]\nmaxlen=3\nmaxlen=7\n",
	} {
		t.Run(name, func(t *testing.T) {
			im, err := config.ImportAsterisk("queues.conf", []byte(file), "queuerules.conf", nil)
			if err != nil {
				t.Fatal(err)
			}
			c, err := config.LoadFiles(im.Files, nil)
			if err != nil {
				t.Fatal(err)
			}
			if q, ok := c.Queue("q"); !ok || q.MaxLen != 7 || len(c.Queues) != 1 {
				t.Errorf("%+v", c.Queues)
			}
		})
	}
}

// Whatever is imported loads: nothing that came in can break the files.
func FuzzImportedFilesLoad(f *testing.F) {
	f.Add("[q]\nmember => PJSIP/1,2,\"Zoë: #x\"\ntimeout = 0\nstrategy = wrandom\ndefaultrule=r\n", "[r]\npenaltychange => 1,-4,+9,r\n")
	f.Add("[a](!)\n[b](a)\nmember=>Local/@,x,y,z\n[b](+)\nmusicclass=\n", "")
	f.Add("[null]\nmember=>SIP/true,,yes\n[]\n[1e3]\nweight=-1\n", "[]\n")
	f.Fuzz(func(t *testing.T, queues, rules string) {
		if len(queues) > 2000 || strings.Count(queues, "\n") > 40 {
			return // each line is tried out with the reader
		}
		im, err := config.ImportAsterisk("q", []byte(queues), "r", []byte(rules))
		if err != nil {
			return
		}
		if _, err := config.LoadFiles(im.Files, nil); err != nil {
			t.Fatalf("%v\n%s\n%s", err, im.Files["queues.yaml"], im.Files["agents.yaml"])
		}
	})
}
