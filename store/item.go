package store

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"

	"firstline/call"
)

// item is an event with its body as it is stored. Writers encode in their own
// goroutines, so the one that orders and commits only copies.
type item struct {
	call.Event
	body string
}

// newItem checks an event and makes it canonical: what readers see is decoded from
// what is stored, shares nothing with the writer, and has no NUL and no invalid UTF-8.
func newItem(e call.Event) (item, error) {
	switch {
	case e.Body == nil:
		return item{}, errors.New("an event without a body")
	case e.Stream.Kind == "" || e.Stream.ID == "":
		return item{}, fmt.Errorf("event %s belongs to no stream", e.Body.Type())
	case len(e.Stream.ID) > longestKey || clean(e.Stream.ID) != e.Stream.ID || clean(string(e.Stream.Kind)) != string(e.Stream.Kind):
		return item{}, fmt.Errorf("event %s: its stream's id is no id", e.Body.Type())
	case e.At.IsZero():
		return item{}, fmt.Errorf("event %s of %s has no instant", e.Body.Type(), e.Stream.ID)
	}
	raw, err := json.Marshal(e.Body)
	if err != nil {
		return item{}, fmt.Errorf("event %s of %s: %w", e.Body.Type(), e.Stream.ID, err)
	}
	raw = withoutNUL(bytes.ToValidUTF8(raw, nil))
	it := item{Event: e, body: string(raw)}
	it.At, it.Config = call.Instant(e.At), key(e.Config)
	if it.Body, err = call.DecodeBody(clean(e.Body.Type()), raw); err != nil {
		return item{}, fmt.Errorf("event %s of %s: %w", e.Body.Type(), e.Stream.ID, err)
	}
	return it, nil
}

// withoutNUL drops \u0000 from JSON, but not the text \\u0000.
func withoutNUL(raw []byte) []byte {
	if !bytes.Contains(raw, []byte(`\u0000`)) {
		return raw
	}
	out := make([]byte, 0, len(raw))
	for i := 0; i < len(raw); i++ {
		switch {
		case raw[i] != '\\' || i+1 == len(raw):
			out = append(out, raw[i])
		case bytes.HasPrefix(raw[i:], []byte(`\u0000`)):
			i += len(`\u0000`) - 1
		default:
			out = append(out, raw[i], raw[i+1])
			i++
		}
	}
	return out
}

// MarshalJSON writes the event with the body as it is stored.
func (it item) MarshalJSON() ([]byte, error) {
	e := it.Event
	e.Body = call.Unknown{Name: it.Body.Type(), Data: json.RawMessage(it.body)}
	return e.MarshalJSON()
}

// UnmarshalJSON reads what MarshalJSON wrote.
func (it *item) UnmarshalJSON(b []byte) error {
	var body struct {
		Body json.RawMessage `json:"body"`
	}
	if err := json.Unmarshal(b, &body); err != nil {
		return err
	}
	it.body = string(body.Body)
	return it.Event.UnmarshalJSON(b)
}
