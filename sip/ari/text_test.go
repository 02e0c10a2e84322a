package ari

import (
	"errors"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"firstline/call"
	"firstline/sip/ari/asterisk"
)

// hostile is what may come from outside in place of a name, a number, a device.
var hostile = []string{
	`"; rm -rf /`, "${SHELL(id)}", "$[1+1]", "a,b,c", "PJSIP/desk2&PJSIP/desk3", "../../../etc/passwd", "desk1/../desk2",
	`\"><script>`, "line\r\nX-Injected: yes", "\x00\x07\x1b[31m", strings.Repeat("x", 4096), "\xff\xfe\xfd", "\u202egnp.exe",
	"sip:a@b;c=d?e=f", "%0d%0aX: y", "", " ", "{device}", "desk1@carrier", "desk1|x", "desk 1", "😀", "+49+30", "１２３",
}

type contacts map[call.DeviceID]string

func (c contacts) Contact(d call.DeviceID) (string, bool) { s, ok := c[d]; return s, ok }

func nodeWith(t *testing.T, change func(*Config)) *node {
	t.Helper()
	cfg := fakeConfig(t, newFakePBX())
	cfg.Nodes[0].Trunks = []Trunk{
		{Name: "home", Dial: "PJSIP/{number}@carrier", Allow: []string{"+49"}},
		{Name: "world", Dial: "PJSIP/abroad/sip:{number}@192.0.2.1", Allow: []string{"0043", "0049"}, Strip: "+", Add: "00", From: "+4930999"},
	}
	if change != nil {
		change(&cfg)
	}
	f, err := New(cfg)
	must(t, err)
	return f.nodes[0]
}

func TestWhatIsDialledFollowsTheTemplates(t *testing.T) {
	byContact := func(c *Config) {
		c.Nodes[0].Dial = "PJSIP/phones/{contact}"
		c.Contacts = contacts{"2001": "sip:2001@192.0.2.7:5060;transport=tcp"}
	}
	either := func(c *Config) {
		c.Nodes[0].Registered = "PJSIP/firstline/{contact}"
		c.Contacts = contacts{"2001": "sip:2001@192.0.2.7:5060", "both": "sip:both@192.0.2.7:5060"}
	}
	for _, c := range []struct {
		change func(*Config)
		to     call.Endpoint
		want   string
		from   string
	}{
		{either, call.Endpoint{Device: "2001"}, "PJSIP/firstline/sip:2001@192.0.2.7:5060", ""},
		{either, call.Endpoint{Device: "desk1"}, "PJSIP/desk1", ""},
		{nil, call.Endpoint{Device: "desk1"}, "PJSIP/desk1", ""},
		{byContact, call.Endpoint{Device: "2001"}, "PJSIP/phones/sip:2001@192.0.2.7:5060;transport=tcp", ""},
		{nil, call.Endpoint{Number: "+493012"}, "PJSIP/+493012@carrier", ""},
		{nil, call.Endpoint{Number: "+43112"}, "PJSIP/abroad/sip:0043112@192.0.2.1", "+4930999"},
		{nil, call.Endpoint{Number: "+493012", Trunk: "world"}, "PJSIP/abroad/sip:00493012@192.0.2.1", "+4930999"},
	} {
		got, err := nodeWith(t, c.change).destination(c.to)
		if err != nil || got.endpoint != c.want || got.from != c.from {
			t.Errorf("%+v is dialled as %+v (%v), want %s", c.to, got, err, c.want)
		}
	}
	here := nodeWith(t, either)
	here.phoneIs("PJSIP/both", true)
	here.phoneIs("PJSIP/firstline", true)
	if got, err := here.destination(call.Endpoint{Device: "both"}); err != nil || got.endpoint != "PJSIP/both" {
		t.Errorf("a phone that is registered at Asterisk too is dialled as %+v (%v)", got, err)
	}
	if here.front.Reachable("firstline") {
		t.Error("the endpoint through which phones are dialled is taken for one")
	}
	n := nodeWith(t, nil)
	if _, err := n.destination(call.Endpoint{Number: "112"}); !errors.Is(err, ErrNotAllowed) {
		t.Errorf("112 is dialled: %v", err)
	}
	if _, err := n.destination(call.Endpoint{Number: "+493012", Device: "desk1"}); err == nil {
		t.Error("two ends are dialled")
	}
	if _, err := nodeWith(t, byContact).destination(call.Endpoint{Device: "2002"}); !errors.Is(err, call.Cause{Reason: call.Unreachable}) {
		t.Errorf("a phone that is not registered is dialled: %v", err)
	}
	if n.front.Dials("112") || !n.front.Dials("+493012") {
		t.Error("which numbers can be dialled is said wrongly")
	}
}

