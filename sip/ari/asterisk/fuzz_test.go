package asterisk_test

import (
	"bytes"
	"testing"

	"firstline/sip/ari/asterisk"
)

// FuzzDecode: whatever comes, an event is handed over, and none without its text
// that was not read.
func FuzzDecode(f *testing.F) {
	for _, s := range []string{
		`{"type":"StasisStart","args":["a"],"channel":{"id":"c","channelvars":{"A":"b"}},"timestamp":"2026-11-24T08:00:00.123+0000"}`,
		`{"variable":"A","type":"ChannelVarset"}`,
		`{"type":"ChannelTransfer","refer_to":{"requested_destination":{"destination":"1000"},"destination_channel":null}}`,
		`{"type":"StasisStart","timestamp":17}`, `{"type":"`, `{}`, `null`, ``,
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		e := asterisk.Decode(b)
		e.When()
		if u, ok := e.(asterisk.Unknown); ok && !bytes.Equal(u.Raw, b) {
			t.Errorf("%q is passed on as %q", b, u.Raw)
		} else if !ok && e.Kind() == "" {
			t.Errorf("%q has no type and is read as %T", b, e)
		}
	})
}
