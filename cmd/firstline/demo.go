package main

import (
	"context"
	"crypto/md5"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"firstline/call"
)

// demoCredentials are the secrets of the demo centre, made once and kept in the
// data folder for the owner only. The store holds nothing but their hashes.
type demoCredentials struct {
	SIP      string            `json:"sip"`  // registrar, host:port
	HTTP     string            `json:"http"` // base URL
	Realm    string            `json:"realm"`
	APIToken string            `json:"api_token"`
	Devices  map[string]string `json:"devices"` // SIP user to password
}

const demoCredentialsFile = "demo-credentials.json"

// loadDemoCredentials reads the file in dir, or makes new secrets for the devices.
func loadDemoCredentials(dir, realm string, devices []call.DeviceID) (*demoCredentials, error) {
	c := &demoCredentials{Devices: map[string]string{}}
	b, err := os.ReadFile(filepath.Join(dir, demoCredentialsFile))
	switch {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		return nil, err
	default:
		if err := json.Unmarshal(b, c); err != nil {
			return nil, fmt.Errorf("%s: %w; remove it to have new ones made", filepath.Join(dir, demoCredentialsFile), err)
		}
	}
	c.Realm = realm
	if c.APIToken == "" {
		c.APIToken = "fl_" + secret(24)
	}
	for _, d := range devices {
		if c.Devices[string(d)] == "" {
			c.Devices[string(d)] = secret(9)
		}
	}
	return c, nil
}

// save writes the file anew, readable by the owner only.
func (c *demoCredentials) save(dir string) error {
	b, err := json.MarshalIndent(c, "", "  ")
	if err != nil {
		return err
	}
	name := filepath.Join(dir, demoCredentialsFile)
	if err := os.WriteFile(name+".new", append(b, '\n'), 0o600); err != nil {
		return fmt.Errorf("demo credentials: %w", err)
	}
	return os.Rename(name+".new", name)
}

// credentialStore takes hashes of secrets.
type credentialStore interface {
	PutDevice(ctx context.Context, c call.Credential) error
	PutToken(ctx context.Context, name, sha256Hex, role string) error
}

// seed puts the hashes into the store.
func (c *demoCredentials) seed(ctx context.Context, s credentialStore) error {
	for user, password := range c.Devices {
		if err := s.PutDevice(ctx, credential(user, c.Realm, password)); err != nil {
			return fmt.Errorf("demo device %s: %w", user, err)
		}
	}
	if err := s.PutToken(ctx, "demo", hexSHA256(c.APIToken), "admin"); err != nil {
		return fmt.Errorf("demo token: %w", err)
	}
	return nil
}

// credential hashes a phone's password (RFC 7616 section 3.4.2).
func credential(user, realm, password string) call.Credential {
	a1 := user + ":" + realm + ":" + password
	sum := md5.Sum([]byte(a1)) // what most phones still ask for
	return call.Credential{User: user, Realm: realm, HA1MD5: hex.EncodeToString(sum[:]), HA1SHA256: hexSHA256(a1)}
}

func hexSHA256(s string) string {
	sum := sha256.Sum256([]byte(s))
	return hex.EncodeToString(sum[:])
}

// secret is n random bytes as text that can be typed.
func secret(n int) string {
	b := make([]byte, n)
	rand.Read(b)
	return hex.EncodeToString(b)
}
