package asterisk_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"firstline/sip/ari/asterisk"
)

// kinds are the event types that the source has: the structs with a Head.
func kinds(t *testing.T) []string {
	t.Helper()
	f, err := parser.ParseFile(token.NewFileSet(), "events.go", nil, parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	ast.Inspect(f, func(n ast.Node) bool {
		spec, ok := n.(*ast.TypeSpec)
		if !ok {
			return true
		}
		s, ok := spec.Type.(*ast.StructType)
		if !ok || spec.Name.Name == "Unknown" || len(s.Fields.List) == 0 {
			return true
		}
		if head, ok := s.Fields.List[0].Type.(*ast.Ident); ok && head.Name == "Head" {
			out = append(out, spec.Name.Name)
		}
		return true
	})
	return out
}

func TestEachEventTypeIsDecoded(t *testing.T) {
	all := kinds(t)
	if len(all) < 20 {
		t.Fatalf("found only %v", all)
	}
	for _, kind := range all {
		e := asterisk.Decode([]byte(`{"type":"` + kind + `"}`))
		if u, ok := e.(asterisk.Unknown); ok || e.Kind() != kind {
			t.Errorf("%s becomes %+v", kind, u)
		}
	}
}

func TestEventIsReadWhole(t *testing.T) {
	got := asterisk.Decode([]byte(`{"cause":17,"cause_txt":"User busy","tech_cause":486,"type":"ChannelDestroyed",` +
		`"timestamp":"2026-11-24T09:00:00.123+0100","asterisk_id":"02:fc","application":"firstline","new":{"a":[1]},` +
		`"channel":{"id":"c1","name":"PJSIP/desk1-00000001","state":"Up","protocol_id":"call-id","language":"de",` +
		`"caller":{"name":"Änne","number":"+4930"},"connected":{"name":"","number":""},"accountcode":"","tenantid":"t",` +
		`"dialplan":{"context":"in","exten":"1000","priority":3,"app_name":"Stasis","app_data":"firstline,1000"},` +
		`"creationtime":"2026-11-24T08:59:00.000+0100","channelvars":{"X":"1"}}}`))
	want := asterisk.ChannelDestroyed{
		Head: asterisk.Head{
			Type: "ChannelDestroyed", Application: "firstline", AsteriskID: "02:fc",
			Timestamp: asterisk.Time{Time: time.Date(2026, 11, 24, 8, 0, 0, 123e6, time.UTC)},
		},
		Cause: 17, CauseText: "User busy", TechCause: 486,
		Channel: asterisk.Channel{
			ID: "c1", Name: "PJSIP/desk1-00000001", State: "Up", ProtocolID: "call-id", Language: "de", TenantID: "t",
			Caller:       asterisk.CallerID{Name: "Änne", Number: "+4930"},
			Dialplan:     asterisk.Dialplan{Context: "in", Exten: "1000", Priority: 3, AppName: "Stasis", AppData: "firstline,1000"},
			CreationTime: asterisk.Time{Time: time.Date(2026, 11, 24, 7, 59, 0, 0, time.UTC)},
			Variables:    map[string]string{"X": "1"},
		},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestTypeIsThatOfTheEventAndNotOfSomethingInIt(t *testing.T) {
	for text, want := range map[string]string{
		`{"channel":{"type":"StasisEnd"},"type":"StasisStart"}`: "StasisStart",
		`{"type":"StasisStart","channel":{"type":"StasisEnd"}}`: "StasisStart",
		`{"type":"StasisSt\u0061rt"}`:                           "StasisStart",
		`{"type":"A","type":"StasisStart"}`:                     "StasisStart",
		`{ "type" : "StasisStart" }`:                            "StasisStart",
		`{"value":"\"type\":\"StasisEnd\""}`:                    "",
		`[]`:                                                    "",
		``:                                                      "",
		`{"type":7}`:                                            "",
	} {
		if got := asterisk.Decode([]byte(text)).Kind(); got != want {
			t.Errorf("%s is %q, want %q", text, got, want)
		}
	}
}
