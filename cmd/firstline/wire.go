package main

import (
	"cmp"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"path/filepath"
	"slices"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"firstline/call"
	"firstline/config"
	"firstline/recordings"
	"firstline/sip"
	"firstline/store"
)

// newLog makes the one logger.
func newLog(c config.Log) (*zap.Logger, error) {
	z := zap.NewProductionConfig()
	if c.Format == "console" {
		z = zap.NewDevelopmentConfig()
		z.EncoderConfig.EncodeLevel = zapcore.CapitalLevelEncoder
		z.Development, z.DisableCaller, z.DisableStacktrace = false, true, true
	}
	level, err := zapcore.ParseLevel(c.Level)
	if err != nil {
		return nil, fmt.Errorf("log: %w", err)
	}
	z.Level, z.Sampling = zap.NewAtomicLevelAt(level), nil
	return z.Build()
}

// credentials are the phones' as digest asks for them: an unknown phone has the
// zero credential, so that it is treated like a wrong password.
type credentials struct{ devices *store.Devices }

func (c credentials) Credential(ctx context.Context, user string) (call.Credential, error) {
	known, err := c.devices.Device(ctx, user)
	if errors.Is(err, store.ErrNotFound) {
		return call.Credential{}, nil
	}
	return known, err
}

// secrets takes the hashes of secrets.
type secrets struct{ store *store.Store }

func (s secrets) PutDevice(ctx context.Context, c call.Credential) error {
	return s.store.Devices().PutDevice(ctx, c)
}

func (s secrets) PutToken(ctx context.Context, name, sha256Hex, role string) error {
	sum, err := digest32(sha256Hex)
	if err != nil {
		return err
	}
	return s.store.PutToken(ctx, name, sum, role)
}

func digest32(text string) (sum [32]byte, err error) {
	b, err := hex.DecodeString(text)
	if err != nil || len(b) != len(sum) {
		return sum, errors.New("not a SHA-256 in hex")
	}
	return [32]byte(b), nil
}

// sipConfig is the native front end's configuration but for its engines.
func (s *server) sipConfig() (sip.Config, error) {
	dir, err := filepath.Abs(s.cfg.Recordings.Dir)
	if err != nil {
		return sip.Config{}, err
	}
	c := sip.Config{
		Domain: s.cfg.SIP.Domain, MaxCalls: s.cfg.SIP.MaxCalls, Log: s.log.Named("sip"),
		Known: s.known, Qualify: cmp.Or(s.cfg.SIP.Qualify, -1), // there 0 is never, in sip it is the default
		Sounds: s.sound, RecordingsDir: dir, RecordingPath: recordingPath,
	}
	for _, l := range s.cfg.SIP.Listen {
		c.Listen = append(c.Listen, sip.Listener{Network: l.Network, Addr: l.Address.String()})
	}
	if s.cfg.SIP.Advertise != "" {
		if c.Advertise, err = addressOf(s.cfg.SIP.Advertise); err != nil {
			return c, fmt.Errorf("sip.advertise: %w", err)
		}
	}
	for _, t := range s.cfg.SIP.Trunks {
		trunk := sip.Trunk{Name: t.Name, Allow: t.Allow}
		if t.Outbound.Proxy != "" {
			if trunk.Outbound.Proxy, err = resolve(t.Outbound.Proxy); err != nil {
				return c, fmt.Errorf("trunk %s: %w", t.Name, err)
			}
			trunk.Outbound.Allow = t.Outbound.Allow
		}
		c.Trunks = append(c.Trunks, trunk)
	}
	return c, nil
}

// recordingPath files a recording under the day in its id (UUIDv7: the first 48
// bits are milliseconds).
func recordingPath(id call.RecordingID) (string, error) {
	at, err := call.UUIDTime(string(id))
	if err != nil {
		return "", err
	}
	return recordings.Path(id, at)
}

func addressOf(host string) (netip.Addr, error) {
	if a, err := netip.ParseAddr(host); err == nil {
		return a, nil
	}
	a, err := net.ResolveIPAddr("ip", host)
	if err != nil {
		return netip.Addr{}, err
	}
	return netip.ParseAddr(a.IP.String())
}

// fillDemo says in the demo credentials where the server really listens.
func (s *server) fillDemo() {
	for _, a := range s.sip.Addrs() {
		if a.Network() == "udp" {
			s.demo.SIP = a.String()
		}
	}
	s.demo.HTTP = s.web.URL()
}

// recoverRecordings closes what a crash left open, but for those that go on.
func (s *server) recoverRecordings(ctx context.Context, running []call.RecordingID) error {
	left, err := s.store.UnfinishedRecordings(ctx)
	if err != nil {
		return err
	}
	left = slices.DeleteFunc(left, func(r recordings.Recording) bool { return slices.Contains(running, r.ID) })
	if len(left) > 0 {
		s.log.Warn("recordings were cut short", zap.Int("count", len(left)))
	}
	return s.recordings.Recover(ctx, left)
}