func TestNothingFromOutsideGetsIntoAnEndpoint(t *testing.T) {
	for _, s := range hostile {
		n := nodeWith(t, nil)
		byContact := nodeWith(t, func(c *Config) {
			c.Nodes[0].Dial = "PJSIP/phones/{contact}"
			c.Contacts = contacts{"2001": s}
		})
		for _, try := range []struct {
			n  *node
			to call.Endpoint
		}{
			{n, call.Endpoint{Device: call.DeviceID(s)}},
			{n, call.Endpoint{Number: s}},
			{n, call.Endpoint{Number: "+49" + s}},
			{byContact, call.Endpoint{Device: "2001"}},
		} {
			got, err := try.n.destination(try.to)
			if err != nil {
				continue
			}
			if strings.ContainsAny(got.endpoint, "&,|$\"'\\{}()<> \r\n\x00") || strings.Count(got.endpoint, "/") > 2 || !utf8.ValidString(got.endpoint) {
				t.Errorf("%q is dialled as %q", s, got.endpoint)
			}
		}
	}
}

func TestHeadersAndNamesAreOneLineOfPlainText(t *testing.T) {
	for _, s := range hostile {
		vars, err := variables(call.Originate{
			From: call.Party{Name: s, Number: s}, Headers: map[string]string{"X-Firstline-Caller": s},
		}, destination{endpoint: "PJSIP/desk1"})
		must(t, err)
		for name, value := range vars {
			for _, r := range value {
				if !unicode.IsPrint(r) || r == '"' || r == '\\' {
					t.Errorf("%q sets %s to %q", s, name, value)
				}
			}
			if len([]rune(value)) > 200 {
				t.Errorf("%s has %d characters", name, len([]rune(value)))
			}
		}
		if _, err := variables(call.Originate{Headers: map[string]string{s: "x"}}, destination{}); err == nil {
			t.Errorf("a header is named %q", s)
		}
	}
	for _, name := range []string{"Contact", "From", "X-", "x-a b", "X-A)", "Via"} {
		if _, err := variables(call.Originate{Headers: map[string]string{name: "x"}}, destination{}); err == nil {
			t.Errorf("a header is named %q", name)
		}
	}
}

func TestACallerIsWhatHeSaysCleaned(t *testing.T) {
	for _, c := range []struct {
		in   asterisk.CallerID
		want call.Party
	}{
		{asterisk.CallerID{Number: "+49 (30) 123-4", Name: "Ana  Bel"}, call.Party{Number: "+49301234", Name: "Ana Bel"}},
		{asterisk.CallerID{Number: "anonymous", Name: "Anonymous"}, call.Party{}},
		{asterisk.CallerID{Number: "j.doe", Name: "J\r\nX: y"}, call.Party{Number: "j.doe", Name: "JX: y"}},
		{asterisk.CallerID{Number: "4711;phone-context=x"}, call.Party{Number: "4711"}},
	} {
		if got := partyOf(c.in); got != c.want {
			t.Errorf("%+v is %+v, want %+v", c.in, got, c.want)
		}
	}
}

func FuzzTextFromOutside(f *testing.F) {
	for _, s := range hostile {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		p := partyOf(asterisk.CallerID{Number: s, Name: s})
		for _, text := range []string{p.Number, p.Name, shown(s, 64), userPart(s), call.CleanText(s, 64)} {
			if !utf8.ValidString(text) || utf8.RuneCountInString(text) > 64 || strings.IndexFunc(text, unicode.IsControl) >= 0 {
				t.Errorf("%q became %q", s, text)
			}
		}
		if call.CleanText(call.CleanText(s, 64), 64) != call.CleanText(s, 64) {
			t.Errorf("cleaning %q twice is not cleaning it once", s)
		}
		spied(&asterisk.Channel{Name: s})
		endpointOf(s)
		parseQOS(s)
		if id, side, ok := storedOf("firstline", s); ok && storedName("firstline", id, side) != s {
			t.Errorf("%q is read as %s%s", s, id, side)
		}
		if p := parseTemplate(s); p.err == nil {
			if v, ok := p.read(p.fill("x")); !ok || v != "x" {
				t.Errorf("template %q is not read as it is filled", s)
			}
		}
	})
}
