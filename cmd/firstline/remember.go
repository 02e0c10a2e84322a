package main

import (
	"context"
	"errors"
	"sync"
	"time"

	"firstline/store"
	"firstline/web"
)

// mostRemembered bounds what is kept in case the database goes away.
const mostRemembered = 10_000

// memory keeps what the database said last, for the time when it does not
// answer: whoever was signed in stays so, and the board goes on.
type memory[V any] struct {
	mu   sync.Mutex // guards said
	said map[string]V
}

// ask returns what look finds, or what it found before while the database is away.
func (m *memory[V]) ask(key string, look func() (V, error)) (V, error) {
	v, err := look()
	m.mu.Lock()
	defer m.mu.Unlock()
	switch {
	case err == nil:
		if m.said == nil || len(m.said) >= mostRemembered {
			m.said = map[string]V{}
		}
		m.said[key] = v
	case errors.Is(err, store.ErrAway):
		if old, ok := m.said[key]; ok {
			return old, nil
		}
	default:
		delete(m.said, key)
	}
	return v, err
}

func (m *memory[V]) forget(key string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.said, key)
}

// webTokens knows the API's tokens.
type webTokens struct {
	s     *store.Store
	known memory[string]
}

func (w *webTokens) TokenRole(ctx context.Context, sha256 string) (web.Role, error) {
	sum, err := digest32(sha256)
	if err != nil {
		return "", web.ErrNotFound
	}
	role, err := w.known.ask(sha256, func() (string, error) { return w.s.TokenRole(ctx, sum) })
	return web.Role(role), away(err)
}

// sessions are the sign-ins of people, as scs asks for them.
type sessions struct {
	store.SignIns
	known memory[session]
}

type session struct {
	data  []byte
	found bool
}

// FindCtx returns a session's data. While the database is away a session that
// was found before is good for as long as its data says.
func (w *sessions) FindCtx(ctx context.Context, token string) ([]byte, bool, error) {
	s, err := w.known.ask(token, func() (session, error) {
		data, found, err := w.SignIns.FindCtx(ctx, token)
		return session{data, found}, err
	})
	return s.data, s.found, err
}

// DeleteCtx ends a session, here at once.
func (w *sessions) DeleteCtx(ctx context.Context, token string) error {
	w.known.forget(token)
	return w.SignIns.DeleteCtx(ctx, token)
}

// Find is FindCtx for callers of scs that have no context.
func (w *sessions) Find(token string) ([]byte, bool, error) {
	return w.FindCtx(context.Background(), token)
}

// Delete is DeleteCtx for callers of scs that have no context.
func (w *sessions) Delete(token string) error { return w.DeleteCtx(context.Background(), token) }

// Commit is CommitCtx for callers of scs that have no context.
func (w *sessions) Commit(token string, data []byte, expiry time.Time) error {
	return w.CommitCtx(context.Background(), token, data, expiry)
}
