package media

import (
	"bytes"
	"testing"
)

// A prompt in mu-law is what goes over the line as PCMU, byte for byte.
func TestAPromptInMulawIsPlayedAsItIs(t *testing.T) {
	payload := make([]byte, 2*frameSamples)
	for i := range payload {
		if payload[i] = byte(i); payload[i] == 0x7F {
			payload[i] = silencePCMU // the law's other zero
		}
	}
	var file bytes.Buffer
	if err := EncodeWAV(&file, nil); err != nil {
		t.Fatal(err)
	}
	b := file.Bytes()
	b[20], b[34], b[40], b[41] = tagMulaw, 8, byte(len(payload)), byte(len(payload)>>8)
	a, err := DecodeWAV(bytes.NewReader(append(b, payload...)))
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(a.pcmu, payload) {
		t.Errorf("plays %x", a.pcmu)
	}
}
