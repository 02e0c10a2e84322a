package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"go.uber.org/zap"

	"firstline/call"
)

// bindingPatience is how long a registration waits to be written. It counts either
// way: what is in memory is written when the database is back.
const bindingPatience = 250 * time.Millisecond

// Devices are the phones' credentials and registrations. All are in memory, so
// phones are known while the database is away; registrations are written in groups.
type Devices struct {
	db    *database
	lease *lease
	log   *zap.Logger
	wake  chan struct{} // has room for one; filled when dirty grows

	mu          sync.Mutex // guards what follows
	credentials map[string]call.Credential
	bindings    map[bindingKey]call.Binding
	dirty       map[bindingKey]bool // to be written, or deleted when not in bindings
	written     chan struct{}       // closed and replaced when dirty has been written
}

type bindingKey struct {
	device  call.DeviceID
	contact string
}

const (
	allCredentials = `SELECT name, realm, ha1_md5, ha1_sha256 FROM devices`
	allBindings    = `SELECT binding FROM bindings`
	putCredential  = `INSERT INTO devices (name, realm, ha1_md5, ha1_sha256) VALUES ($1, $2, $3, $4)
ON CONFLICT (name) DO UPDATE SET realm = excluded.realm, ha1_md5 = excluded.ha1_md5, ha1_sha256 = excluded.ha1_sha256`
	putBinding = `INSERT INTO bindings (device, contact, expires, binding) VALUES ($1, $2, $3, $4)
ON CONFLICT (device, contact) DO UPDATE SET expires = excluded.expires, binding = excluded.binding`
	deleteBinding = `DELETE FROM bindings WHERE device = $1 AND contact = $2`
)

func newDevices(ctx context.Context, db *database, l *lease, log *zap.Logger) (*Devices, error) {
	d := &Devices{
		db: db, lease: l, log: log, wake: make(chan struct{}, 1),
		credentials: make(map[string]call.Credential), bindings: make(map[bindingKey]call.Binding),
		dirty: make(map[bindingKey]bool), written: make(chan struct{}),
	}
	if err := errors.Join(d.loadCredentials(ctx), d.loadBindings(ctx)); err != nil {
		return nil, fmt.Errorf("load devices: %w", err)
	}
	return d, nil
}

func (d *Devices) loadCredentials(ctx context.Context) error {
	rows, err := d.db.query(ctx, allCredentials)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var c call.Credential
		if err := rows.Scan(&c.User, &c.Realm, &c.HA1MD5, &c.HA1SHA256); err != nil {
			return err
		}
		d.credentials[c.User] = c
	}
	return rows.Err()
}

func (d *Devices) loadBindings(ctx context.Context) error {
	rows, err := d.db.query(ctx, allBindings)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var b call.Binding
		var text string
		if err := rows.Scan(&text); err != nil {
			return err
		}
		if err := json.Unmarshal([]byte(text), &b); err != nil {
			return err
		}
		d.bindings[bindingKey{b.Device, b.Contact}] = b
	}
	return rows.Err()
}

// Device returns a phone's credential by its SIP user, from memory, or ErrNotFound.
func (d *Devices) Device(_ context.Context, user string) (call.Credential, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	c, ok := d.credentials[user]
	if !ok {
		return c, missing{what: "device"}
	}
	return c, nil
}

