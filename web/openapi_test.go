package web_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"testing"
)

var update = flag.Bool("update", false, "write web/ui/openapi.json anew")

// The pages' types are made from this file, so it has to be what the server says.
func TestOpenAPIDocumentIsTheOneThatThePagesAreMadeFrom(t *testing.T) {
	d := newDesk(t)
	res := d.ask("GET", "/openapi.json", "", "")
	wantStatus(t, res, 200)
	var doc bytes.Buffer
	if err := json.Indent(&doc, []byte(text(t, res)), "", "\t"); err != nil {
		t.Fatal(err)
	}
	doc.WriteByte('\n')
	const file = "ui/openapi.json"
	if *update {
		if err := os.WriteFile(file, doc.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	have, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(bytes.TrimSpace(have), bytes.TrimSpace(doc.Bytes())) {
		t.Errorf("%s is not what the server says; run: go test ./web -run OpenAPI -update", file)
	}
	var parsed struct{ OpenAPI string }
	if err := json.Unmarshal(doc.Bytes(), &parsed); err != nil || parsed.OpenAPI != "3.1.0" {
		t.Errorf("openapi = %q, %v; want 3.1.0", parsed.OpenAPI, err)
	}
}
