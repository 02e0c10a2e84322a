package sip

import (
	"context"
	"time"

	"github.com/emiago/sipgo/sip"
	"go.uber.org/zap"

	"firstline/call"
)

// Bindings keeps registered contacts over a restart.
type Bindings interface {
	// SaveBinding inserts or replaces the binding with the same device and contact.
	SaveBinding(ctx context.Context, b call.Binding) error
	// DeleteBinding removes it; one that is not there is no error.
	DeleteBinding(ctx context.Context, device call.DeviceID, contact string) error
	// Bindings lists all of them.
	Bindings(ctx context.Context) ([]call.Binding, error)
}

// RegistrarConfig is what a Registrar needs. The zero value of a time or count
// means its default.
type RegistrarConfig struct {
	Domain       string // host part of the address of record; empty accepts any
	Auth         *Authenticator
	Store        Bindings
	MinExpires   time.Duration // shorter asks get 423; default 60 s
	MaxExpires   time.Duration // longer asks are cut to it; default 3600 s
	MaxPerDevice int           // contacts of one device; default 5
	// OnChange is told when a device gains its first or loses its last contact.
	// It must not block.
	OnChange func(device call.DeviceID, reachable bool)
	Log      *zap.Logger
}

// Registrar keeps who can be reached where (RFC 3261 section 10.3).
type Registrar struct{ cfg RegistrarConfig }

// NewRegistrar returns a Registrar without bindings; see Restore and Run.
func NewRegistrar(cfg RegistrarConfig) *Registrar { return &Registrar{cfg: cfg} }

// Handle answers one REGISTER.
func (r *Registrar) Handle(_ context.Context, _ *sip.Request, _ sip.ServerTransaction) {}

// Contacts are the unexpired bindings of a device, the freshest first.
func (r *Registrar) Contacts(_ call.DeviceID) []call.Binding { return nil }

// Restore reads the bindings that survived a restart. Call it before Handle.
func (r *Registrar) Restore(_ context.Context) error { return nil }

// Run drops bindings as they expire, until ctx ends.
func (r *Registrar) Run(ctx context.Context) error { <-ctx.Done(); return nil }
