package webtest

import (
	"context"
	"slices"
	"time"

	"firstline/call"
	"firstline/intake/spoken"
)

// Spoke is a prompt that somebody recorded by phone for an incident, whose callers hear it
// while it is open.
func (w *World) Spoke(at time.Time, i call.IncidentID, by string) call.PromptID {
	id := call.PromptID(call.NewUUID(at))
	p := call.PromptRecorded{Prompt: id, By: by, Device: "2001", Incident: i, SHA256: "ab12", Duration: 4 * time.Second, Bytes: 32058}
	ev := call.PromptEvent(at, p)
	if _, err := w.care.known.Tell(context.Background(), i, id.Key(), "", by, ev); err != nil {
		panic(err) // the test's script is wrong
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.care.spoken = append(w.care.spoken, spoken.Prompt{PromptRecorded: p, At: at})
	return id
}

type worldPrompts struct{ *care }

// All implements web.Prompts, as the methods below do.
func (c worldPrompts) All() []spoken.Prompt {
	c.w.mu.Lock()
	defer c.w.mu.Unlock()
	all := slices.Clone(c.spoken)
	slices.Reverse(all)
	return all
}

func (c worldPrompts) Heard(id call.PromptID) bool {
	for _, i := range c.known.All() {
		if i.Open() && i.Prompt == id.Key() {
			return true
		}
	}
	return false
}

func (c worldPrompts) Play(ctx context.Context, id call.PromptID, by string) ([]byte, error) {
	if !slices.ContainsFunc(c.All(), func(p spoken.Prompt) bool { return p.Prompt == id }) {
		return nil, spoken.ErrUnknown
	}
	return []byte("RIFF"), c.w.Append(ctx, call.PromptEvent(time.Now(), call.PromptPlayed{Prompt: id, By: by}))
}

func (c worldPrompts) Delete(ctx context.Context, id call.PromptID, by string) error {
	if c.Heard(id) {
		return spoken.ErrHeard
	}
	c.w.mu.Lock()
	n := len(c.spoken)
	c.spoken = slices.DeleteFunc(c.spoken, func(p spoken.Prompt) bool { return p.Prompt == id })
	gone := len(c.spoken) < n
	c.w.mu.Unlock()
	if !gone {
		return spoken.ErrUnknown
	}
	return c.w.Append(ctx, call.PromptEvent(time.Now(), call.PromptDeleted{Prompt: id, By: by}))
}
