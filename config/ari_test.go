package config_test

import (
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"firstline/config"
)

func TestAsteriskNodesAreRead(t *testing.T) {
	got, err := config.ParseServer("/etc/firstline/firstline.yaml", []byte(`
asterisk:
  nodes:
    pbx1: {url: http://192.0.2.1:8088/ari/, password: from-the-file}
    pbx2:
      url: https://192.0.2.2/ari
      user: desk
      application: line
      dial: "PJSIP/kamailio/sip:{device}@192.0.2.9"
      registered: "PJSIP/firstline/{contact}"
      refer: "PJSIP/sip:{number}@pbx.example"
      max-calls: 50
      fallback: {context: plain, extension: "600"}
      queue-log: queue_log
  trunks:
    carrier: {dial: "PJSIP/{number}@carrier", allow: ["+49", "0800"]}
    old: {dial: "PJSIP/{number}@old", allow: ["00"], strip: "+", add: "00", from: "+49301234"}
  sounds: {dir: /srv/sounds, seen: firstline}
  patience: 1m
`), []string{"FIRSTLINE_ASTERISK_NODES_PBX1_PASSWORD=from-outside", "FIRSTLINE_ASTERISK_NODES_PBX2_PASSWORD=two"})
	if err != nil {
		t.Fatal(err)
	}
	want := config.Asterisk{
		Nodes: []config.Node{
			{
				Name: "pbx1", URL: "http://192.0.2.1:8088/ari", User: "firstline", Password: "from-outside", Application: "firstline",
				Dial: "PJSIP/{device}", MaxCalls: 1000, Fallback: config.Fallback{Context: "firstline-fallback"},
			},
			{
				Name: "pbx2", URL: "https://192.0.2.2/ari", User: "desk", Password: "two", Application: "line",
				Dial: "PJSIP/kamailio/sip:{device}@192.0.2.9", Registered: "PJSIP/firstline/{contact}", Refer: "PJSIP/sip:{number}@pbx.example", MaxCalls: 50,
				Fallback: config.Fallback{Context: "plain", Extension: "600"},
				QueueLog: filepath.Join("/etc/firstline", "queue_log"),
			},
		},
		Trunks: []config.DialTrunk{
			{Name: "carrier", Dial: "PJSIP/{number}@carrier", Allow: []string{"+49", "0800"}},
			{Name: "old", Dial: "PJSIP/{number}@old", Allow: []string{"00"}, Strip: "+", Add: "00", From: "+49301234"},
		},
		Sounds:   config.Sounds{Dir: "/srv/sounds", Seen: "firstline"},
		Patience: time.Minute,
	}
	if d := cmp.Diff(want, got.Asterisk); d != "" {
		t.Errorf("asterisk (-want +got):\n%s", d)
	}
}

func TestNodesNeedToComeByThePrompts(t *testing.T) {
	_, err := config.ParseServer("f.yaml", []byte("asterisk: {nodes: {a: {url: http://b, password: c}}}"), nil)
	want := "f.yaml:1:19: the nodes need the prompts: give asterisk.sounds a dir that they see too, or the url of this server"
	if err == nil || err.Error() != want {
		t.Errorf("got  %v\nwant %s", err, want)
	}
}

func TestWhatIsNoNumberOrDialStringIsAFaultAtItsLine(t *testing.T) {
	_, err := config.ParseServer("f.yaml", []byte(`
asterisk:
  nodes: {a: {url: "http://b", password: c, refer: "PJSIP/{contact}"}}
  sounds: {dir: d}
  trunks: {t: {dial: "PJSIP/{number}@t", allow: ["+49"], strip: "0x", add: "0049", from: "Ann"}}
`), nil)
	for _, want := range []string{
		`f.yaml:3:52: "PJSIP/{contact}" does not say where {number} goes`, `f.yaml:5:65: "0x" is not a number`, `f.yaml:5:90: "Ann" is not a number`,
	} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got  %v\nwant %s", err, want)
		}
	}
}
