package main

import (
	"errors"
	"fmt"
	"testing"

	"firstline/store"
)

func TestWhoWasSignedInStaysSoWhileTheDatabaseIsAway(t *testing.T) {
	var m memory[string]
	says := func(v string, err error) func() (string, error) { return func() (string, error) { return v, err } }
	away := fmt.Errorf("token: %w", store.ErrAway)
	if _, err := m.ask("a", says("", away)); !errors.Is(err, store.ErrAway) {
		t.Errorf("a stranger got in: %v", err)
	}
	if v, err := m.ask("a", says("admin", nil)); v != "admin" || err != nil {
		t.Errorf("%q %v", v, err)
	}
	if v, err := m.ask("a", says("", away)); v != "admin" || err != nil {
		t.Errorf("while away: %q %v", v, err)
	}
	if _, err := m.ask("a", says("", store.ErrNotFound)); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("a token that is gone: %v", err)
	}
	if _, err := m.ask("a", says("", away)); !errors.Is(err, store.ErrAway) {
		t.Errorf("a token that is gone got in while away: %v", err)
	}
}
