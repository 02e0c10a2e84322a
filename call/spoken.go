package call

import "time"

// StreamPrompt is the story of prompts that were recorded by phone: one stream, since
// they are few and each event names its own.
const StreamPrompt StreamKind = "prompt"

// PromptStream is its id.
const PromptStream = "firstline"

// PromptID names one such prompt: a UUIDv7.
type PromptID string

// Key is what it is played by, as the prompts that come with the program are by theirs.
func (id PromptID) Key() string { return "spoken-" + string(id) }

// PromptEvent is an event of the prompts at an instant.
func PromptEvent(at time.Time, b Body) Event {
	return newEvent(at, StreamPrompt, PromptStream, b)
}

type (
	// PromptRecorded says that somebody recorded what callers hear from now on: those of
	// an incident, or all who come while a calendar has an emergency prompt.
	PromptRecorded struct {
		Prompt   PromptID      `json:"prompt"`
		By       string        `json:"by"`
		Device   DeviceID      `json:"device"` // the phone that was spoken into
		Incident IncidentID    `json:"incident,omitempty"`
		Calendar string        `json:"calendar,omitempty"`
		SHA256   string        `json:"sha256"` // of the file, in lower-case hex
		Duration time.Duration `json:"duration_ns"`
		Bytes    int64         `json:"bytes"`
	}
	// PromptPlayed says that somebody of the staff listened to it.
	PromptPlayed struct {
		Prompt PromptID `json:"prompt"`
		By     string   `json:"by"`
	}
	// PromptDeleted says that it is gone.
	PromptDeleted struct {
		Prompt PromptID `json:"prompt"`
		By     string   `json:"by"`
	}
)

func (PromptRecorded) Type() string { return "prompt.recorded" }
func (PromptPlayed) Type() string   { return "prompt.played" }
func (PromptDeleted) Type() string  { return "prompt.deleted" }

func promptDecoder(name string) (func([]byte) (Body, error), bool) {
	switch name {
	case PromptRecorded{}.Type():
		return decodeAs[PromptRecorded], true
	case OutsideDialled{}.Type():
		return decodeAs[OutsideDialled], true
	case PromptPlayed{}.Type():
		return decodeAs[PromptPlayed], true
	case PromptDeleted{}.Type():
		return decodeAs[PromptDeleted], true
	}
	return nil, false
}