// PutDevice keeps a phone's credential; ErrAway means that it was not kept.
func (d *Devices) PutDevice(ctx context.Context, c call.Credential) error {
	if c.User == "" || key(c.User) != c.User {
		return fmt.Errorf("device %q: no fit user name", c.User)
	}
	q, cancel := reading(ctx)
	defer cancel()
	if err := d.lease.exec(q, putCredential, c.User, clean(c.Realm), clean(c.HA1MD5), clean(c.HA1SHA256)); err != nil {
		return tried(q, "device "+c.User, err)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.credentials[c.User] = c
	return nil
}

// SaveBinding keeps a registration. It is known at once; SaveBinding waits up to
// 250 ms for it to be written as well. The error is ctx's.
func (d *Devices) SaveBinding(ctx context.Context, b call.Binding) error {
	b.Contact, b.Source, b.CallID, b.UserAgent = key(b.Contact), clean(b.Source), clean(b.CallID), clean(b.UserAgent)
	b.Device, b.Expires = call.DeviceID(key(string(b.Device))), call.Instant(b.Expires)
	return d.change(ctx, bindingKey{b.Device, b.Contact}, &b)
}

// DeleteBinding forgets a registration; one that is not there is no error.
func (d *Devices) DeleteBinding(ctx context.Context, device call.DeviceID, contact string) error {
	return d.change(ctx, bindingKey{call.DeviceID(key(string(device))), key(contact)}, nil)
}

func (d *Devices) change(ctx context.Context, k bindingKey, b *call.Binding) error {
	d.mu.Lock()
	if b != nil {
		d.bindings[k] = *b
	} else {
		delete(d.bindings, k)
	}
	d.dirty[k] = true
	written := d.written
	nudge(d.wake)
	d.mu.Unlock()
	t := time.NewTimer(bindingPatience)
	defer t.Stop()
	select {
	case <-written:
		return nil
	case <-t.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// Bindings returns all registrations, expired ones too, by device and contact.
func (d *Devices) Bindings(context.Context) ([]call.Binding, error) {
	d.mu.Lock()
	bs := slices.Collect(maps.Values(d.bindings))
	d.mu.Unlock()
	slices.SortFunc(bs, func(a, b call.Binding) int {
		if c := strings.Compare(string(a.Device), string(b.Device)); c != 0 {
			return c
		}
		return strings.Compare(a.Contact, b.Contact)
	})
	return bs, nil
}

// run writes what has changed, and at the end once more.
func (d *Devices) run(ctx context.Context) {
	for {
		select {
		case <-d.wake:
		case <-ctx.Done():
			last, cancel := reading(context.WithoutCancel(ctx))
			defer cancel()
			if err := d.write(last); err != nil {
				d.log.Warn("registrations are not written", zap.Error(err))
			}
			return
		}
		attempt, cancel := reading(ctx)
		err := d.write(attempt)
		cancel()
		if err != nil {
			d.log.Debug("registrations wait", zap.Error(err))
			call.Pause(ctx, time.Second)
			nudge(d.wake)
		}
	}
}

// write stores everything dirty in one transaction.
func (d *Devices) write(ctx context.Context) error {
	d.mu.Lock()
	dirty, written := d.dirty, d.written
	if len(dirty) == 0 {
		d.mu.Unlock()
		return nil
	}
	d.dirty, d.written = make(map[bindingKey]bool), make(chan struct{})
	now := make(map[bindingKey]call.Binding, len(dirty))
	for k := range dirty {
		if b, ok := d.bindings[k]; ok {
			now[k] = b
		}
	}
	d.mu.Unlock()
	if err := d.store(ctx, dirty, now); err != nil {
		d.mu.Lock()
		defer d.mu.Unlock()
		maps.Copy(d.dirty, dirty)
		return err
	}
	close(written)
	return nil
}

func (d *Devices) store(ctx context.Context, dirty map[bindingKey]bool, now map[bindingKey]call.Binding) error {
	return d.lease.fenced(ctx, func(tx *sql.Tx) error {
		for k := range dirty {
			b, ok := now[k]
			if !ok {
				if _, err := tx.ExecContext(ctx, deleteBinding, string(k.device), k.contact); err != nil {
					return fmt.Errorf("binding of %s: %w", k.device, err)
				}
				continue
			}
			text, err := json.Marshal(b)
			if err != nil {
				return err
			}
			if _, err := tx.ExecContext(ctx, putBinding, string(k.device), k.contact, micros(b.Expires), string(text)); err != nil {
				return fmt.Errorf("binding of %s: %w", k.device, err)
			}
		}
		return nil
	})
}
