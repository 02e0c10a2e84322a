package sip

import (
	"context"

	"github.com/emiago/sipgo/sip"
	"go.uber.org/zap"

	"firstline/call"
)

// Credentials looks up what a phone's password hashes to. An unknown user is the
// zero Credential and a nil error; an error means that nobody can say now.
type Credentials interface {
	Credential(ctx context.Context, user string) (call.Credential, error)
}

// challenge is the answer to a request that is not authenticated.
type challenge = reject

// Authenticator checks digest credentials of requests (RFC 7616, RFC 8760).
type Authenticator struct{ realm string }

// NewAuthenticator returns an Authenticator for realm. It starts nothing.
func NewAuthenticator(realm string, _ Credentials, _ *zap.Logger) *Authenticator {
	return &Authenticator{realm: realm}
}

// Check returns the authenticated user, or the challenge to answer with.
func (a *Authenticator) Check(_ context.Context, _ *sip.Request) (user string, c *challenge) {
	return "", &challenge{Status: sip.StatusUnauthorized, Reason: "Unauthorized"}
}
