package store

import (
	"context"
	"database/sql"
	"encoding/hex"
	"errors"
	"strings"
	"time"
)

// What is kept beside the journal: how far readers are, centres, sign-ins, tokens.

const (
	putCheckpoint = `INSERT INTO checkpoints (name, global, data) VALUES ($1, $2, $3)
ON CONFLICT (name) DO UPDATE SET global = excluded.global, data = excluded.data`
	getCheckpoint = `SELECT global, data FROM checkpoints WHERE name = $1`
)

// SaveCheckpoint keeps how far a reader of the journal is, and what it had made of it.
func (s *Store) SaveCheckpoint(ctx context.Context, name string, global int64, data []byte) error {
	return s.exec(ctx, "checkpoint "+name, putCheckpoint, key(name), global, nonNil(data))
}

// Checkpoint returns what SaveCheckpoint kept, or ErrNotFound.
func (s *Store) Checkpoint(ctx context.Context, name string) (global int64, data []byte, err error) {
	err = s.row(ctx, "checkpoint "+name, getCheckpoint, []any{key(name)}, &global, &data)
	return global, data, err
}

const (
	putCentre = `INSERT INTO centres (hash, stored, data) VALUES ($1, $2, $3) ON CONFLICT (hash) DO NOTHING`
	getCentre = `SELECT data FROM centres WHERE hash = $1`
)

// PutCentre keeps a centre that is activated, by the hash of its content.
func (s *Store) PutCentre(ctx context.Context, hash string, data []byte) error {
	return s.exec(ctx, "centre "+hash, putCentre, key(hash), time.Now().UnixMicro(), nonNil(data))
}

// Centre returns a centre by its hash, or ErrNotFound.
func (s *Store) Centre(ctx context.Context, hash string) (data []byte, err error) {
	err = s.row(ctx, "centre "+hash, getCentre, []any{key(hash)}, &data)
	return data, err
}

const (
	putToken = `INSERT INTO tokens (sha256, name, role) VALUES ($1, $2, $3)
ON CONFLICT (name) DO UPDATE SET sha256 = excluded.sha256, role = excluded.role`
	getToken    = `SELECT role FROM tokens WHERE sha256 = $1`
	deleteToken = `DELETE FROM tokens WHERE name = $1`
)

// PutToken keeps an API token by its hash; a token of the same name is replaced.
func (s *Store) PutToken(ctx context.Context, name string, sha256 [32]byte, role string) error {
	return s.exec(ctx, "token "+name, putToken, hex.EncodeToString(sha256[:]), key(name), key(role))
}

// TokenRole returns the role of the token with a hash, or ErrNotFound.
func (s *Store) TokenRole(ctx context.Context, sha256 [32]byte) (role string, err error) {
	err = s.row(ctx, "token", getToken, []any{hex.EncodeToString(sha256[:])}, &role)
	return role, err
}

// DeleteToken takes a token away; one that is not there is no error.
func (s *Store) DeleteToken(ctx context.Context, name string) error {
	return s.exec(ctx, "token "+name, deleteToken, key(name))
}

// SignIns keeps the sessions of people signed in to the pages. It implements
// scs.CtxStore.
type SignIns struct{ s *Store }

// SignIns is where sessions are kept.
func (s *Store) SignIns() SignIns { return SignIns{s} }

const (
	putSession = `INSERT INTO sessions (token, data, expiry) VALUES ($1, $2, $3)
ON CONFLICT (token) DO UPDATE SET data = excluded.data, expiry = excluded.expiry`
	getSession     = `SELECT data FROM sessions WHERE token = $1 AND expiry > $2`
	deleteSession  = `DELETE FROM sessions WHERE token = $1`
	expireSessions = `DELETE FROM sessions WHERE expiry <= $1`
)

// FindCtx returns a session's data; false when there is none or it has expired.
func (w SignIns) FindCtx(ctx context.Context, token string) ([]byte, bool, error) {
	var data []byte
	err := w.s.row(ctx, "session", getSession, []any{key(token), time.Now().UnixMicro()}, &data)
	if errors.Is(err, ErrNotFound) {
		return nil, false, nil
	}
	return data, err == nil, err
}

// CommitCtx keeps a session until expiry.
func (w SignIns) CommitCtx(ctx context.Context, token string, data []byte, expiry time.Time) error {
	return w.s.exec(ctx, "session", putSession, key(token), nonNil(data), expiry.UnixMicro())
}

// DeleteCtx ends a session; one that is not there is no error.
func (w SignIns) DeleteCtx(ctx context.Context, token string) error {
	return w.s.exec(ctx, "session", deleteSession, key(token))
}

// Expire deletes sessions that are over.
func (w SignIns) Expire(ctx context.Context, now time.Time) error {
	return w.s.exec(ctx, "sessions", expireSessions, now.UnixMicro())
}

// Find is FindCtx for callers of scs that have no context.
func (w SignIns) Find(token string) ([]byte, bool, error) {
	return w.FindCtx(context.Background(), token)
}

// Commit is CommitCtx for callers of scs that have no context.
func (w SignIns) Commit(token string, data []byte, expiry time.Time) error {
	return w.CommitCtx(context.Background(), token, data, expiry)
}

// Delete is DeleteCtx for callers of scs that have no context.
func (w SignIns) Delete(token string) error { return w.DeleteCtx(context.Background(), token) }

func (s *Store) exec(ctx context.Context, what, query string, args ...any) error {
	ctx, cancel := reading(ctx)
	defer cancel()
	err := s.lease.exec(ctx, query, args...)
	return tried(ctx, clean(what), err)
}

func (s *Store) row(ctx context.Context, what, query string, args []any, into ...any) error {
	ctx, cancel := reading(ctx)
	defer cancel()
	err := s.db.scan(ctx, query, args, into...)
	if errors.Is(err, sql.ErrNoRows) {
		return missing{what: strings.ToValidUTF8(what, "")}
	}
	return tried(ctx, what, err)
}

// nonNil keeps an empty value from being NULL.
func nonNil(b []byte) []byte {
	if b == nil {
		return []byte{}
	}
	return b
}
