package main

import "testing"

func TestWhatTheServerPlaysByItselfIsThere(t *testing.T) {
	s, err := loadSounds(language)
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range append(askToPress(), "tone:beep", "music:default") {
		if _, err := s.audio(m); err != nil {
			t.Error(err)
		}
	}
	for _, key := range []string{noticePrompt, troublePrompt, fullPrompt} {
		if s.checksum[promptKey(key)] == "" {
			t.Errorf("no prompt %q", key)
		}
	}
}
